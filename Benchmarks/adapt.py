#!/usr/bin/env python3
"""Adaptation on real data: heads beside a logistic regression on bags of words, instruction tuning, preference tuning.

    python3 Benchmarks/adapt.py prepare SHARED OUT          # TREC, SST-2, SFT and preference rows as train/valid/test folders
    python3 Benchmarks/adapt.py words OUT                   # the logistic regression's accuracies (numpy)
    python3 Benchmarks/adapt.py run QUINTET MODEL OUT [...]  # quintet adapt on each, a table of losses and accuracies

SHARED holds data/eval/{qc-trec,sst2} and data/chat. Rows that a run holds out are never trained on: TREC's and SST-2's own test sets are the tests.
"""
import gzip, json, lzma, os, re, subprocess, sys, time, zipfile
from collections import Counter


def write(folder, **splits):
    os.makedirs(folder, exist_ok=True)
    for name, rows in splits.items():
        with open(f"{folder}/{name}.jsonl", "w") as file:
            file.writelines(json.dumps(row) + "\n" for row in rows)


def trec(shared, out):
    with zipfile.ZipFile(f"{shared}/data/eval/qc-trec/qc.zip") as archive:
        def rows(name):
            path = next(n for n in archive.namelist() if n.endswith(name))
            for line in archive.read(path).decode("latin-1").splitlines():
                label, text = line.split(" ", 1)
                yield {"text": text, "label": label.split(":")[0]}
        train, test = list(rows("train.txt")), list(rows("test.txt"))
    write(f"{out}/trec", train=train[:-400], valid=train[-400:], test=test)


def sst2(shared, out):
    def rows(text):
        return [{"text": t, "label": ["negative", "positive"][int(l)]} for t, l in (line.rsplit("\t", 1) for line in text.splitlines() if line)]
    base = f"{shared}/data/eval/sst2"
    write(f"{out}/sst2", train=rows(lzma.open(f"{base}/train.tsv.xz").read().decode()), valid=rows(open(f"{base}/dev.tsv").read()),
          test=rows(open(f"{base}/test.tsv").read()))


def chat(shared, out):
    base = f"{shared}/data/chat"
    seeds = [json.loads(line) for line in open(f"{base}/self-instruct-seed/seed_tasks.jsonl")]
    rows = [dict(instruction=s["instruction"], input=i["input"], output=i["output"]) for s in seeds for i in s["instances"]]
    rows += json.load(open(f"{base}/llamafactory-demos/identity.json"))
    rows = [r for r in rows if r["output"]]
    write(f"{out}/sft", train=[r for i, r in enumerate(rows) if i % 8], valid=[r for i, r in enumerate(rows) if i % 8 == 0])
    pairs = json.load(lzma.open(f"{base}/llamafactory-demos/dpo_en_demo.json.xz"))
    write(f"{out}/dpo", train=[r for i, r in enumerate(pairs) if i % 6], valid=[r for i, r in enumerate(pairs) if i % 6 == 0])
    pairs = [json.loads(line) for line in gzip.open(f"{base}/hh-rlhf-harmless-test/test.jsonl.gz")]
    pairs = [r for r in pairs if r["chosen"] != r["rejected"]]
    write(f"{out}/hh", train=[r for i, r in enumerate(pairs) if i % 10], valid=[r for i, r in enumerate(pairs) if i % 10 == 0])


def words(folder):
    """Multinomial logistic regression on counts of words (and pairs), L2 by the validation rows; full-batch gradient descent with momentum."""
    import numpy as np
    def rows(name): return [json.loads(line) for line in open(f"{folder}/{name}.jsonl")]
    train, valid, test = rows("train"), rows("valid"), rows("test")
    def features(text):
        tokens = re.findall(r"[a-z0-9']+|[^\sa-z0-9]", text.lower())
        return Counter(tokens + [f"{a} {b}" for a, b in zip(tokens, tokens[1:])])
    counts = Counter(f for r in train for f in features(r["text"]).keys())
    index = {f: i for i, f in enumerate(f for f, n in counts.items() if n > 1)}
    labels = sorted({r["label"] for r in train})
    def matrix(rows):
        where = [[(index[f], 1.0) for f in features(r["text"]) if f in index] for r in rows]
        flat = np.array([i for row in where for i, _ in row]); starts = np.cumsum([0] + [len(row) for row in where])
        return flat, starts, np.array([labels.index(r["label"]) for r in rows])
    def scores(weights, bias, data):
        flat, starts, _ = data
        out = np.zeros((len(starts) - 1, len(labels)))
        sums = np.vstack([np.zeros((1, len(labels))), np.cumsum(weights[flat], 0)])
        return sums[starts[1:]] - sums[starts[:-1]] + bias
    data = [matrix(r) for r in (train, valid, test)]
    best = (0, None)
    for decay in (1e-5, 1e-4, 1e-3):
        weights, bias = np.zeros((len(index), len(labels))), np.zeros(len(labels))
        velocity, gate = np.zeros_like(weights), np.zeros_like(bias)
        flat, starts, wanted = data[0]
        rows_of = np.repeat(np.arange(len(wanted)), np.diff(starts))
        for _ in range(300):
            s = scores(weights, bias, data[0]); s -= s.max(1, keepdims=True)
            p = np.exp(s); p /= p.sum(1, keepdims=True); p[np.arange(len(wanted)), wanted] -= 1; p /= len(wanted)
            gradient = np.zeros_like(weights); np.add.at(gradient, flat, p[rows_of]); gradient += decay * weights
            velocity = 0.9 * velocity - 2.0 * gradient; gate = 0.9 * gate - 2.0 * p.sum(0)
            weights += velocity; bias += gate
        accuracy = [(scores(weights, bias, d).argmax(1) == d[2]).mean() for d in data]
        if accuracy[1] > best[0]: best = (accuracy[1], accuracy[2], decay)
    return dict(features=len(index), valid=best[0], test=best[1], decay=best[2])


RUNS = {  # name: data, options
    "trec-head": ("trec", ["--method", "head", "--epochs", "5"]), "trec-full": ("trec", ["--method", "full", "--epochs", "3"]),
    "trec-lora": ("trec", ["--method", "lora", "--epochs", "3"]), "sst2-head": ("sst2", ["--method", "head", "--epochs", "5"]),
    "sst2-full": ("sst2", ["--method", "full", "--epochs", "3"]), "sst2-lora": ("sst2", ["--method", "lora", "--epochs", "3"]),
    "sft-full": ("sft", ["--method", "full", "--epochs", "3"]), "sft-lora": ("sft", ["--method", "lora", "--epochs", "3"]),
    "dpo-full": ("dpo", ["--method", "full", "--epochs", "1"]), "hh-full": ("hh", ["--method", "full", "--epochs", "1"]),
}


def run(quintet, model, out, names):
    print("| run | steps | seconds | held-out loss before | after | scores |\n|---|---|---|---|---|---|")
    for name in names or RUNS:
        data, options = RUNS[name]
        into = f"{out}/runs/{os.path.basename(model)}-{name}"
        start = time.time()
        result = subprocess.run([quintet, "adapt", model, "--data", f"{out}/{data}", "--into", into, "--quiet", "--json"] + options, capture_output=True, text=True)
        if result.returncode:
            print(f"| {name} | failed: {result.stderr.strip().splitlines()[-1] if result.stderr.strip() else result.returncode} |")
            continue
        answer = json.loads(result.stdout)
        rows = [json.loads(line) for line in open(f"{into}/metrics.jsonl")]
        losses = [r["val/loss"] for r in rows if "val/loss" in r]
        scores = {k: round(v, 4) for k, v in answer.items() if k == "accuracy" or k.startswith("rewards/")}
        print(f"| {name} | {answer['step']} | {time.time() - start:.0f} | {losses[0]:.4f} | {min(losses[1:]):.4f} | {scores}, gate {answer['gate']['passed']} |", flush=True)


if __name__ == "__main__":
    command, *rest = sys.argv[1:]
    if command == "prepare":
        for make in (trec, sst2, chat): make(*rest)
    elif command == "words":
        for name in ("trec", "sst2"): print(name, words(f"{rest[0]}/{name}"))
    else:
        run(*rest[:3], rest[3:])
