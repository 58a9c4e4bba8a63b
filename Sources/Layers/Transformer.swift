public import QuintetTensors

/// The one transformer: embedding, a stack of blocks, a final norm and a head, as its spec says.
public struct Transformer: Sendable {
    public let spec: TransformerSpec
    private let embedding: EmbeddingLayer
    private let blocks: [Block]
    private let norm: NormLayer?
    private let head: HeadLayer

    /// Builds the model from its parameters; `scope` decides where they come from and how they are held.
    public init(_ spec: TransformerSpec, _ scope: ParameterScope) throws {
        try spec.validate()
        self.spec = spec
        embedding = try EmbeddingLayer(spec, scope["embedding"])
        blocks = try spec.layers.enumerated().map { index, block in
            try Block(block, width: spec.width, layer: index, dropout: spec.dropout, scope["blocks"]["\(index)"])
        }
        norm = try spec.finalNorm.map { try NormLayer($0, width: spec.width, scope["norm"]) }
        head = try HeadLayer(spec, tokens: embedding.tokens, scope["head"])
    }

    /// Hidden states after the final norm: ids i32 [rows] give [rows, width].
    public func callAsFunction(_ ids: Tensor, _ pass: inout Pass) -> Tensor {
        var x = embedding(ids, pass)
        if let seed = pass.dropoutSeed { x = dropout(x, share: spec.dropout.embedding, seed: seed, stream: 0, pass.tape) }
        for block in blocks {
            if let tape = pass.tape, tape.isStopped() { break }
            x = block(x, &pass)
        }
        return norm?(x, pass.tape) ?? x
    }

    /// Scores of the vocabulary: hidden [rows, width] give [rows, vocabulary]; `adapters` as in the pass that made the rows.
    public func logits(_ hidden: Tensor, adapters: AdapterUse = .all) -> Tensor { head.logits(hidden, adapters) }

    /// Loss of each row in nats: ids and targets i32 [rows]; with a tape, `scale * sum` is what `backward` differentiates.
    public func losses(_ ids: Tensor, targets: Tensor, scale: Float = 1, _ pass: inout Pass) -> Tensor {
        head.losses(self(ids, &pass), targets: targets, scale: scale, rowScales: nil, pass.tape)
    }

    /// The same from hidden states that are there already; with `rowScales` f32 [rows], `scale * sum(rowScales * losses)` is differentiated.
    public func losses(hidden: Tensor, targets: Tensor, scale: Float = 1, rowScales: Tensor? = nil, _ tape: Tape? = nil) -> Tensor {
        head.losses(hidden, targets: targets, scale: scale, rowScales: rowScales, tape)
    }

    /// Whether sequences of different lengths may lie side by side in a pass (`Pass.documents`).
    public var takesDocuments: Bool { spec.layers.allSatisfy { if case .attention = $0.mixer { true } else { false } } }
}
