// The elementwise functions of one argument and their derivatives; `kind` is a constant wherever speed matters.
#ifndef QUINTET_FUNCTIONS_H
#define QUINTET_FUNCTIONS_H
#include "math.h"

// Every kind, for switches that make it a constant.
#define QK_EACH_FUNCTION(X) \
    X(QK_IDENTITY) X(QK_RELU) X(QK_GELU) X(QK_GELU_TANH) X(QK_SILU) X(QK_SIGMOID) X(QK_TANH) X(QK_EXP) X(QK_LOG) X(QK_SQUARE) \
    X(QK_SQRT) X(QK_RSQRT) X(QK_RECIPROCAL) X(QK_NEGATE) X(QK_AFFINE) X(QK_RELU_SQUARED) X(QK_GELU_QUICK) X(QK_CLIP)

// 2 u of gelu's tanh form: 0.5 x (1 + tanh u) = x sigmoid(2 u), one exponential and no cancellation.
QK_INLINE vf gelu_tanh_argument(vf x, vf *slope) {
    vf z = x * x;
    *slope = fma_(z, splat(0.21406845f), splat(1.5957691f));
    return x * fma_(z, splat(0.071354816f), splat(1.5957691f));
}

QK_INLINE vf function_of(int kind, vf x, float s0, float s1) {
    vf unused;
    switch (kind) {
    case QK_RELU: return pick(x < 0.0f, splat(0), x);
    case QK_GELU: return x * normal_cdf(x, &unused);
    case QK_GELU_TANH: return x / (1.0f + exp_beside_one(-gelu_tanh_argument(x, &unused)));
    case QK_SILU: return x / (1.0f + exp_(-x));
    case QK_SIGMOID: return sigmoid_(x);
    case QK_TANH: return tanh_(x);
    case QK_EXP: return exp_(x);
    case QK_LOG: return log_(x);
    case QK_SQUARE: return x * x;
    case QK_SQRT: return sqrt_(x);
    case QK_RSQRT: return 1.0f / sqrt_(x);
    case QK_RECIPROCAL: return 1.0f / x;
    case QK_NEGATE: return -x;
    case QK_AFFINE: return fma_(splat(s0), x, splat(s1));
    case QK_RELU_SQUARED: return pick(x < 0.0f, splat(0), x * x);
    case QK_GELU_QUICK: return x / (1.0f + exp_(-1.702f * x));
    case QK_CLIP: return pick(x < -s0, splat(-s0), pick(x > s0, splat(s0), x));
    default: return x;
    }
}

// f(x) and f'(x) together, sharing the exponential.
QK_INLINE vf function_and_slope(int kind, vf x, float s0, float s1, vf *slope) {
    vf y = x, g, d;
    switch (kind) {
    case QK_RELU: y = function_of(kind, x, s0, s1); *slope = pick(x > 0.0f, splat(1), pick(x != x, x, splat(0))); return y;
    case QK_GELU: g = normal_cdf(x, &d); *slope = fma_(x, d, g); return x * g;
    case QK_GELU_TANH: g = 1.0f / (1.0f + exp_beside_one(-gelu_tanh_argument(x, &d))); *slope = fma_(x * d, g * (1.0f - g), g); return x * g;
    case QK_SILU: g = sigmoid_(x); *slope = fma_(x * g, 1.0f - g, g); return x * g;
    case QK_SIGMOID: y = sigmoid_(x); *slope = y * (1.0f - y); return y;
    case QK_TANH: y = tanh_(x); *slope = fma_(-y, y, splat(1)); return y;
    case QK_EXP: y = exp_(x); *slope = y; return y;
    case QK_LOG: *slope = 1.0f / x; return log_(x);
    case QK_SQUARE: *slope = x + x; return x * x;
    case QK_SQRT: y = sqrt_(x); *slope = 0.5f / y; return y;
    case QK_RSQRT: y = 1.0f / sqrt_(x); *slope = -0.5f * y / x; return y;
    case QK_RECIPROCAL: y = 1.0f / x; *slope = -(y * y); return y;
    case QK_NEGATE: *slope = splat(-1); return -x;
    case QK_AFFINE: *slope = splat(s0); return function_of(kind, x, s0, s1);
    case QK_RELU_SQUARED: *slope = pick(x < 0.0f, splat(0), x + x); return function_of(kind, x, s0, s1);
    case QK_GELU_QUICK: g = sigmoid_(1.702f * x); *slope = fma_(1.702f * x * g, 1.0f - g, g); return x * g;
    case QK_CLIP: *slope = pick((x < -s0) | (x > s0), splat(0), splat(1)); return function_of(kind, x, s0, s1);
    default: *slope = splat(1); return y;
    }
}
#endif
