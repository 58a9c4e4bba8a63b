// Fill, functions of one and two arguments, gates. Every element stands alone, so ranges may begin and end anywhere.
#ifndef QUINTET_ELEMENTWISE_H
#define QUINTET_ELEMENTWISE_H
#include "functions.h"

// Walks elements [begin, end) of a matrix with `cols` columns as pieces of rows.
#define QK_EACH_PIECE(row, col, count, begin, end, cols)                                                                    \
    for (int64_t at_ = (begin), row, col, count; at_ < (end) && (row = at_ / (cols), col = at_ - row * (cols),              \
             count = (cols) - col < (end) - at_ ? (cols) - col : (end) - at_, true); at_ += count)

// Past every cache, lines are written without being read first.
enum { PAST_CACHES = 1 << 24 };

static void body_fill(const QKCall *c, int64_t begin, int64_t end) {
    float *out = (float *)c->p[0] + begin;
    vf value = splat(c->s[0]);
    if (c->n[0] >= PAST_CACHES) {
        for (; begin < end && (size_t)out % sizeof(vf) != 0; begin++) *out++ = c->s[0];
        for (; begin + W <= end; begin += W, out += W) __builtin_nontemporal_store(value, (vf *)out);
        QK_STORES_SEEN();
    }
#define STEP(i, lanes) store_n(out + i, lanes, value)
    QK_EACH_VECTOR(i, end - begin, STEP);
#undef STEP
}

QK_INLINE void map_span(int kind, float *out, const float *x, int64_t n, float s0, float s1) {
#define STEP(i, lanes) store_n(out + i, lanes, function_of(kind, load_n(x + i, lanes), s0, s1))
    QK_EACH_VECTOR(i, n, STEP);
#undef STEP
}

static void body_map(const QKCall *c, int64_t begin, int64_t end) {
    float *out = (float *)c->p[0] + begin;
    const float *x = (const float *)c->p[1] + begin;
    switch (c->kind) {
#define CASE(kind) case kind: map_span(kind, out, x, end - begin, c->s[0], c->s[1]); break;
        QK_EACH_FUNCTION(CASE)
#undef CASE
    }
}

QK_INLINE void map_grad_span(int kind, float *dx, const float *x, const float *dy, int64_t n, bool add, float s0, float s1) {
#define STEP(i, lanes)                                                                              \
    vf slope, old = add ? load_n(dx + i, lanes) : splat(0);                                         \
    function_and_slope(kind, load_n(x + i, lanes), s0, s1, &slope);                                 \
    vf g = slope * load_n(dy + i, lanes);                                                           \
    store_n(dx + i, lanes, add ? old + g : g)
    QK_EACH_VECTOR(i, n, STEP);
#undef STEP
}

static void body_map_grad(const QKCall *c, int64_t begin, int64_t end) {
    float *dx = (float *)c->p[0] + begin;
    const float *x = (const float *)c->p[1] + begin, *dy = (const float *)c->p[2] + begin;
    bool add = c->n[1] == 1;
    switch (c->kind) {
#define CASE(kind) case kind: map_grad_span(kind, dx, x, dy, end - begin, add, c->s[0], c->s[1]); break;
        QK_EACH_FUNCTION(CASE)
#undef CASE
    }
}

QK_INLINE vf function_of_two(int kind, vf a, vf b) {
    switch (kind) {
    case QK_ADD: return a + b;
    case QK_SUBTRACT: return a - b;
    case QK_MULTIPLY: return a * b;
    case QK_DIVIDE: return a / b;
    case QK_MAXIMUM: return pick((a > b) | (a != a), a, b);
    default: return pick((a < b) | (a != a), a, b);
    }
}

QK_INLINE void zip_span(int kind, float *out, const float *a, const float *b, int64_t b_stride, int64_t n) {
    if (b_stride) {
#define STEP(i, lanes) store_n(out + i, lanes, function_of_two(kind, load_n(a + i, lanes), load_n(b + i, lanes)))
        QK_EACH_VECTOR(i, n, STEP);
#undef STEP
    } else {
        vf same = splat(*b);
#define STEP(i, lanes) store_n(out + i, lanes, function_of_two(kind, load_n(a + i, lanes), same))
        QK_EACH_VECTOR(i, n, STEP);
#undef STEP
    }
}

static void body_zip(const QKCall *c, int64_t begin, int64_t end) {
    const float *a = c->p[1], *b = c->p[2];
    float *out = c->p[0];
    int64_t cols = c->n[1], row_stride = c->n[2], col_stride = c->n[3];
    // One long row where b runs along with a, or is a single number.
    bool flat = (col_stride == 1 && row_stride == cols) || (col_stride == 0 && row_stride == 0);
    if (flat) cols = c->n[0] * cols;
    QK_EACH_PIECE(row, col, count, begin, end, cols) {
        int64_t at = row * cols + col;
        const float *other = b + row * row_stride + col * col_stride;
        switch (c->kind) {
#define CASE(kind) case kind: zip_span(kind, out + at, a + at, other, col_stride, count); break;
            CASE(QK_ADD) CASE(QK_SUBTRACT) CASE(QK_MULTIPLY) CASE(QK_DIVIDE) CASE(QK_MAXIMUM) CASE(QK_MINIMUM)
#undef CASE
        }
    }
}

QK_INLINE void gate_span(int kind, float *out, const float *gate, const float *up, int64_t n) {
#define STEP(i, lanes) store_n(out + i, lanes, function_of(kind, load_n(gate + i, lanes), 1, 0) * load_n(up + i, lanes))
    QK_EACH_VECTOR(i, n, STEP);
#undef STEP
}

// g * sigmoid(alpha * g) * (u + 1) of a gate held below `limit` and an up held between -limit and limit.
QK_INLINE vf clamped_up(vf u, float limit) { return max_(min_(u, splat(limit)), splat(-limit)) + 1.0f; }
QK_INLINE void swiglu_span(float *out, const float *gate, const float *up, float alpha, float limit, int64_t n) {
#define STEP(i, lanes)                                                                              \
    vf g = min_(load_n(gate + i, lanes), splat(limit));                                             \
    store_n(out + i, lanes, g * sigmoid_(alpha * g) * clamped_up(load_n(up + i, lanes), limit))
    QK_EACH_VECTOR(i, n, STEP);
#undef STEP
}

static void body_gate(const QKCall *c, int64_t begin, int64_t end) {
    QK_EACH_PIECE(row, col, count, begin, end, c->n[1]) {
        float *out = (float *)c->p[0] + row * c->n[4] + col;
        const float *gate = (const float *)c->p[1] + row * c->n[2] + col, *up = (const float *)c->p[2] + row * c->n[3] + col;
        switch (c->kind) {
#define CASE(kind) case kind: gate_span(kind, out, gate, up, count); break;
            QK_EACH_FUNCTION(CASE)
#undef CASE
        case QK_CLAMPED_SWIGLU: swiglu_span(out, gate, up, c->s[0], c->s[1], count); break;
        }
    }
}

QK_INLINE void gate_grad_span(int kind, float *dgate, float *dup, const float *gate, const float *up, const float *dout, int64_t n) {
#define STEP(i, lanes)                                                                              \
    vf slope, d = load_n(dout + i, lanes), u = load_n(up + i, lanes);                               \
    vf f = function_and_slope(kind, load_n(gate + i, lanes), 1, 0, &slope);                         \
    store_n(dgate + i, lanes, slope * (u * d));                                                     \
    store_n(dup + i, lanes, f * d)
    QK_EACH_VECTOR(i, n, STEP);
#undef STEP
}

// Where a clamp holds, no gradient passes.
QK_INLINE void swiglu_grad_span(float *dgate, float *dup, const float *gate, const float *up, const float *dout, float alpha, float limit, int64_t n) {
#define STEP(i, lanes)                                                                              \
    vf raw = load_n(gate + i, lanes), g = min_(raw, splat(limit)), u = load_n(up + i, lanes), d = load_n(dout + i, lanes), s = sigmoid_(alpha * g); \
    vf slope = fma_(alpha * g * s, 1.0f - s, s) * clamped_up(u, limit);                             \
    store_n(dgate + i, lanes, pick(raw > limit, splat(0), slope * d));                              \
    store_n(dup + i, lanes, pick(abs_(u) > limit, splat(0), g * s * d))
    QK_EACH_VECTOR(i, n, STEP);
#undef STEP
}

static void body_gate_grad(const QKCall *c, int64_t begin, int64_t end) {
    QK_EACH_PIECE(row, col, count, begin, end, c->n[1]) {
        int64_t g = row * c->n[2] + col, u = row * c->n[3] + col;
        float *dgate = (float *)c->p[0] + g, *dup = (float *)c->p[1] + u;
        const float *gate = (const float *)c->p[2] + g, *up = (const float *)c->p[3] + u, *dout = (const float *)c->p[4] + row * c->n[4] + col;
        switch (c->kind) {
#define CASE(kind) case kind: gate_grad_span(kind, dgate, dup, gate, up, dout, count); break;
            QK_EACH_FUNCTION(CASE)
#undef CASE
        case QK_CLAMPED_SWIGLU: swiglu_grad_span(dgate, dup, gate, up, dout, c->s[0], c->s[1], count); break;
        }
    }
}
#endif
