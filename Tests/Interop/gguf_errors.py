"""What each quantization costs: error on a model's own weights, and perplexity on a text.

For each type the folder is converted with `quintet convert`; the file's tensors are dequantized by the Python `gguf` package and compared
with the folder's (max and RMS error, relative to the RMS of the weights); `quintet verify FOLDER FILE --text TEXT` gives perplexity and KL.

    python3 Tests/Interop/gguf_errors.py MODEL TEXT [--tokens 20000] [--quintet .build/release/quintet] [--types q8_0,q4_0]

Prints a Markdown table. Exit status 0: done, or a library is missing (said on the first line).
"""
import argparse, json, pathlib, subprocess, sys, tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
try:
    import gguf, numpy
except ImportError as missing:
    print(f"skipped: {missing.name} is not installed (pip install gguf numpy)")
    sys.exit(0)

TYPES = ["f32", "f16", "bf16", "q8_0", "q6_k", "q5_1", "q5_0", "q5_k_m", "q4_1", "q4_0", "q4_k_m", "mxfp4"]


def run(quintet, *arguments):
    result = subprocess.run([quintet, *map(str, arguments)], capture_output=True, text=True)
    if result.returncode != 0:
        raise SystemExit(f"quintet {' '.join(map(str, arguments))}: status {result.returncode}\n{result.stdout}{result.stderr}")
    return result.stdout


def numbers(path):
    return {tensor.name: gguf.quants.dequantize(tensor.data, tensor.tensor_type).astype(numpy.float64).ravel() for tensor in gguf.GGUFReader(path).tensors
            if tensor.n_elements > 4096}


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("text")
    parser.add_argument("--tokens", default="20000")
    parser.add_argument("--types", default=",".join(TYPES))
    parser.add_argument("--quintet", default=str(ROOT / ".build" / "release" / "quintet"))
    arguments = parser.parse_args()
    print("| type | bits a weight | max error | RMS error | perplexity | mean KL | same top token | stored otherwise |")
    print("|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        whole = pathlib.Path(folder) / "whole.gguf"
        run(arguments.quintet, "convert", arguments.model, whole, "--quantize", "f32")
        reference = numbers(whole)
        scale = numpy.sqrt(numpy.mean(numpy.concatenate(list(reference.values())) ** 2))
        for kind in arguments.types.split(","):
            path = pathlib.Path(folder) / f"{kind}.gguf"
            report = json.loads(run(arguments.quintet, "convert", arguments.model, path, "--quantize", kind, "--json"))
            ours = numbers(path)
            difference = numpy.concatenate([ours[name] - reference[name] for name in reference])
            bits = 8 * sum(row["bytes"] for row in report["types"]) / sum(tensor.n_elements for tensor in gguf.GGUFReader(path).tensors)
            result = json.loads(run(arguments.quintet, "verify", whole, path, "--text", arguments.text, "--tokens", arguments.tokens, "--json"))
            print(f"| {kind} | {bits:.2f} | {numpy.abs(difference).max() / scale:.5f} | {numpy.sqrt(numpy.mean(difference ** 2)) / scale:.6f} "
                  f"| {result['perplexity'][1]:.4f} | {result['kl_mean']:.2e} | {100 * result['same_top']:.2f} % | {len(report['replaced'])} |", flush=True)
            path.unlink()
