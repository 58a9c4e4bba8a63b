import QuintetCheckpoints
import QuintetLayers

/// Latent attention in GGUF: the map up to keys and values is split by head, the keys' part transposed; older files have it as one.
enum GGUFLatentRows {
    static func rows(of attention: LatentAttentionSpec) -> [WeightRow] {
        let ours = "blocks.{}.attention"
        var rows: [WeightRow] = []
        for (theirs, name) in [
            ("attn_q", "query"), ("attn_q_a", "queryDown"), ("attn_q_a_norm", "queryNorm"), ("attn_q_b", "queryUp"), ("attn_kv_a_mqa", "keyValueDown"),
            ("attn_kv_a_norm", "keyValueNorm"), ("attn_output", "out"),
        ] { for kind in ["weight", "bias"] { rows.append(.same("blk.{}.\(theirs).\(kind)") <-> "\(ours).\(name).\(kind)") } }
        rows.append(
            .headwise(
                keys: "blk.{}.attn_k_b.weight", values: "blk.{}.attn_v_b.weight", heads: attention.heads, keyWidth: attention.plainWidth,
                valueWidth: attention.valueWidth) <-> "\(ours).keyValueUp.weight")
        rows.append("blk.{}.attn_kv_b.weight" <-> "\(ours).keyValueUp.weight")
        return rows
    }
}
