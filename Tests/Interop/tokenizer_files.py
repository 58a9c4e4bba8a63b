"""Ids and texts equal to the reference libraries', for every tokenizer file of a folder of real ones, on hostile random text.

Each file lies alone in a folder of its own. References: `tokenizers` for tokenizer.json and vocab.txt, `tiktoken` for rank files,
`sentencepiece` for its models, a few lines of Python for RWKV's vocabulary; GGUF vocabularies are held against the `.inp` and `.out`
files beside them.

    swift build -c release
    python3 Tests/Interop/tokenizer_files.py ../shared/data/tokenizers [--texts 2000] [--seed 1] [--only gpt2 t5]

Exit status 0: all agree, or a library is missing (said on the first line). 1: something differs.
"""
import argparse, ast, base64, json, lzma, pathlib, random, shutil, subprocess, sys, tempfile

try:
    import sentencepiece, tiktoken, tokenizers
except ImportError as missing:
    print(f"skipped: {missing.name} is not installed (pip install tokenizers tiktoken sentencepiece)")
    sys.exit(0)

ROOT = pathlib.Path(__file__).resolve().parents[2]
GPT2 = r"'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s"
CL100K = r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|\s+(?!\S)|\s"
CHARACTERS = list("aabcdeeghilmnorsstuxyzABCHIST  \t\n\r''..,,!?-_()<>|[]{}#@$%^&*`~+=:;\"\\/0123456789") + [
    " the ", " and", "'s", "'LL", "don't ", "  ", "   ", "\n\n", " ing", "tion", "\u017f", "é", "e\u0301", "\u0301", "\u0316", "ß", "Å", "\u212b",
    "ﬁ", "ǅ", "İ", "ı", "ʰ", "Σ", "ς", "日", "本語", "の", "カ", "ｶﾞ", "ー", "한", "ᄒ", "ᅡ", "ᆫ", "½", "²", "٣", "Ⅷ", "①", "㍿", "\u00a0", "\u2003",
    "\u2028", "\u3000", "\u0085", "\u200d", "\u200b", "\u00ad", "\ufeff", "🦙", "👩\u200d👩\u200d👧", "🏽", "🇮🇹", "\u0000", "\u007f", "\ufffd", "▁", "\u0964",
    "क", "ि", "़", "ก็", "ا", "לָ", "…", "€", "“", "”", "—", "<s>", "</s>", "<unk>", "[MASK]", "[CLS]", "<|endoftext|>", "<mask>", "<0x0A>", "##",
    "<extra_id_0>", "Ġ", "https://", "def f(x):\n    return x", "1,000.50", "…\n",
]


def hostile(source):
    parts = []
    for _ in range(source.randrange(0, 40)):
        parts.append(source.choice(CHARACTERS) if source.random() < 0.96 else chr(source.choice([*range(0x100, 0xD800), *range(0xE000, 0x20000)])))
    return "".join(parts)


def rows(path, lines):
    path.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8")
    return path


def quintet(options, command, tokenizer, lines, *arguments):
    with tempfile.TemporaryDirectory() as folder:
        file = rows(pathlib.Path(folder) / "rows.jsonl", lines)
        done = subprocess.run([options.quintet, "tokenizer", command, "--tokenizer", tokenizer, "--jsonl", file, *arguments], capture_output=True)
    if done.returncode:
        raise RuntimeError(done.stderr.decode()[-600:])
    return [json.loads(line) for line in done.stdout.decode("utf-8").split("\n")[:-1]]


class Reference:
    """ids(text) without and, where there is such a thing, with special tokens; text(ids)."""

    framed = None
    text = None


class Fast(Reference):
    def __init__(self, tokenizer):
        self.tokenizer = tokenizer
        self.ids = lambda text: tokenizer.encode(text, add_special_tokens=False).ids
        self.framed = lambda text: tokenizer.encode(text).ids
        self.text = lambda ids: tokenizer.decode(ids, skip_special_tokens=False)


class Ranks(Reference):
    def __init__(self, ranks, pattern, special={}):
        encoding = tiktoken.Encoding("test", pat_str=pattern, mergeable_ranks=ranks, special_tokens=special)
        self.ids = lambda text: encoding.encode(text, allowed_special="all") if special else encoding.encode_ordinary(text)
        self.text = encoding.decode


class Pieces(Reference):
    def __init__(self, path):
        processor = sentencepiece.SentencePieceProcessor(model_file=str(path))
        self.ids, self.text = processor.encode, processor.decode


class Greedy(Reference):
    def __init__(self, path):
        table = {}
        for line in open(path, encoding="utf-8"):
            number, literal = line[: line.index(" ")], line[line.index(" ") : line.rindex(" ")].strip()
            token = ast.literal_eval(literal)
            table[token.encode() if isinstance(token, str) else token] = int(number)
        longest = max(map(len, table))
        names = {number: token for token, number in table.items()}

        def ids(text):
            data, at, found = text.encode(), 0, []
            while at < len(data):
                length = next(n for n in range(min(longest, len(data) - at), 0, -1) if data[at : at + n] in table)
                found.append(table[data[at : at + length]])
                at += length
            return found

        self.ids = ids
        self.text = lambda found: b"".join(names[i] for i in found).decode("utf-8", "replace")


def lines_of_ranks(path):
    ranks = {}
    for line in open(path, "rb"):
        token, rank = line.split()
        ranks[base64.b64decode(token)] = int(rank)
    return ranks


def claude(path):
    data = json.load(open(path, encoding="utf-8"))
    ranks = {}
    for line in data["bpe_ranks"].split("\n"):
        _, first, *tokens = line.split(" ")
        ranks.update({base64.b64decode(token): int(first) + index for index, token in enumerate(tokens)})
    return Ranks(ranks, data["pat_str"], data["special_tokens"])


def bert(path, lowercase):
    return Fast(tokenizers.BertWordPieceTokenizer(str(path), lowercase=lowercase)._tokenizer)


def reference(folder, name):
    """The reference for a file, by its name in the folder of real ones; None if it is no tokenizer of its own."""
    path = folder / name
    if name.endswith(".json") and not name.endswith("_config.json"):
        data = json.load(open(path, encoding="utf-8"))
        if "bpe_ranks" in data:
            return claude(path)
        try:
            return Fast(tokenizers.Tokenizer.from_file(str(path))) if isinstance(data, dict) and isinstance(data.get("model"), dict) else None
        except Exception as error:
            print(f"{path}: the reference library refuses it: {error}")
            return None
    if name.endswith(".tiktoken") or (name == "tokenizer.model" and path.read_bytes()[:1] != b"\n"):
        ranks = lines_of_ranks(path)
        return Ranks(ranks, GPT2 if len(ranks) < 60_000 else CL100K)
    if name.endswith(".model"):
        return Pieces(path)
    if name.endswith("vocab.txt"):
        return bert(path, "cased" not in name)
    if name.startswith("rwkv"):
        return Greedy(path)
    return None


def compare(options, title, tokenizer, reference, texts):
    expected = [reference.ids(text) for text in texts]
    ours = [row["ids"] for row in quintet(options, "encode", tokenizer, [{"text": text} for text in texts], "--no-special")]
    wrong = [(text, a, b) for text, a, b in zip(texts, expected, ours) if a != b]
    good = not wrong and len(ours) == len(texts)
    note = f"{len(texts)} texts, {len(wrong)} encoded differently"
    if reference.framed:
        framed = [row["ids"] for row in quintet(options, "encode", tokenizer, [{"text": text} for text in texts[:500]])]
        differ = [text for text, ids in zip(texts, framed) if reference.framed(text) != ids]
        good, note = good and not differ, note + f", {len(differ)} with special tokens"
    if reference.text:
        decoded = [row["text"] for row in quintet(options, "decode", tokenizer, [{"ids": ids} for ids in expected])]
        differ = [(ids, text, reference.text(ids)) for ids, text in zip(expected, decoded) if reference.text(ids) != text]
        good, note = good and not differ, note + f", {len(differ)} decoded differently"
        for ids, text, theirs in differ[: options.show]:
            print("   ", ids, "expected", ascii(theirs), "found", ascii(text))
    print(f"{title:40} {'ok  ' if good else 'FAIL'} {note}", flush=True)
    for text, a, b in wrong[: options.show]:
        print("   ", ascii(text), "expected", a, "found", b)
    return good


def ggml(options, folder):
    good = True
    for file in sorted(folder.glob("*.gguf")):
        texts = open(str(file) + ".inp", encoding="utf-8", newline="").read().split("\n__ggml_vocab_test__\n")
        expected = [list(map(int, line.split())) for line in open(str(file) + ".out")]
        alone = pathlib.Path(tempfile.mkdtemp())
        shutil.copy(file, alone)
        try:
            ours = [row["ids"] for row in quintet(options, "encode", alone / file.name, [{"text": text} for text in texts], "--no-special")]
        except RuntimeError as error:
            print(f"{file.name:40} FAIL {error}")
            good = False
            continue
        texts, expected = texts[: len(expected)], expected[: len(texts)]
        wrong = [(text, a, b) for text, a, b in zip(texts, expected, ours) if a != b]
        print(f"{file.name:40} {'FAIL' if wrong else 'ok  '} {len(expected)} texts, {len(wrong)} different", flush=True)
        for text, a, b in wrong[: options.show]:
            print("   ", ascii(text), "expected", a, "found", b)
        good = good and not wrong
    return good


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--texts", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--show", type=int, default=2)
    parser.add_argument("--only", nargs="*")
    parser.add_argument("--quintet", default=str(ROOT / ".build" / "release" / "quintet"))
    options = parser.parse_args()
    source = random.Random(options.seed)
    texts = ["", " ", "  a  b ", "Hello, world!"] + [hostile(source) for _ in range(options.texts)]
    scratch = pathlib.Path(tempfile.mkdtemp())
    good = True
    for original in sorted(path for path in options.folder.iterdir() if path.is_dir()):
        if options.only and original.name not in options.only:
            continue
        folder = scratch / original.name
        folder.mkdir()
        for file in original.iterdir():
            if file.suffix == ".xz":
                (folder / file.stem).write_bytes(lzma.open(file).read())
            elif file.name != "SOURCE.txt":
                shutil.copy(file, folder)
        if original.name == "ggml-vocabs":
            good &= ggml(options, folder)
            continue
        for name in sorted(file.name for file in folder.iterdir()):
            known = reference(folder, name)
            if known is None:
                continue
            alone = scratch / (original.name + "-alone-" + name)
            alone.mkdir()
            shutil.copy(folder / name, alone)
            try:
                good &= compare(options, f"{original.name}/{name}", alone, known, texts)
            except RuntimeError as error:
                print(f"{original.name}/{name}: FAIL {error}", flush=True)
                good = False
        good &= pairs(options, original.name, folder, scratch, texts)
    sys.exit(0 if good else 1)


def pairs(options, name, folder, scratch, texts):
    """Files that make a tokenizer together, and llama2.c's, whose reference lies in another file."""
    alone = scratch / (name + "-pair")
    if (merges := next(iter(folder.glob("*merges.txt")), None)) is not None:
        vocabulary = next(file for file in folder.iterdir() if file.name in ("vocab.json", "gpt2.vocab"))
        alone.mkdir()
        shutil.copy(merges, alone)
        shutil.copy(vocabulary, alone)
        known = tokenizers.ByteLevelBPETokenizer(str(vocabulary), str(merges))
        known = Fast(known._tokenizer)
        known.framed = None
        plain = [text for text in texts if not any(token in text for token in ("<s>", "</s>", "<unk>", "<mask>", "<|endoftext|>"))]
        return compare(options, f"{name}: vocabulary and merges", alone, known, plain)
    if (stories := folder / "tokenizer.bin").exists():
        alone.mkdir()
        shutil.copy(stories, alone)
        return compare(options, f"{name}/tokenizer.bin", alone, Pieces(folder / "tokenizer.model"), [t for t in texts if "▁" not in t])
    return True


main()
