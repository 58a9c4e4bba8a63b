"""gpt-oss with experts in MXFP4 blocks, as published checkpoints have them: Quintet's outputs against those of the same numbers in f32.

    python3 Tests/Interop/mxfp4.py [--count 6] [--quintet .build/release/quintet] [--keep FOLDER]

Exit status 0: all agree, or a library is missing (said on the first line). 1: something differs.
"""
import argparse, json, pathlib, random, shutil, sys, tempfile

import families
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, GptOssConfig

VALUES = torch.tensor([0, 0.5, 1, 1.5, 2, 3, 4, 6, -0.0, -0.5, -1, -1.5, -2, -3, -4, -6])


def quantized(matrix):
    """[experts, rows, columns] to blocks, scales, and the numbers they stand for."""
    groups = matrix.reshape(*matrix.shape[:-1], -1, 32)
    scales = (groups.abs().amax(-1) / 6).clamp(min=1e-30).log2().ceil().clamp(-126, 127)
    codes = ((groups / scales.exp2()[..., None])[..., None] - VALUES).abs().argmin(-1)
    numbers = (VALUES[codes] * scales.exp2()[..., None]).reshape(matrix.shape)
    pairs = codes.reshape(*codes.shape[:-1], 16, 2)
    return (pairs[..., 0] | pairs[..., 1] << 4).to(torch.uint8), (scales + 127).to(torch.uint8), numbers


def make(seed, folder):
    r = random.Random(seed)
    config = GptOssConfig(
        vocab_size=97, hidden_size=r.choice([32, 64]), intermediate_size=r.choice([32, 96]), num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
        head_dim=16, num_local_experts=r.choice([3, 4]), num_experts_per_tok=2, sliding_window=5, max_position_embeddings=96)
    model = AutoModelForCausalLM.from_config(config, attn_implementation="eager").eval()
    generator = torch.Generator().manual_seed(seed)
    families.draw(model, generator)
    model.save_pretrained(folder)
    weights = load_file(folder / "model.safetensors")
    for name in [name for name in weights if name.endswith(("gate_up_proj", "down_proj"))]:
        blocks, scales, numbers = quantized(weights.pop(name).transpose(1, 2).contiguous())
        weights[name + "_blocks"], weights[name + "_scales"] = blocks, scales
        layer, part = model.model.layers[int(name.split(".")[2])].mlp.experts, name.split(".")[-1]
        getattr(layer, part).data.copy_(numbers.transpose(1, 2))
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    path = folder / "config.json"
    written = json.loads(path.read_text()) | {"quantization_config": {"quant_method": "mxfp4", "modules_to_not_convert": ["lm_head"]}}
    path.write_text(json.dumps(written))
    ids = torch.randint(0, 97, (2, 19), generator=generator)
    prompt = torch.randint(0, 97, (1, 5), generator=generator)
    with torch.no_grad():
        tensors = {"input_ids": ids, "logits": model(ids).logits.contiguous()}
        greedy = families.continue_greedily(model, prompt, 12)
    if greedy is not None: tensors |= {"greedy_prompt": prompt, "greedy": greedy}
    save_file(tensors, folder / "expected.safetensors")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=6)
    parser.add_argument("--quintet", default=families.ROOT / ".build/release/quintet")
    parser.add_argument("--keep", type=pathlib.Path)
    options = parser.parse_args()
    passed = 0
    for seed in range(options.count):
        with tempfile.TemporaryDirectory() as place:
            folder = pathlib.Path(place) / f"mxfp4-{seed}"
            folder.mkdir()
            make(seed, folder)
            code, out, err = families.verify(options.quintet, folder)
            passed += code == 0
            if code != 0: print(f"{seed}: FAILED {out[-400:]} {err[-400:]}")
            if options.keep and code != 0: shutil.copytree(folder, options.keep / folder.name, dirs_exist_ok=True)
    print(f"mxfp4: {passed} of {options.count} agree")
    sys.exit(0 if passed == options.count else 1)


if __name__ == "__main__":
    main()
