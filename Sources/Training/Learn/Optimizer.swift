public import QuintetTensors

/// Moves parameters down their gradients: AdamW for tables and vectors, AdamW or Muon for hidden matrices.
///
/// Moments lie in two flat slabs; Muon keeps one moment, so its matrices take no room in the second.
// Sendable: used by the trainer's one thread.
public final class Optimizer: @unchecked Sendable {
    private let store: ParameterStore
    private let groups: [OptimizerGroup]
    /// Every parameter's running mean of gradients, f32, laid out like the store's values.
    public let firstMoments: Tensor
    /// Running mean of squared gradients of AdamW's parameters, one after the other.
    public let secondMoments: Tensor
    private let secondOffsets: [Int?]
    /// Updates made so far.
    public var updates = 0

    public init(_ store: ParameterStore, _ groups: OptimizerGroups) {
        self.store = store
        self.groups = store.entries.map { groups[$0.spec.role] }
        firstMoments = Tensor.filled(store.values.shape)
        var offset = 0
        secondOffsets = zip(store.entries, self.groups).map { entry, group in
            guard group.kind == .adamw else { return nil }
            defer { offset += (entry.shape.count + 63) & ~63 }
            return offset
        }
        secondMoments = Tensor.filled([offset])
    }

    /// One update with the store's gradients times `gradientFactor`; rates are the groups' times `rateFactor`.
    public func update(rateFactor: Double, gradientFactor: Float) {
        updates += 1
        for (index, group) in groups.enumerated() {
            switch group.kind {
            case .adamw: updateAdamW(index, group, rateFactor, gradientFactor)
            case .muon: updateMuon(index, group, rateFactor, gradientFactor)
            }
        }
    }

    /// The moments of one parameter, by the names they have in a checkpoint.
    public func moments(_ index: Int) -> [(name: String, tensor: Tensor)] {
        let entry = store.entries[index]
        let first = [("\(entry.name).first_moment", firstMoment(index))]
        return first + (secondMoment(index).map { [("\(entry.name).second_moment", $0)] } ?? [])
    }

    private func firstMoment(_ index: Int) -> Tensor {
        let entry = store.entries[index]
        return Tensor(storage: firstMoments.storage, offset: entry.offset, shape: entry.shape)
    }

    private func secondMoment(_ index: Int) -> Tensor? {
        secondOffsets[index].map { Tensor(storage: secondMoments.storage, offset: $0, shape: store.entries[index].shape) }
    }

    private func updateAdamW(_ index: Int, _ group: OptimizerGroup, _ rateFactor: Double, _ gradientFactor: Float) {
        guard let second = secondMoment(index) else { return }
        let step = AdamWStep(
            learningRate: Float(group.learningRate * rateFactor), beta1: Float(group.beta1), beta2: Float(group.beta2),
            epsilon: Float(group.epsilon), weightDecay: Float(group.weightDecay),
            correction1: Float(1 - power(group.beta1, updates)), correction2: Float(1 - power(group.beta2, updates)),
            gradientFactor: gradientFactor)
        adamW(
            store.master(index), gradient: store.gradient(index), firstMoment: firstMoment(index), secondMoment: second,
            copy: store.copy(index), step)
    }

    private func updateMuon(_ index: Int, _ group: OptimizerGroup, _ rateFactor: Double, _ gradientFactor: Float) {
        guard case .matrix(let rows) = store.entries[index].spec.role else { return }
        var start = 0
        for count in rows {
            let range = start..<(start + count)
            muon(
                store.master(index).slice(0, range), gradient: store.gradient(index).slice(0, range),
                momentum: firstMoment(index).slice(0, range),
                MuonStep(
                    learningRate: Float(group.learningRate * rateFactor), momentum: Float(group.momentum),
                    weightDecay: Float(group.weightDecay), gradientFactor: gradientFactor))
            start = range.upperBound
        }
        store.refreshCopy(index)
    }
}

/// base^exponent by repeated squaring: the same bits everywhere, unlike the C library's pow.
private func power(_ base: Double, _ exponent: Int) -> Double {
    var (result, factor, rest) = (1.0, base, exponent)
    while rest > 0 {
        if rest & 1 == 1 { result *= factor }
        factor *= factor
        rest >>= 1
    }
    return result
}

extension OptimizerGroups {
    /// The group of a parameter that plays this part.
    subscript(role: ParameterSpec.Role) -> OptimizerGroup {
        switch role {
        case .matrix: matrices
        case .embedding: embedding
        case .head: head
        case .vector: scalars
        }
    }
}
