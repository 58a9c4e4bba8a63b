#!/usr/bin/env python3
"""Personal data found by form, beside Presidio's recognizers, on presidio-research's sentences: precision and recall by entity.

    pip install presidio-analyzer && python3 Benchmarks/personal_data.py synth_dataset_v2.json [--quintet .build/release/quintet]

A finding counts if it overlaps a true span of its entity; a true span counts as found likewise. Presidio runs with its own
recognizers and its context words over a blank spaCy pipeline: no statistical model, which these entities do not need.
"""
import argparse
import collections
import json
import lzma
import time

from scrubbing import scrubbed

ENTITIES = ["CREDIT_CARD", "EMAIL_ADDRESS", "IBAN_CODE", "IP_ADDRESS", "PHONE_NUMBER", "US_SSN"]


def ours(quintet, texts):
    found = [[] for _ in texts]
    rows, took = scrubbed(quintet, texts, "steps: [personal_data]\n", "audit")
    for row in rows:
        data = texts[int(row["id"])].encode()
        for span in row.get("spans", []) if row["action"] == "change" else []:
            start, end = (len(data[: span[key]].decode()) for key in ("start", "end"))
            found[int(row["id"])].append((span["rule"], start, end))
    return found, took


def presidio(texts, threshold):
    import spacy
    from presidio_analyzer import AnalyzerEngine
    from presidio_analyzer.nlp_engine import NlpArtifacts, SpacyNlpEngine

    class Blank(SpacyNlpEngine):
        def __init__(self):
            super().__init__()
            self.nlp = {"en": spacy.blank("en")}

        def load(self):
            pass

        def is_loaded(self):
            return True

        def process_text(self, text, language):
            doc = self.nlp["en"](text)
            return NlpArtifacts(entities=[], tokens=doc, tokens_indices=[t.idx for t in doc], lemmas=[t.lower_ for t in doc], nlp_engine=self, language=language)

    engine = AnalyzerEngine(nlp_engine=Blank(), supported_languages=["en"])
    start = time.time()
    found = [[(r.entity_type, r.start, r.end) for r in engine.analyze(t, "en", entities=ENTITIES, score_threshold=threshold)] for t in texts]
    return found, time.time() - start


def score(rows, found):
    counts = collections.defaultdict(lambda: [0, 0, 0, 0])
    for row, hits in zip(rows, found):
        truth = [(s["entity_type"], s["start_position"], s["end_position"]) for s in row["spans"]]
        for kind, start, end in hits:
            counts[kind][0] += 1
            counts[kind][1] += any(k == kind and s < end and start < e for k, s, e in truth)
        for kind, start, end in truth:
            counts[kind][2] += 1
            counts[kind][3] += any(k == kind and s < end and start < e for k, s, e in hits)
    return counts


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("sentences")
    options.add_argument("--quintet", default=".build/release/quintet")
    options.add_argument("--show", help="print what was wrong for this entity")
    options = options.parse_args()
    opener = lzma.open if options.sentences.endswith(".xz") else open
    rows = json.load(opener(options.sentences, "rt", encoding="utf-8"))
    texts = [row["full_text"] for row in rows]
    results = [("quintet", *ours(options.quintet, texts))]
    for threshold in (0.0, 0.4):
        results.append((f"presidio >= {threshold}", *presidio(texts, threshold)))
    for name, found, took in results:
        counts = score(rows, found)
        print(f"{name}: {took:.2f} s for {len(texts)} sentences")
        for kind in ENTITIES + sorted(set(counts) - set(ENTITIES) & {k for h in found for k, _, _ in h}):
            hits, right, truth, recalled = counts[kind]
            if hits or kind in ENTITIES:
                print(f"  {kind:16} precision {right / hits if hits else 0:.3f} ({right}/{hits})  recall {recalled / truth if truth else 0:.3f} ({recalled}/{truth})")
    if options.show:
        for row, hits in zip(rows, results[0][1]):
            truth = [(s["entity_type"], s["start_position"], s["end_position"]) for s in row["spans"]]
            for kind, start, end in hits:
                if kind == options.show and not any(k == kind and s < end and start < e for k, s, e in truth):
                    print("wrong ", repr(row["full_text"][max(0, start - 40) : end + 20]), "->", row["full_text"][start:end])
            for kind, start, end in truth:
                if kind == options.show and not any(k == kind and s < end and start < e for k, s, e in hits):
                    print("missed", repr(row["full_text"][max(0, start - 40) : end + 20]))


if __name__ == "__main__":
    main()
