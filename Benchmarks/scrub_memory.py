#!/usr/bin/env python3
"""Memory of scrub, every step, over as much text as one likes: real text repeated and perturbed.

    python3 Benchmarks/scrub_memory.py TEXT... [--quintet .build/release/quintet] [--gigabytes 10] [--threads 2] [--folder DIR]

A document is 3 to 12 paragraphs, each a run of 2 to 5 sentences from a random place of the texts; one in ten is a near copy of another, with one
sentence replaced. About three times the size is needed on the disk of --folder. Prints a line a minute, then the peak, the funnel and bytes a document.
"""
import argparse, json, multiprocessing, os, pathlib, random, re, subprocess, sys, tempfile, threading, time


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


def resident(process, peaks):
    started, shown = time.time(), 0
    while process.poll() is None:
        try:
            status = open(f"/proc/{process.pid}/status").read()
        except OSError:
            return
        for name in peaks:
            if found := re.search(name + r":\s+(\d+)", status):
                peaks[name] = max(peaks[name], int(found[1]) / 1024)
        if time.time() - started > 60 * shown:
            print(f"{shown:4} min: {peaks['VmHWM']:.0f} MB at most", flush=True)
            shown += 1
        time.sleep(1)


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("text", nargs="+")
    options.add_argument("--quintet", default=".build/release/quintet")
    options.add_argument("--gigabytes", type=float, default=10)
    options.add_argument("--threads", type=int, default=2)
    options.add_argument("--folder")
    options = options.parse_args()
    pool, files = sentences(options.text), max(2, int(options.gigabytes * 8))
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        os.makedirs(f"{folder}/in")
        jobs = [(f"{folder}/in/{i:03}.jsonl", i, options.gigabytes * 1e9 / files, pool) for i in range(files)]
        with multiprocessing.Pool(2) as workers:
            made = sum(workers.imap_unordered(write, jobs))
        del jobs, pool
        size = sum(path.stat().st_size for path in pathlib.Path(folder, "in").iterdir())
        print(f"{made} documents, {size / 1e9:.2f} GB", flush=True)
        start, before = time.time(), os.times()
        run = subprocess.Popen([options.quintet, "scrub", f"{folder}/in", "--into", f"{folder}/out", "--json", "--threads", str(options.threads)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        peaks = {"VmHWM": 0.0, "RssAnon": 0.0}
        watcher = threading.Thread(target=resident, args=(run, peaks))
        watcher.start()
        report = json.loads(run.communicate()[0])
        watcher.join()
        took, after = time.time() - start, os.times()
        processor = after.children_user + after.children_system - before.children_user - before.children_system
        print(f"{took:.0f} s on {options.threads} threads, {processor:.0f} s of processor, {size / 1e6 / took:.0f} MB/s; at most {peaks['VmHWM']:.0f} MB resident, {peaks['RssAnon']:.0f} of them its own")
        print(f"in {report['documents_in']}, out {report['documents_out']}, dropped {report['documents_dropped']}; {peaks['RssAnon'] * 1e6 / report['documents_in']:.0f} bytes a document")
        for step in report["steps"]:
            print(f"{step['name']:24} dropped {step['dropped']:9} changed {step['changed']:9} {step['seconds']:8.1f} s")
    sys.exit(run.returncode)


main()
