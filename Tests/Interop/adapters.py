"""Adapters against `peft`, `transformers` and llama.cpp.

1. Folders that peft writes compute the same here (`quintet verify --lora`, 1e-4 of the largest logit), and so do the models they are merged into.
2. Folders and GGUF files that we write load in peft and llama.cpp and compute the same there; files the `gguf` package writes load here.
3. `--golden FOLDER` writes small adapters with their logits, loss and gradients, which the Swift tests hold ours against.

    swift build -c release
    python3 Tests/Interop/adapters.py --parity ../shared/parity [--story FOLDER] [--quintet .build/release/quintet]

Exit status 0: all agree, or a library is missing (said on the first line). 1: something differs.
"""
import argparse, json, pathlib, subprocess, sys, tempfile, warnings

ROOT = pathlib.Path(__file__).resolve().parents[2]
try:
    import numpy, peft, torch
    from safetensors.torch import load_file, save_file
    from transformers import AutoModelForCausalLM
except ImportError as missing:
    print(f"skipped: {missing.name} is not installed (pip install peft transformers torch safetensors)")
    sys.exit(0)
warnings.filterwarnings("ignore")
torch.set_num_threads(2)
failures = []

# Model, name of the case, settings.
CASES = [
    ("llama", "two names", dict(r=4, lora_alpha=8, target_modules=["q_proj", "v_proj"])),
    ("llama", "all linear, rank-stabilized", dict(r=3, lora_alpha=6, target_modules="all-linear", use_rslora=True, lora_dropout=0.1)),
    ("llama", "magnitudes", dict(r=4, lora_alpha=8, target_modules=["q_proj", "k_proj", "o_proj", "gate_proj", "down_proj"], use_dora=True)),
    ("llama", "patterns of ranks", dict(r=4, lora_alpha=8, target_modules=["q_proj", "k_proj", "up_proj"], rank_pattern={"q_proj": 2, r"layers\.1\.mlp\.up_proj": 6}, alpha_pattern={"k_proj": 3.5})),
    ("llama", "a regex", dict(r=2, lora_alpha=2, target_modules=r".*\.layers\.1\.self_attn\.(q|o)_proj")),
    ("llama", "one layer", dict(r=2, lora_alpha=4, target_modules=["down_proj", "v_proj"], layers_to_transform=[1])),
    ("llama", "the head", dict(r=2, lora_alpha=4, target_modules=["lm_head", "v_proj"])),
    ("llama", "saved modules", dict(r=2, lora_alpha=4, target_modules=["q_proj"], modules_to_save=["lm_head", "embed_tokens", "norm"])),
    ("gpt2", "fused and turned", dict(r=4, lora_alpha=8, target_modules=["c_attn", "c_fc", "c_proj"], fan_in_fan_out=True)),
    ("gpt2", "the head of a tied model", dict(r=4, lora_alpha=8, target_modules=["lm_head", "c_attn"])),
    ("gemma2", "saved modules of a tied model", dict(r=2, lora_alpha=4, target_modules=["q_proj"], modules_to_save=["lm_head", "embed_tokens"])),
    ("gemma2", "the embedding of a tied model", dict(r=2, lora_alpha=4, target_modules=["q_proj"], modules_to_save=["embed_tokens"])),
    ("gpt2", "biases", dict(r=4, lora_alpha=8, target_modules=["c_attn"], fan_in_fan_out=True, bias="lora_only")),
    ("gpt2", "all biases, magnitudes", dict(r=2, lora_alpha=8, target_modules="all-linear", fan_in_fan_out=True, bias="all", use_dora=True)),
    ("gpt_neox", "grouped q, k, v", dict(r=4, lora_alpha=8, target_modules=["query_key_value", "dense_4h_to_h"])),
    ("gpt_neox", "grouped, magnitudes", dict(r=4, lora_alpha=8, target_modules=["query_key_value"], use_dora=True)),
    ("falcon", "grouped q, k, v", dict(r=4, lora_alpha=8, target_modules="all-linear")),
    ("bloom", "grouped q, k, v", dict(r=4, lora_alpha=8, target_modules="all-linear")),
    ("phi3", "fused q, k, v and gate, up", dict(r=4, lora_alpha=8, target_modules="all-linear")),
    ("qwen2", "biases on q, k, v", dict(r=4, lora_alpha=8, target_modules="all-linear", bias="lora_only")),
    ("gemma2", "all linear", dict(r=4, lora_alpha=8, target_modules="all-linear")),
    ("opt", "all linear", dict(r=4, lora_alpha=8, target_modules="all-linear")),
    ("mpt", "fused q, k, v", dict(r=4, lora_alpha=8, target_modules=["Wqkv", "up_proj", "down_proj"])),
    ("mamba", "state space", dict(r=4, lora_alpha=8, target_modules=["in_proj", "x_proj"])),
    ("deepseek_v3", "latent attention", dict(r=4, lora_alpha=8, target_modules=["q_a_proj", "q_b_proj", "kv_a_proj_with_mqa", "o_proj"])),
]
GOLDEN = {
    "llama-lora": ("llama", dict(r=2, lora_alpha=4, target_modules="all-linear")),
    "llama-dora": ("llama", dict(r=2, lora_alpha=4, target_modules=["q_proj", "v_proj", "up_proj"], use_dora=True)),
    "gpt2-lora": ("gpt2", dict(r=2, lora_alpha=4, target_modules=["c_attn", "c_fc"], fan_in_fan_out=True)),
    "gpt_neox-lora": ("gpt_neox", dict(r=2, lora_alpha=4, target_modules=["query_key_value"], use_rslora=True)),
}


def check(ok, what):
    print(("ok    " if ok else "FAIL  ") + what, flush=True)
    if not ok:
        failures.append(what)


def run(*arguments, fails=False):
    result = subprocess.run([QUINTET, *map(str, arguments)], capture_output=True, text=True)
    if result.returncode != 0 and not fails:
        raise RuntimeError(f"quintet {' '.join(map(str, arguments))}: status {result.returncode}\n{result.stdout}{result.stderr}")
    return result.stdout


def base(folder):
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()


def adapted(folder, settings, seed=1, deviation=0.15):
    """A peft model whose adapter is random."""
    torch.manual_seed(seed)
    model = peft.get_peft_model(base(folder), peft.LoraConfig(task_type="CAUSAL_LM", **settings))
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            with torch.no_grad():
                parameter.add_(torch.randn_like(parameter) * deviation)
    return model.eval()


def logits(model, ids):
    with torch.no_grad():
        return model(input_ids=ids).logits.float()


def save_expected(path, ids, out):
    save_file({"input_ids": ids.contiguous(), "logits": out.contiguous()}, path)


def verify(model, expected, *more):
    answer = json.loads(run("verify", model, "--expected", expected, "--json", *more, fails=True) or "{}")
    return answer.get("passed", False), (answer.get("outputs") or [{}])[0].get("max_difference")


def peft_to_us(parity, scratch):
    for index, (name, what, settings) in enumerate(CASES):
        folder = parity / name
        if not folder.is_dir():
            continue
        try:
            one_case(folder, name, what, settings, scratch / str(index))
        except Exception as error:  # the next case still counts
            check(False, f"{name}, {what}: {str(error)[:600]}")


def one_case(folder, name, what, settings, out):
    model = adapted(folder, settings)
    model.save_pretrained(out / "adapter")
    ids = load_file(folder / "expected.safetensors")["input_ids"]
    wanted = logits(model, ids)
    save_expected(out / "expected.safetensors", ids, wanted)
    apart = (wanted - logits(base(folder), ids)).abs().max().item()
    check(apart > 1e-2, f"{name}, {what}: the adapter changes logits by {apart:.2g}")
    ok, difference = verify(folder, out / "expected.safetensors", "--lora", out / "adapter")
    check(ok, f"{name}, {what}: beside the weights, max |difference| {difference}")
    # Written again by us, read by peft.
    run("convert", folder, out / "again", "--lora", out / "adapter")
    again = peft.PeftModel.from_pretrained(base(folder), out / "again").eval()
    difference = (logits(again, ids) - wanted).abs().max().item()
    check(difference <= 1e-5 * wanted.abs().max().item(), f"{name}, {what}: written by us, read by peft, max |difference| {difference:.2g}")
    run("convert", folder, out / "merged", "--merge", out / "adapter")
    ok, difference = verify(out / "merged", out / "expected.safetensors")
    check(ok, f"{name}, {what}: merged, max |difference| {difference}")


def several(parity, scratch):
    folder = parity / "llama"
    first = adapted(folder, dict(r=4, lora_alpha=8, target_modules=["q_proj", "v_proj"]), 1)
    second = adapted(folder, dict(r=2, lora_alpha=2, target_modules="all-linear"), 2)
    first.save_pretrained(scratch / "first"), second.save_pretrained(scratch / "second")
    both = peft.PeftModel.from_pretrained(base(folder), scratch / "first", adapter_name="first")
    both.load_adapter(scratch / "second", adapter_name="second")
    both.base_model.set_adapter(["first", "second"])
    for name, module in both.named_modules():
        if isinstance(getattr(module, "scaling", None), dict) and "second" in module.scaling:
            module.scaling["second"] *= 0.25
    both.eval()
    ids = load_file(folder / "expected.safetensors")["input_ids"]
    save_expected(scratch / "both.safetensors", ids, logits(both, ids))
    choice = [scratch / "first", f"{scratch / 'second'}=0.25"]
    ok, difference = verify(folder, scratch / "both.safetensors", "--lora", choice[0], "--lora", choice[1])
    check(ok, f"two adapters, one at a quarter: max |difference| {difference}")
    run("convert", folder, scratch / "both", "--merge", choice[0], "--merge", choice[1])
    ok, difference = verify(scratch / "both", scratch / "both.safetensors")
    check(ok, f"two adapters, merged: max |difference| {difference}")


def llama_cpp_part(story, scratch):
    try:
        import gguf, llama_cpp
    except ImportError as missing:
        return print(f"llama.cpp part skipped: {missing.name} is not installed")
    model = adapted(story, dict(r=4, lora_alpha=8, target_modules="all-linear"), deviation=0.05)
    model.save_pretrained(scratch / "story")
    run("convert", story, scratch / "story.gguf", "--quantize", "f32")
    run("convert", story, scratch / "lora.gguf", "--lora", scratch / "story")
    ids = [1] + list(range(300, 312))
    wanted = logits(model, torch.tensor([ids]))[0]
    theirs = llama_cpp.Llama(str(scratch / "story.gguf"), lora_path=str(scratch / "lora.gguf"), n_ctx=64, logits_all=True, verbose=False, type_k=0, type_v=0)  # caches in f32
    theirs.eval(ids)
    got = torch.tensor(numpy.array(theirs.scores[: len(ids)]))
    difference = (got - wanted).abs().max().item() / wanted.abs().max().item()
    check(difference < 2e-3, f"llama.cpp with our GGUF adapter: relative difference {difference:.2g}")
    save_expected(scratch / "story.safetensors", torch.tensor([ids]), wanted[None])
    for what, place, lora in [("folder", story, scratch / "lora.gguf"), ("GGUF base", scratch / "story.gguf", scratch / "lora.gguf"),
                              ("GGUF base, peft's adapter", scratch / "story.gguf", scratch / "story")]:
        ok, difference = verify(place, scratch / "story.safetensors", "--lora", lora)
        check(ok, f"GGUF adapter here, {what}: max |difference| {difference}")
    # A file of the gguf package: rows of q and k in llama.cpp's order, f16.
    weights = load_file(scratch / "story" / "adapter_model.safetensors")
    writer = gguf.GGUFWriter(scratch / "theirs.gguf", "llama")
    writer.add_type("adapter"), writer.add_string("adapter.type", "lora"), writer.add_float32("adapter.lora.alpha", 8.0)
    names = {"q_proj": "attn_q", "k_proj": "attn_k", "v_proj": "attn_v", "o_proj": "attn_output", "gate_proj": "ffn_gate", "up_proj": "ffn_up", "down_proj": "ffn_down"}
    heads = {"q_proj": model.config.num_attention_heads, "k_proj": model.config.num_key_value_heads}
    for name, tensor in sorted(weights.items()):
        parts = name.split(".")
        layer, module, kind = parts[parts.index("layers") + 1], parts[-3], parts[-2]
        if kind == "lora_B" and module in heads:
            n = heads[module]
            tensor = tensor.reshape(n, 2, tensor.shape[0] // n // 2, -1).swapaxes(1, 2).reshape(tensor.shape)
        writer.add_tensor(f"blk.{layer}.{names[module]}.weight.{kind.lower()}", tensor.contiguous().numpy())
    writer.write_header_to_file(), writer.write_kv_data_to_file(), writer.write_tensors_to_file(), writer.close()
    ok, difference = verify(story, scratch / "story.safetensors", "--lora", scratch / "theirs.gguf")
    check(ok, f"a GGUF adapter of the gguf package: max |difference| {difference}")
    run("convert", story, scratch / "whole", "--merge", scratch / "story")
    for quantize in ["q8_0", "q4_k_m"]:
        run("convert", scratch / "whole", scratch / f"twice-{quantize}.gguf", "--quantize", quantize)
        run("convert", story, scratch / f"once-{quantize}.gguf", "--quantize", quantize, "--merge", scratch / "story")
        same = (scratch / f"twice-{quantize}.gguf").read_bytes()[-200_000:] == (scratch / f"once-{quantize}.gguf").read_bytes()[-200_000:]
        check(same, f"merged straight into {quantize}: the same blocks as by way of a folder")


def golden(parity, out):
    for name, (model_name, settings) in GOLDEN.items():
        model = adapted(parity / model_name, settings)
        model.save_pretrained(out / name)
        for extra in ["README.md"]:
            (out / name / extra).unlink(missing_ok=True)
        config = json.loads((out / name / "adapter_config.json").read_text())
        config["base_model_name_or_path"] = model_name
        (out / name / "adapter_config.json").write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")
        ids = load_file(parity / model_name / "expected.safetensors")["input_ids"][:2, :9].contiguous()
        targets = torch.roll(ids, -1, 1)
        targets[:, -1] = -100
        targets[0, :3] = -100
        model.train(False)
        out_logits = model(input_ids=ids).logits
        loss = torch.nn.functional.cross_entropy(out_logits.reshape(-1, out_logits.shape[-1]), targets.reshape(-1), ignore_index=-100)
        loss.backward()
        tensors = {"input_ids": ids, "targets": targets.contiguous(), "logits": out_logits.detach().contiguous(), "loss": loss.detach().reshape(1)}
        for parameter_name, parameter in model.named_parameters():
            if parameter.requires_grad:
                short = parameter_name.replace("magnitude_vector.default.weight", "magnitude_vector").replace(".default", "")
                tensors["gradient." + short] = parameter.grad.contiguous()
        save_file(tensors, out / name / "expected.safetensors")
        print(f"{name}: {sum(f.stat().st_size for f in (out / name).iterdir())} bytes")


parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--parity", type=pathlib.Path, default=ROOT / "../shared/parity")
parser.add_argument("--story", type=pathlib.Path, default=ROOT / "../shared/data/weights/stories260K-hf")
parser.add_argument("--quintet", default=str(ROOT / ".build/release/quintet"))
parser.add_argument("--golden", type=pathlib.Path)
parser.add_argument("--only", help="cases of this model")
arguments = parser.parse_args()
QUINTET = arguments.quintet
if arguments.golden:
    golden(arguments.parity, arguments.golden)
    sys.exit(0)
if arguments.only:
    CASES = [case for case in CASES if case[0] == arguments.only]
with tempfile.TemporaryDirectory() as scratch:
    scratch = pathlib.Path(scratch)
    peft_to_us(arguments.parity, scratch)
    if not arguments.only:
        several(arguments.parity, scratch)
        if arguments.story.is_dir():
            llama_cpp_part(arguments.story, scratch)
print("all agree" if not failures else f"{len(failures)} differ")
sys.exit(1 if failures else 0)
