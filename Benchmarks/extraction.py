"""Main text of web pages: quintet beside trafilatura, scored as scrapinghub's article-extraction-benchmark scores (F1 over 4-token shingles).

    python3 Benchmarks/extraction.py path/to/article-extraction-benchmark [--quintet .build/release/quintet] [--rounds 3]
    python3 Benchmarks/extraction.py path/to/readability/test/test-pages       # folders with source.html and expected.html

The pages whose key ends in an even digit were looked at while the rules were written, the other half only counted; both are reported.
quintet's time is that of `quintet gather` on the packed pages (start, unpacking and writing included), trafilatura's that of `extract` on
pages already decoded; times of the processor, which a busy machine disturbs less, stand beside those of the clock.
"""
import argparse, collections, glob, gzip, html.parser, json, os, re, resource, statistics, subprocess, tempfile, time

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


def key(path):
    name = os.path.basename(path).split(".")[0]
    return os.path.basename(os.path.dirname(path)) if name == "source" else name


def content(path):
    return (gzip.open if path.endswith(".gz") else open)(path, "rb").read()


class Text(html.parser.HTMLParser):
    BLOCKS = {"p", "div", "li", "br", "tr", "td", "th", "h1", "h2", "h3", "h4", "pre", "section", "dt", "dd", "ul", "blockquote"}

    def __init__(self, page):
        super().__init__()
        self.parts = []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.parts += [" "] if tag in self.BLOCKS else []

    handle_endtag = lambda self, tag: self.handle_starttag(tag, None)

    def handle_data(self, data):
        self.parts.append(data)


def truths(folder):
    if os.path.exists(folder + "/ground-truth.json"):
        truth = {name: page.get("articleBody", "") for name, page in json.load(open(folder + "/ground-truth.json", encoding="utf-8")).items()}
        return truth, sorted(p for p in glob.glob(folder + "/html/*.html.gz") if key(p) in truth)
    pages = sorted(glob.glob(folder + "/*/source.html"))
    expected = {key(p): open(os.path.dirname(p) + "/expected.html", encoding="utf-8", errors="replace").read() for p in pages}
    return {name: "".join(Text(page).parts) for name, page in expected.items()}, pages


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
                found[key(row["source"])] = row["text"]
        for path in sorted(glob.glob(folder + "/out/audit/*.jsonl")):  # copies of other pages
            for line in open(path, encoding="utf-8"):
                row = json.loads(line)
                found.setdefault(key(row["source"]), row.get("text", ""))
    return found, (seconds, processor)


def peer(pages):
    import trafilatura
    texts = {key(path): content(path).decode("utf-8", "replace") for path in pages}
    start, used = time.perf_counter(), time.process_time()
    found = {key: trafilatura.extract(text, include_comments=False, include_tables=True) or "" for key, text in texts.items()}
    return found, (time.perf_counter() - start, time.process_time() - used), trafilatura.__version__


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--quintet", default=".build/release/quintet")
    parser.add_argument("--rounds", type=int, default=1)
    options = parser.parse_args()
    truth, pages = truths(options.folder)
    size, keys = sum(len(content(p)) for p in pages), [key(p) for p in pages]
    halves = {"all": keys}
    if all(re.fullmatch("[0-9a-f]{64}", k) for k in keys):
        halves |= {"looked at": [k for k in keys if int(k[-1], 16) % 2 == 0], "held out": [k for k in keys if int(k[-1], 16) % 2]}
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
            print(f"  {half:10} {summary([match(truth[k], result.get(k, '')) for k in chosen])}  ({len(chosen)} pages)")
    wall, processor = (statistics.median(t[i] / o[i] for o, t in zip(ours, theirs)) for i in (0, 1))
    print(f"speed: {wall:.1f}x by the clock, {processor:.1f}x by the processor")


main()
