import QuintetFiles
import QuintetLayers
public import QuintetModels
import QuintetTensors
public import QuintetTokenizers

/// A model that names texts, rates them, or names their words: loaded once, asked as often as you like.
///
/// ```swift
/// let classifier = try Classifier.open("./tuned")        // what quintet adapt wrote from rows with labels
/// let answer = try classifier.classify(["Who wrote Hamlet?"])[0]
/// print(answer.label, answer.probability)                // HUM 0.97
/// ```
///
/// Opens what `quintet adapt` writes (a model folder or an adapter over its base) and decoders that `transformers` saved as `...ForSequenceClassification`
/// or `...ForTokenClassification`.
public struct Classifier: Sendable {
    public let kind: ScoreLayer.Kind
    /// Names of the classes, in the order of their indices.
    public let labels: [String]
    /// Tokens of one text at most; longer ones are cut at the end.
    public var limit: Int
    public let tokenizer: Tokenizer
    private let body: Transformer
    private let score: ScoreLayer
    private let pooling: ScoreLayer.Pooling

    /// Texts that are read in one pass.
    private static let batch = 16

    /// - Throws: `FileError` where the model writes instead of scoring, or cannot be read.
    public static func open(_ path: String) throws -> Classifier { try Classifier(ModelFolder.open(path)) }

    public init(_ folder: ModelFolder) throws {
        guard let (body, score) = try folder.scoring() else {
            throw FileError(
                "this model writes; it has no layer that scores", path: folder.path, expected: "score.weight beside the decoder, as quintet adapt writes from rows with labels",
                found: folder.config["architectures"]?[0]?.string ?? "a language model",
                hint: "quintet adapt MODEL --data LABELS.csv --into OUT --method full")
        }
        (self.body, self.score, kind, labels, pooling) = (body, score, score.kind, score.labels, score.pooling)
        tokenizer = try folder.tokenizer()
        limit = min(folder.spec.context, 2048)
    }

    /// What the model says about each text.
    /// - Throws: `OptionError` for a text without tokens, or where the model names words.
    public func classify(_ texts: [String]) throws -> [Prediction] {
        guard kind != .tokens else { throw OptionError(option: "text", expected: "a list of words: this model names words", found: "a text") }
        return try batches(texts) { text in
            let ids = tokenizer.encode(text)
            guard !ids.isEmpty else { throw OptionError(option: "text", expected: "a text with a token", found: "\"\(text)\"") }
            return ids
        } answers: { states, lengths in
            var end = 0
            let rows = lengths.map { length in
                defer { end += length }
                return pooling == .last ? states.slice(0, end + length - 1..<end + length).floats : mean(states.slice(0, end..<end + length))
            }
            return scores(Tensor(rows.flatMap { $0 }, [rows.count, body.spec.width])).map(answer)
        }
    }

    /// What the model says about each word of each list; words that lie beyond `limit` get nil.
    /// - Throws: `OptionError` for a list without words, or where the model names texts.
    public func tag(_ lists: [[String]]) throws -> [[Prediction?]] {
        guard kind == .tokens else { throw OptionError(option: "tokens", expected: "a text: this model names whole texts", found: "a list of words") }
        var starts: [[Int]] = []
        return try batches(lists) { words in
            let encoded = tokenizer.encode(words: words)
            guard !encoded.ids.isEmpty, !words.isEmpty else { throw OptionError(option: "tokens", expected: "words", found: "none") }
            starts.append(encoded.starts)
            return encoded.ids
        } answers: { states, lengths in
            let all = scores(states)
            var (begin, lists) = (0, [[Prediction?]]())
            for (length, starts) in zip(lengths, starts.suffix(lengths.count)) {
                lists.append(starts.map { $0 < length ? answer(all[begin + $0]) : nil })
                begin += length
            }
            return lists
        }
    }

    private func batches<Input, Answer>(
        _ inputs: [Input], ids: (Input) throws -> [Int32], answers: (_ states: Tensor, _ lengths: [Int]) -> [Answer]
    ) throws -> [Answer] {
        var out: [Answer] = []
        let size = body.takesDocuments ? Self.batch : 1
        for start in stride(from: 0, to: inputs.count, by: size) {
            let texts = try inputs[start..<min(start + size, inputs.count)].map { Array(try ids($0).prefix(limit)) }
            var pass = Pass.documents(texts.map(\.count))
            if !body.takesDocuments { pass.documents = nil }
            let all = texts.flatMap { $0 }
            out += answers(body(Tensor(all, [all.count]), &pass).detached, texts.map(\.count))
        }
        return out
    }

    private func mean(_ states: Tensor) -> [Float] {
        let share = Tensor.filled([1, states.shape.rows], with: 1 / Float(states.shape.rows))
        return matmul(share, .dense(states.contiguous().transposed)).floats
    }

    /// Rows of numbers, one for each class.
    private func scores(_ states: Tensor) -> [[Float]] {
        guard let weight = score.weight else { preconditionFailure("a scoring layer has weights") }
        let all = matmul(states, .dense(weight), Epilogue(bias: score.bias)).floats
        return stride(from: 0, to: all.count, by: weight.shape[0]).map { Array(all[$0..<$0 + weight.shape[0]]) }
    }

    private func answer(_ scores: [Float]) -> Prediction {
        kind == .regression ? Prediction(value: scores[0]) : Prediction(scores, labels)
    }
}

extension Tokenizer {
    /// The ids of words joined by spaces, and the place of each word's first token: where the text up to the word ends.
    package func encode(words: [String]) -> (ids: [Int32], starts: [Int]) {
        let ids = encode(words.joined(separator: " "))
        let starts = words.indices.map { index in
            let before = encode(words[..<index].joined(separator: " "))
            return zip(before, ids).prefix { $0 == $1 }.count
        }
        return (ids, starts)
    }
}
