// The plain twins of the elementwise kernels: one loop each.
#ifndef QUINTET_SCALAR_ELEMENTWISE_H
#define QUINTET_SCALAR_ELEMENTWISE_H
#include "blocks.h"

static void scalar_copy(const QKCall *c, int64_t begin, int64_t end) {
    const int64_t *size = c->n + 1, *to_stride = c->n + 7, *from_stride = c->n + 13;
    for (int64_t i = begin; i < end; i++) {
        int64_t rest = i, to = 0, from = 0;
        for (int64_t axis = c->n[0] - 1; axis >= 0; rest /= size[axis], axis--) {
            to += rest % size[axis] * to_stride[axis];
            from += rest % size[axis] * from_stride[axis];
        }
        memcpy((char *)c->p[0] + to * c->kind, (const char *)c->p[1] + from * c->kind, (size_t)c->kind);
    }
}

static void scalar_cast(const QKCall *c, int64_t begin, int64_t end) {
    if (c->n[1] >= QK_BLOCKS) {
        qk_cast_blocks_plain(c, begin, end);
        return;
    }
    for (int64_t i = begin; i < end; i++) {
        if (c->n[2] >= QK_BLOCKS) write_as(c->n[1], c->p[0], i, element_of(c->n[2], c->p[1], i));
        else if (c->n[1] == QK_I32 && c->n[2] == QK_I32) ((int32_t *)c->p[0])[i] = ((const int32_t *)c->p[1])[i];
        else write_as(c->n[1], c->p[0], i, read_as(c->n[2], c->p[1], i));
    }
}

static void scalar_fill(const QKCall *c, int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) ((float *)c->p[0])[i] = c->s[0];
}

static void scalar_map(const QKCall *c, int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) ((float *)c->p[0])[i] = apply(c->kind, ((const float *)c->p[1])[i], c->s[0], c->s[1]);
}

static void scalar_map_grad(const QKCall *c, int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) {
        float *dx = (float *)c->p[0] + i;
        float g = (float)slope_of(c->kind, (double)((const float *)c->p[1])[i], c->s[0]) * ((const float *)c->p[2])[i];
        *dx = c->n[1] == 1 ? *dx + g : g;
    }
}

static float apply_two(int kind, float a, float b) {
    switch (kind) {
    case QK_ADD: return a + b;
    case QK_SUBTRACT: return a - b;
    case QK_MULTIPLY: return a * b;
    case QK_DIVIDE: return a / b;
    case QK_MAXIMUM: return a > b || a != a ? a : b;
    default: return a < b || a != a ? a : b;
    }
}

static void scalar_zip(const QKCall *c, int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) {
        int64_t row = i / c->n[1], col = i % c->n[1];
        ((float *)c->p[0])[i] = apply_two(c->kind, ((const float *)c->p[1])[i], ((const float *)c->p[2])[row * c->n[2] + col * c->n[3]]);
    }
}

typedef struct { double out, dgate, dup; } Swiglu;
static Swiglu clamped_swiglu(double gate, double up, double alpha, double limit) {
    double g = gate > limit ? limit : gate, u = up > limit ? limit : up < -limit ? -limit : up, s = logistic(alpha * g);
    return (Swiglu){g * s * (u + 1), gate > limit ? 0 : (s + alpha * g * s * (1 - s)) * (u + 1), fabs(up) > limit ? 0 : g * s};
}

static void scalar_gate(const QKCall *c, int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) {
        int64_t row = i / c->n[1], col = i % c->n[1];
        float gate = ((const float *)c->p[1])[row * c->n[2] + col], up = ((const float *)c->p[2])[row * c->n[3] + col];
        float *out = (float *)c->p[0] + row * c->n[4] + col;
        if (c->kind == QK_CLAMPED_SWIGLU) *out = (float)clamped_swiglu((double)gate, (double)up, (double)c->s[0], (double)c->s[1]).out;
        else *out = apply(c->kind, gate, 1, 0) * up;
    }
}

static void scalar_gate_grad(const QKCall *c, int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) {
        int64_t row = i / c->n[1], col = i % c->n[1], g = row * c->n[2] + col, u = row * c->n[3] + col;
        float gate = ((const float *)c->p[2])[g], up = ((const float *)c->p[3])[u], d = ((const float *)c->p[4])[row * c->n[4] + col];
        Swiglu clamped = clamped_swiglu((double)gate, (double)up, (double)c->s[0], (double)c->s[1]);
        bool is_clamped = c->kind == QK_CLAMPED_SWIGLU;
        ((float *)c->p[0])[g] = is_clamped ? (float)(clamped.dgate * (double)d) : (float)slope_of(c->kind, (double)gate, 1) * (up * d);
        ((float *)c->p[1])[u] = is_clamped ? (float)(clamped.dup * (double)d) : apply(c->kind, gate, 1, 0) * d;
    }
}

static void scalar_adamw(const QKCall *c, int64_t begin, int64_t end) {
    float rate = c->s[0], beta1 = c->s[1], beta2 = c->s[2], decay = 1 - rate * c->s[4], correction = 1 / sqrtf(c->s[6]);
    for (int64_t i = begin; i < end; i++) {
        float *p = (float *)c->p[0] + i, *m = (float *)c->p[2] + i, *v = (float *)c->p[3] + i, g = ((const float *)c->p[1])[i] * c->s[7];
        *m = fmaf(beta1, *m, (1 - beta1) * g);
        *v = fmaf(beta2, *v, ((1 - beta2) * g) * g);
        *p = fmaf(-rate / c->s[5], *m / fmaf(sqrtf(*v), correction, c->s[3]), *p * decay);
        if (c->p[4]) write_as(QK_BF16, c->p[4], i, *p);
    }
}
#endif
