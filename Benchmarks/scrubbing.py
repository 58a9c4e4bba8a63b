"""`quintet scrub` as the benchmarks run it: one step over a list of texts, or a folder while time and memory are watched."""
import argparse
import json
import os
import re
import subprocess
import tempfile
import threading
import time


def scrubbed(quintet, texts, configuration, kind):
    """Returns the rows of `kind` ("documents" or "audit"), whose ids are the texts' places in the list, and the seconds it took."""
    with tempfile.TemporaryDirectory() as folder:
        with open(f"{folder}/in.jsonl", "w", encoding="utf-8") as out:
            for i, text in enumerate(texts):
                out.write(json.dumps({"id": str(i), "text": text}) + "\n")
        with open(f"{folder}/c.yaml", "w") as out:
            out.write(configuration)
        start = time.time()
        subprocess.run([quintet, "scrub", f"{folder}/in.jsonl", "--into", f"{folder}/out", "--config", f"{folder}/c.yaml", "--json", "--threads", "1"], check=True, stdout=subprocess.DEVNULL)
        took = time.time() - start
        rows = []
        for name in sorted(os.listdir(f"{folder}/out/{kind}")):
            with open(f"{folder}/out/{kind}/{name}", encoding="utf-8") as lines:
                rows += [json.loads(line) for line in lines]
        return rows, took


def options(description, **own):
    """The options of a benchmark over real texts: `own` holds further ones, by name and default."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text", nargs="+")
    for name, value in dict({"quintet": ".build/release/quintet", "threads": 2}, **own).items():
        parser.add_argument(f"--{name}", type=type(value), default=value)
    parser.add_argument("--folder", help="where the documents are made and scrubbed")
    return parser.parse_args()


def watched(quintet, folder, threads, *more):
    """Scrubs FOLDER/in into FOLDER/out, prints a line a minute, then time and memory; returns the report and the peak of memory of its own, in MB."""
    peaks, start, before = {"VmHWM": 0.0, "RssAnon": 0.0}, time.time(), os.times()
    command = [quintet, "scrub", f"{folder}/in", "--into", f"{folder}/out", "--json", "--threads", str(threads), *more]
    run = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    watcher = threading.Thread(target=_resident, args=(run, peaks))
    watcher.start()
    report = json.loads(run.communicate()[0])
    watcher.join()
    took, after = time.time() - start, os.times()
    processor = after.children_user + after.children_system - before.children_user - before.children_system
    print(f"{took:.0f} s on {threads} threads ({processor:.0f} s of processor), {report['bytes_in'] / 1e6 / took:.0f} MB/s; "
          f"at most {peaks['VmHWM']:.0f} MB resident, {peaks['RssAnon']:.0f} of them its own")
    return report, peaks["RssAnon"]


def _resident(process, peaks):
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
        time.sleep(0.2)
