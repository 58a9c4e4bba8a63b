import QuintetTensors

/// Pooled states of texts under weights that do not move: each text is read once, however often it is learned from.
// Sendable: used by the trainer's one thread.
final class FeatureCache: @unchecked Sendable {
    private var states: [[Int32]: [Float]] = [:]

    /// A state for each text; `pooled` computes those that are missing.
    func states(_ texts: [ArraySlice<Int32>], width: Int, _ pooled: ([ArraySlice<Int32>]) -> Tensor) -> Tensor {
        let keys = texts.map { Array($0) }
        let missing = texts.indices.filter { states[keys[$0]] == nil }
        if !missing.isEmpty {
            let fresh = pooled(missing.map { texts[$0] }).floats
            for (row, index) in missing.enumerated() { states[keys[index]] = Array(fresh[row * width..<(row + 1) * width]) }
        }
        return Tensor(keys.flatMap { states[$0] ?? [] }, [texts.count, width])
    }
}
