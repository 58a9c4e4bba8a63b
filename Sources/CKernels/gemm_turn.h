// Rows turned into columns of panels, for packing weights stored [out, in].
#ifndef QUINTET_GEMM_TURN_H
#define QUINTET_GEMM_TURN_H
#include "internal.h"

typedef uint16_t Half8 __attribute__((ext_vector_type(8)));
typedef uint32_t Word4 __attribute__((ext_vector_type(4)));
typedef Half8 Half8_any __attribute__((aligned(2)));
typedef Word4 Word4_any __attribute__((aligned(4)));

// Eight rows of eight 16-bit numbers; a column goes to every QK_PANEL-th place.
static inline void qk_turn_halves(const uint16_t *x, int64_t stride, uint16_t *out) {
    Half8 a[8], b[8];
    for (int i = 0; i < 8; i++) a[i] = *(const Half8_any *)(x + i * stride);
    for (int i = 0; i < 8; i += 2) {
        b[i] = __builtin_shufflevector(a[i], a[i + 1], 0, 8, 1, 9, 2, 10, 3, 11);
        b[i + 1] = __builtin_shufflevector(a[i], a[i + 1], 4, 12, 5, 13, 6, 14, 7, 15);
    }
    for (int i = 0; i < 8; i += 4)
        for (int h = 0; h < 2; h++) {
            a[i + 2 * h] = __builtin_shufflevector(b[i + h], b[i + h + 2], 0, 1, 8, 9, 2, 3, 10, 11);
            a[i + 2 * h + 1] = __builtin_shufflevector(b[i + h], b[i + h + 2], 4, 5, 12, 13, 6, 7, 14, 15);
        }
    for (int i = 0; i < 4; i++) {
        *(Half8_any *)(out + 2 * i * QK_PANEL) = __builtin_shufflevector(a[i], a[i + 4], 0, 1, 2, 3, 8, 9, 10, 11);
        *(Half8_any *)(out + (2 * i + 1) * QK_PANEL) = __builtin_shufflevector(a[i], a[i + 4], 4, 5, 6, 7, 12, 13, 14, 15);
    }
}

// Four rows of four 32-bit numbers.
static inline void qk_turn_words(const uint32_t *x, int64_t stride, uint32_t *out) {
    Word4 a = *(const Word4_any *)x, b = *(const Word4_any *)(x + stride), c = *(const Word4_any *)(x + 2 * stride), d = *(const Word4_any *)(x + 3 * stride);
    Word4 ac = __builtin_shufflevector(a, c, 0, 4, 1, 5), bd = __builtin_shufflevector(b, d, 0, 4, 1, 5);
    Word4 ac2 = __builtin_shufflevector(a, c, 2, 6, 3, 7), bd2 = __builtin_shufflevector(b, d, 2, 6, 3, 7);
    *(Word4_any *)out = __builtin_shufflevector(ac, bd, 0, 4, 1, 5);
    *(Word4_any *)(out + QK_PANEL) = __builtin_shufflevector(ac, bd, 2, 6, 3, 7);
    *(Word4_any *)(out + 2 * QK_PANEL) = __builtin_shufflevector(ac2, bd2, 0, 4, 1, 5);
    *(Word4_any *)(out + 3 * QK_PANEL) = __builtin_shufflevector(ac2, bd2, 2, 6, 3, 7);
}
#endif
