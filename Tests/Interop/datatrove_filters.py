#!/usr/bin/env python3
"""Holds scrub's filters against datatrove's, document for document.

    pip install datatrove spacy "xxhash<4" && python3 Tests/Interop/datatrove_filters.py DOCUMENTS.jsonl [--quintet .build/release/quintet] [--limit N]

Each filter judges the same documents alone: the same documents have to go, by the same rule, and the C4 step has to leave the same
text. Near-duplicates: the same clusters from datatrove's own four stages. Prints the agreement of each and fails below --least.
"""
import argparse
import collections
import json
import os
import subprocess
import sys
import tempfile


def documents(path, limit):
    rows = [json.loads(line) for line in open(path, encoding="utf-8", newline="\n")]
    step = max(1, len(rows) // limit) if limit else 1
    return rows[::step][: limit or None]


def ours(quintet, rows, step, folder):
    source, target, config = (os.path.join(folder, name) for name in (f"{step}-in.jsonl", f"{step}-out", f"{step}.yaml"))
    with open(source, "w", encoding="utf-8") as out:
        out.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    with open(config, "w") as out:
        out.write(f"steps: [{step}]\n")
    subprocess.run([quintet, "scrub", source, "--into", target, "--config", config, "--json"], check=True, stdout=subprocess.DEVNULL)
    verdicts, texts, kept_for = {}, {}, {}
    for name in sorted(os.listdir(f"{target}/audit")):
        for line in open(f"{target}/audit/{name}", encoding="utf-8"):
            row = json.loads(line)
            if row["action"] == "drop":
                verdicts[row["id"]] = row["rule"]
                kept_for[row["id"]] = row.get("detail")
    for name in sorted(os.listdir(f"{target}/documents")):
        for line in open(f"{target}/documents/{name}", encoding="utf-8"):
            row = json.loads(line)
            texts[row["id"]] = row["text"]
    return verdicts, texts, kept_for


def theirs(rows, name):
    from datatrove.data import Document
    from datatrove.pipeline.filters import C4QualityFilter, FineWebQualityFilter, GopherQualityFilter, GopherRepetitionFilter

    make = {
        "gopher_repetition": GopherRepetitionFilter,
        "gopher_quality": GopherQualityFilter,
        "c4_quality": lambda: C4QualityFilter(filter_no_terminal_punct=False),
        "fineweb_quality": FineWebQualityFilter,
    }
    judge = make[name]()
    verdicts, texts = {}, {}
    for row in rows:
        document = Document(text=row["text"], id=row["id"])
        try:
            result = judge.filter(document)
        except ZeroDivisionError:
            result = (False, "error")
        if result is True:
            texts[row["id"]] = document.text
        else:
            verdicts[row["id"]] = result[1]
    return verdicts, texts


def their_clusters(rows, folder):
    from datatrove.executor import LocalPipelineExecutor
    from datatrove.pipeline.dedup import MinhashDedupSignature
    from datatrove.pipeline.dedup.minhash import MinhashConfig, MinhashDedupBuckets, MinhashDedupCluster
    from datatrove.pipeline.readers import JsonlReader

    path = os.path.join(folder, "minhash")
    os.makedirs(f"{path}/in")
    with open(f"{path}/in/0.jsonl", "w", encoding="utf-8") as out:
        out.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    config = MinhashConfig()
    stages = [
        ([JsonlReader(f"{path}/in"), MinhashDedupSignature(output_folder=f"{path}/signatures", config=config)], 1),
        ([MinhashDedupBuckets(input_folder=f"{path}/signatures", output_folder=f"{path}/buckets", config=config)], config.num_buckets),
        ([MinhashDedupCluster(input_folder=f"{path}/buckets", output_folder=f"{path}/clusters", config=config, save_cluster_id=True)], 1),
    ]
    for index, (pipeline, tasks) in enumerate(stages):
        LocalPipelineExecutor(pipeline=pipeline, tasks=tasks, workers=1, logging_dir=f"{path}/logs{index}").run()
    import struct

    clusters = collections.defaultdict(set)
    data = open(f"{path}/clusters/000000.clusters", "rb").read() if os.path.exists(f"{path}/clusters/000000.clusters") else b""
    for at in range(0, len(data), 8):
        document, cluster = struct.unpack_from("<2I", data, at)
        clusters[cluster].add(rows[document]["id"])
    return {frozenset(members) for members in clusters.values()}


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("documents")
    options.add_argument("--quintet", default=".build/release/quintet")
    options.add_argument("--limit", type=int, default=0)
    options.add_argument("--least", type=float, default=0.999)
    options.add_argument("--reference", help="a file for datatrove's answers, made once")
    options = options.parse_args()
    rows = documents(options.documents, options.limit)
    reference = json.load(open(options.reference)) if options.reference and os.path.exists(options.reference) else {}
    worst = 1.0
    with tempfile.TemporaryDirectory() as folder:
        for name in ["gopher_repetition", "gopher_quality", "c4_quality", "fineweb_quality"]:
            if name not in reference:
                reference[name] = theirs(rows, name)
            their_verdicts, their_texts = reference[name]
            our_verdicts, our_texts, _ = ours(options.quintet, rows, name, folder)
            apart = [r["id"] for r in rows if our_verdicts.get(r["id"]) != their_verdicts.get(r["id"])]
            same_text = [i for i in their_texts if i in our_texts and our_texts[i] != their_texts[i]]
            worst = min(worst, 1 - len(apart) / len(rows), 1 - len(same_text) / len(rows))
            print(f"{name}: {len(rows) - len(apart)} of {len(rows)} verdicts agree, {len(their_verdicts)} dropped; {len(same_text)} kept texts differ")
            for i in apart[:10]:
                print("   ", i, "ours", our_verdicts.get(i), "theirs", their_verdicts.get(i))
            for i in same_text[:5]:
                print("    text", i)
        if "clusters" not in reference:
            reference["clusters"] = [sorted(c) for c in their_clusters(rows, folder)]
        expected = {frozenset(c) for c in reference["clusters"]}
        _, _, kept_for = ours(options.quintet, rows, "near_duplicates", folder)
        groups = collections.defaultdict(set)
        for gone, kept in kept_for.items():
            groups[kept] |= {gone, kept}
        found = {frozenset(g) for g in groups.values()}
        print(f"near_duplicates: {len(found & expected)} clusters the same, {len(found - expected)} only ours, {len(expected - found)} only theirs")
        worst = min(worst, len(found & expected) / max(1, len(found | expected)))
        for c in list(found ^ expected)[:6]:
            print("   ", "ours" if c in found else "theirs", sorted(c)[:8])
    if options.reference:
        json.dump(reference, open(options.reference, "w"))
    sys.exit(0 if worst >= options.least else 1)


if __name__ == "__main__":
    main()
