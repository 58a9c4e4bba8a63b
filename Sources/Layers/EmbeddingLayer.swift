import QuintetTensors

/// Ids to first hidden states: token rows, positions, and the norm after them.
struct EmbeddingLayer: Sendable {
    /// [vocabulary, token width]: also the head's matrix where that is tied.
    let tokens: Tensor
    private let spec: EmbeddingSpec
    private let widen: Linear?
    private let positions: Tensor?
    private let norm: NormLayer?

    init(_ spec: TransformerSpec, _ scope: ParameterScope) throws {
        self.spec = spec.embedding
        tokens = try scope["tokens"].tensor("weight", [spec.vocabulary, spec.tokenWidth])
        widen = try spec.embedding.tokenWidth.map {
            try Linear(scope["widen"], outputs: spec.width, inputs: $0, bias: false)
        }
        if case .learned(let offset, _) = spec.embedding.positions {
            positions = try scope["positions"].tensor("weight", [spec.context + offset, spec.width])
        } else {
            positions = nil
        }
        norm = try spec.embedding.norm.map { try NormLayer($0, width: spec.width, scope["norm"]) }
    }

    /// ids i32 [rows] give [rows, width].
    func callAsFunction(_ ids: Tensor, _ pass: Pass) -> Tensor {
        var x = embed(ids, tokens, scale: spec.scale, pass.tape)
        if let widen { x = widen(x, pass) }
        if let table = table(pass, width: x.shape.columns) {
            x = embed(pass.positions, table, offset: spec.positions.offset, onto: x, pass.tape)
        }
        return norm?(x, pass.tape) ?? x
    }

    private func table(_ pass: Pass, width: Int) -> Tensor? {
        guard case .sinusoidal(let waves) = spec.positions else { return positions }
        return PositionTables.shared.sinusoidal(waves, length: pass.length, width: width)
    }
}
