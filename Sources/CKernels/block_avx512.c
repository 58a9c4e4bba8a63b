// The block formats' products on AVX-512 with VNNI: sixteen rows of weights in the lanes, four codes of each at a time.
#include "block_gemm.h"
#if defined(__x86_64__)
#include <immintrin.h>
#pragma STDC FP_CONTRACT OFF
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma,f16c"))), apply_to = function)
#include "bodies/activations.h"
#define LANES 16
#define PLUS_128 1
#include "bodies/block_vectors.h"

static inline __attribute__((always_inline)) vi dot(vi sum, const vi *w, const int8_t *q, int from, int to, int top) {
    (void)top;
    _Pragma("clang loop unroll(full)") for (int g = from; g < to; g++) {
        int32_t four;
        __builtin_memcpy(&four, q + 4 * g, 4);
        sum = (vi)_mm512_dpbusd_epi32((__m512i)sum, (__m512i)w[g], _mm512_set1_epi32(four));
    }
    return sum;
}
static inline __attribute__((always_inline)) vi look_up(const uint8_t *table, vi w) {
    return (vi)_mm512_shuffle_epi8(_mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)table)), (__m512i)w);
}
#include "bodies/block_formats.h"

#define MAKE(name, bytes, type) TILE(name, 1, bytes, type) TILE(name, 2, bytes, type) TILE(name, 4, bytes, type) TILE(name, 8, bytes, type) TILE(name, 16, bytes, type)
EACH_FORMAT(MAKE)

static void tile(int64_t type, int size, const QKBlockTile *t) {
    static void (*const tiles[][QK_TILE_SIZES])(const QKBlockTile *) = {
#define ROW(name, bytes, type) [type - QK_BLOCKS] = {tile_##name##_1, tile_##name##_2, tile_##name##_4, tile_##name##_8, tile_##name##_16},
        EACH_FORMAT(ROW)
    };
    tiles[type - QK_BLOCKS][size](t);
}
#pragma clang attribute pop

const QKBlockKernels qk_block_avx512 = {.most = 16, .tile = tile, .quantize = quantize};
#else
const QKBlockKernels qk_block_avx512 = {.most = 0};
#endif
