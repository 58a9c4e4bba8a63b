#!/usr/bin/env python3
"""Hours of what servers meet: users, users who leave, slow readers, broken requests, models loaded and let go; watches memory and descriptors.

    swift build -c release
    python3 Benchmarks/soak.py --model MODEL_FOLDER --minutes 120

Prints a line a minute (answers, refusals, resident memory, open files) and at the end the slope of memory after the first quarter, in MB an
hour. Exit status 1: the server ended, an answer was wrong (the same request gave another text), descriptors grew, or memory grew by more than
--slope. Faults F27-F32 and F40 at whatever length one has time for.
"""
import argparse, json, os, pathlib, random, signal, socket, subprocess, sys, threading, time, urllib.error, urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[1]
BROKEN = [
    b"GET / HTTP/9\r\n\r\n", b"\x16\x03\x01\x02\x00\x01", b"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
    b"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 9999\r\n\r\n{", b"X" * 100_000,
    b"GET /livez HTTP/1.1\r\nHost: evil.example\r\n\r\n", b"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    b"Content-Length: 1000000\r\n\r\n" + b"[" * 1_000_000,
]


class Soak:
    def __init__(self, port, seed):
        self.port, self.random = port, random.Random(seed)
        self.counts = {}
        self.known = {}
        self.wrong = []
        self.lock = threading.Lock()
        self.isOver = False

    def count(self, what):
        with self.lock:
            self.counts[what] = self.counts.get(what, 0) + 1

    def ask(self, body):
        data = json.dumps(body).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/v1/completions", data, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=120) as answer:
            return json.load(answer)["choices"][0]["text"]

    def user(self):
        number = self.random.randrange(40)
        body = {"prompt": f"Once upon a time number {number}", "max_tokens": 5 + number, "temperature": 0.8, "seed": number}
        try:
            text = self.ask(body)
            self.count("answered")
            with self.lock:
                if self.known.setdefault(number, text) != text:
                    self.wrong.append(number)
        except urllib.error.HTTPError as error:
            self.count(f"refused {error.code}")

    def leaver(self):
        body = json.dumps({"prompt": "a" * self.random.randrange(1, 200), "max_tokens": 200, "stream": True}).encode()
        with socket.create_connection(("127.0.0.1", self.port)) as connection:
            connection.sendall(b"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
            time.sleep(self.random.random() * 0.3)
            if self.random.random() < 0.5:
                connection.recv(self.random.randrange(1, 2000))
        self.count("left")

    def breaker(self):
        with socket.create_connection(("127.0.0.1", self.port)) as connection:
            connection.settimeout(2)
            try:
                connection.sendall(self.random.choice(BROKEN))
                connection.recv(100)
            except OSError:
                pass
        self.count("broken")

    def watcher(self):
        for path in ["/metrics", "/readyz", "/v1/models", "/slots"]:
            urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5).read()
        self.count("watched")

    def run(self):
        while not self.isOver:
            try:
                self.random.choices([self.user, self.leaver, self.breaker, self.watcher], [60, 20, 10, 10])[0]()
            except OSError as error:
                self.count(type(error).__name__)
                time.sleep(0.05)


def slope(points):
    mean_x = sum(x for x, _ in points) / len(points)
    mean_y = sum(y for _, y in points) / len(points)
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / spread if spread else 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", required=True)
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--threads", type=int, default=8, help="threads that put load on")
    parser.add_argument("--port", type=int, default=18082)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--slope", type=float, default=1.0, help="MB an hour that memory may grow")
    parser.add_argument("--quintet", default=str(ROOT / ".build/release/quintet"))
    arguments = parser.parse_args()
    server = subprocess.Popen([arguments.quintet, "serve", arguments.model, "--port", str(arguments.port), "--parallel", "4", "--queue", "6", "--log", os.devnull],
                              stdout=subprocess.DEVNULL)
    soak = Soak(arguments.port, arguments.seed)
    for _ in range(600):
        try:
            soak.ask({"prompt": "a", "max_tokens": 1})
            break
        except OSError:
            time.sleep(0.1)
    threads = [threading.Thread(target=soak.run, daemon=True) for _ in range(arguments.threads)]
    for thread in threads:
        thread.start()
    start, points, files = time.monotonic(), [], []
    step = min(60, max(arguments.minutes * 60 / 20, 1))
    while (passed := time.monotonic() - start) < arguments.minutes * 60 and server.poll() is None:
        time.sleep(step)
        resident = int(open(f"/proc/{server.pid}/statm").read().split()[1]) * os.sysconf("SC_PAGESIZE") / 2**20
        points.append(((time.monotonic() - start) / 3600, resident))
        files.append(len(os.listdir(f"/proc/{server.pid}/fd")))
        print(f"{passed / 60:6.1f} min  {resident:7.1f} MB  {files[-1]:4d} files  {dict(sorted(soak.counts.items()))}", flush=True)
    soak.isOver = True
    ended = server.poll()
    server.send_signal(signal.SIGTERM) if ended is None else None
    status = server.wait()
    late = points[len(points) // 4:]
    growth = slope(late) if len(late) > 2 else 0
    print(f"memory {growth:+.2f} MB an hour, status {status}, wrong texts {soak.wrong}, files {files[0]} to {files[-1]}")
    sys.exit(ended is not None or status != 0 or bool(soak.wrong) or growth > arguments.slope or files[-1] > files[0] + 2 * arguments.threads)


main()
