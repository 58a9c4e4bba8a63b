import QuintetCheckpoints
import QuintetFiles
import QuintetLayers
import QuintetTensors

extension Families {
    /// Gemma (Gemma Team 2024): Llama with scaled embeddings, norms whose weights count from one, tanh gates and a tied head.
    static let gemma = Family(
        name: "gemma", architecture: "GemmaForCausalLM", spec: { reader throws(FileError) in try gemmaSpec(&reader) },
        fields: DecoderFields.llamaLike, weights: { CommonRows.llamaLike($0) })

    private static func gemmaSpec(_ reader: inout ConfigReader) throws(FileError) -> TransformerSpec {
        let sizes = try DecoderFields(&reader, .init(context: 8192, kvHeads: 16, headWidth: 256))
        let norm = Norm.rms(epsilon: Float(try reader.number("rms_norm_eps", default: 1e-6)), offset: 1)
        let attention = AttentionSpec(
            heads: sizes.heads, kvHeads: sizes.kvHeads, headWidth: sizes.headWidth,
            positions: .rotary(try RopeConfig.read(&reader, headWidth: sizes.headWidth, context: sizes.context)),
            biases: try reader.flag("attention_bias", default: false) ? .both : .none)
        // The first releases say gelu and mean its tanh form.
        var activation = try ActivationNames.read(&reader, "hidden_act", default: "gelu_pytorch_tanh")
        if try reader.text("hidden_act", default: "") == "gelu" { activation = .geluTanh }
        reader.ignore("hidden_activation")
        reader.withoutEffect("use_bidirectional_attention", false)
        let block = BlockSpec(mixer: .attention(attention), feedForward: .gated(hidden: sizes.hidden, activation, .none), norm: norm)
        return try sizes.spec(
            &reader, LayerPattern(block, count: sizes.layers), norm: norm, tied: true, embedding: gemmaEmbedding(sizes.width))
    }

    /// Token rows times the root of the width.
    static func gemmaEmbedding(_ width: Int) -> EmbeddingSpec { EmbeddingSpec(scale: Float(Double(max(width, 0)).squareRoot())) }
}
