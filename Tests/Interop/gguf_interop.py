"""GGUF files against llama.cpp and the Python `gguf` package, on a real model.

1. Files we write load in llama.cpp and continue greedily with the same tokens as ours (F32, F16, BF16, Q8_0); for the other types, whose
   activations llama.cpp quantizes its own way, the KL divergence between both distributions stays under a bound.
2. Files that llama.cpp quantizes itself (`llama_model_quantize`) load here; tensor types of Q4_K_M and Q5_K_M are the same as ours.
3. Files that the `gguf` package writes load here and compute what the folder computes.
4. Every reference model of a family that GGUF has an architecture for (`--parity FOLDER`, one folder a family with its expected logits):
   converted, it still gives the expected logits here, and llama.cpp gives them, too. Models with experts, latent attention or state spaces
   also continue greedily alike in F32, F16 and Q8_0.
5. The same models as the `gguf` package writes them, by its own names and in llama.cpp's layouts, give the expected logits here.

    swift build -c release
    python3 Tests/Interop/gguf_interop.py [--model FOLDER] [--quintet .build/release/quintet] [--json OUT]

Exit status 0: all agree, or a library is missing (said on the first line). 1: something differs.
"""
import argparse, ctypes, json, math, pathlib, subprocess, sys, tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
try:
    import gguf, numpy
    from safetensors.numpy import load_file
except ImportError as missing:
    print(f"skipped: {missing.name} is not installed (pip install gguf safetensors numpy)")
    sys.exit(0)
try:
    import llama_cpp
except ImportError:
    llama_cpp = None
    print("llama-cpp-python is not installed (pip install llama-cpp-python): parts 1 and 2 are skipped")

PROMPTS = ["Once upon a time, there was a", "Lily and Tom went to the park. They", "The little dog was very", "One day, a big bear"]
EXACT = ["f32", "f16", "bf16", "q8_0"]
# Largest mean KL (nats) between llama.cpp's and our distributions for the same file.
BOUNDS = {"q4_0": 0.02, "q4_1": 0.02, "q5_0": 0.02, "q5_1": 0.02, "q6_k": 0.02, "q4_k_m": 0.02, "q5_k_m": 0.02}
# A preference of the peer's below which its sums alone decide (logits of 5 to 20).
TIE = 0.002
failures = []


def check(ok, what):
    print(("ok    " if ok else "FAIL  ") + what)
    if not ok:
        failures.append(what)


def run(*arguments):
    result = subprocess.run([QUINTET, *map(str, arguments)], capture_output=True, text=True)
    if result.returncode != 0:
        raise SystemExit(f"quintet {' '.join(map(str, arguments))}: status {result.returncode}\n{result.stdout}{result.stderr}")
    return result.stdout


def ours(path, prompt, count):
    answer = json.loads(run("generate", path, "--prompt", prompt, "--temperature", "0", "--max-tokens", count, "--ignore-end", "--cache-type", "f32", "--json"))
    return answer["prompt_ids"], answer["ids"]


def logits(path, ids, out):
    """Our logits for a sequence of ids."""
    from safetensors.numpy import save_file
    save_file({"input_ids": numpy.array([ids], dtype=numpy.int64)}, out / "inputs.safetensors")
    run("verify", path, "--expected", out / "inputs.safetensors", "--save", out / "ours.safetensors")
    return load_file(out / "ours.safetensors")["logits"][0]


def divergence(p, q):
    """Mean KL(p || q) over rows of logits, nats."""
    p = p.astype(numpy.float64) - numpy.logaddexp.reduce(p.astype(numpy.float64), axis=1, keepdims=True)
    q = q.astype(numpy.float64) - numpy.logaddexp.reduce(q.astype(numpy.float64), axis=1, keepdims=True)
    return float((numpy.exp(p) * (p - q)).sum(axis=1).mean())


def open_llama(path):
    return llama_cpp.Llama(str(path), n_ctx=512, n_threads=2, logits_all=True, verbose=False, type_k=0, type_v=0)  # a cache in f32


def greedy(model, prompt_ids, count):
    """The tokens, and by how much each is preferred to the next best one (logits)."""
    ids = list(prompt_ids)
    model.reset()
    model.eval(ids)
    new, margins = [], []
    while len(new) < count:
        scores = numpy.array(model.scores[model.n_tokens - 1])
        second, best = numpy.partition(scores, -2)[-2:]
        new.append(int(numpy.argmax(scores)))
        margins.append(float(best - second))
        model.eval([new[-1]])
    return new, margins


def compare(path, name, out, count=60):
    """Tokens and greedy continuation of one file in both programs."""
    model = open_llama(path)
    for prompt in PROMPTS:
        prompt_ids, ids = ours(path, prompt, count)
        theirs = model.tokenize(prompt.encode(), add_bos=True, special=False)
        check(theirs == prompt_ids, f"{name}: same prompt ids for {prompt!r}" + ("" if theirs == prompt_ids else f": {theirs} and {prompt_ids}"))
        model.reset()
        model.eval(prompt_ids + ids)
        kl = divergence(logits(path, prompt_ids + ids, out), numpy.array(model.scores[: len(prompt_ids) + len(ids)]))
        bound = 1e-6 if name in ("f32",) else BOUNDS.get(name, 1e-3)
        check(kl < bound, f"{name}: KL to llama.cpp {kl:.2e} < {bound}")
        if name in EXACT:
            other, margins = greedy(model, prompt_ids, count)
            apart = next((i for i, (a, b) in enumerate(zip(ids, other)) if a != b), None)
            # Sums in another order decide where the peer itself hardly prefers one token.
            is_tie = apart is not None and margins[apart] < TIE
            check(apart is None or is_tie, f"{name}: the same {count} greedy tokens" + ("" if apart is None else f": apart at {apart}, where llama.cpp prefers its own by {margins[apart]:.4f}"))


def types(path):
    return {tensor.name: tensor.tensor_type.name for tensor in gguf.GGUFReader(path).tensors}


def llama_quantize(source, target, kind):
    params = llama_cpp.llama_model_quantize_default_params()
    params.ftype = kind
    params.nthread = 2
    return llama_cpp.llama_model_quantize(str(source).encode(), str(target).encode(), ctypes.byref(params))


def part_one(folder, out):
    for name in EXACT + list(BOUNDS):
        path = out / f"{name}.gguf"
        run("convert", folder, path, "--quantize", name)
        reader = gguf.GGUFReader(path)
        check(len(reader.tensors) > 0, f"{name}: the gguf package reads {len(reader.tensors)} tensors")
        if llama_cpp:
            compare(path, name, out)


def part_two(out):
    kinds = {"q8_0": llama_cpp.LLAMA_FTYPE_MOSTLY_Q8_0, "q4_0": llama_cpp.LLAMA_FTYPE_MOSTLY_Q4_0, "q5_1": llama_cpp.LLAMA_FTYPE_MOSTLY_Q5_1,
             "q6_k": llama_cpp.LLAMA_FTYPE_MOSTLY_Q6_K, "q4_k_m": llama_cpp.LLAMA_FTYPE_MOSTLY_Q4_K_M, "q5_k_m": llama_cpp.LLAMA_FTYPE_MOSTLY_Q5_K_M}
    for name, kind in kinds.items():
        path = out / f"llama-{name}.gguf"
        status = llama_quantize(out / "f32.gguf", path, kind)
        check(status == 0, f"llama.cpp writes {name}")
        if status != 0:
            continue
        result = json.loads(run("verify", out / "f32.gguf", path, "--json"))
        check(result["kl_mean"] < 0.6, f"llama.cpp's {name}: KL to f32 {result['kl_mean']:.2e}")
        theirs, mine = types(path), types(out / f"{name}.gguf")
        different = {key: (theirs[key], mine.get(key)) for key in theirs if theirs[key] != mine.get(key)}
        check(not different, f"{name}: tensor types as llama.cpp chooses them" + (f": {dict(list(different.items())[:6])}" if different else ""))


def part_three(folder, out):
    """The package writes the folder's weights by llama.cpp's names; we read them."""
    config = json.loads((folder / "config.json").read_text())
    weights = load_file(folder / "model.safetensors")
    source = gguf.GGUFReader(out / "f32.gguf")
    names = {"model.embed_tokens.weight": "token_embd.weight", "model.norm.weight": "output_norm.weight", "lm_head.weight": "output.weight"}
    for layer in range(config["num_hidden_layers"]):
        for theirs, mine in [("input_layernorm", "attn_norm"), ("post_attention_layernorm", "ffn_norm"), ("self_attn.q_proj", "attn_q"), ("self_attn.k_proj", "attn_k"),
                             ("self_attn.v_proj", "attn_v"), ("self_attn.o_proj", "attn_output"), ("mlp.gate_proj", "ffn_gate"), ("mlp.up_proj", "ffn_up"), ("mlp.down_proj", "ffn_down")]:
            names[f"model.layers.{layer}.{theirs}.weight"] = f"blk.{layer}.{mine}.weight"

    for kind in ["F32", "F16", "BF16", "Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "MXFP4"]:
        path = out / f"package-{kind}.gguf"
        writer = gguf.GGUFWriter(path, "llama")
        writer.add_context_length(config["max_position_embeddings"])
        writer.add_embedding_length(config["hidden_size"])
        writer.add_block_count(config["num_hidden_layers"])
        writer.add_feed_forward_length(config["intermediate_size"])
        writer.add_head_count(config["num_attention_heads"])
        writer.add_head_count_kv(config["num_key_value_heads"])
        writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
        writer.add_rope_dimension_count(config["head_dim"])
        for key in source.fields:
            if key.startswith("tokenizer."):
                field = source.fields[key]
                writer.add_key_value(key, field.contents(), field.types[0], field.types[1] if len(field.types) > 1 else None)
        wanted = gguf.GGMLQuantizationType[kind]
        for name, array in weights.items():
            array = array.astype(numpy.float32)
            if "q_proj" in name:
                array = permuted(array, config["num_attention_heads"])
            if "k_proj" in name:
                array = permuted(array, config["num_key_value_heads"])
            block = gguf.GGML_QUANT_SIZES[wanted][0]
            use = wanted if array.ndim > 1 and array.shape[-1] % block == 0 else gguf.GGMLQuantizationType.F32
            try:
                writer.add_tensor(names[name], gguf.quants.quantize(array, use), raw_dtype=use)
            except NotImplementedError:
                break
        else:
            writer.write_header_to_file()
            writer.write_kv_data_to_file()
            writer.write_tensors_to_file()
            writer.close()
            result = json.loads(run("verify", folder, path, "--json"))
            bound = 1e-9 if kind == "F32" else 5e-3 if kind in ("F16", "BF16", "Q8_0") else 0.6  # 260,000 weights feel four bits
            check(result["kl_mean"] < bound, f"the gguf package's {kind}: KL to the folder {result['kl_mean']:.2e} < {bound}")
            if kind == "F32":
                check(all(apart is None for apart in result["first_token_apart"]), f"the gguf package's {kind}: the same greedy tokens as the folder")


def readable(folder, out):
    """The model as llama.cpp can compute it, and what it has to give: the folder itself but for two families.

    OLMoE: llama.cpp knows as many key heads as query heads, so key heads are repeated, which changes no number. gpt-oss: it rounds the limits
    of YaRN's range to whole pairs, the model's makers do not, so the comparison is made without YaRN.
    """
    expected = load_file(folder / "expected.safetensors")
    if folder.name not in ("olmoe", "gpt_oss"):
        return folder, expected
    from safetensors.numpy import save_file
    copy = out / f"{folder.name}-readable"
    copy.mkdir()
    config, weights = json.loads((folder / "config.json").read_text()), load_file(folder / "model.safetensors")
    if folder.name == "olmoe":
        share, kv = config["num_attention_heads"] // config["num_key_value_heads"], config["num_key_value_heads"]
        for name in [name for name in weights if any(part in name for part in (".k_proj.", ".v_proj.", ".k_norm."))]:
            array = weights[name]
            weights[name] = numpy.ascontiguousarray(array.reshape(kv, -1, *array.shape[1:]).repeat(share, axis=0).reshape(-1, *array.shape[1:]))
        config["num_key_value_heads"] = config["num_attention_heads"]
    else:
        config["rope_parameters"] = {"rope_type": "default", "rope_theta": config["rope_parameters"]["rope_theta"]}
    (copy / "config.json").write_text(json.dumps(config))
    save_file(weights, copy / "model.safetensors", metadata={"format": "pt"})
    if folder.name == "gpt_oss":
        save_file({"input_ids": expected["input_ids"]}, out / "inputs.safetensors")
        run("verify", copy, "--expected", out / "inputs.safetensors", "--save", out / "ours.safetensors")
        expected["logits"] = load_file(out / "ours.safetensors")["logits"]
    return copy, expected


def part_four(parity, out, only):
    for folder in sorted(parity.iterdir()):
        if not (folder / "about.json").exists() or json.loads((folder / "about.json").read_text()).get("kind") != "causal" or (only and folder.name not in only):
            continue
        path = out / f"{folder.name}.gguf"
        source, expected = readable(folder, out)
        written = source if folder.name == "olmoe" else folder  # as it is, olmoe has fewer key heads, which the program does not write
        result = subprocess.run([QUINTET, "convert", written, path, "--quantize", "f32"], capture_output=True, text=True)
        if result.returncode != 0:
            print(f"      {folder.name}: not written: {result.stderr.strip().splitlines()[-1].split(': expected')[0]}")
            continue
        result = subprocess.run([QUINTET, "verify", path, "--expected", folder / "expected.safetensors", "--json"], capture_output=True, text=True)
        report = json.loads(result.stdout) if result.stdout else {"outputs": [], "passed": False}
        detail = " ".join(f"{row['name']} {row['max_difference']:.1e}" for row in report["outputs"]) or result.stderr.strip()
        check(report["passed"], f"{folder.name}: the file gives the expected outputs here: {detail}")
        if llama_cpp:
            if source != written:
                path = out / f"{source.name}.gguf"
                run("convert", source, path, "--quantize", "f32")
            worst, scale = 0.0, float(numpy.abs(expected["logits"]).max())
            try:
                model = llama_cpp.Llama(str(path), n_ctx=64, n_threads=2, logits_all=True, verbose=False, type_k=0, type_v=0)
            except Exception as error:
                check(False, f"{folder.name}: llama.cpp opens it: {error}")
                continue
            for ids, wanted in zip(expected["input_ids"], expected["logits"]):
                model.reset()
                model.eval([int(token) for token in ids])
                worst = max(worst, float(numpy.abs(numpy.array(model.scores[: len(ids)]) - wanted).max()))
            check(worst <= 1e-3 * scale, f"{folder.name}: llama.cpp's logits differ by {worst:.1e} of {scale:.1e}")
            del model
            if folder.name in SPARSE:
                continues(path, f"{folder.name}: f32", expected, out)
            for kind in ["f16", "q8_0", "q4_0", "q5_k_m"]:
                quantized = out / f"{folder.name}-{kind}.gguf"
                quantized.unlink(missing_ok=True)
                run("convert", source, quantized, "--quantize", kind)
                if folder.name in SPARSE and kind in EXACT:
                    continues(quantized, f"{folder.name}: {kind}", expected, out)
                model = llama_cpp.Llama(str(quantized), n_ctx=64, n_threads=2, logits_all=True, verbose=False, type_k=0, type_v=0)
                ids = [int(token) for token in expected["input_ids"][0]]
                model.eval(ids)
                mine, theirs = logits(quantized, ids, out), numpy.array(model.scores[: len(ids)])
                # Where rounding picks another expert a position has other logits altogether: with experts the middle one counts.
                kl = [divergence(mine[at : at + 1], theirs[at : at + 1]) for at in range(len(ids))]
                kl = float(numpy.median(kl) if folder.name in SPARSE else numpy.mean(kl))
                check(kl < (2e-2 if folder.name in SPARSE else 5e-3), f"{folder.name}: {kind}: KL to llama.cpp {kl:.1e}")
                del model


SPARSE = {"mixtral": "llama", "qwen3_moe": "qwen3moe", "olmoe": "olmoe", "gpt_oss": "gpt-oss", "deepseek_v3": "deepseek2", "mamba": "mamba"}


def continues(path, name, expected, out, count=24):
    """llama.cpp's greedy continuation of a few ids is ours: the token it took at each place is our likeliest, or within rounding of it."""
    model = llama_cpp.Llama(str(path), n_ctx=64, n_threads=2, logits_all=True, verbose=False, type_k=0, type_v=0)
    for row in expected["input_ids"]:
        prompt = [int(token) for token in row[:8]]
        theirs, _ = greedy(model, prompt, count)
        mine = logits(path, prompt + theirs, out)[len(prompt) - 1:-1]
        # Logits of random weights lie close; activations in bytes are rounded in another order there. What is nearer than that rounding is no choice.
        slack = {"f32": 1e-4, "f16": 1e-3}.get(name.split()[-1], 2e-2) * float(numpy.abs(mine).max())
        behind = sorted(float(row.max() - row[token]) for row, token in zip(mine, theirs))
        equal = sum(int(row.argmax()) == token for row, token in zip(mine, theirs))
        # In bytes rounding also picks another expert now and then, and that position is another model's.
        worst = behind[-1] if "q8_0" not in name else behind[-3]
        check(worst <= slack, f"{name}: {equal} of {count} greedy tokens are the same, their choice at most {worst:.1e} behind ours (allowed {slack:.1e})")


def permuted(array, heads):
    """Llama's rows of q and k as llama.cpp keeps them: the two that turn together beside each other."""
    return array.reshape(heads, 2, array.shape[0] // heads // 2, *array.shape[1:]).swapaxes(1, 2).reshape(array.shape)


def package_keys(writer, family, config):
    """The keys that llama.cpp's conversion writes for a family."""
    get = config.get
    writer.add_embedding_length(get("hidden_size"))
    writer.add_block_count(get("num_hidden_layers"))
    writer.add_vocab_size(get("vocab_size"))
    if family == "mamba":
        for add, value in [(writer.add_context_length, 1 << 20), (writer.add_feed_forward_length, 0), (writer.add_head_count, 0), (writer.add_ssm_conv_kernel, get("conv_kernel")),
                           (writer.add_ssm_inner_size, get("intermediate_size")), (writer.add_ssm_state_size, get("state_size")), (writer.add_ssm_time_step_rank, get("time_step_rank")),
                           (writer.add_layer_norm_rms_eps, get("layer_norm_epsilon")), (writer.add_ssm_dt_b_c_rms, False)]:
            add(value)
        return
    heads = get("num_attention_heads")
    head = get("head_dim") or get("hidden_size") // heads
    for add, value in [(writer.add_context_length, get("max_position_embeddings")), (writer.add_feed_forward_length, get("intermediate_size")), (writer.add_head_count, heads),
                       (writer.add_layer_norm_rms_eps, get("rms_norm_eps")), (writer.add_rope_freq_base, get("rope_parameters")["rope_theta"]),
                       (writer.add_expert_used_count, get("num_experts_per_tok")), (writer.add_expert_count, get("n_routed_experts") or get("num_local_experts") or get("num_experts"))]:
        add(value)
    if family == "deepseek_v3":
        turning, plain, rank = get("qk_rope_head_dim"), get("qk_nope_head_dim"), get("kv_lora_rank")
        for add, value in [(writer.add_head_count_kv, 1), (writer.add_leading_dense_block_count, get("first_k_dense_replace")), (writer.add_q_lora_rank, get("q_lora_rank")),
                           (writer.add_kv_lora_rank, rank), (writer.add_key_length, rank + turning), (writer.add_value_length, rank), (writer.add_key_length_mla, plain + turning),
                           (writer.add_value_length_mla, get("v_head_dim")), (writer.add_expert_feed_forward_length, get("moe_intermediate_size")),
                           (writer.add_expert_shared_count, get("n_shared_experts")), (writer.add_expert_weights_scale, get("routed_scaling_factor")),
                           (writer.add_expert_weights_norm, get("norm_topk_prob")), (writer.add_expert_gating_func, gguf.ExpertGatingFuncType.SIGMOID),
                           (writer.add_rope_dimension_count, turning), (writer.add_expert_group_count, get("n_group")), (writer.add_expert_group_used_count, get("topk_group"))]:
            add(value)
        return
    writer.add_head_count_kv(get("num_key_value_heads"))
    if family == "mixtral":
        writer.add_rope_dimension_count(head)
    if family in ("qwen3_moe", "gpt_oss"):
        writer.add_key_length(head)
        writer.add_value_length(head)
        writer.add_expert_feed_forward_length(get("moe_intermediate_size") or get("intermediate_size"))
    if family == "gpt_oss":
        writer.add_sliding_window(get("sliding_window"))
        if get("rope_parameters")["rope_type"] == "yarn":
            writer.add_rope_scaling_type(gguf.RopeScalingType.YARN)
            writer.add_rope_scaling_factor(get("rope_parameters")["factor"])
            writer.add_rope_scaling_orig_ctx_len(get("rope_parameters")["original_max_position_embeddings"])


def package_tensors(family, config, weights):
    """Names and numbers as llama.cpp's conversion has them: experts in one tensor, latents split by head, decays as what they stand for."""
    arch = next(key for key, name in gguf.MODEL_ARCH_NAMES.items() if name == SPARSE[family])
    names = gguf.get_tensor_name_map(arch, config["num_hidden_layers"])
    experts = {}
    for name, array in weights.items():
        array = array.astype(numpy.float32)
        layer = next((part for part in name.split(".") if part.isdigit()), None)
        block = f"blk.{layer}."
        if ".experts." in name and family != "gpt_oss":
            number, kind = name.split(".experts.")[1].split(".")[:2]
            kind = {"w1": "gate", "w2": "down", "w3": "up"}.get(kind, kind.removesuffix("_proj"))
            experts.setdefault(f"{block}ffn_{kind}_exps.weight", {})[int(number)] = array
        elif "gate_up_proj" in name:
            whole, kind = (array, "bias") if name.endswith("bias") else (array.swapaxes(1, 2), "weight")
            yield f"{block}ffn_gate_exps.{kind}", whole[:, ::2]
            yield f"{block}ffn_up_exps.{kind}", whole[:, 1::2]
        elif ".experts.down_proj" in name:
            yield (f"{block}ffn_down_exps.bias", array) if name.endswith("bias") else (f"{block}ffn_down_exps.weight", array.swapaxes(1, 2))
        elif name.endswith("kv_b_proj.weight"):
            plain, width = config["qk_nope_head_dim"], config["v_head_dim"]
            by_head = array.reshape(config["num_key_value_heads"], plain + width, -1)
            yield f"{block}attn_k_b.weight", by_head[:, :plain].swapaxes(1, 2)
            yield f"{block}attn_v_b.weight", by_head[:, plain:]
        elif name.endswith("A_log"):
            yield f"{block}ssm_a", -numpy.exp(array)
        elif name.endswith("conv1d.weight"):
            yield f"{block}ssm_conv1d.weight", array.squeeze(1)
        elif name.endswith("e_score_correction_bias"):
            yield f"{block}exp_probs_b.bias", array
        else:
            if family == "mixtral" and ("q_proj" in name or "k_proj" in name):
                array = permuted(array, config["num_attention_heads" if "q_proj" in name else "num_key_value_heads"])
            theirs = names.get_name(name, try_suffixes=(".weight", ".bias"))
            if name.endswith("sinks"):
                theirs += ".weight"
            if theirs is None:
                raise SystemExit(f"the gguf package has no name for {name}")
            yield theirs, array
    for name, parts in experts.items():
        yield name, numpy.stack([parts[number] for number in sorted(parts)])


def part_five(parity, out, only):
    for family, arch in SPARSE.items():
        folder = parity / family
        if not folder.is_dir() or (only and family not in only):
            continue
        config = json.loads((folder / "config.json").read_text())
        weights = load_file(folder / "model.safetensors")
        if config.get("tie_word_embeddings"):
            weights.pop("lm_head.weight", None)
        path = out / f"package-{family}.gguf"
        writer = gguf.GGUFWriter(path, arch)
        package_keys(writer, family, config)
        writer.add_tokenizer_model("none")
        for name, array in package_tensors(family, config, weights):
            writer.add_tensor(name, numpy.ascontiguousarray(array))
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        result = subprocess.run([QUINTET, "verify", path, "--expected", folder / "expected.safetensors", "--json"], capture_output=True, text=True)
        report = json.loads(result.stdout) if result.stdout else {"outputs": [], "passed": False}
        detail = " ".join(f"{row['name']} {row['max_difference']:.1e}" for row in report["outputs"]) or result.stderr.strip()
        check(report["passed"], f"{family}: the gguf package's file gives the expected outputs here: {detail}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--parity", type=pathlib.Path, default=ROOT.parent / "shared" / "parity")
    parser.add_argument("--only", nargs="*", help="parts four and five alone, for these folders")
    parser.add_argument("--model", type=pathlib.Path, default=ROOT.parent / "shared" / "data" / "weights" / "stories260K-hf")
    parser.add_argument("--quintet", default=str(ROOT / ".build" / "release" / "quintet"))
    arguments = parser.parse_args()
    QUINTET = arguments.quintet
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder)
        if arguments.only is None:
            part_one(arguments.model, out)
            if llama_cpp:
                part_two(out)
            part_three(arguments.model, out)
        if arguments.parity.is_dir():
            part_four(arguments.parity, out, arguments.only)
            part_five(arguments.parity, out, arguments.only)
    print(f"{len(failures)} differences" if failures else "all agree")
    sys.exit(1 if failures else 0)
