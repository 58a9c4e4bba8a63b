// Activations to bytes. Included once per instruction set, inside its target attribute; plain loops that every compiler turns into vectors.

// A block: the scale takes the greatest magnitude to 127, halves round to even. Where a number is not finite the scale is NaN, and so is what comes of it;
// blocks too small for their inverse are zeros.
// Scales have f16's eleven bits: llama.cpp keeps them so, and the same file goes on with the same tokens.
static inline void quantize_block(const float *x, int8_t *q, float *scale, float *shift, int32_t *sums) {
    int32_t top = 0, half[2] = {0, 0};
    for (int i = 0; i < QK_RUN; i++) {
        int32_t bits;
        __builtin_memcpy(&bits, x + i, 4);
        bits &= 0x7fffffff;
        top = bits > top ? bits : top;
    }
    float most;
    __builtin_memcpy(&most, &top, 4);
    bool finite = top < 0x7f800000;
    float inverse = finite && most > 0x1p-100f ? 127 / most : 0;
    *scale = !finite ? __builtin_nanf("") : inverse > 0 ? qk_eleven_bits(most / 127) : 0;
    for (int i = 0; i < QK_RUN; i++) q[i] = finite ? (int8_t)(int32_t)__builtin_roundevenf(x[i] * inverse) : 0;
    for (int i = 0; i < QK_RUN / 2; i++) half[0] += q[i], half[1] += q[QK_RUN / 2 + i];
    sums[0] = half[0], sums[1] = half[1], sums[2] = half[0] + half[1], sums[3] = 0;
    *shift = *scale * (float)sums[2];
}

static void quantize(const float *x, int64_t k, int64_t row, int64_t rows, const QKActivations *out) {
    for (int64_t b = 0; b < k / QK_RUN; b++) {
        int64_t at = b * rows + row;
        quantize_block(x + b * QK_RUN, out->q + at * QK_RUN, out->scale + at, out->shift + at, out->sums + at * 4);
    }
}
