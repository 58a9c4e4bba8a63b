#!/usr/bin/env python3
"""`quintet serve` beside llama.cpp's server in Python (`llama-cpp-python[server]`): the same GGUF file, the same load, two threads each, interleaved.

    swift build -c release
    python3 Benchmarks/serve.py --model 110m-q8_0.gguf               # made by Benchmarks/decode.py
    python3 Benchmarks/serve.py --model FILE --clients 1 4 --rounds 3 --json

Each level of clients puts both servers under `quintet bench serve`: prompts of about 128 tokens, 64 generated, greedy. The host may be shared, so
only the ratios within one run count. Memory is the peak of the server's process (VmHWM), the model included. llama-cpp-python's server makes
one text at a time; `--peer URL` measures a server that runs already, say llama-server, in its place.
"""
import argparse, http.client, json, os, pathlib, signal, statistics, subprocess, sys, threading, time, urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[1]


class Server:
    def __init__(self, name, command, port):
        self.name, self.url = name, f"http://127.0.0.1:{port}"
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(1200):
            try:
                urllib.request.urlopen(self.url + "/v1/models", timeout=1)
                return
            except OSError:
                if self.process.poll() is not None:
                    raise SystemExit(f"{name} ended with status {self.process.returncode}: {' '.join(command)}")
                time.sleep(0.05)
        raise SystemExit(f"{name} does not answer")

    def peak(self):
        for line in open(f"/proc/{self.process.pid}/status"):
            if line.startswith("VmHWM"):
                return int(line.split()[1]) / 1024
        return 0

    def processor_seconds(self):
        fields = open(f"/proc/{self.process.pid}/stat").read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()


SEEDS = iter(range(1, 1000))  # every level and server reads prompts that nobody has seen


def measure(quintet, url, clients, arguments):
    command = [quintet, "bench", "serve", url, "--clients", clients, "--requests", max(arguments.least, clients * arguments.per_client),
               "--prompt-words", arguments.words, "--generate", arguments.generate, "--seed", next(SEEDS), "--json"]
    result = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=True)
    return json.loads(result.stdout)


class Health(threading.Thread):
    """Asks whether the server lives, again and again, while others put it under load."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.connection, self.seconds, self.isOver = http.client.HTTPConnection("127.0.0.1", port), [], False
        self.start()

    def run(self):
        try:  # the time that this thread itself waits for a processor is not the server's
            os.sched_setscheduler(threading.get_native_id(), os.SCHED_FIFO, os.sched_param(1))
        except (AttributeError, PermissionError):
            pass
        while not self.isOver:
            start = time.perf_counter()
            self.connection.request("GET", "/livez")
            self.connection.getresponse().read()
            self.seconds.append(time.perf_counter() - start)
            time.sleep(0.02)

    def end(self):
        self.isOver = True
        self.join()
        return sorted(self.seconds)[int(0.99 * len(self.seconds))]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", required=True)
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 4, 8, 16])
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--words", type=int, default=16, help="words of a prompt; with the benchmark's tokenizer 16 are about 128 tokens")
    parser.add_argument("--generate", type=int, default=64)
    parser.add_argument("--least", type=int, default=4)
    parser.add_argument("--per-client", type=int, default=2)
    parser.add_argument("--peer", help="a server that runs already, in place of llama-cpp-python's")
    parser.add_argument("--quintet", default=str(ROOT / ".build/release/quintet"))
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    parallel = max(arguments.clients)
    servers = [Server("quintet", [arguments.quintet, "serve", arguments.model, "--port", "18080", "--parallel", str(parallel), "--context", "512",
                                  "--threads", str(arguments.threads), "--log", os.devnull], 18080)]
    if not arguments.peer:
        servers.append(Server("llama-cpp-python", [sys.executable, "-m", "llama_cpp.server", "--model", arguments.model, "--port", "18081", "--n_ctx", "512",
                                                   "--n_threads", str(arguments.threads), "--n_threads_batch", str(arguments.threads), "--verbose", "false",
                                                   "--interrupt_requests", "false"], 18081))
    urls = [(server.name, server.url) for server in servers] + ([("peer", arguments.peer)] if arguments.peer else [])
    try:
        before = servers[0].processor_seconds()
        time.sleep(2)
        idle = (servers[0].processor_seconds() - before) / 2
        for name, url in urls:
            measure(arguments.quintet, url, 1, argparse.Namespace(**{**vars(arguments), "least": 1, "per_client": 1, "generate": 8}))
        rows = []
        for clients in arguments.clients:
            samples = {name: [] for name, _ in urls}
            for _ in range(arguments.rounds):
                for name, url in urls:
                    health = Health(18080) if name == "quintet" else None
                    samples[name].append(measure(arguments.quintet, url, clients, arguments))
                    samples[name][-1]["health_p99"] = health.end() if health else None
            for name, _ in urls:
                median = lambda pick: statistics.median(pick(sample) for sample in samples[name])
                rows.append({
                    "clients": clients, "server": name, "answers": samples[name][0]["requests"],
                    "tokens_per_second": median(lambda s: s["tokens_per_second"]),
                    "first_token_p50": median(lambda s: s["time_to_first_token_seconds"]["p50"]),
                    "first_token_p99": median(lambda s: s["time_to_first_token_seconds"]["p99"]),
                    "between_tokens_p50": median(lambda s: s["inter_token_seconds"]["p50"]),
                    "health_p99": samples[name][-1]["health_p99"],
                    "peak_megabytes": next((s.peak() for s in servers if s.name == name), None),
                })
    finally:
        for server in servers:
            server.stop()
    if arguments.json:
        return print(json.dumps({"model": arguments.model, "threads": arguments.threads, "idle_processor_share": idle, "rows": rows}))
    print(f"idle: {100 * idle:.2f} % of a processor")
    print("| clients | server | tokens/s | first token p50 / p99 (s) | between tokens p50 (ms) | peak MB | /livez p99 (ms) |\n|---|---|---|---|---|---|---|")
    for row in rows:
        health = f"{1000 * row['health_p99']:.1f}" if row["health_p99"] else ""
        print(f"| {row['clients']} | {row['server']} | {row['tokens_per_second']:.1f} | {row['first_token_p50']:.2f} / {row['first_token_p99']:.2f} "
              f"| {1000 * row['between_tokens_p50']:.1f} | {row['peak_megabytes'] or 0:.0f} | {health} |")


main()
