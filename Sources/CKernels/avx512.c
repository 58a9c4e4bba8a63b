// The generic bodies for AVX-512: sixteen lanes, masked tails.
#include "internal.h"
#if defined(__x86_64__)
#include <immintrin.h>
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c"))), apply_to = function)
#define QK_W 16
#define QK_LOAD_LANES
typedef float qk_sixteen __attribute__((ext_vector_type(16)));
static inline __attribute__((always_inline)) qk_sixteen load_lanes(const float *p, int64_t count) {
    return (qk_sixteen)_mm512_maskz_loadu_ps((__mmask16)((1u << count) - 1), p);
}
static inline __attribute__((always_inline)) void store_lanes(float *p, int64_t count, qk_sixteen v) {
    _mm512_mask_storeu_ps(p, (__mmask16)((1u << count) - 1), (__m512)v);
}
#define QK_ZIP_LOW(a, b) __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
#define QK_ZIP_HIGH(a, b) __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)
// After streaming stores, before another thread may look.
#define QK_STORES_SEEN() _mm_sfence()
#define QK_TILE_VECTORS 4
#include "bodies/all.h"
#pragma clang attribute pop
const QKTable qk_table_avx512 = {.isa = "avx512", .body = QK_BODIES};
#else
const QKTable qk_table_avx512 = {.isa = "avx512"};
#endif
