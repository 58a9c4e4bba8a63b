#!/usr/bin/env python3
"""Reading a prompt and writing a continuation beside llama.cpp (`llama-cpp-python`), interleaved, both from the same GGUF files.

    swift build -c release
    python3 Benchmarks/decode.py                                     # 110M and 1.1B, every type, two threads
    python3 Benchmarks/decode.py --models 110m --types q4_k_m q8_0 --rounds 5 --json

Needs `pip install llama-cpp-python gguf numpy`. The models are Llamas with random weights: 110m is Llama-2-style 12 x 768, 1b has TinyLlama's
sizes. Files are made once, in --folder, with llama.cpp's own quantizer (a few rows of each matrix are quantized and repeated: only speed is
measured). The host may be shared, so only the ratios within one run count: every round asks both once, the table gives the medians and the
ratio of ours to the peer's. "of limit" is what decoding reads per second over the machine's streaming reads, probed beside it.
"""
import argparse, ctypes, glob, json, os, statistics, subprocess, sys, time

MODELS = {
    "110m": dict(layers=12, width=768, heads=12, kv_heads=12, hidden=2048, vocabulary=32000),
    "1b": dict(layers=22, width=2048, heads=32, kv_heads=4, hidden=5632, vocabulary=32000),
}
TYPES = ["f16", "bf16", "q8_0", "q4_0", "q4_1", "q5_0", "q5_1", "q4_k_m", "q5_k_m", "q6_k", "mxfp4"]
FILE_TYPES = {"f32": 0, "f16": 1, "q4_0": 2, "q4_1": 3, "q8_0": 7, "q5_0": 8, "q5_1": 9, "q4_k_m": 15, "q5_k_m": 17, "q6_k": 18, "bf16": 32, "mxfp4": 38}


# MARK: Files

def more_bits(layer, layers):
    return layer < layers // 8 or layer >= 7 * layers // 8 or (layer - layers // 8) % 3 == 2


def tensor_type(name, layer, layers, wanted):
    if not wanted.endswith("_m"):
        return wanted
    if name == "output" or (name in ("attn_v", "ffn_down") and more_bits(layer, layers)):
        return "q6_k"
    return wanted[:-2]


class Quantizer:
    """llama.cpp's, from the library beside the package."""

    def __init__(self):
        import llama_cpp
        self.library = ctypes.CDLL(glob.glob(os.path.join(os.path.dirname(llama_cpp.__file__), "lib", "libggml-base.*"))[0])
        self.library.ggml_quantize_chunk.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64, ctypes.c_int64, ctypes.c_void_p]

    def rows(self, values, type_):
        import gguf, numpy as np
        if type_ == gguf.GGMLQuantizationType.F16:
            return values.astype(np.float16)
        if type_ == gguf.GGMLQuantizationType.BF16:
            return gguf.quants.quantize(values, type_)
        length, width = gguf.GGML_QUANT_SIZES[type_]
        out = np.empty((values.shape[0], values.shape[1] // length * width), np.uint8)
        self.library.ggml_quantize_chunk(int(type_), values.ctypes.data, out.ctypes.data, 0, values.shape[0], values.shape[1], None)
        return out


def write(path, sizes, wanted):
    import gguf, numpy as np
    quantizer, generator = Quantizer(), np.random.default_rng(1)
    writer = gguf.GGUFWriter(path + ".tmp", "llama")
    writer.add_name(os.path.basename(path))
    writer.add_block_count(sizes["layers"])
    writer.add_context_length(16384)
    writer.add_embedding_length(sizes["width"])
    writer.add_feed_forward_length(sizes["hidden"])
    writer.add_head_count(sizes["heads"])
    writer.add_head_count_kv(sizes["kv_heads"])
    writer.add_rope_dimension_count(sizes["width"] // sizes["heads"])
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_freq_base(10000.0)
    writer.add_vocab_size(sizes["vocabulary"])
    writer.add_file_type(FILE_TYPES[wanted])
    tokens = ["<unk>", "<s>", "</s>"] + [f"<0x{i:02X}>" for i in range(256)]
    tokens += [f"t{i}" for i in range(sizes["vocabulary"] - len(tokens))]
    writer.add_tokenizer_model("llama")
    writer.add_token_list(tokens)
    writer.add_token_scores([0.0] * 259 + [-float(i) for i in range(len(tokens) - 259)])
    writer.add_token_types([2, 3, 3] + [6] * 256 + [1] * (len(tokens) - 259))
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)

    def matrix(name, role, rows, columns, layer=0):
        type_ = gguf.GGMLQuantizationType[tensor_type(role, layer, sizes["layers"], wanted).upper()]
        some = quantizer.rows(generator.standard_normal((min(rows, 64), columns), dtype=np.float32) * 0.02, type_)
        data = np.tile(some, ((rows + len(some) - 1) // len(some), 1))[:rows]
        writer.add_tensor(name, np.ascontiguousarray(data), raw_dtype=type_)

    def ones(name):
        writer.add_tensor(name, np.ones(sizes["width"], np.float32))

    kv = sizes["width"] // sizes["heads"] * sizes["kv_heads"]
    matrix("token_embd.weight", "token_embd", sizes["vocabulary"], sizes["width"])
    for i in range(sizes["layers"]):
        ones(f"blk.{i}.attn_norm.weight")
        for role, rows, columns in [("attn_q", sizes["width"], sizes["width"]), ("attn_k", kv, sizes["width"]), ("attn_v", kv, sizes["width"]),
                                    ("attn_output", sizes["width"], sizes["width"])]:
            matrix(f"blk.{i}.{role}.weight", role, rows, columns, i)
        ones(f"blk.{i}.ffn_norm.weight")
        for role, rows, columns in [("ffn_gate", sizes["hidden"], sizes["width"]), ("ffn_up", sizes["hidden"], sizes["width"]), ("ffn_down", sizes["width"], sizes["hidden"])]:
            matrix(f"blk.{i}.{role}.weight", role, rows, columns, i)
    ones("output_norm.weight")
    matrix("output.weight", "output", sizes["vocabulary"], sizes["width"])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    os.rename(path + ".tmp", path)


# MARK: Measuring

def peer(path, prompt, generate, threads, runs):
    """llama.cpp in this process: a line of JSON with the best of each over the runs."""
    import llama_cpp as llama
    silent = llama.llama_log_callback(lambda level, text, data: None)  # has to outlive the library's use of it
    llama.llama_log_set(silent, None)
    start = time.perf_counter()
    model = llama.llama_model_load_from_file(path.encode(), llama.llama_model_default_params())
    parameters = llama.llama_context_default_params()
    parameters.n_ctx, parameters.n_batch, parameters.n_ubatch = prompt + generate + 64, 512, 512
    parameters.n_threads = parameters.n_threads_batch = threads
    parameters.no_perf = True
    context = llama.llama_init_from_model(model, parameters)
    loaded = time.perf_counter() - start
    vocabulary = llama.llama_vocab_n_tokens(llama.llama_model_get_vocab(model))
    ids = [(i * 7919 + 13) % vocabulary for i in range(prompt)]

    def decode(tokens):
        array = (llama.llama_token * len(tokens))(*tokens)
        if llama.llama_decode(context, llama.llama_batch_get_one(array, len(tokens))) != 0:
            raise RuntimeError("llama_decode failed")
        return llama.llama_get_logits(context)[0]

    rates = []
    for _ in range(runs + 1):
        llama.llama_memory_clear(llama.llama_get_memory(context), True)
        start = time.perf_counter()
        for at in range(0, prompt, 512):
            decode(ids[at:at + 512])
        middle = time.perf_counter()
        for i in range(generate):
            decode([(i * 31 + 7) % vocabulary])
        rates.append((prompt / (middle - start), generate / (time.perf_counter() - middle)))
    rates = rates[1:]
    print(json.dumps({"prompt": statistics.median(r[0] for r in rates), "decode": statistics.median(r[1] for r in rates), "load": loaded}))


def ours(quintet, path, options):
    command = [quintet, "bench", "model", path, "--prompt", options.prompt, "--generate", options.generate, "--threads", options.threads, "--runs", options.runs,
               *(["--arithmetic", options.arithmetic] if options.arithmetic else []), "--json"]
    out = json.loads(subprocess.run([str(x) for x in command], check=True, capture_output=True, text=True).stdout)
    return {"prompt": out["prompt_tokens_per_second"], "decode": out["tokens_per_second"], "share": out["share_of_limit"], "rss": out["peak_rss_bytes"], "load": out["load_seconds"]}


def theirs(path, options):
    command = [sys.executable, __file__, "--peer", path, "--prompt", options.prompt, "--generate", options.generate, "--threads", options.threads, "--runs", options.runs]
    return json.loads(subprocess.run([str(x) for x in command], check=True, capture_output=True, text=True).stdout.splitlines()[-1])


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--models", nargs="*", default=list(MODELS), choices=list(MODELS))
    parser.add_argument("--types", nargs="*", default=TYPES)
    parser.add_argument("--folder", default=os.path.join(os.path.expanduser("~"), ".cache", "quintet-benchmarks"))
    parser.add_argument("--prompt", type=int, default=512)
    parser.add_argument("--generate", type=int, default=64)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--runs", type=int, default=2, help="inside a round; their median counts")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quintet", default=os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".build", "release", "quintet"))
    parser.add_argument("--arithmetic", help="ours: f32 rounds no activations; the default rounds them to the type of the weights, as llama.cpp does")
    parser.add_argument("--only-write", action="store_true", help="make the files and stop")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--peer", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peer:
        peer(options.peer, options.prompt, options.generate, options.threads, options.runs)
        return
    os.makedirs(options.folder, exist_ok=True)
    rows = []
    if not options.json:
        print(f"{'model':>5} {'type':>7} | {'prompt':>8} {'llama.cpp':>9} {'ratio':>6} | {'decode':>8} {'llama.cpp':>9} {'ratio':>6} {'of limit':>8} | {'MB':>6} {'file':>6}")
    for model in options.models:
        for type_ in options.types:
            path = os.path.join(options.folder, f"{model}-{type_}.gguf")
            if not os.path.exists(path):
                write(path, MODELS[model], type_)
            if options.only_write:
                continue
            rounds = [(ours(options.quintet, path, options), theirs(path, options)) for _ in range(options.rounds)]
            middle = lambda side, key: statistics.median(r[side][key] for r in rounds)
            row = {"model": model, "type": type_, "prompt": middle(0, "prompt"), "decode": middle(0, "decode"), "share_of_limit": middle(0, "share"),
                   "llama_prompt": middle(1, "prompt"), "llama_decode": middle(1, "decode"), "rss": middle(0, "rss"), "file": os.path.getsize(path), "load": middle(0, "load")}
            row["ratio_prompt"] = statistics.median(r[0]["prompt"] / r[1]["prompt"] for r in rounds)
            row["ratio_decode"] = statistics.median(r[0]["decode"] / r[1]["decode"] for r in rounds)
            rows.append(row)
            if not options.json:
                print(f"{model:>5} {type_:>7} | {row['prompt']:8.1f} {row['llama_prompt']:9.1f} {row['ratio_prompt']:6.2f} | {row['decode']:8.1f} {row['llama_decode']:9.1f} "
                      f"{row['ratio_decode']:6.2f} {row['share_of_limit']:8.1%} | {row['rss'] * 1e-6:6.0f} {row['file'] * 1e-6:6.0f}", flush=True)
    if options.json:
        print(json.dumps(rows))


if __name__ == "__main__":
    main()
