"""Random tiny models of every family against `transformers`: logits of padded and plain batches, greedy tokens.

For each family and seed a configuration with every field varied is drawn, a model with random weights is saved (new or old spelling of
config.json), `transformers` opens the folder again and computes (eager attention, f32), and `quintet verify` compares.

    swift build -c release
    python3 Tests/Interop/families.py [FAMILY...] [--seeds 20] [--first 0] [--quintet .build/release/quintet] [--keep FOLDER]

Exit status 0: all agree, or a library is missing (said on the first line). 1: something differs.
"""
import argparse, json, math, os, pathlib, random, shutil, subprocess, sys, tempfile, warnings

ROOT = pathlib.Path(__file__).resolve().parents[2]
os.environ["TRANSFORMERS_VERBOSITY"] = "error"
try:
    import torch
    import transformers
    from safetensors.torch import load_file, save_file
    from transformers import AutoModelForCausalLM
except ImportError as missing:
    print(f"skipped: {missing.name} is not installed (pip install torch transformers safetensors)")
    sys.exit(0)

import sparse_families

warnings.filterwarnings("ignore")
transformers.utils.logging.disable_progress_bar()
torch.set_num_threads(1)
ACTIVATIONS = ["gelu", "gelu_new", "gelu_pytorch_tanh", "silu", "relu", "relu2", "quick_gelu", "tanh"]
EPSILONS = [1e-5, 1e-6, 1e-3]


# MARK: Fields

def rope(r, width, context, kinds=("default", "linear", "dynamic", "yarn", "llama3", "longrope")):
    """The table of rotary positions of one of these kinds, for `width` elements that turn."""
    kind = r.choice(kinds)
    table = {"rope_type": kind, "rope_theta": r.choice([10000.0, 500.0, 1000000.0])}
    if kind in ("linear", "dynamic"):
        table["factor"] = r.choice([1.5, 2.0, 4.0])
    if kind == "dynamic" and width < 4:
        return {"rope_type": "default", "rope_theta": 10000.0}
    if kind == "yarn":
        table |= {"factor": r.choice([2.0, 4.0, 32.0]), "original_max_position_embeddings": r.choice([8, 16, 64])}
        if r.random() < 0.5: table |= {"beta_fast": 16.0, "beta_slow": 2.0}
        if r.random() < 0.3: table |= {"attention_factor": 1.25}
        elif r.random() < 0.5: table |= {"mscale": 0.7, "mscale_all_dim": 0.3}
        if r.random() < 0.5: table |= {"truncate": r.random() < 0.5}
    if kind == "llama3":
        table |= {"factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": r.choice([16, 64])}
    if kind == "longrope":
        pairs = width // 2
        table |= {
            "short_factor": [round(r.uniform(1, 1.5), 3) for _ in range(pairs)],
            "long_factor": [round(r.uniform(1, 6), 3) for _ in range(pairs)],
            "original_max_position_embeddings": r.choice([8, 14, 64]),
        }
        if r.random() < 0.5: table["factor"] = r.choice([2.0, 8.0])
        if r.random() < 0.3: table["attention_factor"] = 1.1
    return table


def sizes(r, grouped=True, divides=True, even=True):
    """Shared fields, and the width of a head."""
    heads = r.choice([2, 3, 4, 6])
    kv = r.choice([k for k in range(1, heads + 1) if heads % k == 0]) if grouped else heads
    head = r.choice([4, 6, 8, 10, 16])
    width = heads * head
    return dict(
        vocab_size=r.choice([61, 97, 128]), hidden_size=width, intermediate_size=r.choice([24, 40, 52]), num_hidden_layers=r.choice([1, 2, 3]),
        num_attention_heads=heads, num_key_value_heads=kv, max_position_embeddings=r.choice([12, 24, 96]), tie_word_embeddings=r.random() < 0.5,
    ), head


def free_head(r, fields, head):
    """A head width that does not follow from the model's."""
    if r.random() < 0.4:
        head = r.choice([4, 6, 12])
    fields["head_dim"] = head
    return head


def flag(r, share=0.5):
    return r.random() < share


def layer_kinds(r, count):
    return [r.choice(["full_attention", "sliding_attention"]) for _ in range(count)]


# MARK: Families: a function of a random source giving the fields of the configuration

def llama(r):
    f, head = sizes(r)
    head = free_head(r, f, head)
    return f | dict(
        hidden_act=r.choice(ACTIVATIONS), rms_norm_eps=r.choice(EPSILONS), attention_bias=flag(r), mlp_bias=flag(r),
        rope_parameters=rope(r, head, f["max_position_embeddings"]))


def mistral(r):
    f, head = sizes(r)
    head = free_head(r, f, head)
    return f | dict(
        hidden_act=r.choice(ACTIVATIONS), rms_norm_eps=r.choice(EPSILONS), sliding_window=r.choice([None, 3, 7, 16, 100]),
        rope_parameters=rope(r, head, f["max_position_embeddings"]))


def qwen2(r):
    f, head = sizes(r)
    f |= dict(hidden_act=r.choice(ACTIVATIONS), rms_norm_eps=r.choice(EPSILONS), rope_parameters=rope(r, head, f["max_position_embeddings"]))
    return f | windows(r, f["num_hidden_layers"])


def windows(r, layers):
    if flag(r, 0.4): return dict(use_sliding_window=False, sliding_window=r.choice([None, 4]))
    f = dict(use_sliding_window=True, sliding_window=r.choice([3, 7, 16]), max_window_layers=r.choice([0, 1, 2]))
    if flag(r): f["layer_types"] = layer_kinds(r, layers)
    return f


def qwen3(r):
    f, head = sizes(r)
    head = free_head(r, f, head)
    f |= dict(
        hidden_act=r.choice(ACTIVATIONS), rms_norm_eps=r.choice(EPSILONS), attention_bias=flag(r),
        rope_parameters=rope(r, head, f["max_position_embeddings"]))
    return f | windows(r, f["num_hidden_layers"])


def gemma(r):
    f, head = sizes(r)
    head = free_head(r, f, head)
    return f | dict(
        hidden_act=r.choice(ACTIVATIONS), rms_norm_eps=r.choice(EPSILONS), attention_bias=flag(r),
        rope_parameters=rope(r, head, f["max_position_embeddings"]))


def gemma2(r):
    f, head = sizes(r)
    head = free_head(r, f, head)
    f |= dict(
        hidden_activation=r.choice(ACTIVATIONS), rms_norm_eps=r.choice(EPSILONS), attention_bias=flag(r),
        query_pre_attn_scalar=r.choice([4, 7, 16]), sliding_window=r.choice([3, 7, 16]), attn_logit_softcapping=r.choice([None, 2.0, 50.0]),
        final_logit_softcapping=r.choice([None, 3.0, 30.0]), rope_parameters=rope(r, head, f["max_position_embeddings"]))
    if flag(r): f["layer_types"] = layer_kinds(r, f["num_hidden_layers"])
    return f


def gemma3(r):
    f, head = sizes(r)
    head = free_head(r, f, head)
    f |= dict(
        hidden_activation=r.choice(ACTIVATIONS), rms_norm_eps=r.choice(EPSILONS), attention_bias=flag(r),
        query_pre_attn_scalar=r.choice([4, 7, 16]), sliding_window=r.choice([3, 7, 16]), final_logit_softcapping=r.choice([None, 3.0]),
        rope_parameters={
            "full_attention": rope(r, head, f["max_position_embeddings"], ("default", "linear", "yarn", "llama3")),
            "sliding_attention": rope(r, head, f["max_position_embeddings"], ("default", "linear")),
        }, use_bidirectional_attention=flag(r, 0.2))
    if flag(r): f["layer_types"] = layer_kinds(r, f["num_hidden_layers"])
    else: f["sliding_window_pattern"] = r.choice([2, 3, 6])
    return f


def partial(r, f, head, share, even):
    """Part of each head turns; `even` families cannot turn an odd number of elements."""
    shares = [s for s in (0.25, 0.4, 0.5, 0.75, 1.0) if int(head * s) >= 2 and (not even or int(head * s) % 2 == 0)] or [1.0]
    share = r.choice(shares)
    turning = int(head * share)
    kinds = ("default", "linear", "dynamic", "llama3") if turning % 2 == 0 else ("default",)
    table = rope(r, turning, f["max_position_embeddings"], kinds)
    return table | {"partial_rotary_factor": share}


def phi(r):
    f, head = sizes(r)
    return f | dict(
        hidden_act=r.choice(ACTIVATIONS), layer_norm_eps=r.choice(EPSILONS), qk_layernorm=flag(r),
        rope_parameters=partial(r, f, head, 0.5, True))


def phi3(r):
    f, head = sizes(r)
    table = rope(r, head, f["max_position_embeddings"], ("default", "longrope", "longrope"))
    original = table.get("original_max_position_embeddings", 4096)
    table["partial_rotary_factor"] = 1.0
    if flag(r) and int(head * 0.5) % 2 == 0 and table["rope_type"] == "default": table["partial_rotary_factor"] = 0.5
    if table["rope_type"] == "longrope" and flag(r, 0.3): table["rope_type"] = r.choice(["su", "yarn"])
    return f | dict(
        hidden_act=r.choice(ACTIVATIONS), rms_norm_eps=r.choice(EPSILONS), sliding_window=r.choice([None, 3, 7, 40]), pad_token_id=0,
        original_max_position_embeddings=original, rope_parameters=table)


def olmo2(r):
    f, head = sizes(r)
    return f | dict(
        hidden_act=r.choice(ACTIVATIONS), rms_norm_eps=r.choice(EPSILONS), attention_bias=flag(r),
        rope_parameters=rope(r, head, f["max_position_embeddings"]))


def smollm3(r):
    f, head = sizes(r)
    f |= dict(
        hidden_act=r.choice(ACTIVATIONS), rms_norm_eps=r.choice(EPSILONS), attention_bias=flag(r), mlp_bias=flag(r), pad_token_id=0,
        rope_parameters=rope(r, head, f["max_position_embeddings"]))
    if flag(r): f["no_rope_layers"] = [r.choice([0, 1]) for _ in range(f["num_hidden_layers"])]
    else: f["no_rope_layer_interval"] = r.choice([1, 2, 3])
    if flag(r): f |= dict(use_sliding_window=True, sliding_window=r.choice([3, 7]))
    return f


def granite(r):
    f, head = sizes(r)
    return f | dict(
        hidden_act=r.choice(ACTIVATIONS), rms_norm_eps=r.choice(EPSILONS), attention_bias=flag(r), mlp_bias=flag(r),
        embedding_multiplier=r.choice([1.0, 12.0, 0.5]), logits_scaling=r.choice([1.0, 8.0, 3.0]), residual_multiplier=r.choice([1.0, 0.22]),
        attention_multiplier=r.choice([1.0, 0.0156, 0.4]), rope_parameters=rope(r, head, f["max_position_embeddings"]))


def starcoder2(r):
    f, head = sizes(r)
    return f | dict(
        hidden_act=r.choice(ACTIVATIONS), norm_epsilon=r.choice(EPSILONS), use_bias=flag(r), sliding_window=r.choice([None, 3, 7]),
        rope_parameters=rope(r, head, f["max_position_embeddings"]))


def stablelm(r):
    f, head = sizes(r)
    return f | dict(
        hidden_act=r.choice(ACTIVATIONS), layer_norm_eps=r.choice(EPSILONS), use_qkv_bias=flag(r), qk_layernorm=flag(r),
        use_parallel_residual=flag(r), rope_parameters=partial(r, f, head, 0.25, True))


def gpt2(r):
    heads, head = r.choice([2, 3, 4]), r.choice([4, 5, 8])
    return dict(
        vocab_size=r.choice([61, 97]), n_embd=heads * head, n_head=heads, n_layer=r.choice([1, 2, 3]), n_positions=96, n_inner=r.choice([None, 40]),
        activation_function=r.choice(ACTIVATIONS), layer_norm_epsilon=r.choice(EPSILONS), scale_attn_weights=flag(r, 0.7),
        scale_attn_by_inverse_layer_idx=flag(r), tie_word_embeddings=flag(r))


def gpt_neo(r):
    heads, head, layers = r.choice([2, 3, 4]), r.choice([4, 5, 8]), r.choice([2, 4])
    kinds = r.choice([[[["global", "local"], layers // 2]], [[["global"], layers]], [[["local"], layers]], [[["local"], 1], [["global"], layers - 1]]])
    return dict(
        vocab_size=r.choice([61, 97]), hidden_size=heads * head, num_heads=heads, num_layers=layers, max_position_embeddings=96,
        attention_types=kinds, window_size=r.choice([2, 5, 16]), intermediate_size=r.choice([None, 40]),
        activation_function=r.choice(ACTIVATIONS), layer_norm_epsilon=r.choice(EPSILONS), tie_word_embeddings=flag(r))


def gptj(r):
    heads, head = r.choice([1, 2, 3, 4]), r.choice([4, 6, 8, 16])
    return dict(
        vocab_size=r.choice([61, 97]), n_embd=heads * head, n_head=heads, n_layer=r.choice([1, 2, 3]), n_positions=96,
        rotary_dim=r.choice([w for w in (2, 4, 6, 8, 16) if w <= head]), n_inner=r.choice([None, 40]),
        activation_function=r.choice(ACTIVATIONS), layer_norm_epsilon=r.choice(EPSILONS), tie_word_embeddings=flag(r))


def gpt_neox(r):
    f, head = sizes(r, grouped=False)
    del f["num_key_value_heads"]
    return f | dict(
        hidden_act=r.choice(ACTIVATIONS), layer_norm_eps=r.choice(EPSILONS), attention_bias=flag(r), use_parallel_residual=flag(r),
        rope_parameters=partial(r, f, head, 0.25, False))


def opt(r):
    heads, head = r.choice([2, 3, 4]), r.choice([4, 5, 8])
    return dict(
        vocab_size=r.choice([61, 97]), hidden_size=heads * head, num_attention_heads=heads, num_hidden_layers=r.choice([1, 2, 3]),
        ffn_dim=r.choice([24, 40]), max_position_embeddings=96, do_layer_norm_before=flag(r), _remove_final_layer_norm=flag(r, 0.3),
        word_embed_proj_dim=r.choice([None, 10, 40]), activation_function=r.choice(ACTIVATIONS), enable_bias=flag(r, 0.7),
        layer_norm_elementwise_affine=flag(r, 0.7), tie_word_embeddings=flag(r))


def bloom(r):
    heads, head = r.choice([1, 2, 3, 4, 6, 8, 12]), r.choice([4, 5, 8])
    tensor_parallel = r.choice([1, 2]) if (heads * head) % 2 == 0 else 1
    return dict(
        vocab_size=r.choice([61, 97]), hidden_size=heads * head, n_head=heads, n_layer=r.choice([1, 2, 3]), layer_norm_epsilon=r.choice(EPSILONS),
        apply_residual_connection_post_layernorm=flag(r), pretraining_tp=tensor_parallel, slow_but_exact=flag(r), tie_word_embeddings=flag(r))


def falcon(r):
    heads, head = r.choice([2, 4, 6, 8, 12]), r.choice([4, 6, 8, 16])
    f = dict(
        vocab_size=r.choice([61, 97]), hidden_size=heads * head, num_attention_heads=heads, num_hidden_layers=r.choice([1, 2, 3]),
        layer_norm_epsilon=r.choice(EPSILONS), bias=flag(r), activation=r.choice(ACTIVATIONS), ffn_hidden_size=r.choice([None, 40]),
        max_position_embeddings=r.choice([12, 24, 96]), tie_word_embeddings=flag(r), alibi=flag(r, 0.3))
    kind = r.choice(["7b", "40b", "rw"])
    if kind == "7b": f |= dict(multi_query=True, parallel_attn=flag(r, 0.7), num_kv_heads=r.choice([None, heads]))
    if kind == "40b":
        f |= dict(
            new_decoder_architecture=True, num_kv_heads=r.choice([k for k in range(1, heads + 1) if heads % k == 0]),
            num_ln_in_parallel_attn=r.choice([None, 1, 2]))
    if kind == "rw": f |= dict(multi_query=False, parallel_attn=flag(r), num_kv_heads=heads)
    return f | dict(rope_parameters=rope(r, head, f["max_position_embeddings"]))


def mpt(r):
    heads, head = r.choice([2, 3, 4, 6, 8, 12]), r.choice([4, 5, 8])
    return dict(
        vocab_size=r.choice([61, 97]), d_model=heads * head, n_heads=heads, n_layers=r.choice([1, 2, 3]), max_seq_len=96,
        expansion_ratio=r.choice([2, 4]), layer_norm_epsilon=r.choice(EPSILONS), no_bias=True, tie_word_embeddings=flag(r),
        attn_config=dict(clip_qkv=r.choice([None, 0.5, 3.0]), softmax_scale=r.choice([None, 0.3]), alibi=True, alibi_bias_max=r.choice([8, 8, 4])))


def xglm(r):
    heads, head = r.choice([2, 3, 4]), r.choice([4, 5, 8])
    return dict(
        vocab_size=r.choice([61, 97]), d_model=heads * head, attention_heads=heads, num_layers=r.choice([1, 2, 3]), ffn_dim=r.choice([24, 40]),
        max_position_embeddings=r.choice([20, 96]), activation_function=r.choice(ACTIVATIONS), scale_embedding=flag(r),
        pad_token_id=r.choice([None, 1, 5, 12]), tie_word_embeddings=flag(r))


# Family: transformers' configuration class, the fields.
FAMILIES = {
    "gpt2": ("GPT2Config", gpt2), "llama": ("LlamaConfig", llama), "mistral": ("MistralConfig", mistral), "qwen2": ("Qwen2Config", qwen2),
    "qwen3": ("Qwen3Config", qwen3), "gemma": ("GemmaConfig", gemma), "gemma2": ("Gemma2Config", gemma2),
    "gemma3": ("Gemma3TextConfig", gemma3), "phi": ("PhiConfig", phi), "phi3": ("Phi3Config", phi3), "olmo2": ("Olmo2Config", olmo2),
    "smollm3": ("SmolLM3Config", smollm3), "granite": ("GraniteConfig", granite), "starcoder2": ("Starcoder2Config", starcoder2),
    "stablelm": ("StableLmConfig", stablelm), "gpt_neo": ("GPTNeoConfig", gpt_neo), "gptj": ("GPTJConfig", gptj),
    "gpt_neox": ("GPTNeoXConfig", gpt_neox), "opt": ("OPTConfig", opt), "bloom": ("BloomConfig", bloom), "falcon": ("FalconConfig", falcon),
    "mpt": ("MptConfig", mpt), "xglm": ("XGLMConfig", xglm),
} | sparse_families.FAMILIES
# Models whose positions end: learned tables, tables of positions made once.
BOUNDED = {"gpt2", "gpt_neo", "gptj", "opt", "mpt"}


# MARK: One variant

def draw(model, generator):
    """Weights that make scores and norms matter."""
    with torch.no_grad():
        for name, buffer in model.named_buffers():
            if "correction_bias" in name: buffer.normal_(0, 0.1, generator=generator)
        for name, parameter in model.named_parameters():
            if sparse_families.kept_by(name): continue
            if "sinks" in name: parameter.normal_(0, 1, generator=generator)
            elif parameter.ndim > 1: parameter.normal_(0, 1.2 / math.sqrt(parameter.shape[-1]), generator=generator)
            elif name.endswith("bias"): parameter.normal_(0, 0.3, generator=generator)
            elif "gemma" in model.config.model_type: parameter.normal_(0, 0.3, generator=generator)
            else: parameter.normal_(1, 0.3, generator=generator)
        if (tokens := model.get_input_embeddings()) is not None: tokens.weight.normal_(0, 0.7, generator=generator)


def old_spelling(folder, family):
    """config.json as files before transformers 5 spell it."""
    path = folder / "config.json"
    config = json.loads(path.read_text())
    config["torch_dtype"] = config.pop("dtype", "float32")
    table = config.pop("rope_parameters", None)
    if family == "gemma3":
        full, sliding = table["full_attention"], table["sliding_attention"]
        config["rope_theta"], config["rope_local_base_freq"] = full.pop("rope_theta"), sliding.pop("rope_theta")
        # One scaling, for the full layers.
        if sliding.get("rope_type") != "default": config["rope_parameters"] = table
        elif full.get("rope_type") != "default": config["rope_scaling"] = full
    elif table:
        config["rotary_emb_base" if family == "gpt_neox" else "rope_theta"] = table.pop("rope_theta")
        if (share := table.pop("partial_rotary_factor", None)) is not None:
            config["rotary_pct" if family == "gpt_neox" else "partial_rotary_factor"] = share
        if table.get("rope_type") != "default": config["rope_scaling"] = table | {"type": table.pop("rope_type")}
        else: config["rope_scaling"] = None
    path.write_text(json.dumps(config, indent=2))


def other_storage(folder, r):
    """The weights as the hub may have them: one file, shards, a PyTorch archive or several."""
    kind = r.choice(["one file", "one file", "shards", "archive", "old archive", "archives"])
    if kind == "one file": return kind
    weights = load_file(folder / "model.safetensors")
    names = sorted(weights)
    (folder / "model.safetensors").unlink()
    parts = [names] if "archive" in kind and kind != "archives" else [names[:len(names) // 2], names[len(names) // 2:]]
    stem, ending = ("model", "safetensors") if kind == "shards" else ("pytorch_model", "bin")
    files = [f"{stem}.{ending}"] if len(parts) == 1 else [f"{stem}-{i + 1:05}-of-{len(parts):05}.{ending}" for i in range(len(parts))]
    for file, part in zip(files, parts):
        tensors = {name: weights[name] for name in part}
        if ending == "bin": torch.save(tensors, folder / file, _use_new_zipfile_serialization=kind != "old archive")
        else: save_file(tensors, folder / file, metadata={"format": "pt"})
    if len(parts) > 1:
        total = sum(tensor.numel() * tensor.element_size() for tensor in weights.values())
        places = {name: file for file, part in zip(files, parts) for name in part}
        (folder / f"{stem}.{ending}.index.json").write_text(json.dumps({"metadata": {"total_size": total}, "weight_map": places}))
    return kind


def make(family, seed, folder):
    """Writes the model and what `transformers` computes for it."""
    name, fields = FAMILIES[family]
    r = random.Random(f"{family} {seed}")
    chosen = fields(r)
    config = getattr(transformers, name)(**chosen)
    generator = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)
    model = AutoModelForCausalLM.from_config(config, attn_implementation="eager").eval()
    draw(model, generator)
    model.save_pretrained(folder)
    if seed % 2: old_spelling(folder, family)
    load = lambda: AutoModelForCausalLM.from_pretrained(folder, attn_implementation="eager", dtype=torch.float32).eval()
    vocabulary = config.vocab_size
    time = r.choice([5, 17, 33, 70])
    ids = torch.randint(0, vocabulary, (2, time), generator=generator)
    tensors = {"input_ids": ids}
    mask = None
    padding = r.choice(["none", "none", "right", "left"])
    if padding != "none":
        mask = torch.ones_like(ids)
        if padding == "right": mask[1, time - time // 3:] = 0
        else: mask[1, :time // 3] = 0
        tensors["attention_mask"] = mask
    with torch.no_grad():
        tensors["logits"] = load()(input_ids=ids, attention_mask=mask).logits.float()
        prompt = torch.randint(0, vocabulary, (1, r.choice([1, 5, 9])), generator=generator)
        if not chosen.get("use_bidirectional_attention"):
            greedy = continue_greedily(load(), prompt, 20)
            if greedy is not None: tensors |= {"greedy_prompt": prompt, "greedy": greedy}
    save_file({key: value.contiguous() for key, value in tensors.items()}, folder / "expected.safetensors")
    return chosen | {"time": time, "padding": padding, "old": bool(seed % 2), "storage": other_storage(folder, r)}


def continue_greedily(model, prompt, count):
    """Greedy tokens, or None where two tokens are so close that rounding decides."""
    out = model.generate(
        prompt, attention_mask=torch.ones_like(prompt), max_new_tokens=count, min_new_tokens=count, do_sample=False, eos_token_id=None, pad_token_id=0,
        output_scores=True, return_dict_in_generate=True)
    for scores in out.scores:
        top = scores[0].topk(2).values
        if top[0] - top[1] < 1e-3 * scores.abs().max(): return None
    return out.sequences


def verify(quintet, folder):
    result = subprocess.run([quintet, "verify", folder, "--expected", folder / "expected.safetensors", "--json"], capture_output=True, text=True)
    return result.returncode, result.stdout, result.stderr


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("families", nargs="*", default=[])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--quintet", default=ROOT / ".build/release/quintet")
    parser.add_argument("--keep", type=pathlib.Path, help="keep the variants that fail here")
    options = parser.parse_args()
    failures = 0
    for family in options.families or FAMILIES:
        passed, worst, refused = 0, 0.0, 0
        for seed in range(options.first, options.first + options.seeds):
            with tempfile.TemporaryDirectory() as place:
                folder = pathlib.Path(place) / f"{family}-{seed}"
                folder.mkdir()
                try:
                    chosen = make(family, seed, folder)
                except Exception as error:
                    # The reference itself refuses or cannot run this combination.
                    refused += 1
                    print(f"{family} {seed}: the reference refuses: {type(error).__name__}: {str(error)[:160]}")
                    continue
                code, out, err = verify(options.quintet, folder)
                # A field of the reference's own class that is neither used nor refused.
                if code == 0 and "not used by this family" in err: code = -1
                if code == 0:
                    passed += 1
                    worst = max([worst] + [o["max_difference"] / max(o["max_expected"], 1e-30) for o in json.loads(out)["outputs"] if o["name"] == "logits"])
                else:
                    failures += 1
                    print(f"{family} {seed}: FAILED {chosen}\n    {out[-600:].strip()} {err[-400:].strip()}")
                    if options.keep: shutil.copytree(folder, options.keep / folder.name, dirs_exist_ok=True)
        print(f"{family:12} {passed} of {options.seeds - refused} agree, largest difference {worst:.1e} of the largest logit", flush=True)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
