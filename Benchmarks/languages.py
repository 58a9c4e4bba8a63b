#!/usr/bin/env python3
"""Language identification beside langid, py3langid and lingua on held-out sentences: a JSON list of [code, text].

    python3 Benchmarks/languages.py SENTENCES.json [--quintet .build/release/quintet]

Only languages that all of them know are scored; texts are judged as they are, and cut to 60 characters.
"""
import argparse
import json
import time

from scrubbing import scrubbed


def ours(quintet, texts):
    rows, took = scrubbed(quintet, texts, "steps: [language]\nlanguage: {languages: []}\n", "documents")
    answers = {int(row["id"]): row["metadata"]["language"] for row in rows}
    return [answers.get(i) for i in range(len(texts))], took


def peers(texts):
    import langid
    import py3langid
    from lingua import LanguageDetectorBuilder

    detector = LanguageDetectorBuilder.from_all_languages().with_preloaded_language_models().build()
    langid.classify("warm up")
    py3langid.classify("warm up")

    def lingua(text):
        found = detector.detect_language_of(text)
        return found.iso_code_639_1.name.lower() if found else None

    for name, judge in [("langid", lambda t: langid.classify(t)[0]), ("py3langid", lambda t: py3langid.classify(t)[0]), ("lingua", lingua)]:
        start = time.time()
        answers = [judge(text) for text in texts]
        yield name, answers, time.time() - start


SAME = {"hr": "sh", "sr": "sh", "bs": "sh", "no": "nb", "nn": "nb", "tl": "fil"}


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("sentences")
    options.add_argument("--quintet", default=".build/release/quintet")
    options = options.parse_args()
    rows = [(SAME.get(code, code), text) for code, text in json.load(open(options.sentences, encoding="utf-8"))]
    for limit in (None, 60):
        texts = [text[:limit] for _, text in rows]
        for name, answers, took in [("quintet", *ours(options.quintet, texts)), *peers(texts)]:
            right = sum(SAME.get(a, a) == code for a, (code, _) in zip(answers, rows))
            size = sum(len(t.encode()) for t in texts)
            print(f"{'whole' if limit is None else limit:>6} {name:10} {right / len(rows):.4f} of {len(rows)} right, {size / took / 1e6:.2f} MB/s")


if __name__ == "__main__":
    main()
