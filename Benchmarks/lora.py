#!/usr/bin/env python3
"""Training an adapter beside PyTorch + transformers + peft: speed and memory, interleaved, each in a process of its own.

    python3 Benchmarks/lora.py                          # LoRA on 110M f32 and bf16, two threads
    python3 Benchmarks/lora.py --qlora --rounds 1       # ours on 1.1B Q4_0 beside theirs on 1.1B bf16
    python3 Benchmarks/lora.py --full --rounds 1        # all weights of 110M learn

Needs `pip install torch transformers peft`. A Llama of the preset's sizes with random weights, rank 16 on all linear layers, AdamW on the
adapter, clipping. The host may be shared, so only the ratios within one run count.
"""
import argparse, json, os, resource, subprocess, sys, time

sys.path.pop(0)  # tokenizers.py beside this file is not the library

SHAPES = {  # preset: layers, width, heads, key heads, feed-forward, context, vocabulary
    "llama-110m": (12, 768, 12, 12, 2048, 1024, 32_000),
    "llama-1.1b": (22, 2048, 32, 4, 5632, 2048, 32_000),
    "micro": (6, 256, 4, 4, 768, 512, 4096),
}


def peer(a):
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import LlamaConfig, LlamaForCausalLM
    torch.set_num_threads(a.threads)
    torch.manual_seed(1)
    layers, width, heads, kv, hidden, context, vocabulary = SHAPES[a.preset]
    config = LlamaConfig(num_hidden_layers=layers, hidden_size=width, num_attention_heads=heads, num_key_value_heads=kv, intermediate_size=hidden,
                         max_position_embeddings=context, vocab_size=vocabulary, tie_word_embeddings=True)
    torch.set_default_dtype(getattr(torch, a.dtype))
    base = LlamaForCausalLM(config)
    torch.set_default_dtype(torch.float32)
    model = base if a.full else get_peft_model(
        base, LoraConfig(r=a.rank, lora_alpha=2 * a.rank, target_modules="all-linear", task_type="CAUSAL_LM"))
    model.train()
    if a.checkpoint:
        model.gradient_checkpointing_enable(), model.enable_input_require_grads()
    learned = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(learned, lr=1e-4, fused=True)
    times = []
    for step in range(a.steps + 2):
        ids = torch.randint(0, vocabulary, (a.batch, a.sequence))
        start = time.perf_counter()
        optimizer.zero_grad(set_to_none=True)
        model(input_ids=ids, labels=ids).loss.backward()
        torch.nn.utils.clip_grad_norm_(learned, 1.0)
        optimizer.step()
        times.append(time.perf_counter() - start)
    times = sorted(times[2:])
    median = times[len(times) // 2]
    print(json.dumps({"tokens_per_second": a.batch * a.sequence / median, "milliseconds_per_step": median * 1000,
                      "peak_rss_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}))


def last_line(command):
    return json.loads(subprocess.run([str(x) for x in command], check=True, capture_output=True, text=True).stdout.splitlines()[-1])


def ours(a, preset, batch, sequence, stored):
    return last_line([a.binary, "bench", "train", "--preset", preset, "--batch", batch, "--sequence", sequence, "--threads", a.threads, "--steps", a.steps,
                      "--recompute", a.recompute, "--json"] + ([] if a.full else ["--lora", a.rank, "--quantize", stored]) + (["--bf16"] if a.bf16 else []))


def theirs(a, preset, batch, sequence, dtype):
    return last_line([sys.executable, __file__, "--peer", "--preset", preset, "--batch", batch, "--sequence", sequence, "--dtype", dtype,
                      "--threads", a.threads, "--steps", a.steps, "--rank", a.rank] + (["--full"] if a.full else []))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--preset", default="llama-110m", choices=SHAPES)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--sequence", type=int, default=256)
    parser.add_argument("--rank", type=int, default=16)
    parser.add_argument("--dtype", default="float32", choices=["float32", "bfloat16"])
    parser.add_argument("--stored", default="f32", help="what our base is stored in")
    parser.add_argument("--bf16", action="store_true", help="our products with the frozen base in bf16")
    parser.add_argument("--recompute", default="none", choices=["none", "activations", "block"])
    parser.add_argument("--qlora", action="store_true", help="1.1B, batch 1 x 256, ours on q4_0, theirs on bfloat16")
    parser.add_argument("--full", action="store_true", help="all weights learn, no adapter")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--binary", default=os.path.join(os.path.dirname(__file__), "..", ".build", "release", "quintet"))
    parser.add_argument("--checkpoint", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--peer", action="store_true", help=argparse.SUPPRESS)
    a = parser.parse_args()
    if a.peer:
        return peer(a)
    shapes = [("llama-1.1b", 1, 256, "q4_0", "bfloat16")] if a.qlora else [(a.preset, a.batch, a.sequence, a.stored, a.dtype)]
    print(f"{'shape':<22}{'ours':>8}{'theirs':>10}{'ours tok/s':>12}{'torch tok/s':>13}{'ratio':>8}{'ours GB':>9}{'torch GB':>10}{'ratio':>8}{'of limit':>10}")
    for preset, batch, sequence, stored, dtype in shapes:
        pairs = [(ours(a, preset, batch, sequence, stored), theirs(a, preset, batch, sequence, dtype)) for _ in range(a.rounds)]
        ratios = sorted(o["tokens_per_second"] / t["tokens_per_second"] for o, t in pairs)
        o, t = pairs[-1]
        print(f"{preset + f' {batch}x{sequence}':<22}{stored:>8}{dtype:>10}{o['tokens_per_second']:>12.0f}{t['tokens_per_second']:>13.0f}"
              f"{ratios[len(ratios) // 2]:>7.2f}x{o['peak_rss_bytes'] / 1e9:>9.2f}{t['peak_rss_bytes'] / 1e9:>10.2f}"
              f"{o['peak_rss_bytes'] / t['peak_rss_bytes']:>7.2f}x{o['share_of_limit']:>9.0%}", flush=True)


main()
