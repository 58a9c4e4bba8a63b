// Numbers one at a time: stored types and the elementwise functions, by libm.
#ifndef QUINTET_SCALAR_NUMBERS_H
#define QUINTET_SCALAR_NUMBERS_H
#include "../internal.h"
#include <math.h>
#include <string.h>

static uint32_t bits_of(float value) {
    uint32_t bits;
    memcpy(&bits, &value, 4);
    return bits;
}
static float float_of(uint32_t bits) {
    float value;
    memcpy(&value, &bits, 4);
    return value;
}

static float from_half(uint16_t half) {
    uint32_t sign = (uint32_t)(half & 0x8000) << 16, exponent = (half >> 10) & 31, mantissa = half & 1023;
    if (exponent == 31) return float_of(sign | 0x7f800000 | mantissa << 13 | (mantissa ? 0x400000 : 0));
    if (exponent == 0) return float_of(bits_of((float)mantissa * 0x1p-24f) | sign);
    return float_of(sign | (exponent + 112) << 23 | mantissa << 13);
}

static uint16_t to_half(float value) {
    uint32_t bits = bits_of(value), sign = bits >> 16 & 0x8000, magnitude = bits & 0x7fffffff;
    if (magnitude > 0x7f800000) return (uint16_t)(sign | 0x7e00 | (magnitude >> 13 & 0x3ff));
    if (magnitude >= 0x477ff000) return (uint16_t)(sign | 0x7c00);
    // Subnormals: adding 0.5 leaves the wanted bits, rounded to even, at the bottom.
    if (magnitude < 0x38800000) return (uint16_t)(sign | (bits_of(float_of(magnitude) + 0.5f) - 0x3f000000));
    uint32_t odd = magnitude >> 13 & 1;
    return (uint16_t)(sign | (magnitude - 0x38000000 + 0xfff + odd) >> 13);
}

static uint16_t to_brain(float value) {
    uint32_t bits = bits_of(value);
    if (value != value) return (uint16_t)(bits >> 16 | 0x40);
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

static int32_t to_integer(float value) {
    if (value != value) return 0;
    if (value >= 0x1p31f) return INT32_MAX;
    return value < -0x1p31f ? INT32_MIN : (int32_t)value;
}

static float read_as(int64_t type, const void *base, int64_t i) {
    switch (type) {
    case QK_F16: return from_half(((const uint16_t *)base)[i]);
    case QK_BF16: return float_of((uint32_t)((const uint16_t *)base)[i] << 16);
    case QK_I32: return (float)((const int32_t *)base)[i];
    default: return ((const float *)base)[i];
    }
}

static void write_as(int64_t type, void *base, int64_t i, float value) {
    switch (type) {
    case QK_F16: ((uint16_t *)base)[i] = to_half(value); break;
    case QK_BF16: ((uint16_t *)base)[i] = to_brain(value); break;
    case QK_I32: ((int32_t *)base)[i] = to_integer(value); break;
    default: ((float *)base)[i] = value;
    }
}

static const double root_half = 0.70710678118654752440, root_2_over_pi = 0.79788456080286535588, density_0 = 0.39894228040143267794;

static double logistic(double x) { return 1 / (1 + exp(-x)); }
static double apply_d(int kind, double x, float s0, float s1) {
    switch (kind) {
    case QK_RELU: return x < 0 ? 0 : x;
    case QK_GELU: return x * 0.5 * erfc(-x * root_half);
    case QK_GELU_TANH: return x * logistic(2 * root_2_over_pi * (x + 0.044715 * x * x * x));
    case QK_SILU: return x * logistic(x);
    case QK_SIGMOID: return logistic(x);
    case QK_TANH: return tanh(x);
    case QK_EXP: return exp(x);
    case QK_LOG: return log(x);
    case QK_SQUARE: return x * x;
    case QK_SQRT: return sqrt(x);
    case QK_RSQRT: return 1 / sqrt(x);
    case QK_RECIPROCAL: return 1 / x;
    case QK_NEGATE: return -x;
    case QK_AFFINE: return (double)s0 * x + (double)s1;
    case QK_RELU_SQUARED: return x < 0 ? 0 : x * x;
    case QK_GELU_QUICK: return x * logistic(1.702 * x);
    case QK_CLIP: return x < -(double)s0 ? -(double)s0 : x > (double)s0 ? (double)s0 : x;
    default: return x;
    }
}
static float apply(int kind, float x, float s0, float s1) { return (float)apply_d(kind, (double)x, s0, s1); }

static double slope_of(int kind, double x, float s0) {
    double y = apply_d(kind, x, s0, 0), u, g;
    switch (kind) {
    case QK_RELU: return x > 0 ? 1 : x != x ? x : 0;
    case QK_GELU: return 0.5 * erfc(-x * root_half) + x * density_0 * exp(-0.5 * x * x);
    case QK_GELU_TANH:
        u = 2 * root_2_over_pi * (x + 0.044715 * x * x * x), g = logistic(u);
        return g + x * g * (1 - g) * 2 * root_2_over_pi * (1 + 3 * 0.044715 * x * x);
    case QK_SILU: g = logistic(x); return g + x * g * (1 - g);
    case QK_SIGMOID: return y * (1 - y);
    case QK_TANH: return 1 - y * y;
    case QK_EXP: return y;
    case QK_LOG: return 1 / x;
    case QK_SQUARE: return 2 * x;
    case QK_SQRT: return 0.5 / y;
    case QK_RSQRT: return -0.5 * y / x;
    case QK_RECIPROCAL: return -y * y;
    case QK_NEGATE: return -1;
    case QK_AFFINE: return (double)s0;
    case QK_RELU_SQUARED: return x < 0 ? 0 : 2 * x;
    case QK_GELU_QUICK: g = logistic(1.702 * x); return g + 1.702 * x * g * (1 - g);
    case QK_CLIP: return x < -(double)s0 || x > (double)s0 ? 0 : 1;
    default: return 1;
    }
}
#endif
