import QuintetLayers
import QuintetTensors

/// How the hidden states of a text become one vector.
public enum Pooling: String, Sendable, CaseIterable {
    /// The mean over all tokens.
    case mean
    /// The last token's, which is the only one that has seen everything.
    case last
}

extension BatchClient {
    /// A vector of length 1 for a text: its hidden states after the final norm, pooled. `width` numbers; `shares` as in `BatchRequest`.
    /// - Throws: `OptionError` where the text does not fit, `BatchFailure` where the engine has ended or the model's file was cut short.
    public func embedding(of ids: [Int32], pooling: Pooling, shares: [Float] = []) async throws -> [Float] {
        let context = limits.context
        return try await perform { engine in
            let model = engine.model
            var vector = [Double](repeating: 0, count: model.spec.width)
            try TextReading(engine, ids, shares, context: context).forEachChunk { hidden, range in
                let width = model.spec.width
                let rows = hidden.data.assumingMemoryBound(to: Float.self)
                let wanted = pooling == .mean ? 0..<range.count : range.upperBound == ids.count ? range.count - 1..<range.count : 0..<0
                for row in wanted { for column in 0..<width { vector[column] += Double(rows[row * width + column]) } }
            }
            try engine.checkIntact()
            let length = vector.reduce(0) { $0 + $1 * $1 }.squareRoot()
            return vector.map { Float(length > 0 ? $0 / length : 0) }
        }
    }

    /// How likely each token of a text was after those before it, with the likeliest others; the first has none before it and is left out.
    /// - Throws: as `embedding`.
    public func logprobs(of ids: [Int32], top: Int, shares: [Float] = []) async throws -> [TokenLogprobs] {
        let context = limits.context
        return try await perform { engine in
            var all: [TokenLogprobs] = []
            try TextReading(engine, ids, shares, context: context).forEachChunk { hidden, range in
                let logits = engine.model.logits(hidden, adapters: AdapterUse([(shares, range.count)], adapters: engine.adapters))
                let width = logits.shape.columns
                for row in 0..<range.count where range.lowerBound + row + 1 < ids.count {
                    let scores = UnsafeMutableBufferPointer(
                        start: logits.data.assumingMemoryBound(to: Float.self) + row * width, count: width)
                    all.append(TokenLogprobs(scores, top: top, chosen: ids[range.lowerBound + row + 1]))
                }
            }
            try engine.checkIntact()
            return all
        }
    }
}

/// A text that is read once, by itself, in chunks.
private struct TextReading {
    private let model: Transformer
    private let ids: [Int32]
    private let shares: [Float]
    private let adapters: Int
    private let cache: KVCache
    private static let chunk = 256

    /// - Throws: `OptionError` where the text does not fit or holds what is no token.
    init(_ engine: BatchEngine, _ ids: [Int32], _ shares: [Float], context: Int) throws(OptionError) {
        guard !ids.isEmpty, ids.count <= context else {
            throw OptionError(option: "input", expected: "1 to \(context) tokens", found: "\(ids.count)")
        }
        if let wrong = ids.first(where: { $0 < 0 || Int($0) >= engine.model.spec.vocabulary }) {
            throw OptionError(option: "input", expected: "ids from 0 to \(engine.model.spec.vocabulary - 1)", found: "\(wrong)")
        }
        (model, adapters) = (engine.model, engine.adapters)
        self.ids = ids
        self.shares = shares
        cache = engine.cacheForReading(ids.count)
    }

    /// Hidden states [chunk, width] of each stretch of the text.
    func forEachChunk(_ body: (Tensor, Range<Int>) -> Void) {
        for start in stride(from: 0, to: ids.count, by: Self.chunk) {
            let range = start..<min(start + Self.chunk, ids.count)
            let positions = Tensor(range.map { Int32($0) }, [range.count])
            let sequences = Tensor([Int32](repeating: 0, count: range.count), [range.count])
            var pass = Pass(batch: 1, positions: positions, length: ids.count, known: ids.count, cache: CacheView(cache, sequences: sequences))
            pass.adapters = AdapterUse([(shares, range.count)], adapters: adapters)
            body(model(Tensor(Array(ids[range]), [range.count]), &pass).contiguous(), range)
        }
    }
}
