import QuintetCheckpoints
import QuintetLayers
import QuintetTensors

/// How an architecture names and lays out weights: most share llama.cpp's names, so a layout says what differs.
struct GGUFLayout: Sendable {
    var projections = Projections.split
    var rotaryRows = RotaryRows.halves
    var gate = Gate.split
    /// Names of a block's norms where they are not the usual ones, by their place in the block.
    var norms: @Sendable (BlockSpec) -> [String: String] = { _ in [:] }

    /// Whether q, k and v are three tensors or one.
    enum Projections: Sendable { case split, fused }
    /// Which rows of a head of q and k turn together: those half a head apart, or neighbors.
    enum RotaryRows: Sendable { case halves, neighbors }
    /// Whether gate and up are two tensors or one.
    enum Gate: Sendable { case split, fused }

    static let usualNorms: [String: String] = ["norm1": "attn_norm", "norm2": "ffn_norm", "outNorm1": "post_attention_norm", "outNorm2": "post_ffw_norm"]

    /// Tensors that say something about positions and are read with the metadata.
    static let ignored = ["rope_freqs.weight", "rope_factors_long.weight", "rope_factors_short.weight", "blk.{}.attn_rot_embd.weight"]

    /// The table of names for a model.
    func weights(_ spec: TransformerSpec) -> WeightMap {
        var rows: [WeightRow] = [
            "token_embd.weight" <-> "embedding.tokens.weight", "position_embd.weight" <-> "embedding.positions.weight",
            "output.weight" <-> "head.weight", "output.bias" <-> "head.bias", "token_embd_norm.weight" <-> "embedding.norm.weight",
            "token_embd_norm.bias" <-> "embedding.norm.bias",
        ]
        rows += norm("output_norm", "norm", spec.finalNorm)
        for block in spec.layers.cycle { rows += self.rows(of: block, spec.width) }
        return WeightMap(rows, ignored: Self.ignored)
    }

    private func rows(of block: BlockSpec, _ width: Int) -> [WeightRow] {
        var rows: [WeightRow] = []
        let norms = Self.usualNorms.merging(self.norms(block)) { $1 }
        for (site, name) in norms { rows += norm("blk.{}.\(name)", "blocks.{}.\(site)", block.norm) }
        rows.append("blk.{}.attn_sinks.weight" <-> "blocks.{}.attention.sinks")
        switch block.mixer {
        case .attention(let attention): rows += self.rows(of: attention)
        case .latentAttention(let attention): rows += GGUFLatentRows.rows(of: attention)
        case .stateSpace: rows += GGUFStateSpaceRows.rows
        }
        return rows + self.rows(of: block.feedForward, width)
    }

    private func rows(of attention: AttentionSpec) -> [WeightRow] {
        let widths = [attention.queryWidth, attention.keyWidth, attention.keyWidth]
        var rows = norm("blk.{}.attn_q_norm", "blocks.{}.attention.queryNorm", attention.queryKeyNorm.norm)
        rows += norm("blk.{}.attn_k_norm", "blocks.{}.attention.keyNorm", attention.queryKeyNorm.norm)
        if case .headsOwn = attention.queryKeyNorm {
            rows = [("q", "query", attention.heads), ("k", "key", attention.kvHeads)].map { theirs, ours, heads in
                .shaped("blk.{}.attn_\(theirs)_norm.weight", [heads, attention.headWidth]) <-> "blocks.{}.attention.\(ours)Norm.weight"
            }
        }
        let turned: [RowOrder] = [.pairs(heads: attention.heads), .pairs(heads: attention.kvHeads), .same]
        return rows + ["weight", "bias"].flatMap { kind -> [WeightRow] in
            let names = ["attn_q", "attn_k", "attn_v"].map { "blk.{}.\($0).\(kind)" }
            let fused: WeightPattern =
                projections == .fused ? .same("blk.{}.attn_qkv.\(kind)")
                : rotaryRows == .halves ? .stacked(names, rows: widths) : .orderedStack(names, rows: widths, orders: turned)
            return [fused <-> "blocks.{}.attention.qkv.\(kind)", .same("blk.{}.attn_output.\(kind)") <-> "blocks.{}.attention.out.\(kind)"]
        }
    }

    private func rows(of feedForward: FeedForward, _ width: Int) -> [WeightRow] {
        ["weight", "bias"].flatMap { kind -> [WeightRow] in
            let down: WeightRow = .same("blk.{}.ffn_down.\(kind)") <-> "blocks.{}.feedForward.down.\(kind)"
            switch feedForward {
            case .plain: return [.same("blk.{}.ffn_up.\(kind)") <-> "blocks.{}.feedForward.up.\(kind)", down]
            case .gated(let hidden, _, _):
                let both: WeightPattern =
                    gate == .fused ? .same("blk.{}.ffn_up.\(kind)")
                    : .stacked(["blk.{}.ffn_gate.\(kind)", "blk.{}.ffn_up.\(kind)"], rows: [hidden, hidden])
                return [both <-> "blocks.{}.feedForward.gateUp.\(kind)", down]
            case .experts(let experts): return rows(of: experts, width, kind)
            case .none: return []
            }
        }
    }

    /// Gates, ups and downs of all experts in three tensors.
    private func rows(of spec: ExpertsSpec, _ width: Int, _ kind: String) -> [WeightRow] {
        let count = spec.routing.experts, ours = "blocks.{}.feedForward", isWeight = kind == "weight"
        let up = isWeight ? [count, spec.hidden, width] : [count, spec.hidden], down = isWeight ? [count, width, spec.hidden] : [count, width]
        var rows: [WeightRow] = [
            .same("blk.{}.ffn_gate_inp.\(kind)") <-> "\(ours).router.\(kind)",
            .alternating(["blk.{}.ffn_gate_exps.\(kind)", "blk.{}.ffn_up_exps.\(kind)"], shapes: [up, up]) <-> "\(ours).experts.gateUp.\(kind)",
            .shaped("blk.{}.ffn_down_exps.\(kind)", down) <-> "\(ours).experts.down.\(kind)",
        ]
        if !isWeight { rows.append("blk.{}.exp_probs_b.bias" <-> "\(ours).correction") }
        if case .gated(let hidden, _) = spec.shared {
            let names = ["blk.{}.ffn_gate_shexp.\(kind)", "blk.{}.ffn_up_shexp.\(kind)"]
            rows.append(.stacked(names, rows: [hidden, hidden]) <-> "\(ours).shared.gateUp.\(kind)")
            rows.append(.same("blk.{}.ffn_down_shexp.\(kind)") <-> "\(ours).shared.down.\(kind)")
        }
        return rows
    }

    /// A norm's rows; an offset is stored with the weight.
    private func norm(_ theirs: String, _ ours: String, _ norm: Norm?) -> [WeightRow] {
        let offset = norm?.offset ?? 0
        let weight: WeightPattern = offset == 0 ? .same(theirs + ".weight") : .shifted(theirs + ".weight", by: offset)
        return [weight <-> ours + ".weight", .same(theirs + ".bias") <-> ours + ".bias"]
    }
}
