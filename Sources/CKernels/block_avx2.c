// The block formats' products on AVX2: eight rows of weights in the lanes. Products of pairs are added in 16 bits as long as they cannot overflow.
#include "block_gemm.h"
#if defined(__x86_64__)
#include <immintrin.h>
#pragma STDC FP_CONTRACT OFF
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)
#include "bodies/activations.h"
#define LANES 8
#define PLUS_128 0
#include "bodies/block_vectors.h"

// Codes of eight bits: their magnitudes times the bytes with their signs, at most 2 * 128 * 127.
static inline __attribute__((always_inline)) __m256i pairs(vi w, int32_t four, int top) {
    __m256i codes = (__m256i)w, bytes = _mm256_set1_epi32(four);
    if (top < 128) return _mm256_maddubs_epi16(codes, bytes);
    codes = _mm256_xor_si256(codes, _mm256_set1_epi8(-128));
    return _mm256_maddubs_epi16(_mm256_abs_epi8(codes), _mm256_sign_epi8(bytes, codes));
}
static inline __attribute__((always_inline)) vi dot(vi sum, const vi *w, const int8_t *q, int from, int to, int top) {
    int group = top <= 15 ? 8 : top <= 31 ? 4 : top <= 63 ? 2 : 1;
    __m256i total = (__m256i)sum, ones = _mm256_set1_epi16(1), part = _mm256_setzero_si256();
    _Pragma("clang loop unroll(full)") for (int g = from; g < to; g++) {
        int32_t four;
        __builtin_memcpy(&four, q + 4 * g, 4);
        __m256i more = pairs(w[g], four, top);
        part = g % group == 0 ? more : _mm256_add_epi16(part, more);
        if (g % group == group - 1 || g == to - 1) total = _mm256_add_epi32(total, _mm256_madd_epi16(part, ones));
    }
    return (vi)total;
}
static inline __attribute__((always_inline)) vi look_up(const uint8_t *table, vi w) {
    return (vi)_mm256_shuffle_epi8(_mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)table)), (__m256i)w);
}
#include "bodies/block_formats.h"

#define MAKE(name, bytes, type) TILE(name, 1, bytes, type) TILE(name, 2, bytes, type) TILE(name, 4, bytes, type)
EACH_FORMAT(MAKE)

static void tile(int64_t type, int size, const QKBlockTile *t) {
    static void (*const tiles[][QK_TILE_SIZES])(const QKBlockTile *) = {
#define ROW(name, bytes, type) [type - QK_BLOCKS] = {tile_##name##_1, tile_##name##_2, tile_##name##_4},
        EACH_FORMAT(ROW)
    };
    tiles[type - QK_BLOCKS][size](t);
}
#pragma clang attribute pop

const QKBlockKernels qk_block_avx2 = {.most = 4, .tile = tile, .quantize = quantize};
#else
const QKBlockKernels qk_block_avx2 = {.most = 0};
#endif
