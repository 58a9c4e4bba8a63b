import QuintetTensors

/// Hidden states to scores of the vocabulary.
struct HeadLayer: Sendable {
    private let spec: HeadSpec
    private let narrow: Linear?
    private let linear: Linear

    /// `tokens` is the embedding's table, which serves again where the head is tied.
    init(_ spec: TransformerSpec, tokens: Tensor, _ scope: ParameterScope) throws {
        self.spec = spec.head
        narrow = try spec.embedding.tokenWidth.map { try Linear(scope["narrow"], outputs: $0, inputs: spec.width, bias: false) }
        let bias = spec.head.projection.hasBias ? try scope.tensor("bias", [spec.vocabulary]) : nil
        let weight =
            spec.head.projection.isTied
            ? try scope.weight("weight", sharing: tokens) : try scope.weight("weight", outputs: spec.vocabulary, inputs: spec.tokenWidth)
        linear = Linear(weight: weight, bias: bias)
    }

    /// hidden [rows, width] give [rows, vocabulary].
    func logits(_ hidden: Tensor, _ adapters: AdapterUse) -> Tensor {
        let adapting = Adapting(adapters)
        var logits = linear(narrow?(hidden, adapting, nil) ?? hidden, adapting, nil)
        if spec.scale != 1 { logits = scale(logits, by: spec.scale) }
        if let cap = spec.softcap { logits = scale(activate(scale(logits, by: 1 / cap), .tanh), by: cap) }
        return logits
    }

    /// Loss of each row in nats; with a tape, `scale * sum` is what `backward` differentiates.
    func losses(_ hidden: Tensor, targets: Tensor, scale: Float, rowScales: Tensor?, _ tape: Tape?) -> Tensor {
        projectedCrossEntropy(
            narrowed(hidden, tape), linear.weight, bias: linear.bias, targets: targets, scale: scale, rowScales: rowScales, logitScale: spec.scale,
            softcap: spec.softcap ?? 0, tape)
    }

    private func narrowed(_ hidden: Tensor, _ tape: Tape?) -> Tensor { narrow?(hidden, Adapting(), tape) ?? hidden }
}
