#!/usr/bin/env python3
"""Training speed and memory beside PyTorch, interleaved, each in a process of its own.

    python3 Benchmarks/train.py                         # all shapes, two threads
    python3 Benchmarks/train.py gpt2-124m 4 64 --threads 1 --rounds 3

Needs `pip install torch`; the peer is a plain GPT with scaled_dot_product_attention, fused cross-entropy as PyTorch
has it, and AdamW(fused=True). The host may be shared, so only the ratios within one run count.
"""
import argparse, json, os, resource, subprocess, sys, time

SHAPES = {  # preset: layers, width, heads, context, vocabulary
    "gpt2-124m": (12, 768, 12, 1024, 50257),
    "char-gpt": (6, 384, 6, 256, 65),
    "char-tiny": (4, 128, 4, 64, 65),
}
ALL = [("gpt2-124m", 4, 64, "none"), ("gpt2-124m", 4, 256, "none"), ("gpt2-124m", 4, 256, "block"), ("gpt2-124m", 1, 1024, "none"),
       ("char-gpt", 64, 256, "none"), ("char-tiny", 12, 64, "none")]


def peer(preset, batch, sequence, threads, steps):
    import torch
    from torch import nn
    from torch.nn import functional as F
    torch.set_num_threads(threads)
    torch.manual_seed(1)
    layers, width, heads, context, vocabulary = SHAPES[preset]

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.ln1, self.ln2 = nn.LayerNorm(width), nn.LayerNorm(width)
            self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
            self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

        def forward(self, x):
            b, t, c = x.shape
            q, k, v = self.qkv(self.ln1(x)).split(c, 2)
            q, k, v = (z.view(b, t, heads, c // heads).transpose(1, 2) for z in (q, k, v))
            y = F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).reshape(b, t, c)
            x = x + self.out(y)
            return x + self.down(F.gelu(self.up(self.ln2(x)), approximate="tanh"))

    class GPT(nn.Module):
        def __init__(self):
            super().__init__()
            self.wte, self.wpe = nn.Embedding(vocabulary, width), nn.Embedding(context, width)
            self.blocks = nn.ModuleList(Block() for _ in range(layers))
            self.ln = nn.LayerNorm(width)

        def forward(self, ids, targets):
            x = self.wte(ids) + self.wpe(torch.arange(ids.shape[1]))
            for block in self.blocks:
                x = block(x)
            logits = F.linear(self.ln(x), self.wte.weight)
            return F.cross_entropy(logits.view(-1, vocabulary), targets.reshape(-1))

    model = GPT()
    optimizer = torch.optim.AdamW(model.parameters(), lr=6e-4, betas=(0.9, 0.95), weight_decay=0.1, fused=True)
    times = []
    for step in range(steps + 2):
        ids = torch.randint(0, vocabulary, (batch, sequence + 1))
        start = time.perf_counter()
        optimizer.zero_grad(set_to_none=True)
        model(ids[:, :-1], ids[:, 1:]).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        times.append(time.perf_counter() - start)
    times = sorted(times[2:])
    median = times[len(times) // 2]
    print(json.dumps({"tokens_per_second": batch * sequence / median, "milliseconds_per_step": median * 1000,
                      "peak_rss_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}))


def ours(binary, preset, batch, sequence, threads, steps, recompute):
    command = [binary, "bench", "train", "--preset", preset, "--batch", batch, "--sequence", sequence, "--threads", threads,
               "--steps", steps, "--recompute", recompute, "--json"]
    return json.loads(subprocess.run([str(x) for x in command], check=True, capture_output=True, text=True).stdout)


def theirs(preset, batch, sequence, threads, steps):
    command = [sys.executable, __file__, preset, batch, sequence, "--threads", threads, "--steps", steps, "--peer"]
    return json.loads(subprocess.run([str(x) for x in command], check=True, capture_output=True, text=True).stdout.splitlines()[-1])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("preset", nargs="?", choices=SHAPES)
    parser.add_argument("batch", nargs="?", type=int)
    parser.add_argument("sequence", nargs="?", type=int)
    parser.add_argument("--recompute", default="none", choices=["none", "activations", "block"])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--steps", type=int, default=0)
    parser.add_argument("--binary", default=os.path.join(os.path.dirname(__file__), "..", ".build", "release", "quintet"))
    parser.add_argument("--peer", action="store_true", help=argparse.SUPPRESS)
    a = parser.parse_args()
    if a.peer:
        return peer(a.preset, a.batch, a.sequence, a.threads, a.steps)
    shapes = [(a.preset, a.batch, a.sequence, a.recompute)] if a.preset else ALL
    print(f"{'shape':<24}{'recompute':<12}{'ours tok/s':>12}{'torch tok/s':>13}{'ratio':>8}{'ours GB':>9}{'torch GB':>10}{'ratio':>8}{'of limit':>10}")
    for preset, batch, sequence, recompute in shapes:
        steps = a.steps or (30 if preset == "char-tiny" else 3)
        pairs = [(ours(a.binary, preset, batch, sequence, a.threads, steps, recompute), theirs(preset, batch, sequence, a.threads, steps))
                 for _ in range(a.rounds)]
        ratios = sorted(o["tokens_per_second"] / t["tokens_per_second"] for o, t in pairs)
        o, t = pairs[-1]
        print(f"{preset + f' {batch}x{sequence}':<24}{recompute:<12}{o['tokens_per_second']:>12.0f}{t['tokens_per_second']:>13.0f}"
              f"{ratios[len(ratios) // 2]:>7.2f}x{o['peak_rss_bytes'] / 1e9:>9.2f}{t['peak_rss_bytes'] / 1e9:>10.2f}"
              f"{o['peak_rss_bytes'] / t['peak_rss_bytes']:>7.2f}x{o['share_of_limit']:>9.0%}", flush=True)


main()
