#!/usr/bin/env python3
"""Adaptation on real data: heads beside a logistic regression on bags of words, instruction tuning, preference tuning.

    python3 Benchmarks/adapt.py prepare SHARED OUT          # TREC, SST-2, SFT and preference rows as train/valid/test folders
    python3 Benchmarks/adapt.py words OUT                   # the logistic regression's accuracies (numpy)
    python3 Benchmarks/adapt.py dialogue CHAPTERS OUT       # what one says and what another answers, from the chapters of novels
    python3 Benchmarks/adapt.py run QUINTET MODEL OUT [...]  # quintet adapt on each, a table of losses and accuracies
    python3 Benchmarks/adapt.py peer QUINTET MODEL OUT [...] # 100 steps of the runs with labels beside PyTorch + transformers + peft: samples a second, memory

SHARED holds data/eval/{qc-trec,sst2} and data/chat. Rows that a run holds out are never trained on: TREC's and SST-2's own test sets are the tests.
"""
import gzip, json, lzma, os, re, subprocess, sys, tempfile, time, zipfile
from collections import Counter

sys.path.pop(0)  # tokenizers.py beside this file is not the library


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


def dialogue(chapters, out):
    """Paragraphs of speech that follow each other; every tenth chapter is held out."""
    rows = {"train": [], "valid": []}
    for index, name in enumerate(sorted(os.listdir(chapters))):
        text = open(f"{chapters}/{name}", encoding="utf-8", errors="replace").read().replace("\r", "")
        said = [" ".join(p.split()) for p in re.split(r"\n\s*\n", text)]
        for a, b in zip(said, said[1:]):
            if all(p[:1] in "\"“" and 12 <= len(p) <= 320 for p in (a, b)):
                rows["valid" if index % 10 == 0 else "train"].append({"prompt": a + "\n\n", "completion": b})
    write(f"{out}/dialogue", **rows)
    print({name: len(r) for name, r in rows.items()})


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
    "dialogue-full": ("dialogue", ["--method", "full", "--steps", "400"]), "dialogue-lora": ("dialogue", ["--method", "lora", "--steps", "400"]),
    "sft-full": ("sft", ["--method", "full", "--epochs", "3"]), "sft-lora": ("sft", ["--method", "lora", "--epochs", "3"]),
    "dpo-full": ("dpo", ["--method", "full", "--epochs", "1"]), "hh-full": ("hh", ["--method", "full", "--epochs", "1"]),
}


def ours(quintet, model, out, name):
    """Samples a second and peak MB. A head's texts are read once, before the first step, so its whole run by the clock counts."""
    data, options = RUNS[name]
    with tempfile.TemporaryDirectory() as folder:
        start = time.time()
        steps = [] if "head" in options else ["--steps", "100", "--eval-every", "100"]
        options = options[:2] if steps else options
        result = json.loads(subprocess.run([quintet, "adapt", model, "--data", f"{out}/{data}", "--into", f"{folder}/run", "--quiet", "--json", "--skip-gate"] + options + steps,
                                           capture_output=True, text=True, check=True).stdout)
        last = [row for row in map(json.loads, open(f"{folder}/run/metrics.jsonl")) if "train/loss" in row][-1]
        return 8 * last["step"] / (last["seconds"] if steps else time.time() - start), result["memory"]["peak"] / 1e6


def theirs(model, out, name):
    """The same rows, batches of 8 and rates in this process, padded to the longest text of a batch as usual there."""
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer
    torch.set_num_threads(2)
    torch.manual_seed(42)
    data, method = RUNS[name][0], RUNS[name][1][1]
    rows = [json.loads(line) for line in open(f"{out}/{data}/train.jsonl")]
    labels = sorted({row["label"] for row in rows})
    tokenizer = AutoTokenizer.from_pretrained(model)
    net = AutoModelForSequenceClassification.from_pretrained(model, num_labels=len(labels), dtype=torch.float32)
    if net.config.pad_token_id is None: net.config.pad_token_id = 0
    if method == "lora":
        from peft import LoraConfig, get_peft_model
        net = get_peft_model(net, LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="SEQ_CLS"))
    if method == "head":
        for name, p in net.named_parameters(): p.requires_grad = name.startswith("score")
    learned = [p for p in net.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(learned, lr=1e-3, betas=(0.9, 0.99), weight_decay=0.01, fused=True)
    texts = [tokenizer(row["text"], truncation=True, max_length=256)["input_ids"] for row in rows]
    net.train()
    order, times = torch.randperm(len(texts)).tolist(), []
    for at in range(0, 8 * 100, 8):
        start = time.time()
        chosen = [order[(at + i) % len(order)] for i in range(8)]
        width = max(len(texts[i]) for i in chosen)
        ids = torch.tensor([texts[i] + [net.config.pad_token_id] * (width - len(texts[i])) for i in chosen])
        mask = torch.tensor([[1] * len(texts[i]) + [0] * (width - len(texts[i])) for i in chosen])
        net(input_ids=ids, attention_mask=mask, labels=torch.tensor([labels.index(rows[i]["label"]) for i in chosen])).loss.backward()
        torch.nn.utils.clip_grad_norm_(learned, 1.0)
        optimizer.step(); optimizer.zero_grad(set_to_none=True)
        times.append(time.time() - start)
    peak = int(next(l for l in open("/proc/self/status") if l.startswith("VmHWM")).split()[1]) / 1e3
    print(json.dumps([8 * 90 / sum(times[10:]), peak]))


def peer(quintet, model, out, names):
    print("| run | samples/s | PyTorch | ratio | peak MB | PyTorch |\n|---|---|---|---|---|---|")
    for name in names:
        mine = ours(quintet, model, out, name)
        other = json.loads(subprocess.run([sys.executable, __file__, "theirs", model, out, name], capture_output=True, text=True, check=True).stdout.splitlines()[-1])
        print(f"| {name} | {mine[0]:.0f} | {other[0]:.0f} | {mine[0] / other[0]:.2f} | {mine[1]:.0f} | {other[1]:.0f} |", flush=True)


def run(quintet, model, out, names):
    print("| run | steps | seconds | samples/s | held-out loss before | after | scores |\n|---|---|---|---|---|---|---|")
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
        steps = [r for r in rows if "train/loss" in r]
        scores = {k: round(v, 4) for k, v in answer.items() if k == "accuracy" or k.startswith("rewards/")}
        print(f"| {name} | {answer['step']} | {time.time() - start:.0f} | {8 * steps[-1]['step'] / steps[-1]['seconds']:.0f} | {losses[0]:.4f} | {min(losses[1:]):.4f} | {scores}, gate {answer['gate']['passed']} |", flush=True)


if __name__ == "__main__":
    command, *rest = sys.argv[1:]
    if command == "prepare":
        for make in (trec, sst2, chat): make(*rest)
    elif command == "dialogue":
        dialogue(*rest)
    elif command == "peer":
        peer(*rest[:3], rest[3:] or [name for name, (data, _) in RUNS.items() if data in ("trec", "sst2")])
    elif command == "theirs":
        theirs(*rest)
    elif command == "words":
        for name in ("trec", "sst2"): print(name, words(f"{rest[0]}/{name}"))
    else:
        run(*rest[:3], rest[3:])
