import QuintetFiles
import QuintetLayers

/// Where the numbers of a spec come from: our names for them, and the fields of `config.json` that say them, whatever the family.
///
/// A family reads only its own spelling, so the first field of a row that was read and is there is the one that said the number. Fields
/// behind it are those that a missing one is derived from (`head_dim` from the heads).
enum SpecFields {
    static let all: [String: [String]] = [
        "vocabulary": ["vocab_size"], "width": width, "context": context, "layers": ["num_hidden_layers", "n_layer", "num_layers", "n_layers"],
        "embedding scale": ["embedding_multiplier", "scale_embedding"] + width, "head scale": ["logits_scaling"],
        "head softcap": ["final_logit_softcapping"],
        "embedding dropout": ["embd_pdrop", "embed_dropout", "embedding_dropout", "hidden_dropout", "dropout"],
        "residual dropout": ["resid_pdrop", "residual_dropout", "resid_dropout", "hidden_dropout", "dropout", "attn_config.attn_pdrop"],
        "attention dropout": ["attention_dropout", "attn_pdrop", "attn_config.attn_pdrop"],
        "initialization deviation": ["initializer_range", "init_std"], "token width": ["word_embed_proj_dim"], "position offset": ["pad_token_id"],
        "feed-forward hidden": ["intermediate_size", "n_inner", "ffn_dim", "ffn_hidden_size"] + width,
        "residual scale": ["residual_multiplier"], "norm epsilon": ["rms_norm_eps", "layer_norm_epsilon", "layer_norm_eps", "norm_epsilon"],
        "attention heads": heads, "key and value heads": ["num_key_value_heads", "num_kv_heads"] + heads,
        "head width": ["head_dim", "qk_rope_head_dim"] + heads + width, "attention window": ["sliding_window", "window_size"],
        "attention clip": ["clip_qkv", "attn_config.clip_qkv"], "attention softcap": ["attn_logit_softcapping"],
        "attention scale": ["attention_multiplier", "query_pre_attn_scalar", "attn_config.softmax_scale"],
        "rotary width": ["rotary_dim"] + rope("partial_rotary_factor") + ["partial_rotary_factor", "rotary_pct", "qk_rope_head_dim", "head_dim"] + heads,
        "rotary base": rope("rope_theta") + ["rope_theta", "rotary_emb_base", "rope_local_base_freq"],
        "rope factor": rope("factor"),
        "rope context": ["original_max_position_embeddings"] + rope("original_max_position_embeddings") + context,
        "rope attention factor": rope("attention_factor") + rope("mscale") + rope("factor"),
        "rope beta_fast": rope("beta_fast"), "rope beta_slow": rope("beta_slow"), "rope short_factor": rope("short_factor"),
        "rope long_factor": rope("long_factor"), "rope low_freq_factor": rope("low_freq_factor"), "rope high_freq_factor": rope("high_freq_factor"),
        "experts": ["num_local_experts", "num_experts", "n_routed_experts"],
        "experts of a token": ["num_experts_per_tok", "experts_per_token"], "expert hidden": ["moe_intermediate_size", "intermediate_size"],
        "expert groups": ["n_group"], "expert groups kept": ["topk_group"], "routing factor": ["routed_scaling_factor"],
        "shared expert hidden": ["n_shared_experts", "moe_intermediate_size"], "swiglu alpha": ["swiglu_alpha"], "swiglu limit": ["swiglu_limit"],
        "plain head width": ["qk_nope_head_dim"], "rotary head width": ["qk_rope_head_dim"], "value width": ["v_head_dim"],
        "latent width": ["kv_lora_rank"], "query rank": ["q_lora_rank"], "state space width": ["expand"] + width, "state size": ["state_size"],
        "convolution taps": ["conv_kernel"], "step rank": ["time_step_rank"],
    ]

    private static let width = ["hidden_size", "n_embd", "n_embed", "d_model"]
    private static let heads = ["num_attention_heads", "n_head", "num_heads", "n_heads", "attention_heads"]
    private static let context = ["max_position_embeddings", "n_positions", "max_seq_len", "seq_length"]

    /// A field of the table of rotary positions, wherever the file has that table.
    private static func rope(_ name: String) -> [String] {
        ["rope_scaling", "rope_parameters", "rope_parameters.full_attention", "rope_parameters.sliding_attention"].map { "\($0).\(name)" }
    }
}

extension ConfigReader {
    /// What is wrong with a spec, in the words of the file it was read from.
    func impossible(_ error: SpecError) -> FileError {
        let fields = (SpecFields.all[error.field] ?? []).compactMap { name in said(name).map { (name: name, value: $0) } }
        // Of several fields, the one that holds the wrong number is meant.
        guard let field = fields.first(where: { $0.value == error.found || Double($0.value) == Double(error.found) }) ?? fields.first else {
            return FileError("impossible model", path: path, field: error.field, expected: error.expected, found: error.found)
        }
        let isIt = field.value == error.found || Double(field.value) != nil && Double(field.value) == Double(error.found)
        return FileError(
            "impossible model", path: path, field: field.name, expected: isIt ? error.expected : "\(error.field) \(error.expected)",
            found: isIt ? field.value : "\(error.found) from \(field.name) \(field.value)")
    }

    /// The value at a path of field names, where the first was read; nil where there is none.
    private func said(_ name: String) -> String? {
        let steps = name.split(separator: ".").map(String.init)
        guard isUsed(steps[0]) else { return nil }
        var value: JSON? = json
        for step in steps { value = value?[step] }
        guard let value, !value.isNull else { return nil }
        return value.serialized()
    }
}
