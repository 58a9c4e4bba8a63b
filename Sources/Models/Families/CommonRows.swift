import QuintetCheckpoints
import QuintetLayers
import QuintetTensors

/// Rows that the weight tables of many families share.
enum CommonRows {
    static let kinds = ["weight", "bias"]

    /// Weight and bias of a linear map or a norm.
    static func pair(_ theirs: String, _ ours: String) -> [WeightRow] {
        kinds.map { .same("\(theirs).\($0)") <-> "\(ours).\($0)" }
    }

    /// Several linear maps of theirs below `path`, one of ours.
    static func stacked(_ path: String, _ names: [String], _ rows: [Int], _ ours: String) -> [WeightRow] {
        kinds.map { kind in .stacked(names.map { "\(path).\($0).\(kind)" }, rows: rows) <-> "\(ours).\(kind)" }
    }

    /// q, k and v apart below `path`, `names` in that order.
    static func projections(_ attention: AttentionSpec, _ path: String, _ names: [String] = ["q_proj", "k_proj", "v_proj"]) -> [WeightRow] {
        stacked(path, names, [attention.queryWidth, attention.keyWidth, attention.keyWidth], "blocks.{}.attention.qkv")
    }

    /// q, k and v in one tensor, group by group.
    static func grouped(_ attention: AttentionSpec, _ path: String) -> [WeightRow] {
        kinds.map { kind in
            .grouped("\(path).\(kind)", heads: attention.heads, kvHeads: attention.kvHeads, width: attention.headWidth)
                <-> "blocks.{}.attention.qkv.\(kind)"
        }
    }

    /// Norms of a block: their names below `path`, our sites.
    static func norms(_ path: String, _ names: [(theirs: String, site: NormSite)]) -> [WeightRow] {
        names.flatMap { pair("\(path).\($0.theirs)", "blocks.{}.\($0.site.rawValue)") }
    }

    /// Embedding, final norm and head.
    static func ends(_ embedding: String, _ norm: String, _ head: String = "lm_head") -> [WeightRow] {
        [.same("\(embedding).weight") <-> "embedding.tokens.weight"] + pair(norm, "norm") + pair(head, "head")
    }

    /// Names that carry nothing to load: a tied head, tables of positions.
    static func ignored(_ spec: TransformerSpec, _ head: String = "lm_head") -> [String] {
        (spec.head.projection.isTied ? ["\(head).weight"] : []) + ["layers.{}.self_attn.rotary_emb.inv_freq", "rotary_emb.inv_freq"]
    }

    static let preNorms: [(theirs: String, site: NormSite)] = [("input_layernorm", .norm1), ("post_attention_layernorm", .norm2)]

    /// `model.layers.{}` with `self_attn` and `mlp`, as Llama names them and most after it.
    static func llamaLike(
        _ spec: TransformerSpec, norms names: [(theirs: String, site: NormSite)] = preNorms, output: String = "o_proj",
        plain: (up: String, down: String) = ("fc1", "fc2"), finalNorm: String = "norm"
    ) -> WeightMap {
        guard let attention = spec.firstAttention else { return WeightMap([]) }
        let layer = "model.layers.{}", block = "blocks.{}"
        var rows = ends("model.embed_tokens", "model.\(finalNorm)") + norms(layer, names)
        rows += projections(attention, "\(layer).self_attn") + pair("\(layer).self_attn.\(output)", "\(block).attention.out")
        switch spec.layers[0].feedForward {
        case .gated(let hidden, _, _):
            rows += stacked("\(layer).mlp", ["gate_proj", "up_proj"], [hidden, hidden], "\(block).feedForward.gateUp")
            rows += pair("\(layer).mlp.down_proj", "\(block).feedForward.down")
        case .experts, .none: break
        case .plain:
            rows += pair("\(layer).mlp.\(plain.up)", "\(block).feedForward.up") + pair("\(layer).mlp.\(plain.down)", "\(block).feedForward.down")
        }
        rows += pair("\(layer).self_attn.q_norm", "\(block).attention.queryNorm") + pair("\(layer).self_attn.k_norm", "\(block).attention.keyNorm")
        return WeightMap(rows, prefix: "model.", ignored: ignored(spec))
    }
}

/// Rows of experts.
extension CommonRows {
    /// How a family names the maps of one expert.
    struct ExpertNames {
        var gate = "gate_proj", up = "up_proj", down = "down_proj"
    }

    /// Each expert's matrices below `path.experts.E`, the router at `router`.
    static func experts(_ spec: ExpertsSpec, width: Int, _ path: String, router: String, _ names: ExpertNames = ExpertNames()) -> [WeightRow] {
        let count = spec.routing.experts, ours = "blocks.{}.feedForward", fused = "model.layers.{}.mlp"
        let gateUp = (0..<count).flatMap { ["\(path).experts.\($0).\(names.gate).weight", "\(path).experts.\($0).\(names.up).weight"] }
        let down = (0..<count).map { "\(path).experts.\($0).\(names.down).weight" }
        return pair("\(path).\(router)", "\(ours).router") + [
            .stacked(gateUp, rows: Array(repeating: spec.hidden, count: 2 * count)) <-> "\(ours).experts.gateUp.weight",
            .stacked(down, rows: Array(repeating: width, count: count)) <-> "\(ours).experts.down.weight",
            // As `transformers` 5 holds them in memory, and as `torch.save` of a state dict keeps them.
            .shaped("\(fused).experts.gate_up_proj", [count, 2 * spec.hidden, width]) <-> "\(ours).experts.gateUp.weight",
            .shaped("\(fused).experts.down_proj", [count, width, spec.hidden]) <-> "\(ours).experts.down.weight",
        ] + pair("\(fused).gate", "\(ours).router")
    }

    /// A gated feed-forward in three matrices.
    static func gated(_ path: String, hidden: Int, _ ours: String) -> [WeightRow] {
        stacked(path, ["gate_proj", "up_proj"], [hidden, hidden], "\(ours).gateUp") + pair("\(path).down_proj", "\(ours).down")
    }
}

extension WeightMap {
    /// The same table with more rows.
    func adding(_ more: [WeightRow], ignoredBelow: [String] = []) -> WeightMap {
        WeightMap(rows + more, prefix: prefix, ignored: ignored, ignoredBelow: self.ignoredBelow + ignoredBelow, aliases: aliases)
    }
}

extension TransformerSpec {
    /// The hidden width of the first layer without experts.
    var firstDenseHidden: Int? {
        layers.lazy.compactMap { if case .gated(let hidden, _, _) = $0.feedForward { hidden } else { nil } }.first
    }
}
