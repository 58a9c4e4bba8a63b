"""Tokenizer speed side by side: quintet, `tokenizers`, `tiktoken`, interleaved in one run.

    swift build -c release
    python3 Benchmarks/tokenizers.py [TEXT] [--vocab 8192] [--runs 3]

TEXT is a UTF-8 file; the first 10 MB of it are used. Needs `tokenizers` and `tiktoken`. Every library learns from and
encodes the same bytes; encoding uses the same merges, and the ids are compared before anything is timed. Learning is from
documents of 200 lines. `tokenizers` encodes all of the text in one call and, which is faster, document by document; the
better one counts. Thread pools are held to the number of threads in the row.
Each encode starts with a newly loaded tokenizer, so no cache is warm on any side.
"""
import argparse, json, os, pathlib, statistics, subprocess, sys, tempfile, time

sys.path = [p for p in sys.path if pathlib.Path(p or ".").resolve() != pathlib.Path(__file__).resolve().parent]  # this file is not the library

ROOT = pathlib.Path(__file__).resolve().parent.parent
QUINTET = ROOT / ".build" / "release" / "quintet"
GPT2 = r"""'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s"""


def quintet(*arguments):
    return json.loads(subprocess.run([QUINTET, "tokenizer", *map(str, arguments)], check=True, capture_output=True, text=True).stdout)


def peer(task, *arguments, threads):
    """Runs one peer's task in a process of its own: the thread pools are sized at import."""
    environment = dict(os.environ, RAYON_NUM_THREADS=str(threads), TOKENIZERS_PARALLELISM="true" if threads > 1 else "false")
    command = [sys.executable, __file__, "--peer", task, *map(str, arguments)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout)


def documents(text):
    return documents_of(open(text, encoding="utf-8", newline="").read())


def peer_train(text, size, out):
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers, decoders

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=int(size), special_tokens=["<|endoftext|>"], initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False)
    texts = documents(text)
    start = time.perf_counter()
    tokenizer.train_from_iterator(texts, trainer)
    seconds = time.perf_counter() - start
    tokenizer.save(out)
    return {"seconds": seconds}


def peer_tokenizers(path, text):
    from tokenizers import Tokenizer

    text = open(text, encoding="utf-8", newline="").read()
    tokenizer = Tokenizer.from_file(path)
    start = time.perf_counter()
    ids = tokenizer.encode(text).ids
    seconds = time.perf_counter() - start
    texts, fresh = documents_of(text), Tokenizer.from_file(path)
    start = time.perf_counter()
    fresh.encode_batch(texts)
    by_document = time.perf_counter() - start
    return {"seconds": min(seconds, by_document), "whole": seconds, "hash": hash(tuple(ids)), "tokens": len(ids)}


def documents_of(text):
    lines = text.splitlines(keepends=True)
    return ["".join(lines[i : i + 200]) for i in range(0, len(lines), 200)]


def peer_tiktoken(path, text):
    import tiktoken

    model = json.load(open(path, encoding="utf-8"))["model"]
    text = open(text, encoding="utf-8", newline="").read()
    visible = [*range(33, 127), *range(161, 173), *range(174, 256)]
    byte_of = {chr(b): b for b in visible}
    byte_of.update({chr(256 + i): b for i, b in enumerate(b for b in range(256) if b not in visible)})
    ranks = {bytes(byte_of[c] for c in t): i for t, i in model["vocab"].items() if t != "<|endoftext|>"}
    encoding = tiktoken.Encoding("bench", pat_str=GPT2, mergeable_ranks=ranks, special_tokens={})
    start = time.perf_counter()
    ids = encoding.encode_ordinary(text)
    seconds = time.perf_counter() - start
    return {"seconds": seconds, "hash": hash(tuple(ids)), "tokens": len(ids)}


def compare_ids(tokenizer, text, folder):
    row = folder / "row.jsonl"
    row.write_text(json.dumps({"text": open(text, encoding="utf-8", newline="").read()}) + "\n", encoding="utf-8")
    out = subprocess.run(
        [QUINTET, "tokenizer", "encode", "--tokenizer", tokenizer, "--jsonl", row], check=True, capture_output=True, text=True).stdout
    ours = hash(tuple(json.loads(out)["ids"]))
    theirs = [peer(p, tokenizer, text, threads=1)["hash"] for p in ("tokenizers", "tiktoken")]
    print("ids equal to tokenizers:", ours == theirs[0], " to tiktoken:", ours == theirs[1])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("text")
    parser.add_argument("--vocab", type=int, default=8192)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp())
    text = folder / "text.txt"
    data = open(options.text, "rb").read()[:10_000_000].decode("utf-8", "ignore").encode()
    text.write_bytes(data)
    megabytes = len(data) / 1e6
    corpus = folder / "corpus" / "documents"
    corpus.mkdir(parents=True)
    (corpus / "00000.jsonl").write_text("".join(json.dumps({"text": t}, ensure_ascii=False) + "\n" for t in documents(text)), encoding="utf-8")
    results = {}

    def note(name, threads, seconds):
        results.setdefault((name, threads), []).append(seconds)

    for run in range(options.runs):
        for threads in (1, 2):
            ours = quintet("train", corpus.parent, "--vocab-size", options.vocab, "--into", folder / f"q{run}{threads}", "--threads", threads, "--json")
            note("train quintet", threads, ours["seconds"])
            note("train tokenizers", threads, peer("train", text, options.vocab, folder / "peer.json", threads=threads)["seconds"])
    mine, theirs = (json.load(open(p, encoding="utf-8"))["model"] for p in (folder / "q01" / "tokenizer.json", folder / "peer.json"))
    print("vocabularies equal:", mine["vocab"] == theirs["vocab"] and [*map(tuple, mine["merges"])] == [*map(tuple, theirs["merges"])])
    tokenizer = folder / "q01" / "tokenizer.json"
    compare_ids(tokenizer, text, folder)
    for run in range(options.runs):
        for threads in (1, 2):
            ours = quintet("bench", "--tokenizer", tokenizer, text, "--threads", threads, "--runs", 3, "--json")
            note("encode quintet", threads, megabytes / ours["encode_megabytes_per_second"])
        note("encode tokenizers", 1, peer("tokenizers", tokenizer, text, threads=1)["seconds"])
        note("encode tiktoken", 1, peer("tiktoken", tokenizer, text, threads=1)["seconds"])

    print(f"\n{megabytes:.1f} MB, vocabulary {options.vocab}, median of {options.runs} (spread)")
    for (name, threads), seconds in results.items():
        middle = statistics.median(seconds)
        print(f"{name:18} {threads} thread{'s' * (threads > 1)}  {middle:7.3f} s  {megabytes / middle:7.1f} MB/s  ({min(seconds):.3f}-{max(seconds):.3f})")
    middle = {key: statistics.median(seconds) for key, seconds in results.items()}
    print()
    print(f"train: {middle['train tokenizers', 1] / middle['train quintet', 1]:.1f}x tokenizers on one thread, "
          f"{middle['train tokenizers', 2] / middle['train quintet', 2]:.1f}x on two")
    print(f"encode: {middle['encode tokenizers', 1] / middle['encode quintet', 1]:.1f}x tokenizers, "
          f"{middle['encode tiktoken', 1] / middle['encode quintet', 1]:.1f}x tiktoken; two threads "
          f"{middle['encode quintet', 1] / middle['encode quintet', 2]:.2f}x one")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--peer"]:
        task = {"train": peer_train, "tokenizers": peer_tokenizers, "tiktoken": peer_tiktoken}[sys.argv[2]]
        print(json.dumps(task(*sys.argv[3:])))
    else:
        main()
