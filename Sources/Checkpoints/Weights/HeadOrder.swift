import QuintetTensors

/// The order of heads in a fused q, k, v tensor: group by group in theirs, all q, all k, all v in ours.
struct HeadOrder: Sendable {
    let heads: Int, kvHeads: Int, width: Int

    /// For each head of ours, the head of theirs.
    private var theirs: [Int] {
        guard kvHeads > 0, heads >= kvHeads else { return [] }
        let group = heads / kvHeads
        let queries = (0..<kvHeads * group).map { $0 / group * (group + 2) + $0 % group }
        let keys = (0..<kvHeads).map { $0 * (group + 2) + group }
        return queries + keys + keys.map { $0 + 1 }
    }

    /// Their rows in our order.
    func ours(_ tensor: Tensor) -> Tensor { moved(tensor) { ($0, $1) } }

    /// Our rows in their order.
    func theirs(_ tensor: Tensor) -> Tensor { moved(tensor) { ($1, $0) } }

    private func moved(_ tensor: Tensor, _ places: (_ ours: Int, _ theirs: Int) -> (to: Int, from: Int)) -> Tensor {
        let source = tensor.contiguous()
        let order = theirs
        let result = Tensor(uninitialized: source.shape, dtype: source.dtype)
        guard !order.isEmpty, source.count % order.count == 0 else { return source }
        let bytes = source.count / order.count * source.dtype.byteCount
        for (ours, theirs) in order.enumerated() {
            let (to, from) = places(ours, theirs)
            (result.data + to * bytes).copyMemory(from: source.data + from * bytes, byteCount: bytes)
        }
        return result
    }
}
