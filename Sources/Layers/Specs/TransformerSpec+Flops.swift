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
        }
        let feedForward: Double
        switch block.feedForward {
        case .plain(let hidden, _, _): feedForward = Double(2 * width * hidden)
        case .gated(let hidden, _, _): feedForward = Double(3 * width * hidden)
        }
        return mixed + 2 * rows * (matrices + feedForward)
    }
}
