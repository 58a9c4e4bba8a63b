// Reductions and softmax. The order of a sum depends only on its length.
#ifndef QUINTET_REDUCE_H
#define QUINTET_REDUCE_H
#include "math.h"

// Sum over a row of TERM, an expression of the index `i` and of `lanes`, whose unused lanes must be zero: four chains of vectors, folded in pairs.
#define QK_SUM_ROW(result, n, TERM)                                                                 \
    do {                                                                                            \
        vf s0_ = splat(0), s1_ = s0_, s2_ = s0_, s3_ = s0_;                                         \
        int64_t at_ = 0;                                                                            \
        for (; at_ + 4 * W <= (n); at_ += 4 * W) {                                                  \
            s0_ += TERM(at_, W), s1_ += TERM(at_ + W, W), s2_ += TERM(at_ + 2 * W, W), s3_ += TERM(at_ + 3 * W, W); \
        }                                                                                           \
        for (; at_ + W <= (n); at_ += W) s0_ += TERM(at_, W);                                       \
        if (at_ < (n)) s1_ += TERM(at_, (n) - at_);                                                 \
        result = sum_lanes((s0_ + s1_) + (s2_ + s3_));                                              \
    } while (0)

// The largest of sign * x, times sign: the maximum for 1, the minimum for -1. A NaN wins.
QK_INLINE vf larger(vf m, vf v) { return pick((v > m) | (v != v), v, m); }
QK_INLINE float row_top(const float *x, float sign, int64_t n) {
    vf m0 = splat(-__builtin_inff()), m1 = m0, m2 = m0, m3 = m0;
    int64_t i = 0;
    for (; i + 4 * W <= n; i += 4 * W) {
        m0 = larger(m0, sign * load(x + i));
        m1 = larger(m1, sign * load(x + i + W));
        m2 = larger(m2, sign * load(x + i + 2 * W));
        m3 = larger(m3, sign * load(x + i + 3 * W));
    }
    for (; i + W <= n; i += W) m0 = larger(m0, sign * load(x + i));
    if (i < n) m1 = larger(m1, keep_n(sign * load_n(x + i, n - i), n - i, splat(-__builtin_inff())));
    return sign * max_lanes(larger(larger(m0, m1), larger(m2, m3)));
}
static float row_max(const float *x, int64_t n) { return row_top(x, 1, n); }

static float row_sum(const float *x, int64_t n) {
    float sum;
#define TERM(i, lanes) load_n(x + (i), lanes)
    QK_SUM_ROW(sum, n, TERM);
#undef TERM
    return sum;
}

static float row_squares(const float *x, float mean, int64_t n) {
    float sum;
#define TERM(i, lanes) square_(keep_n(load_n(x + (i), lanes) - mean, lanes, splat(0)))
    QK_SUM_ROW(sum, n, TERM);
#undef TERM
    return sum;
}

static float row_dot(const float *x, const float *y, int64_t n) {
    float sum;
#define TERM(i, lanes) (load_n(x + (i), lanes) * load_n(y + (i), lanes))
    QK_SUM_ROW(sum, n, TERM);
#undef TERM
    return sum;
}

// Sum of exp(x - top).
static float row_exp_sum(const float *x, float top, int64_t n) {
    float sum;
#define TERM(i, lanes) keep_n(exp_small(load_n(x + (i), lanes) - top), lanes, splat(0))
    QK_SUM_ROW(sum, n, TERM);
#undef TERM
    return sum;
}

QK_INLINE void scaled_row(float *dx, const float *x, float factor, int64_t n) {
#define STEP(i, lanes) store_n(dx + i, lanes, x ? factor * load_n(x + i, lanes) : splat(factor))
    QK_EACH_VECTOR(i, n, STEP);
#undef STEP
}

static int64_t first_equal(const float *x, float value, int64_t n) {
    int64_t i = 0;
    while (i < n && x[i] != value) i++;
    return i;
}

static void body_reduce_cols_grad(const QKCall *c, int64_t begin, int64_t end) {
    int64_t cols = c->n[1], top;
    for (int64_t row = begin; row < end; row++) {
        const float *x = (const float *)c->p[1] + row * cols;
        float *dx = (float *)c->p[0] + row * cols, dy = ((const float *)c->p[2])[row];
        switch (c->kind) {
        case QK_SUM: scaled_row(dx, NULL, dy, cols); break;
        case QK_MEAN: scaled_row(dx, NULL, dy / (float)cols, cols); break;
        case QK_MAX:
            scaled_row(dx, NULL, 0, cols);
            if ((top = first_equal(x, row_max(x, cols), cols)) < cols) dx[top] = dy;
            break;
        default: scaled_row(dx, x, 2 * dy, cols);
        }
    }
}

static void body_reduce_cols(const QKCall *c, int64_t begin, int64_t end) {
    int64_t cols = c->n[1];
    float *out = c->p[0];
    for (int64_t row = begin; row < end; row++) {
        const float *x = (const float *)c->p[1] + row * cols;
        switch (c->kind) {
        case QK_SUM: out[row] = row_sum(x, cols); break;
        case QK_MEAN: out[row] = row_sum(x, cols) / (float)cols; break;
        case QK_MAX: out[row] = row_max(x, cols); break;
        default: out[row] = row_squares(x, 0, cols);
        }
    }
}

// One strip of columns: the rows added in order, `vectors` vectors side by side.
QK_INLINE void reduce_strip(float *out, const float *x, int64_t rows, int64_t stride, int64_t lanes, int vectors, bool add) {
    vf sum[8];
    for (int v = 0; v < vectors; v++) sum[v] = add ? load_n(out + v * W, lanes) : splat(0);
    for (int64_t r = 0; r < rows; r++) {
        __builtin_prefetch(x + (r + 8) * stride);
        for (int v = 0; v < vectors; v++) sum[v] += load_n(x + r * stride + v * W, lanes);
    }
    for (int v = 0; v < vectors; v++) store_n(out + v * W, lanes, sum[v]);
}

static void body_reduce_rows(const QKCall *c, int64_t begin, int64_t end) {
    int64_t j = begin * QK_COLUMNS, stop = end * QK_COLUMNS < c->n[1] ? end * QK_COLUMNS : c->n[1];
    const float *x = c->p[1];
    float *out = c->p[0];
    bool add = c->n[3] == 1;
    for (; j + 8 * W <= stop; j += 8 * W) reduce_strip(out + j, x + j, c->n[0], c->n[2], W, 8, add);
    for (; j + W <= stop; j += W) reduce_strip(out + j, x + j, c->n[0], c->n[2], W, 1, add);
    if (j < stop) reduce_strip(out + j, x + j, c->n[0], c->n[2], stop - j, 1, add);
}

// Stores exp(scale * (x - top)) and hands it on to the sum.
QK_INLINE vf softmax_term(float *out, const float *x, float top, float scale, int64_t lanes) {
    vf e = exp_small((load_n(x, lanes) - top) * scale);
    store_n(out, lanes, e);
    return keep_n(e, lanes, splat(0));
}

static void body_softmax(const QKCall *c, int64_t begin, int64_t end) {
    int64_t cols = c->n[1];
    float scale = c->s[0];
    for (int64_t row = begin; row < end; row++) {
        const float *x = (const float *)c->p[1] + row * cols;
        float *out = (float *)c->p[0] + row * cols;
        // A negative scale turns the order around: then the smallest x has the largest term.
        float top = scale < 0 ? row_top(x, -1, cols) : row_top(x, 1, cols), sum;
#define TERM(i, lanes) softmax_term(out + (i), x + (i), top, scale, lanes)
        QK_SUM_ROW(sum, cols, TERM);
#undef TERM
        float factor = 1 / sum;
#define STEP(i, lanes) store_n(out + i, lanes, load_n(out + i, lanes) * factor)
        QK_EACH_VECTOR(i, cols, STEP);
#undef STEP
    }
}

static void body_softmax_grad(const QKCall *c, int64_t begin, int64_t end) {
    int64_t cols = c->n[1];
    float scale = c->s[0];
    for (int64_t row = begin; row < end; row++) {
        const float *y = (const float *)c->p[1] + row * cols, *dy = (const float *)c->p[2] + row * cols;
        float *dx = (float *)c->p[0] + row * cols, dot = row_dot(y, dy, cols);
#define STEP(i, lanes) store_n(dx + i, lanes, scale * load_n(y + i, lanes) * (load_n(dy + i, lanes) - dot))
        QK_EACH_VECTOR(i, cols, STEP);
#undef STEP
    }
}

QK_INLINE vd squares_d(const float *x) {
    vd d = __builtin_convertvector(*(const vf_half *)x, vd);
    return d * d;
}

// The fixed chunks of a squared norm; drivers.c adds them.
static void body_squared_norm(const QKCall *c, int64_t begin, int64_t end) {
    for (int64_t chunk = begin; chunk < end; chunk++) {
        const float *x = (const float *)c->p[1] + chunk * QK_NORM_CHUNK;
        int64_t n = c->n[0] - chunk * QK_NORM_CHUNK, i = 0;
        if (n > QK_NORM_CHUNK) n = QK_NORM_CHUNK;
        vd s0 = (vd)(0.0), s1 = s0, s2 = s0, s3 = s0;
        for (; i + 2 * W <= n; i += 2 * W) {
            s0 += squares_d(x + i), s1 += squares_d(x + i + W / 2);
            s2 += squares_d(x + i + W), s3 += squares_d(x + i + W + W / 2);
        }
        for (; i < n; i += W / 2) {
            float rest[W / 2] = {0};
            memcpy(rest, x + i, (size_t)(n - i < W / 2 ? n - i : W / 2) * 4);
            s0 += squares_d(rest);
        }
        ((double *)c->p[2])[chunk] = sum_lanes_d((s0 + s1) + (s2 + s3));
    }
}
#endif
