"""One step of `quintet scrub` over a list of texts, for the benchmarks that hold a step against a peer."""
import json
import os
import subprocess
import tempfile
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
