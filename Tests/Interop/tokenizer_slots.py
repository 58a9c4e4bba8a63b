"""Writes Tests/TokenizersTests/slots.jsonl: every slot of the `tokenizers` format on hostile text, as the reference library has it.

The models are small and learned without word boundaries from the same kind of text, so a wrong boundary shows as wrong ids.
The first row holds the models; each other row a set of slots, texts, and the reference's ids and decoded text.

    python3 Tests/Interop/tokenizer_slots.py > Tests/TokenizersTests/slots.jsonl
    python3 Tests/Interop/tokenizer_slots.py --texts 500 --seed 7 > /tmp/slots.jsonl; SLOTS=/tmp/slots.jsonl swift test ... --filter SlotTests
"""
import argparse, json, random
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers

CHARACTERS = list("aabcdexyzABCDE  \t\n\r''..,!?-_()<|0123456789") + [
    "'s", "'LL", "ab", "the", " the", "  ", "\n\n", "é", "e\u0301", "\u0301", "ß", "Å", "ﬁ", "İ", "ʰ", "日", "本", "あ", "ア", "ー", "한", "½", "²", "٣", "Ⅷ",
    "①", "\u00a0", "\u2003", "\u3000", "\u0085", "\u200d", "\u00ad", "🦙", "\u0000", "\u007f", "\ufffd", "▁", "क", "ि", "…", "€", "“", "—", "<s>", "</w>", "##b",
    "Ġ", "я", "ω", "א",
]


def hostile(source):
    return "".join(source.choice(CHARACTERS) for _ in range(source.randrange(0, 24)))


def sequence(kind, *steps):
    return {"type": "Sequence", kind: list(steps)}


def split(pattern, behavior="Isolated", invert=False):
    return {"type": "Split", "pattern": pattern, "behavior": behavior, "invert": invert}


BYTE_LEVEL = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
NORMALIZERS = [
    None, *({"type": name} for name in ("NFC", "NFD", "NFKC", "NFKD", "Lowercase", "StripAccents", "Nmt", "ByteLevel")),
    *({"type": "Strip", "strip_left": left, "strip_right": right} for left in (True, False) for right in (True, False)),
    *({"type": "BertNormalizer", "clean_text": a, "handle_chinese_chars": b, "strip_accents": c, "lowercase": d}
      for a in (True, False) for b in (True, False) for c in (None, True, False) for d in (True, False)),
    {"type": "Prepend", "prepend": "▁"}, {"type": "Replace", "pattern": {"String": "ab"}, "content": "xyz"},
    *({"type": "Replace", "pattern": {"Regex": regex}, "content": "_"} for regex in (r"\s+", r"[^\p{L}]", r"(?<=a)b", r"\d{2}", r" {2,}", r"\b", r"(?i)ABC?")),
    sequence("normalizers", {"type": "NFKC"}, {"type": "Lowercase"}, {"type": "Strip", "strip_left": True, "strip_right": True}),
]
BEHAVIORS = ("Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous")
REGEXES = [
    r"\s+", r"\p{P}", r"\w+|[^\w\s]+", r"[0-9]{1,3}(?=(?:[0-9]{3})*(?![0-9]))", r"(?=(\d{3})+(?!\d))", r"\p{Han}+|\p{Hiragana}", r"'(?i:s|ll)|\s?\p{L}+",
    r"(a|ab)(c|bcd)?", r"a*?b", r"x??y", r"^a|b$", r"\bthe\b", r"[^\S\n]+", r"[a-c&&[^b]]", r"[[:alpha:]]+", r"(a+)+", r"\p{Lu}\p{Ll}*|\P{L}",
    r"\s+(?!\S)|\s+", r"\p{N}{1,3}", r"(?<!a)b", r"[\u0400-\u04FF]|\x61", r"[一-龥぀-ヿ]+", r"\p{L}++\p{N}?+",
]
PRE_TOKENIZERS = [
    *({"type": name} for name in ("BertPreTokenizer", "Whitespace", "WhitespaceSplit", "UnicodeScripts")), BYTE_LEVEL,
    dict(BYTE_LEVEL, add_prefix_space=True), dict(BYTE_LEVEL, use_regex=False),
    *({"type": "Digits", "individual_digits": flag} for flag in (True, False)), *({"type": "Punctuation", "behavior": b} for b in BEHAVIORS),
    {"type": "CharDelimiterSplit", "delimiter": "b"}, {"type": "FixedLength", "length": 3},
    *({"type": "Metaspace", "replacement": "▁", "prepend_scheme": scheme, "split": flag} for scheme in ("always", "first", "never") for flag in (True, False)),
    *(split({"String": "ab"}, behavior, invert) for behavior in BEHAVIORS for invert in (False, True)),
    *(split({"Regex": regex}) for regex in REGEXES),
    *(split({"Regex": r"\s"}, behavior, invert) for behavior in BEHAVIORS for invert in (False, True)),
    sequence("pretokenizers", {"type": "WhitespaceSplit"}, {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True}),
    sequence("pretokenizers", {"type": "WhitespaceSplit"}, {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": True}),
    sequence("pretokenizers", {"type": "Whitespace"}, {"type": "Digits", "individual_digits": True}),
    sequence("pretokenizers", BYTE_LEVEL, {"type": "Digits", "individual_digits": True}),
    sequence("pretokenizers", dict(BYTE_LEVEL, use_regex=False), split({"Regex": "Ġ"}, "MergedWithNext")),
    sequence("pretokenizers", split({"Regex": r"\n"}), dict(BYTE_LEVEL, add_prefix_space=True)),
    sequence("pretokenizers", {"type": "Punctuation", "behavior": "Contiguous"}, BYTE_LEVEL, {"type": "Digits", "individual_digits": False}, split({"Regex": "[0-9][0-9][0-9]"})),
]
REPLACE = {"type": "Replace", "pattern": {"String": "▁"}, "content": " "}
DECODERS = [
    None, BYTE_LEVEL, {"type": "WordPiece", "prefix": "##", "cleanup": True}, {"type": "WordPiece", "prefix": "##", "cleanup": False}, {"type": "Fuse"},
    *({"type": "Metaspace", "replacement": "▁", "prepend_scheme": scheme, "split": True} for scheme in ("always", "never")),
    {"type": "BPEDecoder", "suffix": "</w>"}, {"type": "CTC", "pad_token": "a", "word_delimiter_token": "|", "cleanup": True},
    {"type": "CTC", "pad_token": "a", "word_delimiter_token": "|", "cleanup": False}, {"type": "Strip", "content": "a", "start": 1, "stop": 0},
    {"type": "ByteFallback"}, REPLACE, {"type": "Replace", "pattern": {"Regex": r"\s|a+"}, "content": "_"},
    sequence("decoders", REPLACE, {"type": "ByteFallback"}, {"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 1, "stop": 0}),
    sequence("decoders", {"type": "ByteFallback"}, {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True}),
    sequence("decoders", REPLACE, {"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 1, "stop": 0}),
    sequence("decoders", {"type": "Fuse"}, REPLACE),
]


def learned(texts):
    words = pre_tokenizers.FixedLength(6) if hasattr(pre_tokenizers, "FixedLength") else pre_tokenizers.Split(Regex(".{1,6}"), "isolated")
    bpe = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=False))
    bpe.pre_tokenizer = words
    bpe.train_from_iterator(texts, trainers.BpeTrainer(vocab_size=500, special_tokens=["<unk>"], show_progress=False))
    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.Sequence([words, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    raw.train_from_iterator(texts, trainers.BpeTrainer(vocab_size=600, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
    vocabulary = json.loads(bpe.to_str())["model"]["vocab"]
    source = random.Random(3)
    unigram = [["<unk>", 0.0]] + [[token, -source.randrange(2, 12) - len(token) / 3] for token in vocabulary if token != "<unk>"] + [["<0x%02X>" % b, 0.0] for b in range(256)]
    pieces = {"[UNK]": 0}
    for token in vocabulary:
        pieces.setdefault(token, len(pieces))
        pieces.setdefault("##" + token, len(pieces))
    levels = {"<unk>": 0}
    for token in ["the", "▁the", "ab", ".", "123", "ア", *vocabulary]:
        levels.setdefault(token, len(levels))
    fallback = dict(json.loads(bpe.to_str())["model"])
    fallback["vocab"] = dict(fallback["vocab"])
    for b in range(256):
        fallback["vocab"].setdefault("<0x%02X>" % b, len(fallback["vocab"]))
    return {
        "bpe": dict(json.loads(bpe.to_str())["model"], fuse_unk=True), "bytes": json.loads(raw.to_str())["model"],
        "fallback": dict(fallback, byte_fallback=True, fuse_unk=True),
        "unigram": {"type": "Unigram", "unk_id": 0, "vocab": unigram, "byte_fallback": False},
        "unigram bytes": {"type": "Unigram", "unk_id": 0, "vocab": unigram, "byte_fallback": True},
        "pieces": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 12, "vocab": pieces},
        "level": {"type": "WordLevel", "unk_token": "<unk>", "vocab": levels},
    }


def cases():
    for normalizer in NORMALIZERS:
        yield dict(model="unigram" if normalizer and normalizer["type"] == "ByteLevel" else "bpe", normalizer=normalizer)
    for pre in PRE_TOKENIZERS:
        text = json.dumps(pre)
        yield dict(model="bytes" if "ByteLevel" in text else "bpe", pre_tokenizer=pre)
    for model in ("unigram", "unigram bytes", "pieces", "level", "fallback"):
        yield dict(model=model)
        yield dict(model=model, pre_tokenizer={"type": "WhitespaceSplit"})
        yield dict(model=model, pre_tokenizer={"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True})
    for decoder in DECODERS:
        yield dict(model="bytes" if decoder == BYTE_LEVEL else "fallback", decoder=decoder)
        if decoder and decoder["type"] == "WordPiece":
            yield dict(model="pieces", decoder=decoder, pre_tokenizer={"type": "BertPreTokenizer"})
    token = lambda id, content, **flags: dict(id=id, content=content, single_word=False, lstrip=False, rstrip=False, normalized=False, special=True, **{}) | flags
    for flags in (dict(), dict(single_word=True), dict(lstrip=True), dict(rstrip=True), dict(lstrip=True, rstrip=True), dict(normalized=True, special=False)):
        yield dict(model="bpe", added_tokens=[token(500, "the", **flags), token(501, "<s>", **flags), token(502, "ab", **flags)], normalizer={"type": "Lowercase"})
    yield dict(model="bpe", truncation={"direction": "Left", "max_length": 5, "strategy": "LongestFirst", "stride": 0})
    yield dict(model="bpe", truncation={"direction": "Right", "max_length": 5, "strategy": "LongestFirst", "stride": 0})
    yield dict(model="bpe", padding={"strategy": {"Fixed": 9}, "direction": "Left", "pad_to_multiple_of": 4, "pad_id": 0, "pad_type_id": 0, "pad_token": "<unk>"})
    yield dict(model="bpe", padding={"strategy": "BatchLongest", "direction": "Right", "pad_to_multiple_of": 4, "pad_id": 0, "pad_type_id": 0, "pad_token": "<unk>"})
    frame = {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<unk>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
             "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}], "special_tokens": {"<unk>": {"id": "<unk>", "ids": [0], "tokens": ["<unk>"]}}}
    around = lambda kind: {"type": kind, "sep": ["a", 7], "cls": ["b", 8]} | ({"trim_offsets": True, "add_prefix_space": True} if kind == "RobertaProcessing" else {})
    for post in (frame, around("BertProcessing"), around("RobertaProcessing"), sequence("processors", BYTE_LEVEL, frame)):
        yield dict(model="bpe", post_processor=post)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--texts", type=int, default=8)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    source = random.Random(options.seed)
    known = learned([hostile(random.Random(seed)) for seed in range(3000)])
    print(json.dumps({"models": known}, ensure_ascii=False))
    for case in cases():
        slots = {key: case.get(key) for key in ("normalizer", "pre_tokenizer", "post_processor", "decoder", "truncation", "padding")}
        slots["added_tokens"] = case.get("added_tokens", [])
        definition = {"version": "1.0", **slots, "model": known[case["model"]]}
        try:
            tokenizer = Tokenizer.from_str(json.dumps(definition))
        except Exception as error:
            print("skipped", json.dumps(case)[:200], error, file=__import__("sys").stderr)
            continue
        texts = ["", " ", "  the ab  ", "a"] + [hostile(source) for _ in range(options.texts)]
        ids = [tokenizer.encode(text).ids for text in texts]
        decoded = [tokenizer.decode(row, skip_special_tokens=False) for row in ids]
        print(json.dumps({"case": case, "texts": texts, "ids": ids, "decoded": decoded}, ensure_ascii=False))


main()
