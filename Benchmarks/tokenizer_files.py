"""Encoding speed of real tokenizer files side by side: quintet against the library of the file's format, interleaved in one run.

    swift build -c release
    python3 Benchmarks/tokenizer_files.py TEXT TOKENIZER... [--runs 3] [--megabytes 10]

TOKENIZER is a tokenizer.json (peer `tokenizers`, one call a document of 200 lines and one with all of the text, the faster counts), a
tiktoken rank file (peer `tiktoken`) or a BERT vocab.txt (peer `tokenizers`). One thread on every side; every encode starts with cold
caches. Ids of the whole text are compared. Loading is timed too: from the call to a tokenizer that is ready.
"""
import argparse, json, os, pathlib, statistics, subprocess, sys, tempfile, time

sys.path = [p for p in sys.path if pathlib.Path(p or ".").resolve() != pathlib.Path(__file__).resolve().parent]

ROOT = pathlib.Path(__file__).resolve().parent.parent
GPT2 = r"'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s"
CL100K = r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|\s+(?!\S)|\s"


def peer(path, text):
    """Runs in a process of its own, one thread."""
    import tokenizers

    text = open(text, encoding="utf-8", newline="").read()
    head = open(path, "rb").read(1)
    start = time.perf_counter()
    if head == b"{" or path.endswith("vocab.txt"):
        if head == b"{":
            tokenizer = tokenizers.Tokenizer.from_file(path)
        else:
            tokenizer = tokenizers.BertWordPieceTokenizer(path, lowercase="cased" not in path)._tokenizer
        load = time.perf_counter() - start
        start = time.perf_counter()
        ids = tokenizer.encode(text, add_special_tokens=False).ids
        whole = time.perf_counter() - start
        lines = text.splitlines(keepends=True)
        documents = ["".join(lines[i : i + 200]) for i in range(0, len(lines), 200)]
        start = time.perf_counter()
        tokenizer.encode_batch(documents)
        return {"seconds": min(whole, time.perf_counter() - start), "load": load, "tokens": len(ids), "hash": hash(tuple(ids)), "peer": "tokenizers"}
    import base64, tiktoken

    ranks = {base64.b64decode(token): int(rank) for token, rank in (line.split() for line in open(path, "rb"))}
    encoding = tiktoken.Encoding("bench", pat_str=GPT2 if len(ranks) < 60_000 else CL100K, mergeable_ranks=ranks, special_tokens={})
    load = time.perf_counter() - start
    start = time.perf_counter()
    ids = encoding.encode_ordinary(text)
    return {"seconds": time.perf_counter() - start, "load": load, "tokens": len(ids), "hash": hash(tuple(ids)), "peer": "tiktoken"}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("text")
    parser.add_argument("tokenizers", nargs="+")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--megabytes", type=float, default=10)
    parser.add_argument("--quintet", default=str(ROOT / ".build" / "release" / "quintet"))
    options = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp())
    text = folder / "text.txt"
    data = open(options.text, "rb").read()[: int(options.megabytes * 1e6)].decode("utf-8", "ignore").encode()
    text.write_bytes(data)
    row = folder / "row.jsonl"
    row.write_text(json.dumps({"text": data.decode()}) + "\n")
    environment = dict(os.environ, RAYON_NUM_THREADS="1", TOKENIZERS_PARALLELISM="false")
    for path in options.tokenizers:
        ours, theirs = [], []
        for _ in range(options.runs):
            ours.append(json.loads(subprocess.run(
                [options.quintet, "tokenizer", "bench", "--tokenizer", path, text, "--threads", "1", "--runs", "3", "--json"],
                check=True, capture_output=True, text=True).stdout))
            theirs.append(json.loads(subprocess.run(
                [sys.executable, __file__, "--peer", path, text], check=True, capture_output=True, text=True, env=environment).stdout))
        out = subprocess.run([options.quintet, "tokenizer", "encode", "--tokenizer", path, "--jsonl", row, "--no-special"], check=True, capture_output=True).stdout
        same = hash(tuple(json.loads(out)["ids"])) == theirs[0]["hash"]
        speed = statistics.median(r["encode_megabytes_per_second"] for r in ours)
        slow = len(data) / 1e6 / statistics.median(r["seconds"] for r in theirs)
        load = statistics.median(r["load_seconds"] for r in ours)
        print(f"{path}: {speed:.1f} MB/s against {slow:.2f} ({theirs[0]['peer']}): {speed / slow:.1f}x; load {load * 1000:.0f} ms against "
              f"{statistics.median(r['load'] for r in theirs) * 1000:.0f}; ids {'equal' if same else 'DIFFER'}", flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--peer"]:
        print(json.dumps(peer(*sys.argv[2:])))
    else:
        main()
