"""Opens folders that Quintet trained with `transformers` and compares what both compute.

For each family a tiny model is trained (or a run folder is given), then: `AutoModelForCausalLM` opens it without a missing or
unexpected weight, `AutoTokenizer` gives the same ids as `quintet tokenizer encode`, logits and greedy tokens of both agree
(`quintet verify`, 1e-4 x max |logit|), and what `quintet verify --save` writes is read back and compared here once more.

    python3 Tests/Interop/models.py [RUN_FOLDER...] [--quintet .build/release/quintet]

Exit status 0: all agree, or a library is missing (said on the first line). 1: something differs.
"""
import argparse, json, os, pathlib, subprocess, sys, tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
try:
    import torch
    from safetensors.torch import load_file, save_file
    from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig
except ImportError as missing:
    print(f"skipped: {missing.name} is not installed (pip install torch transformers safetensors)")
    sys.exit(0)

TEXT = "func add(_ a: Int, _ b: Int) -> Int {\n    return a + b // naïve, 你好\n}\n"


def run(quintet, *arguments):
    result = subprocess.run([quintet, *map(str, arguments)], capture_output=True, text=True)
    if result.returncode != 0:
        raise SystemExit(f"quintet {' '.join(map(str, arguments))}: status {result.returncode}\n{result.stdout}{result.stderr}")
    return result.stdout


def train(quintet, folder):
    """A few steps of a Llama and of a GPT-2 on this package's own sources."""
    run(quintet, "gather", ROOT / "Sources", "--into", folder / "text")
    run(quintet, "tokenizer", "train", folder / "text", "--vocab-size", 600, "--into", folder / "tokenizer")
    run(quintet, "tokenize", folder / "text", "--tokenizer", folder / "tokenizer", "--into", folder / "shards")
    for preset in ["nano", "char-tiny"]:
        run(quintet, "pretrain", "--data", folder / "shards", "--into", folder / preset, "--preset", preset, "--steps", 8,
            "--batch", 2, "--sequence", 64, "--quiet")
        yield folder / preset


def compare(quintet, folder, scratch):
    torch.manual_seed(0)
    model, info = AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.float32, attn_implementation="eager", output_loading_info=True)
    problems = {key: value for key, value in info.items() if value}
    assert not problems, f"{folder}: {problems}"
    model.eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    theirs = tokenizer(TEXT)["input_ids"]
    ours = json.loads(run(quintet, "generate", folder, "--prompt", TEXT, "--max-tokens", 1, "--json"))["prompt_ids"]
    assert theirs == ours, f"{folder}: ids differ\n{theirs}\n{ours}"

    vocabulary = model.config.vocab_size
    ids = torch.randint(0, vocabulary, (2, 33))
    prompt = torch.tensor([theirs[:7]])
    greedy = GenerationConfig(max_new_tokens=20, min_new_tokens=20, do_sample=False, pad_token_id=0)
    with torch.no_grad():
        logits = model(ids).logits
        continued = model.generate(prompt, attention_mask=torch.ones_like(prompt), generation_config=greedy)
    expected, saved = scratch / "expected.safetensors", scratch / "ours.safetensors"
    save_file({"input_ids": ids, "logits": logits, "greedy_prompt": prompt, "greedy": continued}, expected)
    print(folder.name, run(quintet, "verify", folder, "--expected", expected, "--save", saved).strip().replace("\n", "; "))
    outputs = load_file(saved)
    difference = (outputs["logits"] - logits).abs().max().item()
    assert difference <= 1e-4 * logits.abs().max().item(), f"{folder}: logits differ by {difference}"
    assert torch.equal(outputs["greedy"], continued), f"{folder}: greedy tokens differ"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folders", nargs="*", type=pathlib.Path)
    parser.add_argument("--quintet", default=os.environ.get("QUINTET", str(ROOT / ".build/release/quintet")))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        for folder in options.folders or train(options.quintet, scratch):
            compare(options.quintet, folder, scratch)
    print("all agree")


main()
