#!/usr/bin/env python3
"""Memory of scrub, every step, over as much text as one likes: real text repeated and perturbed.

    python3 Benchmarks/scrub_memory.py TEXT... [--quintet .build/release/quintet] [--gigabytes 10] [--threads 2] [--folder DIR]

A document is 3 to 12 paragraphs, each a run of 2 to 5 sentences from a random place of the texts; one in ten is a near copy of another, with one
sentence replaced. About three times the size is needed on the disk of --folder. Prints a line a minute, then the peak, the funnel and bytes a document.
"""
import json, multiprocessing, os, pathlib, random, re, tempfile
from scrubbing import options, watched


def sentences(paths):
    found = []
    for path in paths:
        for paragraph in re.split(r"\n\s*\n", open(path, encoding="utf-8", errors="replace").read()):
            found += [s for s in re.split(r"(?<=[.!?]) +", " ".join(paragraph.split())) if 20 < len(s) < 600]
    return found


def write(arguments):
    path, number, size, pool = arguments
    rng, written, recent = random.Random(number), 0, []
    with open(path, "w", encoding="utf-8") as out:
        index = 0
        while written < size:
            if recent and index % 10 == 9:
                paragraphs = list(rng.choice(recent))
                paragraphs[rng.randrange(len(paragraphs))] = rng.choice(pool)
            else:
                paragraphs = []
                for _ in range(rng.randrange(3, 13)):
                    start = rng.randrange(len(pool) - 5)
                    paragraphs.append(" ".join(pool[start:start + rng.randrange(2, 6)]))
                recent = recent[-200:] + [paragraphs]
            row = json.dumps({"id": f"{number}-{index}", "text": "\n\n".join(paragraphs), "source": "made"}, ensure_ascii=False)
            out.write(row + "\n")
            written += len(row.encode()) + 1
            index += 1
    return index


def main():
    given = options(__doc__, gigabytes=10.0)
    pool, files = sentences(given.text), max(2, int(given.gigabytes * 8))
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        os.makedirs(f"{folder}/in")
        jobs = [(f"{folder}/in/{i:03}.jsonl", i, given.gigabytes * 1e9 / files, pool) for i in range(files)]
        with multiprocessing.Pool(2) as workers:
            made = sum(workers.imap_unordered(write, jobs))
        size = sum(path.stat().st_size for path in pathlib.Path(folder, "in").iterdir())
        print(f"{made} documents, {size / 1e9:.2f} GB", flush=True)
        report, own = watched(given.quintet, folder, given.threads)
        print(f"in {report['documents_in']}, out {report['documents_out']}, dropped {report['documents_dropped']}; {own * 1e6 / report['documents_in']:.0f} bytes a document")
        for step in report["steps"]:
            print(f"{step['name']:24} dropped {step['dropped']:9} changed {step['changed']:9} {step['seconds']:8.1f} s")


main()
