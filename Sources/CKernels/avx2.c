// The generic bodies for AVX2 with FMA and F16C: eight lanes.
#include "internal.h"
#if defined(__x86_64__)
#include <immintrin.h>
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)
#define QK_W 8
#define QK_LOAD_LANES
typedef float qk_eight __attribute__((ext_vector_type(8)));
static const int32_t lane_masks[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
static inline __attribute__((always_inline)) __m256i lane_mask(int64_t count) {
    return _mm256_loadu_si256((const __m256i *)(lane_masks + 8 - count));
}
static inline __attribute__((always_inline)) qk_eight load_lanes(const float *p, int64_t count) {
    return (qk_eight)_mm256_maskload_ps(p, lane_mask(count));
}
static inline __attribute__((always_inline)) void store_lanes(float *p, int64_t count, qk_eight v) {
    _mm256_maskstore_ps(p, lane_mask(count), (__m256)v);
}
#define QK_ZIP_LOW(a, b) __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11)
#define QK_ZIP_HIGH(a, b) __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15)
// After streaming stores, before another thread may look.
#define QK_STORES_SEEN() _mm_sfence()
#define QK_TILE_VECTORS 2
#include "bodies/all.h"
#pragma clang attribute pop
const QKTable qk_table_avx2 = {.isa = "avx2", .body = QK_BODIES};
#else
const QKTable qk_table_avx2 = {.isa = "avx2"};
#endif
