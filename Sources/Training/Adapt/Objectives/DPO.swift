import QuintetLayers
package import QuintetTensors

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Direct preference optimization: the chosen answer becomes likelier against the rejected one, measured from the model it began as.
///
/// With h = (log p(chosen) - log p0(chosen)) - (log p(rejected) - log p0(rejected)), each the sum over the answer's tokens:
/// loss = -(1 - s) log sigmoid(beta h) - s log sigmoid(-beta h). Source: Rafailov et al. 2023; s (label smoothing): Mitchell 2023.
package struct DPO: Objective {
    var beta: Double
    var smoothing: Double

    package init(beta: Double = 0.1, smoothing: Double = 0) { (self.beta, self.smoothing) = (beta, smoothing) }

    package var comparesWithStart: Bool { true }

    package func samples(_ row: DataRow, _ encoder: TextEncoder) throws(RowProblem) -> [Sample] {
        [Sample(texts: try encoder.encode(row.example), position: row.position)]
    }

    package func weight(of sample: Sample) -> Int { 1 }

    package func losses(_ samples: [Sample], _ model: ObjectiveModel, share: Float, _ tape: Tape?) -> LossSum {
        let targets = NextTokens(samples.flatMap(\.texts))
        let hidden = ObjectiveModel.rows(model.hidden(targets.inputs, tape), targets.rows, tape)
        let nats = targets.sums(model.transformer.losses(hidden: hidden.detached, targets: targets.tensor, nil).floats)
        var sum = LossSum(weight: samples.count, tokens: samples.reduce(0) { $0 + $1.tokens })
        var scales: [Float] = []
        for (index, sample) in samples.enumerated() {
            let start = sample.reference ?? [0, 0]
            // In the precision that the start is kept in: before the first step both rewards are 0.
            let rewards = (0...1).map { beta * (Double(Float(-nats[2 * index + $0])) - start[$0]) }
            let margin = rewards[0] - rewards[1]
            sum.loss += (1 - smoothing) * softplus(-margin) + smoothing * softplus(margin)
            sum.add("rewards/accuracies", margin > 0 ? 1 : 0)
            sum.add("rewards/margins", margin)
            sum.add("rewards/chosen", rewards[0])
            sum.add("rewards/rejected", rewards[1])
            // d loss / d log p(chosen), minus that of the rejected one; losses of rows are minus log-probabilities.
            let slope = -beta * ((1 - smoothing) * sigmoid(-margin) - smoothing * sigmoid(margin))
            scales += [Float](repeating: Float(-slope), count: targets.counts[2 * index])
            scales += [Float](repeating: Float(slope), count: targets.counts[2 * index + 1])
        }
        guard let tape else { return sum }
        let losses = model.transformer.losses(
            hidden: hidden, targets: targets.tensor, scale: share, rowScales: Tensor(scales, [scales.count]), tape)
        _ = tape.backward(from: losses, gradient: losses)
        return sum
    }

    /// The log-probabilities of each sample's answers under this model: what training compares with.
    package static func references(_ samples: [Sample], _ model: ObjectiveModel) -> [[Double]] {
        let targets = NextTokens(samples.flatMap(\.texts))
        let hidden = ObjectiveModel.rows(model.hidden(targets.inputs, nil), targets.rows, nil)
        let nats = targets.sums(model.transformer.losses(hidden: hidden, targets: targets.tensor, nil).floats)
        return samples.indices.map { [-nats[2 * $0], -nats[2 * $0 + 1]] }
    }
}

/// log(1 + exp(x)), without overflow.
private func softplus(_ x: Double) -> Double { x > 0 ? x + log1p(exp(-x)) : log1p(exp(x)) }
private func sigmoid(_ x: Double) -> Double { x > 0 ? 1 / (1 + exp(-x)) : exp(x) / (1 + exp(x)) }

extension ObjectiveEntry {
    static let dpo = ObjectiveEntry(
        name: "dpo", aliases: ["preference"], summary: "prefers chosen answers to rejected ones: prompt, chosen, rejected",
        takes: { if case .preference = $0 { true } else { false } },
        make: { settings, _ in DPO(beta: settings.beta ?? 0.1, smoothing: settings.labelSmoothing ?? 0) })
}
