import QuintetTensors

/// What numbers of experts, latent attention and state spaces can get wrong.
extension TransformerSpec {
    func validate(_ spec: ExpertsSpec) throws(SpecError) {
        let routing = spec.routing
        try positive(routing.experts, "experts", below: 1 << 14)
        try positive(spec.hidden, "expert hidden", below: 1 << 22)
        try finite(routing.factor, "routing factor")
        if case .sum(let epsilon) = routing.normalization { try finite(epsilon, "routing epsilon") }
        if case .gated(let hidden, _) = spec.shared { try positive(hidden, "shared expert hidden", below: 1 << 22) }
        if case .clamped(let alpha, let limit) = spec.gate {
            try finite(alpha, "swiglu alpha")
            try aboveZero(limit, "swiglu limit")
        }
        try validateChoice(routing)
    }

    private func validateChoice(_ routing: Routing) throws(SpecError) {
        var open = routing.experts
        if let groups = routing.groups {
            guard groups.count > 0, routing.experts % groups.count == 0, routing.experts / groups.count >= 2 else {
                throw SpecError("expert groups", expected: "a divisor of \(routing.experts) experts with two or more in a group", found: "\(groups.count)")
            }
            guard groups.kept > 0, groups.kept <= groups.count else {
                throw SpecError("expert groups kept", expected: "from 1 to \(groups.count)", found: "\(groups.kept)")
            }
            open = routing.experts / groups.count * groups.kept
        }
        guard routing.chosen > 0, routing.chosen <= open else {
            throw SpecError("experts of a token", expected: "from 1 to the \(open) that may be chosen", found: "\(routing.chosen)")
        }
    }

    func validate(_ spec: LatentAttentionSpec) throws(SpecError) {
        try positive(spec.heads, "attention heads", below: 1 << 12)
        for (size, name) in [
            (spec.plainWidth, "plain head width"), (spec.rotaryWidth, "rotary head width"), (spec.valueWidth, "value width"),
            (spec.latentWidth, "latent width"),
        ] { try positive(size, name, below: 1 << 12) }
        if case .latent(let rank) = spec.query { try positive(rank, "query rank", below: 1 << 20) }
        guard spec.rotary.width == spec.rotaryWidth else {
            throw SpecError("rotary width", expected: "\(spec.rotaryWidth)", found: "\(spec.rotary.width)")
        }
        try validate(spec.rotary, spec.rotaryWidth)
        try finite(spec.scale, "attention scale")
        try aboveZero(spec.norm.epsilon, "norm epsilon")
    }

    func validate(_ spec: StateSpaceSpec) throws(SpecError) {
        try positive(spec.inner, "state space width", below: 1 << 20)
        try positive(spec.states, "state size", below: 1 << 12)
        try positive(spec.taps, "convolution taps", below: 1 << 10)
        try positive(spec.stepRank, "step rank", below: 1 << 20)
    }
}
