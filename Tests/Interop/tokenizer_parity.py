"""Ids equal to the `tokenizers` library's on random hostile text, for every known split pattern and normalizer.

The merges are learned without word boundaries from the same kind of text, so a wrong boundary shows as wrong ids.

    swift build -c release
    python3 Tests/Interop/tokenizer_parity.py [--texts 20000] [--seed 1]
"""
import argparse, json, pathlib, random, subprocess, sys, tempfile

try:
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers
except ImportError:
    sys.exit("skipped: the tokenizers library is not installed")

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
QUINTET = ROOT / ".build" / "release" / "quintet"
CONTRACTIONS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
UPPER, LOWER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
TAIL = r" ?[^\s\p{L}\p{N}]+[\r\n%s]*|\s*[\r\n]+|\s+(?!\S)|\s+"
PATTERNS = {
    "gpt2": r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
    "llama3": CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|" + TAIL % "",
    "qwen2": CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}|" + TAIL % "",
    "cl100k": r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|\s+(?!\S)|\s",
    "o200k": rf"[^\r\n\p{{L}}\p{{N}}]?{UPPER}*{LOWER}+{CONTRACTIONS}?|[^\r\n\p{{L}}\p{{N}}]?{UPPER}+{LOWER}*{CONTRACTIONS}?|\p{{N}}{{1,3}}|" + TAIL % "/",
    "tekken": rf"[^\r\n\p{{L}}\p{{N}}]?{UPPER}*{LOWER}+|[^\r\n\p{{L}}\p{{N}}]?{UPPER}+{LOWER}*|\p{{N}}|" + TAIL % "/",
}
ALPHABET = list("aabcxyzABCsStTdDmMlLvVrReE  \t\n\r\r\n''''//..,,!?-_()<>|0123456789") + [
    "'s", "'LL", "\u017f", "'\u017f", "é", "e\u0301", "\u0301", "\u0316", "ß", "Å", "\u212b", "ﬁ", "ǅ", "ʰ", "日", "本", "あ", "한", "ᄒ", "ᅡ",
    "ᆫ", "½", "²", "٣", "Ⅷ", "\u00a0", "\u2003", "\u2028", "\u3000", "\u0085", "\u200d", "🦙", "👩\u200d👩", "\u0000", "\u200b", "\u0964", "क", "ि", "़", "…", "€",
]


def random_text(source):
    return "".join(source.choice(ALPHABET) if source.random() < 0.95 else chr(source.choice([*range(0x100, 0xD800), *range(0xE000, 0x20000)]))
                   for _ in range(source.randrange(1, 40)))


def learned(texts):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    trainer = trainers.BpeTrainer(vocab_size=6000, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
    tokenizer.train_from_iterator(texts, trainer)
    return json.loads(tokenizer.to_str())


def ours(definition, texts, folder):
    (folder / "tokenizer.json").write_text(json.dumps(definition), encoding="utf-8")
    rows = folder / "rows.jsonl"
    rows.write_text("".join(json.dumps({"text": text}, ensure_ascii=False) + "\n" for text in texts), encoding="utf-8")
    done = subprocess.run([QUINTET, "tokenizer", "encode", "--tokenizer", folder, "--jsonl", rows], capture_output=True, text=True)
    if done.returncode:
        return done.stderr
    return [json.loads(line)["ids"] for line in done.stdout.split("\n")[:-1]]


def check(name, definition, texts, folder):
    reference = Tokenizer.from_str(json.dumps(definition))
    ids = ours(definition, texts, folder)
    if isinstance(ids, str):
        print(f"{name:22} FAIL {ids}")
        return False
    wrong = [(text, expected, found) for text, expected, found in zip(texts, (e.ids for e in reference.encode_batch(texts)), ids) if expected != found]
    print(f"{name:22} {len(texts)} texts, {len(wrong)} different", *(ascii(text) for text, _, _ in wrong[:3]))
    return not wrong


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--texts", type=int, default=20000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    source = random.Random(options.seed)
    texts = [random_text(source) for _ in range(options.texts)]
    definition = learned(texts[:5000])
    folder = pathlib.Path(tempfile.mkdtemp())
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
    split = lambda regex: {"type": "Split", "pattern": {"Regex": regex}, "behavior": "Isolated", "invert": False}
    sequence = lambda *steps: {"type": "Sequence", "pretokenizers": list(steps)}
    cases = {name: dict(pre_tokenizer=sequence(split(regex), byte_level)) for name, regex in PATTERNS.items()}
    cases["ByteLevel"] = dict(pre_tokenizer=dict(byte_level, use_regex=True))
    cases["ByteLevel prefix"] = dict(pre_tokenizer=dict(byte_level, use_regex=True, add_prefix_space=True))
    cases["digits"] = dict(pre_tokenizer=sequence({"type": "Digits", "individual_digits": True}, dict(byte_level, use_regex=True)))
    cases["punctuation, digits"] = dict(pre_tokenizer=sequence(
        {"type": "Punctuation", "behavior": "Contiguous"}, dict(byte_level, use_regex=True), {"type": "Digits", "individual_digits": False},
        split("[0-9][0-9][0-9]")))
    cases["NFC"] = dict(normalizer={"type": "NFC"}, pre_tokenizer=dict(byte_level, use_regex=True))
    cases["lower, spaces"] = dict(
        normalizer={"type": "Sequence", "normalizers": [{"type": "Lowercase"}, {"type": "Replace", "pattern": {"Regex": r"\s+"}, "content": " "}]},
        pre_tokenizer=dict(byte_level, use_regex=True))
    good = [check(name, dict(definition, **slots), texts, folder) for name, slots in cases.items()]
    sys.exit(0 if all(good) else 1)


main()
