"""Configurations of families with experts, latent attention or a state space, for families.py: each draws the fields of one variant."""
VOCABULARY, CONTEXT = 97, 96


def rope(r, head, kinds=("default", "linear", "dynamic", "llama3", "yarn")):
    """Rope parameters of one kind; the original context is short, so that scalings show within the test's lengths."""
    kind = r.choice(kinds)
    table = {"rope_type": kind, "rope_theta": r.choice([100.0, 10000.0, 1e6])}
    if kind in ("linear", "dynamic"):
        table["factor"] = r.choice([2.0, 3.5])
    if kind == "llama3":
        table |= {"factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 16}
    if kind == "yarn":
        table |= {"factor": r.choice([4.0, 32.0]), "original_max_position_embeddings": r.choice([16, 24])}
        if r.random() < 0.4:
            table |= {"beta_fast": r.choice([16.0, 32.0]), "beta_slow": r.choice([1.0, 2.0])}
        if r.random() < 0.3:
            table["truncate"] = False
        if r.random() < 0.3:
            table["attention_factor"] = 1.3
    return table


def attention(r):
    """Width, heads, key heads and head width that fit each other."""
    kv, share, head = r.choice([1, 2, 3]), r.choice([1, 2, 3]), r.choice([8, 12, 16, 20])
    heads = kv * share
    return dict(hidden_size=heads * head, num_attention_heads=heads, num_key_value_heads=kv), head


def common(r):
    return dict(
        vocab_size=VOCABULARY, max_position_embeddings=CONTEXT, num_hidden_layers=r.choice([1, 2, 3, 5]), tie_word_embeddings=r.random() < 0.4,
        rms_norm_eps=r.choice([1e-5, 1e-6, 1e-3]), bos_token_id=1, eos_token_id=2, pad_token_id=0)


def mixtral(r):
    sizes, head = attention(r)
    experts = r.choice([2, 4, 5, 8])
    if r.random() < 0.3:
        head = sizes["head_dim"] = r.choice([8, 24])
    return common(r) | sizes | dict(
        intermediate_size=r.choice([24, 40, 56]), num_local_experts=experts, num_experts_per_tok=r.randint(1, min(experts, 3)),
        sliding_window=r.choice([None, None, 5, 64]), hidden_act=r.choice(["silu", "gelu", "relu", "gelu_pytorch_tanh"]), rope_parameters=rope(r, head),
        router_jitter_noise=r.choice([0.0, 0.1]))


def qwen3_moe(r):
    sizes, _ = attention(r)
    head, experts = r.choice([8, 16, 18]), r.choice([3, 4, 8, 16])
    layers = r.choice([1, 2, 3, 4])
    return common(r) | sizes | dict(
        head_dim=head, num_hidden_layers=layers, intermediate_size=r.choice([24, 48]), moe_intermediate_size=r.choice([8, 20, 32]), num_experts=experts,
        num_experts_per_tok=r.randint(1, min(experts, 4)), norm_topk_prob=r.random() < 0.5, decoder_sparse_step=r.choice([1, 1, 2, 3]),
        mlp_only_layers=r.choice([None, [], [0], list(range(layers))[1:2]]), attention_bias=r.random() < 0.3, use_sliding_window=r.random() < 0.4,
        sliding_window=r.choice([4, 20]), hidden_act=r.choice(["silu", "gelu"]), rope_parameters=rope(r, head))


def olmoe(r):
    sizes, head = attention(r)
    experts = r.choice([2, 4, 7, 8])
    return common(r) | sizes | dict(
        intermediate_size=r.choice([16, 24, 40]), num_experts=experts, num_experts_per_tok=r.randint(1, min(experts, 4)), norm_topk_prob=r.random() < 0.5,
        attention_bias=r.random() < 0.3, clip_qkv=r.choice([None, None, 0.5, 3.0]), hidden_act=r.choice(["silu", "gelu"]), rope_parameters=rope(r, head))


def gpt_oss(r):
    sizes, _ = attention(r)
    head, experts = r.choice([8, 16, 20]), r.choice([2, 4, 6])
    layers = r.choice([1, 2, 3, 4])
    kinds = [None, [r.choice(["sliding_attention", "full_attention"]) for _ in range(layers)]]
    table = rope(r, head, ("yarn", "default", "yarn", "linear"))
    if table["rope_type"] == "yarn":
        table["truncate"] = r.random() < 0.5
    return common(r) | sizes | dict(
        head_dim=head, num_hidden_layers=layers, intermediate_size=r.choice([16, 24, 40]), num_local_experts=experts,
        num_experts_per_tok=r.randint(1, min(experts, 4)), sliding_window=r.choice([3, 8, 128]), layer_types=r.choice(kinds), attention_bias=r.random() < 0.8,
        swiglu_alpha=r.choice([1.702, 1.0]), swiglu_limit=r.choice([7.0, 0.5]), rope_parameters=table)


def deepseek_v3(r):
    heads, rotary, plain = r.choice([1, 2, 3, 4]), r.choice([4, 8, 12]), r.choice([8, 16, 12])
    groups, each = r.choice([1, 2, 4]), r.choice([2, 3, 4])
    kept = r.randint(1, groups)
    table = rope(r, rotary, ("default", "yarn", "yarn", "linear", "llama3"))
    if table["rope_type"] == "yarn" and r.random() < 0.7:
        table |= {"mscale": r.choice([1.0, 0.707]), "mscale_all_dim": r.choice([1.0, 0.707, 0.0])}
        table.pop("attention_factor", None)
    layers = r.choice([1, 2, 3])
    return common(r) | dict(
        hidden_size=r.choice([32, 48, 40]), num_attention_heads=heads, num_key_value_heads=heads, num_hidden_layers=layers, intermediate_size=r.choice([24, 40]),
        moe_intermediate_size=r.choice([8, 20]), n_shared_experts=r.choice([1, 2]), n_routed_experts=groups * each, n_group=groups, topk_group=kept,
        num_experts_per_tok=r.randint(1, kept * each), kv_lora_rank=r.choice([8, 12, 16]), q_lora_rank=r.choice([None, 10, 24]), qk_rope_head_dim=rotary,
        qk_nope_head_dim=plain, v_head_dim=r.choice([8, 12, 20]), first_k_dense_replace=r.randint(0, layers), norm_topk_prob=r.random() < 0.7,
        routed_scaling_factor=r.choice([1.0, 2.5]), rope_interleave=r.random() < 0.6, attention_bias=r.random() < 0.3, hidden_act=r.choice(["silu", "gelu"]),
        rope_parameters=table)


def mamba(r):
    return dict(
        vocab_size=VOCABULARY, hidden_size=r.choice([16, 24, 40]), state_size=r.choice([1, 4, 8, 16]), num_hidden_layers=r.choice([1, 2, 4]),
        layer_norm_epsilon=r.choice([1e-5, 1e-3]), expand=r.choice([1, 2, 3]), conv_kernel=r.choice([2, 3, 4]), use_bias=r.random() < 0.4,
        use_conv_bias=r.random() < 0.6, hidden_act=r.choice(["silu", "gelu"]), time_step_rank=r.choice(["auto", 1, 5]), residual_in_fp32=r.random() < 0.5,
        tie_word_embeddings=r.random() < 0.6, bos_token_id=1, eos_token_id=2, pad_token_id=0)

# Family: transformers' configuration class, the fields.
FAMILIES = {
    "mixtral": ("MixtralConfig", mixtral), "qwen3_moe": ("Qwen3MoeConfig", qwen3_moe), "olmoe": ("OlmoeConfig", olmoe), "gpt_oss": ("GptOssConfig", gpt_oss),
    "deepseek_v3": ("DeepseekV3Config", deepseek_v3), "mamba": ("MambaConfig", mamba),
}


def kept_by(name):
    """Whether a parameter's first values matter more than random ones: step sizes and decays of a state space."""
    return "A_log" in name or "dt_proj" in name
