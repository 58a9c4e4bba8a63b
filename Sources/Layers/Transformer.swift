public import QuintetTensors

/// The one transformer: embedding, a stack of blocks, a final norm and a head, as its spec says.
public struct Transformer: Sendable {
    public let spec: TransformerSpec
    private let tokens: Tensor
    private let positions: Tensor?
    private let blocks: [Block]
    private let norm: NormLayer?
    private let head: Linear

    /// Builds the model from its parameters; `scope` decides where they come from and how they are held.
    public init(_ spec: TransformerSpec, _ scope: ParameterScope) throws {
        try spec.validate()
        self.spec = spec
        tokens = try scope["embedding.tokens"].tensor("weight", [spec.vocabulary, spec.width])
        positions = spec.embedding.positions == .learned
            ? try scope["embedding.positions"].tensor("weight", [spec.context, spec.width]) : nil
        blocks = try spec.layers.enumerated().map { index, block in
            try Block(block, width: spec.width, layer: index, dropout: spec.dropout, scope["blocks"]["\(index)"])
        }
        norm = try spec.finalNorm.map { try NormLayer($0, width: spec.width, scope["norm"]) }
        switch spec.head.projection {
        case .tied: head = Linear(weight: scope.held(tokens), bias: nil)
        case .own: head = try Linear(scope["head"], outputs: spec.vocabulary, inputs: spec.width, bias: false)
        case .ownWithBias: head = try Linear(scope["head"], outputs: spec.vocabulary, inputs: spec.width, bias: true)
        }
    }

    /// Hidden states after the final norm: ids i32 [rows] give [rows, width].
    public func callAsFunction(_ ids: Tensor, _ pass: inout Pass) -> Tensor {
        var x = embed(ids, tokens, scale: spec.embedding.scale, pass.tape)
        if let positions { x = embed(pass.positions, positions, onto: x, pass.tape) }
        if let seed = pass.dropoutSeed { x = dropout(x, share: spec.dropout.embedding, seed: seed, stream: 0, pass.tape) }
        for block in blocks { x = block(x, &pass) }
        return norm?(x, pass.tape) ?? x
    }

    /// Scores of the vocabulary: hidden [rows, width] give [rows, vocabulary].
    public func logits(_ hidden: Tensor) -> Tensor {
        var logits = head(hidden, tape: nil)
        if spec.head.scale != 1 { logits = scale(logits, by: spec.head.scale) }
        if let cap = spec.head.softcap { logits = scale(activate(scale(logits, by: 1 / cap), .tanh), by: cap) }
        return logits
    }

    /// Loss of each row in nats: ids and targets i32 [rows]; with a tape, `scale * sum` is what `backward` differentiates.
    public func losses(_ ids: Tensor, targets: Tensor, scale: Float = 1, _ pass: inout Pass) -> Tensor {
        guard case .dense(let weights) = head.weight else { preconditionFailure("losses need dense weights") }
        return projectedCrossEntropy(
            self(ids, &pass), weights, bias: head.bias, targets: targets, scale: scale, logitScale: spec.head.scale,
            softcap: spec.head.softcap ?? 0, pass.tape)
    }
}
