public import QuintetTensors

extension TransformerSpec {
    /// Every parameter in file order: embedding, blocks from first to last, final norm, head.
    public var parameters: [ParameterSpec] {
        var list = [embedding("tokens", vocabulary, tokenWidth)]
        if self.embedding.tokenWidth != nil { list += linear("embedding.widen", [width], tokenWidth, false) }
        if case .learned(let offset, _) = self.embedding.positions { list.append(embedding("positions", context + offset, width)) }
        list += parameters(of: self.embedding.norm, "embedding.norm", width)
        for (index, block) in layers.enumerated() { list += parameters(of: block, index) }
        list += parameters(of: finalNorm, "norm", width)
        return list + headParameters
    }

    /// Numbers the model learns; tied ones count once.
    public var parameterCount: Int { parameters.reduce(0) { $0 + $1.count } }

    private func embedding(_ name: String, _ rows: Int, _ columns: Int) -> ParameterSpec {
        ParameterSpec(
            name: "embedding.\(name).weight", shape: [rows, columns], role: .embedding,
            start: .normal(deviation: initialization.deviation))
    }

    private var headParameters: [ParameterSpec] {
        var list = embedding.tokenWidth == nil ? [] : linear("head.narrow", [tokenWidth], width, false)
        if !head.projection.isTied {
            list.append(
                ParameterSpec(
                    name: "head.weight", shape: [vocabulary, tokenWidth], role: .head, start: .normal(deviation: initialization.deviation)))
        }
        if head.projection.hasBias { list.append(ParameterSpec(name: "head.bias", shape: [vocabulary], role: .vector, start: .fill(0))) }
        return list
    }

    private func parameters(of block: BlockSpec, _ index: Int) -> [ParameterSpec] {
        let path = "blocks.\(index)"
        func norm(_ site: NormSite) -> [ParameterSpec] {
            block.norms.contains(site) ? parameters(of: block.norm, "\(path).\(site.rawValue)", width) : []
        }
        var list = norm(.norm1)
        switch block.mixer {
        case .attention(let attention): list += parameters(of: attention, "\(path).attention")
        case .latentAttention(let attention): list += parameters(of: attention, "\(path).attention")
        case .stateSpace(let space): list += parameters(of: space, "\(path).stateSpace")
        }
        list += norm(.outNorm1) + norm(.norm2)
        return list + parameters(of: block.feedForward, "\(path).feedForward") + norm(.outNorm2)
    }

    func parameters(of norm: Norm?, _ path: String, _ width: Int) -> [ParameterSpec] {
        guard let norm else { return [] }
        var list: [ParameterSpec] = []
        if norm.hasWeight {
            list.append(ParameterSpec(name: "\(path).weight", shape: [width], role: .vector, start: .fill(1 - norm.offset)))
        }
        if norm.hasBias { list.append(ParameterSpec(name: "\(path).bias", shape: [width], role: .vector, start: .fill(0))) }
        return list
    }

    private func parameters(of attention: AttentionSpec, _ path: String) -> [ParameterSpec] {
        var list = linear("\(path).qkv", [attention.queryWidth, attention.keyWidth, attention.keyWidth], width, attention.biases.onInput)
        let (queryNorm, keyNorm) = attention.queryKeyNormWidths
        list += parameters(of: attention.queryKeyNorm.norm, "\(path).queryNorm", queryNorm)
        list += parameters(of: attention.queryKeyNorm.norm, "\(path).keyNorm", keyNorm)
        list += linear("\(path).out", [width], attention.queryWidth, attention.biases.onOutput, writes: true)
        if attention.sinks == .learned {
            list.append(ParameterSpec(name: "\(path).sinks", shape: [attention.heads], role: .vector, start: .fill(0)))
        }
        return list
    }

    private func parameters(of feedForward: FeedForward, _ path: String) -> [ParameterSpec] {
        switch feedForward {
        case .plain(let hidden, _, let biases):
            return linear("\(path).up", [hidden], width, biases.onInput)
                + linear("\(path).down", [width], hidden, biases.onOutput, writes: true)
        case .gated(let hidden, _, let biases):
            return linear("\(path).gateUp", [hidden, hidden], width, biases.onInput)
                + linear("\(path).down", [width], hidden, biases.onOutput, writes: true)
        case .experts(let experts): return parameters(of: experts, path)
        case .none: return []
        }
    }

    /// `writes` marks the matrices whose output is added to the stream.
    func linear(_ path: String, _ rows: [Int], _ columns: Int, _ bias: Bool, writes: Bool = false) -> [ParameterSpec] {
        var deviation = initialization.deviation
        if writes && initialization.outputs == .byDepth { deviation /= Float(2 * layers.count).squareRoot() }
        let weight = ParameterSpec(
            name: "\(path).weight", shape: [rows.reduce(0, +), columns], role: .matrix(rows: rows), start: .normal(deviation: deviation))
        return bias ? [weight, ParameterSpec(name: "\(path).bias", shape: [rows.reduce(0, +)], role: .vector, start: .fill(0))] : [weight]
    }
}
