#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif
public import QuintetLayers
import QuintetTensors

/// How far two ways to compute the same scores are apart, added up over positions.
public struct LogitDifference: Sendable {
    public private(set) var positions = 0
    public private(set) var targets = 0
    /// Positions at which both find the same output likeliest.
    public private(set) var sameTop = 0
    /// Sum and maximum of KL(first || second), nats.
    public private(set) var divergence = 0.0
    public private(set) var maxDivergence = 0.0
    /// Largest difference of a score after both were shifted to log-probabilities.
    public private(set) var maxDifference = 0.0
    /// Sums of minus the log-probability of what followed.
    public private(set) var losses = (first: 0.0, second: 0.0)

    /// Rows whose logits are held at once.
    private static let rows = 64

    public init() {}

    /// Every position of a text, through two models.
    public mutating func add(_ first: Transformer, _ second: Transformer, _ ids: [Int32]) {
        let hidden = [first, second].map { model -> Tensor in
            var pass = Pass.sequences(batch: 1, time: ids.count)
            return model(Tensor(ids, [ids.count]), &pass)
        }
        let vocabulary = first.spec.vocabulary
        for start in stride(from: 0, to: ids.count, by: Self.rows) {
            let range = start..<min(start + Self.rows, ids.count)
            let p = first.logits(hidden[0].slice(0, range).contiguous()).floats
            let q = second.logits(hidden[1].slice(0, range).contiguous()).floats
            for row in 0..<range.count {
                let next = start + row + 1
                let columns = row * vocabulary..<(row + 1) * vocabulary
                add(p[columns], q[columns], next < ids.count ? Int(ids[next]) : nil)
            }
        }
    }

    /// One position: the scores of both, and what followed where that is known.
    public mutating func add(_ p: ArraySlice<Float>, _ q: ArraySlice<Float>, _ target: Int? = nil) {
        let (a, b) = (logNormalizer(p), logNormalizer(q))
        var (divergence, difference) = (0.0, 0.0)
        var (topP, topQ) = (p.startIndex, q.startIndex)
        for (i, j) in zip(p.indices, q.indices) {
            let (x, y) = (Double(p[i]) - a, Double(q[j]) - b)
            if x > -80 { divergence += exp(x) * (x - y) }
            let distance = abs(x - y)
            difference = distance.isNaN ? .infinity : max(difference, distance)
            if p[i] > p[topP] { topP = i }
            if q[j] > q[topQ] { topQ = j }
        }
        positions += 1
        self.divergence += max(divergence, 0)
        maxDivergence = max(maxDivergence, divergence)
        maxDifference = max(maxDifference, difference)
        if topP - p.startIndex == topQ - q.startIndex { sameTop += 1 }
        guard let target else { return }
        targets += 1
        losses.first += a - Double(p[p.startIndex + target])
        losses.second += b - Double(q[q.startIndex + target])
    }

    private func logNormalizer(_ logits: ArraySlice<Float>) -> Double {
        let top = Double(logits.max() ?? 0)
        return top + log(logits.reduce(0) { $0 + exp(Double($1) - top) })
    }
}
