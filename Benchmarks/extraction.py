"""Main text of web pages: quintet beside trafilatura, scored as scrapinghub's article-extraction-benchmark scores (F1 over 4-token shingles).

    python3 Benchmarks/extraction.py path/to/article-extraction-benchmark [--quintet .build/release/quintet] [--rounds 3]

The pages whose key ends in an even digit were looked at while the rules were written, the other half only counted; both are reported.
quintet's time is that of `quintet gather` on the packed pages (start, unpacking and writing included), trafilatura's that of `extract` on
pages already decoded; times of the processor, which a busy machine disturbs less, stand beside those of the clock.
"""
import argparse, collections, glob, gzip, json, os, re, resource, statistics, subprocess, tempfile, time

TOKEN = re.compile(r"\w+", re.UNICODE | re.MULTILINE | re.IGNORECASE | re.DOTALL)


def shingles(text, n=4):
    tokens = TOKEN.findall(text or "")
    return collections.Counter(tuple(tokens[i:i + n]) for i in range(max(1, len(tokens) - n + 1)) if tokens[i:i + n])


def match(true, found):
    true, found = shingles(true), shingles(found)
    tp = sum(min(count, found.get(key, 0)) for key, count in true.items())
    fp, fn = sum(found.values()) - tp, sum(true.values()) - tp
    total = tp + fp + fn
    return (tp / total, fp / total, fn / total) if total else (0.0, 0.0, 0.0)


def share(hit, miss, other):
    return 1.0 if miss == other == 0 else 0.0 if hit == miss == 0 else hit / (hit + miss)


def summary(rows):
    precision = statistics.mean(share(tp, fp, fn) for tp, fp, fn in rows if tp + fp > 0)
    recall = statistics.mean(share(tp, fn, fp) for tp, fp, fn in rows if tp + fn > 0)
    return "F1 %.3f  P %.3f  R %.3f" % (2 * precision * recall / (precision + recall), precision, recall)


def quintet(binary, pages):
    with tempfile.TemporaryDirectory() as folder:
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        start = time.perf_counter()
        subprocess.run([binary, "gather", *pages, "--into", folder + "/out", "--minimum-letters", "0", "--json"], check=True, stdout=subprocess.DEVNULL)
        seconds = time.perf_counter() - start
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        processor = after.ru_utime + after.ru_stime - used.ru_utime - used.ru_stime
        found = {}
        for path in sorted(glob.glob(folder + "/out/documents/*.jsonl")):
            for line in open(path, encoding="utf-8"):
                row = json.loads(line)
                found[os.path.basename(row["source"]).split(".")[0]] = row["text"]
    return found, (seconds, processor)


def peer(pages):
    import trafilatura
    texts = {os.path.basename(path).split(".")[0]: gzip.open(path).read().decode("utf-8", "replace") for path in pages}
    start, used = time.perf_counter(), time.process_time()
    found = {key: trafilatura.extract(text, include_comments=False, include_tables=True) or "" for key, text in texts.items()}
    return found, (time.perf_counter() - start, time.process_time() - used), trafilatura.__version__


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--quintet", default=".build/release/quintet")
    parser.add_argument("--rounds", type=int, default=1)
    options = parser.parse_args()
    truth = json.load(open(options.folder + "/ground-truth.json", encoding="utf-8"))
    pages = sorted(p for p in glob.glob(options.folder + "/html/*.html.gz") if os.path.basename(p).split(".")[0] in truth)
    size = sum(len(gzip.open(p).read()) for p in pages)
    keys = [os.path.basename(p).split(".")[0] for p in pages]
    halves = {"all": keys, "looked at": [k for k in keys if int(k[-1], 16) % 2 == 0], "held out": [k for k in keys if int(k[-1], 16) % 2]}
    ours, theirs = [], []
    for _ in range(options.rounds):
        found, seconds = quintet(options.quintet, pages)
        ours.append(seconds)
        other, seconds, version = peer(pages)
        theirs.append(seconds)
    print(f"{len(pages)} pages, {size / 1e6:.1f} MB")
    for name, result, times in (("quintet", found, ours), ("trafilatura " + version, other, theirs)):
        best, processor = min(wall for wall, _ in times), min(used for _, used in times)
        print(f"{name}: {best:.2f} s ({processor:.2f} s of processor), {size / best / 1e6:.1f} MB/s, {len(pages) / best:.0f} pages/s")
        for half, chosen in halves.items():
            print(f"  {half:10} {summary([match(truth[k].get('articleBody', ''), result.get(k, '')) for k in chosen])}  ({len(chosen)} pages)")
    wall, processor = (statistics.median(t[i] / o[i] for o, t in zip(ours, theirs)) for i in (0, 1))
    print(f"speed: {wall:.1f}x by the clock, {processor:.1f}x by the processor")


main()
