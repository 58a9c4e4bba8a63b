#!/usr/bin/env python3
"""The checksums in Tests/KernelsTests/BlockTests.swift, from the `gguf` package (pip install gguf numpy).

Both sides draw the same bytes and numbers from a small generator; a checksum is FNV-1a over 32-bit words, any NaN as 0x7fc00000.
"""
import gguf, numpy as np
from gguf import GGMLQuantizationType as Type

READ = ["Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K", "IQ4_NL", "IQ4_XS", "MXFP4"]
MADE = ["Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "MXFP4"]
BLOCKS = 200
MASK = (1 << 64) - 1


def states(seed, count):
    state = seed
    for _ in range(count):
        state = (state * 6364136223846793005 + 1442695040888963407) & MASK
        yield state


def checksum(words):
    value = 0xcbf29ce484222325
    for word in words:
        value = ((value ^ int(word)) * 0x100000001b3) & MASK
    return value


def main():
    np.seterr(all="ignore")
    for name in READ:
        length, width = gguf.GGML_QUANT_SIZES[Type[name]]
        blocks = np.array([s >> 56 for s in states(int(Type[name]), BLOCKS * width)], np.uint8).reshape(BLOCKS, width)
        words = gguf.quants.dequantize(blocks, Type[name]).ravel()
        words = np.where(np.isnan(words), np.uint32(0x7fc00000), words.view(np.uint32))
        print(f"read {name.lower()}: 0x{checksum(words):016x}")
    for name in MADE:
        x = np.array([(s >> 40) - (1 << 23) for s in states(int(Type[name]), BLOCKS * 32)], np.float32).reshape(BLOCKS, 32)
        x = x * np.exp2((np.arange(BLOCKS) % 40 - 40).astype(np.float32))[:, None]
        print(f"made {name.lower()}: 0x{checksum(gguf.quants.quantize(x, Type[name]).ravel()):016x}")


main()
