import QuintetCheckpoints
import QuintetFiles
import QuintetLayers
import QuintetTensors

extension Families {
    /// OLMoE (Muennighoff et al. 2024): experts in every layer, q and k normalized as whole vectors.
    static let olmoe = Family(
        name: "olmoe", architecture: "OlmoeForCausalLM", spec: { reader throws(FileError) in try olmoeSpec(&reader) }, fields: olmoeFields,
        weights: { spec in
            let rows = spec.firstExperts.map { CommonRows.experts($0, width: spec.width, "model.layers.{}.mlp", router: "gate") }
            return CommonRows.llamaLike(spec).adding(rows ?? [])
        }, scoring: .none)

    private static func olmoeSpec(_ reader: inout ConfigReader) throws(FileError) -> TransformerSpec {
        let sizes = try DecoderFields(&reader, .init(context: 4096, divides: true))
        guard sizes.headWidth == sizes.width / sizes.heads else {
            throw reader.wrong("head_dim", "hidden_size / num_attention_heads", "\(sizes.headWidth)")
        }
        let norm = Norm.rms(epsilon: Float(try reader.number("rms_norm_eps", default: 1e-5)), offset: 0)
        let attention = AttentionSpec(
            heads: sizes.heads, kvHeads: sizes.kvHeads, headWidth: sizes.headWidth,
            positions: .rotary(try RopeConfig.read(&reader, headWidth: sizes.headWidth, context: sizes.context)),
            biases: try reader.flag("attention_bias", default: false) ? .both : .none, queryKeyNorm: .whole(norm),
            clip: try reader.nullableNumber("clip_qkv", default: nil).map { Float($0) })
        let routing = Routing(
            experts: try reader.int("num_experts", "num_local_experts", default: 64), chosen: try reader.int("num_experts_per_tok", default: 8),
            scoring: .softmaxOverAll, normalization: try reader.flag("norm_topk_prob", default: false) ? .sum(plus: 0) : .none)
        let experts = ExpertsSpec(
            routing: routing, hidden: sizes.hidden, gate: .function(try ActivationNames.read(&reader, "hidden_act", default: "silu")))
        reader.ignore("router_aux_loss_coef", "output_router_logits")
        let block = BlockSpec(mixer: .attention(attention), feedForward: .experts(experts), norm: norm)
        return try sizes.spec(&reader, LayerPattern(block, count: sizes.layers), norm: norm, tied: false)
    }

    private static func olmoeFields(_ spec: TransformerSpec) -> JSONObject? {
        guard var fields = DecoderFields.llamaLike(spec), let attention = spec.firstAttention, let experts = spec.firstExperts else { return nil }
        fields["clip_qkv"] = attention.clip.map { JSON($0) } ?? .null
        DecoderFields.write(experts, into: &fields)
        return fields
    }
}
