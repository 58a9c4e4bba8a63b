"""Writes archives with `torch.save` in every layout and type and compares what `quintet inspect --digests` reads, byte for byte.

    python3 Tests/Interop/pytorch_archives.py [FILE...] [--quintet .build/release/quintet]

FILE: more archives to compare. Exit status 0: all agree, or a library is missing (said on the first line). 1: something differs.
"""
import argparse, collections, hashlib, json, os, pathlib, subprocess, sys, tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
try:
    import torch
except ImportError:
    print("skipped: torch is not installed (pip install torch)")
    sys.exit(0)

TYPES = {
    torch.float32: "F32", torch.float64: "F64", torch.float16: "F16", torch.bfloat16: "BF16", torch.int64: "I64", torch.int32: "I32", torch.int16: "I16",
    torch.int8: "I8", torch.uint8: "U8", torch.bool: "BOOL", torch.complex64: "C64", torch.complex128: "complex128", torch.float8_e5m2: "F8_E5M2",
    torch.float8_e4m3fn: "F8_E4M3", torch.uint16: "U16", torch.uint32: "U32", torch.uint64: "U64",
}


def walk(value, name=""):
    if isinstance(value, torch.Tensor):
        yield name, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from walk(inner, f"{name}.{key}" if name else str(key))
    elif isinstance(value, (list, tuple)):
        for place, inner in enumerate(value):
            yield from walk(inner, f"{name}.{place}" if name else str(place))


def expected(value):
    rows = []
    for name, tensor in walk(value):
        flat = tensor.detach().clone(memory_format=torch.contiguous_format).reshape(-1)
        data = bytes(flat.view(torch.uint8).tolist()) if flat.numel() else b""
        rows.append((name, TYPES[tensor.dtype], list(tensor.shape), hashlib.sha256(data).hexdigest()))
    return rows


def read(quintet, path):
    result = subprocess.run([quintet, "inspect", str(path), "--digests", "--json"], capture_output=True, text=True)
    if result.returncode != 0:
        raise SystemExit(f"{path}: {result.stdout}{result.stderr}")
    return [(row["name"], row["dtype"], row["shape"], row["sha256"]) for row in json.loads(result.stdout)["list"]]


def of_type(dtype):
    numbers = torch.arange(24).reshape(2, 3, 4)
    if dtype in (torch.uint16, torch.uint32, torch.uint64, torch.float8_e5m2, torch.float8_e4m3fn):
        return numbers.to(torch.float32).to(dtype) if dtype.is_floating_point else numbers.to(torch.int32).to(dtype)
    return numbers.to(dtype)


def cases():
    torch.manual_seed(0)
    x = torch.randn(6, 8)
    linear = torch.nn.Sequential(torch.nn.Linear(5, 7), torch.nn.BatchNorm1d(7), torch.nn.Linear(7, 3, bias=False))
    optimizer = torch.optim.AdamW(linear.parameters())
    linear(torch.randn(4, 5)).sum().backward()
    optimizer.step()
    yield "state_dict", linear.state_dict()
    yield "training", {"model": linear.state_dict(), "optimizer": optimizer.state_dict(), "epoch": 3, "loss": 0.25, "name": "naïve"}
    yield "views", {"all": x, "row": x[1], "column": x[:, 2], "turned": x.t(), "part": x[2:5, 1::3], "same": x, "scalar": x[0, 0], "empty": x[:0]}
    yield "list", [x, (x + 1, {"deep": x.double()})]
    yield "ordered", collections.OrderedDict([("b", x), ("a", x * 2)])
    yield "parameter", {"p": torch.nn.Parameter(x.clone()), "size": x.shape}
    yield "keys", {1: x, "two": x}
    for dtype in TYPES:
        yield f"type {dtype}", {"t": of_type(dtype), "odd": of_type(dtype)[:, 1:, ::2]}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("files", nargs="*", type=pathlib.Path)
    parser.add_argument("--quintet", default=os.environ.get("QUINTET", str(ROOT / ".build/release/quintet")))
    options = parser.parse_args()
    count = 0
    with tempfile.TemporaryDirectory() as scratch:
        path = pathlib.Path(scratch) / "case.pt"
        for name, value in cases():
            for layout, settings in [("zip", {}), ("zip, protocol 5", {"pickle_protocol": 5}), ("old", {"_use_new_zipfile_serialization": False}),
                                     ("zip, protocol 0", {"pickle_protocol": 0}), ("zip, protocol 3", {"pickle_protocol": 3})]:
                try:
                    torch.save(value, path, **settings)
                    torch.load(path, weights_only=False)
                except Exception as refusal:
                    print(f"{name}, {layout}: PyTorch itself cannot: {refusal}")
                    continue
                ours, theirs = read(options.quintet, path), expected(value)
                assert ours == theirs, f"{name}, {layout}:\n{ours}\n{theirs}"
                count += 1
    for path in options.files:
        ours, theirs = read(options.quintet, path), expected(torch.load(path, map_location="cpu", weights_only=True))
        assert ours == theirs, f"{path} differs"
        count += 1
    print(f"{count} archives agree")


main()
