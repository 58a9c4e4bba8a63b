import QuintetTensors

/// Parameters of experts, latent attention and state spaces.
extension TransformerSpec {
    func parameters(of spec: ExpertsSpec, _ path: String) -> [ParameterSpec] {
        let count = spec.routing.experts
        var list = linear("\(path).router", [count], width, spec.router == .biased)
        if spec.router == .corrected { list.append(vector("\(path).correction", [count])) }
        list += stack("\(path).experts.gateUp", count, [spec.hidden, spec.hidden], width, spec.biases.onInput)
        list += stack("\(path).experts.down", count, [width], spec.hidden, spec.biases.onOutput, writes: true)
        switch spec.shared {
        case .none: return list
        case .gated(let hidden, _):
            return list + linear("\(path).shared.gateUp", [hidden, hidden], width, false)
                + linear("\(path).shared.down", [width], hidden, false, writes: true)
        }
    }

    /// The matrices of all experts in one, their biases [experts, rows].
    private func stack(
        _ path: String, _ count: Int, _ rows: [Int], _ columns: Int, _ bias: Bool, writes: Bool = false
    ) -> [ParameterSpec] {
        let matrix = linear(path, (0..<count).flatMap { _ in rows }, columns, false, writes: writes)
        return bias ? matrix + [vector("\(path).bias", [count, rows.reduce(0, +)])] : matrix
    }

    func parameters(of spec: LatentAttentionSpec, _ path: String) -> [ParameterSpec] {
        var list: [ParameterSpec] = []
        let queries = [spec.heads * spec.headWidth]
        switch spec.query {
        case .direct: list += linear("\(path).query", queries, width, false)
        case .latent(let rank):
            list += linear("\(path).queryDown", [rank], width, spec.biases.onInput)
            list += parameters(of: spec.norm, "\(path).queryNorm", rank) + linear("\(path).queryUp", queries, rank, false)
        }
        list += linear("\(path).keyValueDown", [spec.latentWidth, spec.rotaryWidth], width, spec.biases.onInput)
        list += parameters(of: spec.norm, "\(path).keyValueNorm", spec.latentWidth)
        list += linear("\(path).keyValueUp", [spec.heads * (spec.plainWidth + spec.valueWidth)], spec.latentWidth, false)
        return list + linear("\(path).out", [width], spec.heads * spec.valueWidth, spec.biases.onOutput, writes: true)
    }

    func parameters(of spec: StateSpaceSpec, _ path: String) -> [ParameterSpec] {
        var list = linear("\(path).in", [spec.inner, spec.inner], width, spec.biases.onInput)
        let near = ParameterSpec.Start.normal(deviation: 1 / Float(max(spec.taps, 1)).squareRoot())
        list.append(ParameterSpec(name: "\(path).convolution.weight", shape: [spec.taps, spec.inner], role: .vector, start: near))
        if spec.convolutionBias == .learned { list.append(vector("\(path).convolution.bias", [spec.inner])) }
        list += linear("\(path).select", [spec.stepRank, spec.states, spec.states], spec.inner, false)
        list += linear("\(path).step", [spec.inner], spec.stepRank, false)
        // softplus(-4.6) is a step of 0.01.
        list.append(ParameterSpec(name: "\(path).step.bias", shape: [spec.inner], role: .vector, start: .fill(-4.6)))
        list.append(vector("\(path).decay", [spec.states, spec.inner]))
        list.append(ParameterSpec(name: "\(path).skip", shape: [spec.inner], role: .vector, start: .fill(1)))
        return list + linear("\(path).out", [width], spec.inner, spec.biases.onOutput, writes: true)
    }

    private func vector(_ name: String, _ shape: [Int]) -> ParameterSpec {
        ParameterSpec(name: name, shape: shape, role: .vector, start: .fill(0))
    }
}
