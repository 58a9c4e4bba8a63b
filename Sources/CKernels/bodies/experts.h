// Mixture of experts: which experts a row goes to, and what they gave joined again.
#ifndef QUINTET_EXPERTS_H
#define QUINTET_EXPERTS_H
#include "../route.h"
#include "functions.h"
#include "reduce.h"

QK_INLINE void sigmoid_row(float *out, const float *x, int64_t n) {
#define STEP(i, lanes) store_n(out + i, lanes, sigmoid_(load_n(x + i, lanes)))
    QK_EACH_VECTOR(i, n, STEP);
#undef STEP
}

// out = exp(x - top).
QK_INLINE void exp_row(float *out, const float *x, float top, int64_t n) {
#define STEP(i, lanes) store_n(out + i, lanes, exp_small(load_n(x + i, lanes) - top))
    QK_EACH_VECTOR(i, n, STEP);
#undef STEP
}

// Softmax of n scores, the sum in their order.
static void softmax_row(float *out, const float *x, int64_t n) {
    float sum = 0;
    exp_row(out, x, row_max(x, n), n);
    for (int64_t i = 0; i < n; i++) sum += out[i];
    for (int64_t i = 0; i < n; i++) out[i] /= sum;
}

static void route_row(const QKCall *c, const float *x, int32_t *experts, float *weights, float *memory) {
    int64_t n = c->n[1], k = c->n[2];
    const float *bias = c->p[3], *decides = x;
    float *scores = memory, *biased = memory + n;
    if (c->kind == 2) sigmoid_row(scores, x, n), decides = scores;
    if (bias) {
        for (int64_t i = 0; i < n; i++) biased[i] = decides[i] + bias[i];
        decides = biased;
    }
    qk_choose(c, decides, experts, memory + 2 * n);
    if (c->kind == 0) softmax_row(scores, x, n);
    for (int64_t j = 0; j < k; j++) weights[j] = c->kind == 1 ? x[experts[j]] : scores[experts[j]];
    if (c->kind == 1) softmax_row(weights, weights, k);
    qk_scale_weights(c, weights);
}

static void body_route(const QKCall *c, int64_t begin, int64_t end) {
    float *memory = qk_scratch(qk_route_floats(c->n[1]) * 4);
    for (int64_t r = begin; r < end; r++)
        route_row(c, (const float *)c->p[2] + r * c->n[1], (int32_t *)c->p[0] + r * c->n[2], (float *)c->p[1] + r * c->n[2], memory);
}

// From the gradient of the weights to that of the chosen scores before division and factor.
static void weights_gradient(const QKCall *c, const float *chosen, const float *dweights, float *d) {
    float sum = 0, dot = 0;
    for (int64_t j = 0; j < c->n[2]; j++) sum += chosen[j], dot += chosen[j] * dweights[j];
    sum += c->s[1];
    for (int64_t j = 0; j < c->n[2]; j++) d[j] = c->s[0] * (c->n[5] ? (dweights[j] - dot / sum) / sum : dweights[j]);
}

static void route_grad_row(const QKCall *c, const float *x, const int32_t *experts, const float *dweights, float *dx, float *memory) {
    int64_t n = c->n[1], k = c->n[2];
    float *scores = memory, *chosen = memory + n, *d = memory + 2 * n, dot = 0;
    if (c->kind == 0) softmax_row(scores, x, n);
    if (c->kind == 2) sigmoid_row(scores, x, n);
    for (int64_t j = 0; j < k; j++) chosen[j] = c->kind == 1 ? x[experts[j]] : scores[experts[j]];
    if (c->kind == 1) softmax_row(chosen, chosen, k);
    weights_gradient(c, chosen, dweights, d);
    for (int64_t j = 0; j < k; j++) dot += d[j] * chosen[j];
    for (int64_t i = 0; i < n; i++) dx[i] = c->kind == 0 ? -scores[i] * dot : 0;
    for (int64_t j = 0; j < k; j++) {
        float p = chosen[j];
        if (c->kind == 0) dx[experts[j]] += p * d[j];
        else dx[experts[j]] = c->kind == 1 ? p * (d[j] - dot) : d[j] * p * (1 - p);
    }
}

static void body_route_grad(const QKCall *c, int64_t begin, int64_t end) {
    float *memory = qk_scratch(qk_route_floats(c->n[1]) * 4);
    for (int64_t r = begin; r < end; r++)
        route_grad_row(c, (const float *)c->p[1] + r * c->n[1], (const int32_t *)c->p[2] + r * c->n[2], (const float *)c->p[3] + r * c->n[2],
                       (float *)c->p[0] + r * c->n[1], memory);
}

static void body_combine(const QKCall *c, int64_t begin, int64_t end) {
    int64_t cols = c->n[1], k = c->n[2];
    for (int64_t r = begin; r < end; r++) {
        float *out = (float *)c->p[0] + r * cols;
        const float *y = c->p[1], *weights = (const float *)c->p[2] + r * k, *residual = c->p[4] ? (const float *)c->p[4] + r * c->n[3] : NULL;
        const int32_t *places = (const int32_t *)c->p[3] + r * k;
#define STEP(i, lanes)                                                                              \
    vf sum = splat(0);                                                                              \
    for (int64_t j = 0; j < k; j++) sum = fma_(splat(weights[j]), load_n(y + places[j] * cols + i, lanes), sum); \
    store_n(out + i, lanes, residual ? sum + load_n(residual + i, lanes) : sum)
        QK_EACH_VECTOR(i, cols, STEP);
#undef STEP
    }
}

static void body_combine_grad(const QKCall *c, int64_t begin, int64_t end) {
    int64_t cols = c->n[1], k = c->n[2];
    for (int64_t r = begin; r < end; r++) {
        const float *dout = (const float *)c->p[2] + r * cols;
        for (int64_t j = 0; j < k; j++) {
            int64_t place = ((const int32_t *)c->p[5])[r * k + j] * cols;
            float *dy = (float *)c->p[0] + place;
            vf weight = splat(((const float *)c->p[4])[r * k + j]);
#define STEP(i, lanes) store_n(dy + i, lanes, weight * load_n(dout + i, lanes))
            QK_EACH_VECTOR(i, cols, STEP);
#undef STEP
            ((float *)c->p[1])[r * k + j] = row_dot(dout, (const float *)c->p[3] + place, cols);
        }
    }
}
#endif
