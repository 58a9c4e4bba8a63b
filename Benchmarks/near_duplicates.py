#!/usr/bin/env python3
"""Near-duplicates of many documents on one machine: time, memory and how many are found, on real text repeated and perturbed.

    python3 Benchmarks/near_duplicates.py TEXT... [--quintet .build/release/quintet] [--documents 1000000] [--threads 2]

Documents are stretches of 60 to 200 words cut from the TEXT files at random places. A fifth of them are near copies of another one (one word in
50 replaced), which near-duplicate search should find; the others have every third word replaced by a random one of the text, so
that they are alike by chance only.
"""
import json, os, random, tempfile
from scrubbing import options, watched


def documents(words, count, rng):
    recent = []
    for index in range(count):
        if recent and index % 5 == 4:
            text = list(rng.choice(recent))
            for _ in range(len(text) // 50):
                text[rng.randrange(len(text))] = rng.choice(words)
            yield text, True
            continue
        start, length = rng.randrange(len(words) - 200), rng.randrange(60, 200)
        text = words[start:start + length]
        for at in range(rng.randrange(3), length, 3):
            text[at] = words[int(rng.random() * len(words))]
        recent.append(text)
        if len(recent) > 1000:
            recent.pop(0)
        yield text, False


def main():
    given = options(__doc__, documents=1_000_000)
    words = [word for path in given.text for word in open(path, encoding="utf-8", errors="replace").read().split()]
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        os.makedirs(f"{folder}/in")
        rng, size, copies = random.Random(1), 0, 0
        files = [open(f"{folder}/in/{i:02}.jsonl", "w") for i in range(16)]
        for index, (text, is_copy) in enumerate(documents(words, given.documents, rng)):
            row = json.dumps({"id": str(index), "text": " ".join(text), "source": "made"})
            size += len(row) + 1
            copies += is_copy
            files[index * 16 // given.documents].write(row + "\n")
        for file in files:
            file.close()
        config = f"{folder}/c.yaml"
        open(config, "w").write("steps: [near_duplicates]\n")
        print(f"{given.documents} documents, {size / 1e6:.0f} MB", flush=True)
        report, _ = watched(given.quintet, folder, given.threads, "--config", config)
        print(f"{report['documents_dropped']} dropped, {copies} near copies were made")


main()
