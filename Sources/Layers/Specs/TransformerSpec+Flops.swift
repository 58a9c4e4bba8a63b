import QuintetTensors

extension TransformerSpec {
    /// Floating-point operations of a forward pass over `batch` sequences of `time` tokens, multiply and add counted apart.
    ///
    /// Matrix products and attention alone, causal attention counted half; a training step takes three times as many.
    /// `scored` rows are projected onto the vocabulary: all of them in training (nil), one when a prompt is read.
    public func forwardFlops(batch: Int, time: Int, scored: Int? = nil) -> Double {
        let rows = Double(batch * time)
        var head = 2 * Double(scored ?? batch * time) * Double(vocabulary) * Double(tokenWidth)
        if embedding.tokenWidth != nil { head += 2 * (rows + Double(scored ?? batch * time)) * Double(width * tokenWidth) }
        return layers.reduce(head) { sum, block in sum + flops(of: block, rows: rows, time: time) }
    }

    private func flops(of block: BlockSpec, rows: Double, time: Int) -> Double {
        let matrices: Double
        var attended = Double(time)
        var mixed = 0.0
        switch block.mixer {
        case .attention(let attention):
            if attention.span.window > 0 { attended = min(attended, 2 * Double(attention.span.window)) }
            let share = attention.span.isCausal ? 0.5 : 1.0
            mixed = 4 * rows * attended * share * Double(attention.queryWidth)
            matrices = Double(width * (attention.qkvWidth + attention.queryWidth))
        case .latentAttention(let attention):
            let heads = Double(attention.heads)
            mixed = 4 * rows * attended * 0.5 * heads * Double(attention.cachedWidth)
            let queries = heads * Double(attention.headWidth)
            var maps = queries * Double(width)
            if case .latent(let rank) = attention.query { maps = Double(rank) * (Double(width) + queries) }
            maps += heads * Double((attention.plainWidth + attention.valueWidth) * attention.latentWidth)
            matrices = maps + Double(width) * (Double(attention.cachedWidth) + heads * Double(attention.valueWidth))
        case .stateSpace(let space):
            mixed = rows * Double(space.inner) * Double(8 * space.states + 2 * space.taps)
            matrices = Double(space.inner) * Double(3 * width + 2 * space.stepRank + 2 * space.states)
        }
        let feedForward: Double
        switch block.feedForward {
        case .plain(let hidden, _, _): feedForward = Double(2 * width * hidden)
        case .gated(let hidden, _, _): feedForward = Double(3 * width * hidden)
        case .experts(let experts):
            var hidden = experts.hidden * experts.routing.chosen
            if case .gated(let shared, _) = experts.shared { hidden += shared }
            feedForward = Double(width) * Double(3 * hidden + experts.routing.experts)
        case .none: feedForward = 0
        }
        return mixed + 2 * rows * (matrices + feedForward)
    }
}
