package import QuintetLayers
public import QuintetModels
package import QuintetTensors

/// What an adaptation teaches: how rows become samples, what the loss of samples is, and what the model needs for it.
///
/// An objective is one file and one entry of `Objectives.all`. The loss is a sum over samples; the trainer divides by the sum of their weights.
package protocol Objective: Sendable {
    /// The layer in place of the vocabulary's, for objectives that score instead of write; nil for those that write.
    var head: ScoreShape? { get }
    /// The samples of a row.
    /// - Throws: `RowProblem` where it has none.
    func samples(_ row: DataRow, _ encoder: TextEncoder) throws(RowProblem) -> [Sample]
    /// What a sample counts in the mean.
    func weight(of sample: Sample) -> Int
    /// The losses of samples, added up. With a tape, the gradient of `share` times that sum is added to the parameters'.
    func losses(_ samples: [Sample], _ model: ObjectiveModel, share: Float, _ tape: Tape?) -> LossSum
    /// What has to be measured with the model as it is before it learns: for each text of the sample its learned tokens' log-probability.
    var comparesWithStart: Bool { get }
}

extension Objective {
    package var head: ScoreShape? { nil }
    package var comparesWithStart: Bool { false }
    /// Whether the loss is nats per token of a text.
    var isText: Bool { head == nil && !comparesWithStart }
}

/// Losses added up over samples.
package struct LossSum: Sendable {
    package var loss = 0.0
    package var weight = 0
    /// Tokens read.
    package var tokens = 0
    /// Figures beside the loss, added up over so many.
    package var figures: [(name: String, sum: Double, count: Int)] = []

    mutating func add(_ name: String, _ value: Double) {
        if let at = figures.firstIndex(where: { $0.name == name }) {
            figures[at].sum += value
            figures[at].count += 1
        } else {
            figures.append((name, value, 1))
        }
    }

    static func += (a: inout LossSum, b: LossSum) {
        a.loss += b.loss
        a.weight += b.weight
        a.tokens += b.tokens
        for figure in b.figures {
            if let at = a.figures.firstIndex(where: { $0.name == figure.name }) {
                a.figures[at].sum += figure.sum
                a.figures[at].count += figure.count
            } else {
                a.figures.append(figure)
            }
        }
    }

    package var mean: Double { loss / Double(max(weight, 1)) }
    package var scores: [Score] { figures.map { Score($0.name, $0.sum / Double(max($0.count, 1))) } }
}

/// A layer that scores: so many outputs of a hidden state.
public struct ScoreShape: Sendable, Equatable {
    public enum Kind: String, Sendable { case classification, regression, tokens }
    public typealias Pooling = ScoreLayer.Pooling

    public var kind: Kind
    public var labels: Labels
    public var pooling = Pooling.last

    public init(kind: Kind, labels: Labels, pooling: Pooling = .last) {
        (self.kind, self.labels, self.pooling) = (kind, labels, pooling)
    }

    public var outputs: Int { kind == .regression ? 1 : labels.count }
    /// `transformers` gives token classifiers a bias and sequence classifiers none.
    public var hasBias: Bool { kind == .tokens }
}

/// The model as an objective sees it.
package struct ObjectiveModel {
    let transformer: Transformer
    /// `score.weight` [outputs, width] and `score.bias`.
    var score: (weight: Tensor, bias: Tensor?)?
    /// Which elements adapters drop in this pass; nil: none.
    var dropoutSeed: UInt64?
    /// Where nothing below the scoring layer moves.
    var features: FeatureCache?

    package init(_ transformer: Transformer, score: (weight: Tensor, bias: Tensor?)? = nil) {
        self.transformer = transformer
        self.score = score
    }

    /// Hidden states [tokens of all texts, width]; no text sees another.
    func hidden(_ texts: [ArraySlice<Int32>], _ tape: Tape?) -> Tensor {
        if transformer.takesDocuments || texts.count == 1 {
            var pass = Pass.documents(texts.map(\.count), tape: tape)
            if !transformer.takesDocuments { pass.documents = nil }
            pass.dropoutSeed = dropoutSeed
            let ids = texts.flatMap { $0 }
            return transformer(Tensor(ids, [ids.count]), &pass)
        }
        // What carries a state from token to token reads one text at a time.
        return concatenate(texts.map { hidden([$0], tape) }, axis: 0, tape)
    }

    /// Some of the rows.
    static func rows(_ x: Tensor, _ indices: [Int32], _ tape: Tape?) -> Tensor {
        indices.count == x.shape.rows ? x : embed(Tensor(indices, [indices.count]), x, tape)
    }
}
