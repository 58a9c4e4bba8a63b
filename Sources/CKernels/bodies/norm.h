// Layer norm and RMS norm, forward and backward. A row is read from memory once and worked on in cache.
#ifndef QUINTET_NORM_H
#define QUINTET_NORM_H
#include "reduce.h"

typedef struct { float mean, factor; } NormRow;

static NormRow norm_row(const float *x, int64_t n, bool centred, float epsilon) {
    float mean = centred ? row_sum(x, n) / (float)n : 0;
    return (NormRow){mean, 1 / __builtin_sqrtf(row_squares(x, mean, n) / (float)n + epsilon)};
}

QK_INLINE void norm_write(float *y, const float *x, const float *weight, const float *bias, NormRow row, float offset, int64_t n) {
    vf mean = splat(row.mean), factor = splat(row.factor);
#define STEP(i, lanes)                                                                              \
    vf v = (load_n(x + i, lanes) - mean) * factor;                                                  \
    if (weight) v *= offset + load_n(weight + i, lanes);                                            \
    if (bias) v += load_n(bias + i, lanes);                                                         \
    store_n(y + i, lanes, v)
    QK_EACH_VECTOR(i, n, STEP);
#undef STEP
}

static void body_norm(const QKCall *c, int64_t begin, int64_t end) {
    const float *weights = c->p[2], *biases = c->p[3];
    float *stats = c->p[4];
    int64_t cols = c->n[1], beside = c->n[4] > 0 ? c->n[4] : 1;
    for (int64_t r = begin; r < end; r++) {
        int64_t line = r / beside, part = r % beside * cols, own = c->n[5] == 1 ? part : 0;
        const float *x = (const float *)c->p[1] + line * c->n[2] + part, *weight = weights ? weights + own : NULL, *bias = biases ? biases + own : NULL;
        float *y = (float *)c->p[0] + line * c->n[3] + part;
        NormRow row = norm_row(x, cols, c->kind == 0, c->s[0]);
        if (stats) stats[2 * r] = row.mean, stats[2 * r + 1] = row.factor;
        if (weight && bias) norm_write(y, x, weight, bias, row, c->s[1], cols);
        else if (weight) norm_write(y, x, weight, NULL, row, c->s[1], cols);
        else norm_write(y, x, NULL, bias, row, c->s[1], cols);
    }
}

// With g = dy * weight and h = (x - mean) * factor: dx = factor * (g - mean(g) - h * mean(g * h)); RMS norm has no mean(g).
QK_INLINE void norm_grad_row(float *dx, const float *x, const float *weight, const float *dy, NormRow row, float offset, bool centred, bool add, int64_t n) {
    vf mean = splat(row.mean), factor = splat(row.factor), sum_g = splat(0), sum_gh = splat(0), sum_g2 = splat(0), sum_gh2 = splat(0);
    int64_t i = 0;
#define GRADIENT(at, lanes) (weight ? load_n(dy + (at), lanes) * (offset + load_n(weight + (at), lanes)) : load_n(dy + (at), lanes))
#define HAT(at, lanes) ((load_n(x + (at), lanes) - mean) * factor)
    for (; i + 2 * W <= n; i += 2 * W) {
        vf g = GRADIENT(i, W), g2 = GRADIENT(i + W, W);
        sum_g += g, sum_g2 += g2;
        sum_gh = fma_(g, HAT(i, W), sum_gh), sum_gh2 = fma_(g2, HAT(i + W, W), sum_gh2);
    }
    for (; i < n; i += W) {
        int64_t lanes = n - i < W ? n - i : W;
        vf g = GRADIENT(i, lanes);
        sum_g += g;
        sum_gh = fma_(g, HAT(i, lanes), sum_gh);
    }
    float mean_g = centred ? sum_lanes(sum_g + sum_g2) / (float)n : 0, mean_gh = sum_lanes(sum_gh + sum_gh2) / (float)n;
#define STEP(i, lanes)                                                                              \
    vf d = factor * ((GRADIENT(i, lanes) - mean_g) - HAT(i, lanes) * mean_gh);                      \
    store_n(dx + i, lanes, add ? load_n(dx + i, lanes) + d : d)
    QK_EACH_VECTOR(j, n, STEP);
#undef STEP
#undef GRADIENT
#undef HAT
}

static void body_norm_grad(const QKCall *c, int64_t begin, int64_t end) {
    const float *weight = c->p[2], *stats = c->p[4];
    int64_t cols = c->n[1];
    bool centred = c->kind == 0, add = c->n[2] == 1;
    for (int64_t r = begin; r < end; r++) {
        NormRow row = {stats[2 * r], stats[2 * r + 1]};
        const float *x = (const float *)c->p[1] + r * cols, *dy = (const float *)c->p[3] + r * cols;
        float *dx = (float *)c->p[0] + r * cols;
        if (weight && add) norm_grad_row(dx, x, weight, dy, row, c->s[1], centred, true, cols);
        else if (weight) norm_grad_row(dx, x, weight, dy, row, c->s[1], centred, false, cols);
        else norm_grad_row(dx, x, NULL, dy, row, c->s[1], centred, add, cols);
    }
}

// dweight = sum over rows of dy * h, dbias = sum of dy, for `vectors` vectors of columns.
QK_INLINE void norm_weight_strip(const QKCall *c, int64_t j, int64_t lanes, int vectors) {
    float *dweight = c->p[0], *dbias = c->p[1];
    const float *x = (const float *)c->p[2] + j, *dy = (const float *)c->p[3] + j, *stats = c->p[4];
    bool add = c->n[2] == 1;
    vf w[4], b[4];
    for (int v = 0; v < vectors; v++) {
        w[v] = add && dweight ? load_n(dweight + j + v * W, lanes) : splat(0);
        b[v] = add && dbias ? load_n(dbias + j + v * W, lanes) : splat(0);
    }
    for (int64_t r = 0; r < c->n[0]; r++, x += c->n[1], dy += c->n[1]) {
        __builtin_prefetch(x + 8 * c->n[1]);
        __builtin_prefetch(dy + 8 * c->n[1]);
        vf mean = splat(stats[2 * r]), factor = splat(stats[2 * r + 1]);
        for (int v = 0; v < vectors; v++) {
            vf d = load_n(dy + v * W, lanes);
            w[v] = fma_(d, (load_n(x + v * W, lanes) - mean) * factor, w[v]);
            b[v] += d;
        }
    }
    for (int v = 0; v < vectors; v++) {
        if (dweight) store_n(dweight + j + v * W, lanes, w[v]);
        if (dbias) store_n(dbias + j + v * W, lanes, b[v]);
    }
}

static void body_norm_grad_weight(const QKCall *c, int64_t begin, int64_t end) {
    int64_t j = begin * QK_COLUMNS, stop = end * QK_COLUMNS < c->n[1] ? end * QK_COLUMNS : c->n[1];
    for (; j + 4 * W <= stop; j += 4 * W) norm_weight_strip(c, j, W, 4);
    for (; j + W <= stop; j += W) norm_weight_strip(c, j, W, 1);
    if (j < stop) norm_weight_strip(c, j, stop - j, 1);
}
#endif
