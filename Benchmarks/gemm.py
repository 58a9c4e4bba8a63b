#!/usr/bin/env python3
"""f32 matrix multiply beside NumPy (OpenBLAS) and PyTorch (MKL or oneDNN), interleaved, each in a process of its own.

    python3 Benchmarks/gemm.py                                  # all shapes, one and two threads
    python3 Benchmarks/gemm.py 256x3072x768 --threads 2 --rounds 5

Needs `pip install numpy torch`; a peer that is missing is left out. The host may be shared, so only the ratios within one
run count: every round asks everybody once, the table gives the median over the rounds and the ratio of ours to each peer's.
"""
import argparse, json, os, statistics, subprocess, sys, time

SHAPES = ["512x512x512", "1024x1024x1024", "2048x2048x2048", "4096x4096x4096", "256x3072x768", "1024x3072x768", "2048x3072x768",
          "256x768x3072", "1024x768x3072", "2048x768x3072", "256x50257x768", "1024x50257x768"]
SECONDS = 0.3


def serve(name, threads, layout):
    """A peer: reads shapes, answers with median GFLOP/s, until its input ends."""
    if name == "torch":
        import torch
        torch.set_num_threads(threads)
    else:
        import numpy as np
    print("ready", flush=True)
    for line in sys.stdin:
        m, n, k = map(int, line.split("x"))
        if name == "torch":
            a, c = torch.randn(m, k), torch.empty(m, n)
            b = torch.randn(n, k).t() if layout == "nt" else torch.randn(k, n)
            multiply = lambda: torch.mm(a, b, out=c)
        else:
            a, c = np.random.rand(m, k).astype(np.float32), np.empty((m, n), np.float32)
            b = np.random.rand(n, k).astype(np.float32).T if layout == "nt" else np.random.rand(k, n).astype(np.float32)
            multiply = lambda: np.matmul(a, b, out=c)
        multiply()
        times, until = [], time.perf_counter() + SECONDS
        while time.perf_counter() < until or len(times) < 3:
            start = time.perf_counter()
            multiply()
            times.append(time.perf_counter() - start)
        print(2 * m * n * k / statistics.median(times) * 1e-9, flush=True)


class Peer:
    def __init__(self, name, threads, layout):
        env = dict(os.environ, OPENBLAS_NUM_THREADS=str(threads), OMP_NUM_THREADS=str(threads), MKL_NUM_THREADS=str(threads))
        command = [sys.executable, __file__, "--peer", name, "--threads", str(threads), "--layout", layout]
        self.process = subprocess.Popen(command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.there = self.process.stdout.readline() == "ready\n"

    def measure(self, shape):
        if not self.there:
            return None
        print(shape, file=self.process.stdin, flush=True)
        return float(self.process.stdout.readline())


def ours(quintet, m, n, k, threads, layout):
    command = [quintet, "bench", "gemm", "--m", m, "--n", n, "--k", k, "--threads", threads, "--layout", layout, "--json"]
    out = json.loads(subprocess.run([str(x) for x in command], check=True, capture_output=True, text=True).stdout)
    return out["gflops"], out["share_of_limit"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("shapes", nargs="*", help="MxNxK", default=SHAPES)
    parser.add_argument("--threads", type=int, nargs="*", default=[1, 2])
    parser.add_argument("--layout", choices=["nn", "nt"], default="nn", help="nt: B stored [n, k], as weights are")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quintet", default=os.path.join(os.path.dirname(__file__), "..", ".build", "release", "quintet"))
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--peer", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peer:
        serve(options.peer, options.threads[0], options.layout)
        return
    rows = []
    peers = {threads: {name: Peer(name, threads, options.layout) for name in ("numpy", "torch")} for threads in options.threads}
    if not options.json:
        print(f"{'m x n x k':>18} {'threads':>7} {'quintet':>8} {'of limit':>8} {'numpy':>8} {'ratio':>6} {'torch':>8} {'ratio':>6}")
    for shape in options.shapes:
        m, n, k = map(int, shape.split("x"))
        for threads in options.threads:
            rounds = [{"quintet": ours(options.quintet, m, n, k, threads, options.layout),
                       **{name: one.measure(shape) for name, one in peers[threads].items()}} for _ in range(options.rounds)]
            mine = statistics.median(r["quintet"][0] for r in rounds)
            row = {"m": m, "n": n, "k": k, "threads": threads, "layout": options.layout, "quintet_gflops": mine,
                   "share_of_limit": statistics.median(r["quintet"][1] for r in rounds)}
            for name in ("numpy", "torch"):
                values = [r[name] for r in rounds if r[name]]
                row[f"{name}_gflops"] = statistics.median(values) if values else None
                row[f"ratio_{name}"] = mine / row[f"{name}_gflops"] if values else None
            rows.append(row)
            if not options.json:
                cell = lambda value, width, form: f"{value:{width}{form}}" if value else " " * (width - 1) + "-"
                print(f"{shape:>18} {threads:>7} {mine:8.1f} {row['share_of_limit']:8.1%} {cell(row['numpy_gflops'], 8, '.1f')} "
                      f"{cell(row['ratio_numpy'], 6, '.2f')} {cell(row['torch_gflops'], 8, '.1f')} {cell(row['ratio_torch'], 6, '.2f')}", flush=True)
    if options.json:
        print(json.dumps(rows))


if __name__ == "__main__":
    main()
