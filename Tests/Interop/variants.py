"""Makes tiny models of many configurations with `transformers` and holds Quintet's outputs against theirs.

For each family a table below says which fields vary and how. A variant is a random configuration with random weights, written the way the
hub has them (one file or shards; new or old spelling of the rope and type fields; safetensors or a PyTorch archive); `quintet verify`
then compares logits (1e-4 x max |logit|) and greedy tokens.

    python3 Tests/Interop/variants.py [FAMILY...] [--count 20] [--seed 0] [--keep DIR] [--quintet .build/release/quintet]

Exit status 0: all agree, or a library is missing (said on the first line). 1: something differs; the variant's folder is kept.
"""
import argparse, json, os, pathlib, random, shutil, subprocess, sys, tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
try:
    import torch
    from safetensors.torch import load_file, save_file
    from transformers import AutoConfig, AutoModelForCausalLM, GenerationConfig
except ImportError as missing:
    print(f"skipped: {missing.name} is not installed (pip install torch transformers safetensors)")
    sys.exit(0)

VOCABULARY, CONTEXT = 193, 96


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


FAMILIES = {f.__name__: f for f in [mixtral, qwen3_moe, olmoe, gpt_oss, deepseek_v3, mamba]}


def spread(model, seed):
    """Weights that make a difference: larger than a fresh model's, biases and norms away from their start."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, p in list(model.named_parameters()) + [(n, b) for n, b in model.named_buffers() if "correction_bias" in n]:
            if "A_log" in name or "dt_proj" in name:
                continue
            noise = torch.randn(p.shape, generator=generator)
            if p.dim() < 2:
                p.copy_(p + 0.2 * noise)
            else:
                p.copy_(noise * (0.7 if "embed" in name or "router" in name or "gate.weight" in name else 1.2 / p.shape[-1] ** 0.5))


def old_spelling(folder, r):
    """The fields as files of before transformers 5 have them."""
    path = folder / "config.json"
    config = json.loads(path.read_text())
    config["torch_dtype"] = config.pop("dtype", "float32")
    table = config.pop("rope_parameters", None)
    if table:
        config["rope_theta"] = table.pop("rope_theta")
        kind = table.pop("rope_type")
        config["rope_scaling"] = None if kind == "default" and not table else {r.choice(["rope_type", "type"]): kind} | table
    path.write_text(json.dumps(config))


def other_storage(folder, r):
    """The weights in shards, or as a PyTorch archive."""
    weights = load_file(folder / "model.safetensors")
    names = sorted(weights)
    kind = r.choice(["whole", "shards", "bin", "bins"])
    if kind == "whole":
        return kind
    (folder / "model.safetensors").unlink()
    cut = len(names) // 2
    parts = [names] if kind == "bin" else [names[:cut], names[cut:]]
    stem, ending = ("model", "safetensors") if kind == "shards" else ("pytorch_model", "bin")
    files = [f"{stem}.{ending}"] if len(parts) == 1 else [f"{stem}-{i + 1:05}-of-{len(parts):05}.{ending}" for i in range(len(parts))]
    for file, part in zip(files, parts):
        tensors = {name: weights[name] for name in part}
        if ending == "bin":
            torch.save(tensors, folder / file, _use_new_zipfile_serialization=r.random() < 0.8)
        else:
            save_file(tensors, folder / file, metadata={"format": "pt"})
    if len(parts) > 1:
        total = sum(t.numel() * t.element_size() for t in weights.values())
        places = {name: file for file, part in zip(files, parts) for name in part}
        (folder / f"{stem}.{ending}.index.json").write_text(json.dumps({"metadata": {"total_size": total}, "weight_map": places}))
    return kind


def make(family, seed, folder):
    r = random.Random(f"{family} {seed}")
    fields = FAMILIES[family](r)
    torch.manual_seed(seed)
    config = AutoConfig.for_model(family, **fields)
    config._attn_implementation = "eager"
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32, attn_implementation="eager").eval()
    spread(model, seed)
    model.save_pretrained(folder)
    spelling = "new"
    if r.random() < 0.5:
        old_spelling(folder, r)
        spelling = "old"
    storage = other_storage(folder, r)
    ids = torch.randint(0, VOCABULARY, (2, r.choice([1, 7, 19, 40])))
    prompt = torch.randint(3, VOCABULARY, (1, r.choice([1, 5, 21])))
    greedy = GenerationConfig(max_new_tokens=16, min_new_tokens=16, do_sample=False, pad_token_id=0, eos_token_id=None)
    with torch.no_grad():
        logits = model(ids, use_cache=False).logits
        continued = model.generate(prompt, attention_mask=torch.ones_like(prompt), generation_config=greedy)
    save_file({"input_ids": ids, "logits": logits.contiguous(), "greedy_prompt": prompt, "greedy": continued}, folder / "expected.safetensors")
    return fields, f"{spelling} spelling, {storage}"


def verify(quintet, folder):
    result = subprocess.run(
        [quintet, "verify", str(folder), "--expected", str(folder / "expected.safetensors"), "--json"], capture_output=True, text=True)
    try:
        report = json.loads(result.stdout)
    except json.JSONDecodeError:
        return False, 0, (result.stdout + result.stderr).strip()
    rows = {row["name"]: row for row in report["outputs"]}
    share = rows["logits"]["max_difference"] / max(rows["logits"]["max_expected"], 1e-30)
    return report["passed"] and result.returncode == 0, share, "" if report["passed"] else result.stdout.strip()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("families", nargs="*", default=list(FAMILIES))
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=pathlib.Path, help="where folders of failing variants go")
    parser.add_argument("--quintet", default=os.environ.get("QUINTET", str(ROOT / ".build/release/quintet")))
    options = parser.parse_args()
    failed = 0
    for family in options.families:
        worst, passed = 0, 0
        for seed in range(options.seed, options.seed + options.count):
            with tempfile.TemporaryDirectory() as scratch:
                folder = pathlib.Path(scratch) / f"{family}-{seed}"
                fields, how = make(family, seed, folder)
                good, share, message = verify(options.quintet, folder)
                worst, passed = max(worst, share), passed + good
                if good:
                    continue
                failed += 1
                print(f"FAIL {family} seed {seed} ({how}): {message}\n     {fields}")
                if options.keep:
                    shutil.copytree(folder, options.keep / folder.name, dirs_exist_ok=True)
        print(f"{family}: {passed} of {options.count} agree, largest difference {worst:.2e} of the largest logit", flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
