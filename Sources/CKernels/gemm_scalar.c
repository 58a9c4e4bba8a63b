// The scalar twin of the matmul: plain loops, one fused chain per element.
#include "gemm.h"
#include <math.h>
#include <string.h>

static float from_bits(uint32_t bits) {
    float value;
    memcpy(&value, &bits, 4);
    return value;
}

static float from_half(uint16_t half) {
    uint32_t sign = (uint32_t)(half & 0x8000) << 16, exponent = (half >> 10) & 31, mantissa = half & 1023;
    if (exponent == 31) return from_bits(sign | 0x7f800000 | mantissa << 13);
    if (exponent == 0) return from_bits(sign) + (sign ? -1.0f : 1.0f) * (float)mantissa * 0x1p-24f;
    return from_bits(sign | (exponent + 112) << 23 | mantissa << 13);
}

static float load(const void *base, int64_t index, int64_t type) {
    if (type == QK_F16) return from_half(((const uint16_t *)base)[index]);
    if (type == QK_BF16) return from_bits((uint32_t)((const uint16_t *)base)[index] << 16);
    return ((const float *)base)[index];
}

static float apply(int kind, float x) {
    switch (kind) {
    case QK_RELU: return x > 0 ? x : 0;
    case QK_GELU: return 0.5f * x * (1 + erff(x * 0.70710678118654752f));
    case QK_GELU_TANH: return 0.5f * x * (1 + tanhf(0.79788456080286536f * (x + 0.044715f * x * x * x)));
    case QK_SILU: return x / (1 + expf(-x));
    case QK_SIGMOID: return 1 / (1 + expf(-x));
    case QK_TANH: return tanhf(x);
    case QK_EXP: return expf(x);
    case QK_LOG: return logf(x);
    case QK_SQUARE: return x * x;
    case QK_SQRT: return sqrtf(x);
    case QK_RSQRT: return 1 / sqrtf(x);
    case QK_RECIPROCAL: return 1 / x;
    case QK_NEGATE: return -x;
    case QK_RELU_SQUARED: return x > 0 ? x * x : 0;
    case QK_GELU_QUICK: return x / (1 + expf(-1.702f * x));
    case QK_CLIP: return x < -1 ? -1 : x > 1 ? 1 : x;
    default: return x;
    }
}

static int64_t b_index(const QKCall *c, int64_t p, int64_t j) {
    if (c->n[12]) return (j / QK_PANEL * c->n[2] + p) * QK_PANEL + j % QK_PANEL;
    return p * c->n[5] + j * c->n[6];
}

static float finish(const QKCall *c, int64_t i, int64_t j, float sum) {
    float value = c->n[10] ? sum : c->s[0] * sum;
    if (c->p[3]) value += ((const float *)c->p[3])[j];
    if (c->p[5]) ((float *)c->p[5])[i * c->n[9] + j] = value;
    value = apply(c->kind, value);
    if (c->p[6]) value *= ((const float *)c->p[6])[i * c->n[13] + j];
    if (c->p[4]) value += ((const float *)c->p[4])[i * c->n[8] + j];
    return value;
}

static void plain(const QKCall *c, int64_t begin, int64_t end) {
    const float *a = c->p[1];
    float *out = c->p[0];
    for (int64_t i = begin; i < end; i++)
        for (int64_t j = 0; j < c->n[1]; j++) {
            float sum = c->n[10] ? out[i * c->n[7] + j] : 0;
            for (int64_t p = 0; p < c->n[2]; p++) sum = fmaf(a[i * c->n[3] + p * c->n[4]], load(c->p[2], b_index(c, p, j), c->n[11]), sum);
            out[i * c->n[7] + j] = finish(c, i, j, sum);
        }
}

static void finish_tile(const QKCall *c, int64_t i, int64_t j, int rows, int columns, float *tile) {
    for (int r = 0; r < rows; r++)
        for (int l = 0; l < columns; l++) ((float *)c->p[0])[(i + r) * c->n[7] + j + l] = finish(c, i + r, j + l, tile[r * QK_PANEL + l]);
}

const QKGemmKernels qk_gemm_scalar = {.plain = plain, .finish = finish_tile};
