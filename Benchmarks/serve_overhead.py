#!/usr/bin/env python3
"""What the server takes beside its model: memory before the first request, processor time while idle, microseconds a streamed token. Linux.

    python3 Benchmarks/serve_overhead.py --model FOLDER [--quintet .build/release/quintet] [--clients 1 4 16] [--rounds 5]

The model computes on one thread; the time of all other threads is the server's own, requests included. Take a small model, a quiet machine,
and two programs in turn: what the kernel takes for a wake-up and a write differs from hour to hour.
"""
import argparse, json, os, signal, socket, subprocess, threading, time

TOKENS = 400


class Server:
    def __init__(self, program, model, port):
        command = [program, "serve", model, "--port", str(port), "--threads", "1"]
        self.port, self.process = port, subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                return
            except OSError:
                time.sleep(0.1)
        raise SystemExit("the server does not answer")

    def resident(self):
        return int(open(f"/proc/{self.process.pid}/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6

    def times(self):
        """Nanoseconds of processor by thread."""
        found = {}
        for thread in os.listdir(f"/proc/{self.process.pid}/task"):
            try:
                found[thread] = int(open(f"/proc/{self.process.pid}/task/{thread}/schedstat").read().split()[0])
            except OSError:
                pass
        return found

    def ask(self, kind):
        body = {"max_tokens": TOKENS, "temperature": 0.9, "seed": 3, "stream": True, "ignore_eos": True}
        text = "Once upon a time"
        body.update({"messages": [{"role": "user", "content": text}]} if kind == "chat" else {"prompt": text})
        data = json.dumps(body).encode()
        path = "/v1/chat/completions" if kind == "chat" else "/v1/completions"
        head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n"
        with socket.create_connection(("127.0.0.1", self.port)) as connection:
            connection.sendall(head.encode() + data)
            while connection.recv(1 << 20):
                pass

    def together(self, kind, clients):
        threads = [threading.Thread(target=self.ask, args=(kind,)) for _ in range(clients)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--model", required=True)
    options.add_argument("--quintet", default=".build/release/quintet")
    options.add_argument("--clients", type=int, nargs="+", default=[1, 4, 16])
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--port", type=int, default=18180)
    given = options.parse_args()
    server = Server(given.quintet, given.model, given.port)
    time.sleep(1)
    before = sum(server.times().values())
    time.sleep(3)
    print(f"idle: {server.resident():.1f} MB resident before the first request, {(sum(server.times().values()) - before) / 1e3:.0f} us of processor in 3 s", flush=True)
    for clients in given.clients:
        for kind in ("text", "chat"):
            server.together(kind, clients)
            before, start = server.times(), time.time()
            for _ in range(given.rounds): server.together(kind, clients)
            took = {thread: value - before.get(thread, 0) for thread, value in server.times().items()}
            model, tokens = max(took.values()), clients * given.rounds * TOKENS
            print(f"{clients:3} clients, {kind}: {(sum(took.values()) - model) / tokens / 1e3:5.1f} us a token beside the model's {model / tokens / 1e3:.1f}, "
                  f"{tokens / (time.time() - start):.0f} tokens/s, {server.resident():.1f} MB", flush=True)
    server.process.send_signal(signal.SIGTERM)
    server.process.wait()


main()
