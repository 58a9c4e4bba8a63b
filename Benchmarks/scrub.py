#!/usr/bin/env python3
"""Throughput of scrub beside datatrove: the same documents through the same filters and near-duplicate search, on one core.

    pip install datatrove spacy "xxhash<4" orjson && python3 Benchmarks/scrub.py DOCUMENTS.jsonl [--quintet .build/release/quintet] [--megabytes 8]

Both read JSONL and write what stays: Gopher repetition, Gopher quality, C4, FineWeb, then MinHash in 14 buckets of 8. datatrove runs
as one task with one worker on a part of the documents; scrub on the same part and, for its own figures, on all of them.
"""
import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.pop(0)  # tokenizers.py beside this script is not the package of that name

STEPS = ["gopher_repetition", "gopher_quality", "c4_quality", "fineweb_quality", "near_duplicates"]


def part(path, megabytes, target):
    size, rows = 0, []
    lines = [line.rstrip("\n") for line in open(path, encoding="utf-8", newline="\n")]
    for line in lines[:: max(1, len(lines) // 4000)]:
        rows.append(line)
        size += len(json.loads(line)["text"].encode())
        if size > megabytes * 1e6:
            break
    open(target, "w", encoding="utf-8").write("\n".join(rows) + "\n")
    return size


def ours(quintet, source, folder, threads, steps=STEPS):
    target = os.path.join(folder, f"out-{time.time()}")
    config = os.path.join(folder, "c.yaml")
    open(config, "w").write("steps: [" + ", ".join(steps) + "]\nunit_bytes: 2000000\n" if steps else "{}")
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.time()
    out = subprocess.run([quintet, "scrub", source, "--into", target, "--config", config, "--json", "--threads", str(threads)], check=True, capture_output=True).stdout
    took = time.time() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    shutil.rmtree(target)
    return took, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, json.loads(out)


def theirs(source, folder):
    from datatrove.executor import LocalPipelineExecutor
    from datatrove.pipeline.dedup import MinhashDedupSignature
    from datatrove.pipeline.dedup.minhash import MinhashConfig, MinhashDedupBuckets, MinhashDedupCluster, MinhashDedupFilter
    from datatrove.pipeline.filters import C4QualityFilter, FineWebQualityFilter, GopherQualityFilter, GopherRepetitionFilter
    from datatrove.pipeline.readers import JsonlReader
    from datatrove.pipeline.writers import JsonlWriter

    path = os.path.join(folder, "datatrove")
    os.makedirs(f"{path}/in")
    shutil.copy(source, f"{path}/in/0.jsonl")
    config = MinhashConfig()
    filters = [GopherRepetitionFilter(), GopherQualityFilter(), C4QualityFilter(filter_no_terminal_punct=False), FineWebQualityFilter()]
    stages = [
        ([JsonlReader(f"{path}/in"), *filters, JsonlWriter(f"{path}/filtered", compression=None)], 1),
        ([JsonlReader(f"{path}/filtered"), MinhashDedupSignature(output_folder=f"{path}/signatures", config=config)], 1),
        ([MinhashDedupBuckets(input_folder=f"{path}/signatures", output_folder=f"{path}/buckets", config=config)], config.num_buckets),
        ([MinhashDedupCluster(input_folder=f"{path}/buckets", output_folder=f"{path}/clusters", config=config)], 1),
        ([JsonlReader(f"{path}/filtered"), MinhashDedupFilter(input_folder=f"{path}/clusters"), JsonlWriter(f"{path}/out", compression=None)], 1),
    ]
    before = os.times()
    start = time.time()
    for index, (pipeline, tasks) in enumerate(stages):
        LocalPipelineExecutor(pipeline=pipeline, tasks=tasks, workers=1, logging_dir=f"{path}/logs{index}").run()
    after = os.times()
    kept = sum(1 for name in os.listdir(f"{path}/out") for _ in open(f"{path}/out/{name}"))
    return time.time() - start, sum(after[:4]) - sum(before[:4]), kept


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("documents")
    options.add_argument("--quintet", default=".build/release/quintet")
    options.add_argument("--megabytes", type=float, default=8)
    options = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        source = os.path.join(folder, "part.jsonl")
        size = part(options.documents, options.megabytes, source)
        mine = [ours(options.quintet, source, folder, 1) for _ in range(2)]
        peer = theirs(source, folder)
        mine += [ours(options.quintet, source, folder, 1)]
        pair = min(ours(options.quintet, source, folder, 2)[0] for _ in range(3))
        took, cpu, report = min(mine, key=lambda m: m[0])
        print(f"{size / 1e6:.1f} MB of text")
        print(f"quintet   {took:7.2f} s ({cpu:.2f} s of processor) {size / took / 1e6:7.2f} MB/s, {report['documents_out']} kept")
        print(f"datatrove {peer[0]:7.2f} s ({peer[1]:.2f} s of processor) {size / peer[0] / 1e6:7.2f} MB/s, {peer[2]} kept")
        print(f"ratio {peer[0] / took:.1f} (processor {peer[1] / cpu:.1f}); two threads {took / pair:.2f} times one")
        for name in [None]:
            took, cpu, report = ours(options.quintet, source, folder, 1, None)
            print(f"every step: {size / took / 1e6:.1f} MB/s; by step, MB of input a second of that step:")
            for step in report["steps"]:
                if step["seconds"] > 0:
                    print(f"  {step['name']:20} {size / step['seconds'] / 1e6:8.1f} MB/s")


if __name__ == "__main__":
    main()
