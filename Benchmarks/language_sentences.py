#!/usr/bin/env python3
"""Sentences in many languages for languages.py, from the translated manual pages that Debian packages.

    python3 Benchmarks/language_sentences.py SENTENCES.json [--each 200]

Downloads manpages-XX with apt-get into a temporary folder (nothing is installed) and takes running text: lines of prose in pages whose
translation differs from the English page's words, requests and font changes of the formatter undone. The model in the program was made from
word lists of other sources.
"""
import argparse, collections, glob, gzip, json, os, random, re, subprocess, tempfile

PACKAGES = ["cs", "da", "de", "es", "fi", "fr", "hu", "id", "it", "mk", "nb", "nl", "pl", "pt-br", "ro", "ru", "sr", "sv", "uk", "vi", "ja", "ko", "zh", "tr", "el"]
CODES = {"pt-br": "pt"}
FOLDERS = {"pt-br": "pt_BR"}
FONTS = re.compile(r"\\f(?:\[[^\]]*\]|.)|\\\*\(..|\\&|\\[|/^,]|\\s[-+]?\d")
SIGNS = {r"\-": "-", r"\(aq": "'", r"\(cq": "’", r"\(oq": "‘", r"\(lq": "“", r"\(rq": "”", r"\(Fo": "«", r"\(Fc": "»", r"\(co": "©", r"\(em": "—", r"\(en": "–", r"\~": " ", r"\ ": " ", r"\e": "\\", r"\(bu": "•", r"\(:a": "ä"}


def paragraphs(path):
    text, out = gzip.open(path).read().decode("utf-8", "replace") if path.endswith(".gz") else open(path, encoding="utf-8", errors="replace").read(), []
    for line in text.split("\n") + [".PP"]:
        if line[:1] in ".'":
            if re.match(r"\.(B|I|BR|IR|BI|IB|RI|RB)\b", line):
                out.append(" ".join(line.split()[1:]).replace(chr(34), ""))
                continue
            if out:
                yield " ".join(out)
            out = []
        elif line.strip():
            out.append(line)


def clean(text):
    text = FONTS.sub("", text)
    for sign, plain in SIGNS.items():
        text = text.replace(sign, plain)
    return " ".join(text.split())


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("target")
    options.add_argument("--each", type=int, default=200)
    options = options.parse_args()
    found = collections.defaultdict(set)
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        for name in PACKAGES:
            run = subprocess.run(["apt-get", "download", "-qq", "manpages-" + name], cwd=folder, capture_output=True)
            for package in glob.glob(f"{folder}/manpages-{name}_*.deb") if run.returncode == 0 else []:
                subprocess.run(["dpkg-deb", "-x", package, f"{folder}/{name}"], check=True)
            code = CODES.get(name, name)
            for path in glob.glob(f"{folder}/{name}/usr/share/man/{FOLDERS.get(name, name)}*/man*/*"):
                if os.path.islink(path) or not os.path.isfile(path):
                    continue
                for text in paragraphs(path):
                    text = clean(text)
                    if 120 <= len(text) <= 500 and text.count("\\") == 0 and sum(c.isalpha() or c == " " for c in text) > 0.88 * len(text):
                        found[code].add(text)
    english = re.compile(r"\b(the|of|and|is|are|this|that|with)\b")
    rng, rows = random.Random(7), []
    for code, texts in sorted(found.items()):
        texts = sorted(t for t in texts if len(english.findall(t)) < 3)
        rng.shuffle(texts)
        rows += [[code, text] for text in texts[:options.each]]
    json.dump(rows, open(options.target, "w", encoding="utf-8"), ensure_ascii=False)
    print({code: min(options.each, len(texts)) for code, texts in sorted(found.items())})


main()
