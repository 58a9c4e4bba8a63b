// The plain twins of routing and combining: softmax and sums in f64, rows that visit experts counted one by one.
#ifndef QUINTET_SCALAR_EXPERTS_H
#define QUINTET_SCALAR_EXPERTS_H
#include "../route.h"
#include "numbers.h"

static void plain_softmax(double *out, const float *x, const int32_t *of, int64_t n) {
    double top = -INFINITY, sum = 0;
    for (int64_t i = 0; i < n; i++) top = fmax(top, (double)x[of ? of[i] : i]);
    for (int64_t i = 0; i < n; i++) sum += out[i] = exp((double)x[of ? of[i] : i] - top);
    for (int64_t i = 0; i < n; i++) out[i] /= sum;
}

// The chosen experts' scores before division and factor.
static void chosen_scores(const QKCall *c, const float *x, const int32_t *experts, double *chosen, double *all) {
    if (c->kind == 1) {
        plain_softmax(chosen, x, experts, c->n[2]);
        return;
    }
    if (c->kind == 0) plain_softmax(all, x, NULL, c->n[1]);
    for (int64_t j = 0; j < c->n[2]; j++) chosen[j] = c->kind == 0 ? all[experts[j]] : logistic((double)x[experts[j]]);
}

static void scalar_route(const QKCall *c, int64_t begin, int64_t end) {
    int64_t n = c->n[1], k = c->n[2];
    const float *bias = c->p[3];
    double *all = qk_scratch((size_t)(2 * n) * 8 + (qk_route_floats(n)) * 4), *chosen = all + n;
    float *decides = (float *)(chosen + n);
    for (int64_t r = begin; r < end; r++) {
        const float *x = (const float *)c->p[2] + r * n;
        int32_t *experts = (int32_t *)c->p[0] + r * k;
        for (int64_t i = 0; i < n; i++) decides[i] = (c->kind == 2 ? (float)logistic((double)x[i]) : x[i]) + (bias ? bias[i] : 0);
        qk_choose(c, decides, experts, decides + n);
        chosen_scores(c, x, experts, chosen, all);
        double sum = 0;
        for (int64_t j = 0; j < k; j++) sum += chosen[j];
        for (int64_t j = 0; j < k; j++)
            ((float *)c->p[1])[r * k + j] = (float)((c->n[5] ? chosen[j] / (sum + (double)c->s[1]) : chosen[j]) * (double)c->s[0]);
    }
}

static void scalar_route_grad(const QKCall *c, int64_t begin, int64_t end) {
    int64_t n = c->n[1], k = c->n[2];
    double *all = qk_scratch((size_t)(4 * n) * 8), *chosen = all + n, *d = all + 2 * n;
    for (int64_t r = begin; r < end; r++) {
        const float *x = (const float *)c->p[1] + r * n, *dweights = (const float *)c->p[3] + r * k;
        const int32_t *experts = (const int32_t *)c->p[2] + r * k;
        float *dx = (float *)c->p[0] + r * n;
        chosen_scores(c, x, experts, chosen, all);
        double sum = (double)c->s[1], through = 0, dot = 0;
        for (int64_t j = 0; j < k; j++) sum += chosen[j], through += chosen[j] * (double)dweights[j];
        for (int64_t j = 0; j < k; j++) {
            d[j] = (double)c->s[0] * (c->n[5] ? ((double)dweights[j] - through / sum) / sum : (double)dweights[j]);
            dot += d[j] * chosen[j];
        }
        for (int64_t i = 0; i < n; i++) dx[i] = c->kind == 0 ? (float)(-all[i] * dot) : 0;
        for (int64_t j = 0; j < k; j++) {
            double p = chosen[j];
            if (c->kind == 0) dx[experts[j]] = (float)(p * (d[j] - dot));
            else dx[experts[j]] = (float)(c->kind == 1 ? p * (d[j] - dot) : d[j] * p * (1 - p));
        }
    }
}

// One item does it all: counting is cheap.
static void scalar_route_places(const QKCall *c, int64_t begin, int64_t end) {
    int32_t *offsets = c->p[0], *sources = c->p[1], *places = c->p[2];
    const int32_t *experts = c->p[3];
    int64_t slots = c->n[0] * c->n[2], count = c->n[1];
    if (begin >= end) return;
    for (int64_t e = 0; e <= count; e++) offsets[e] = 0;
    for (int64_t s = 0; s < slots; s++) offsets[experts[s] + 1]++;
    for (int64_t e = 0; e < count; e++) offsets[e + 1] += offsets[e];
    for (int64_t s = 0; s < slots; s++) {
        int32_t place = offsets[experts[s]]++;
        places[s] = place;
        sources[place] = (int32_t)(s / c->n[2]);
    }
    for (int64_t e = count; e > 0; e--) offsets[e] = offsets[e - 1];
    offsets[0] = 0;
}

static void scalar_combine(const QKCall *c, int64_t begin, int64_t end) {
    int64_t cols = c->n[1], k = c->n[2];
    for (int64_t r = begin; r < end; r++)
        for (int64_t i = 0; i < cols; i++) {
            float sum = 0;
            for (int64_t j = 0; j < k; j++)
                sum = fmaf(((const float *)c->p[2])[r * k + j], ((const float *)c->p[1])[((const int32_t *)c->p[3])[r * k + j] * cols + i], sum);
            ((float *)c->p[0])[r * cols + i] = c->p[4] ? sum + ((const float *)c->p[4])[r * c->n[3] + i] : sum;
        }
}

static void scalar_combine_grad(const QKCall *c, int64_t begin, int64_t end) {
    int64_t cols = c->n[1], k = c->n[2];
    for (int64_t slot = begin * k; slot < end * k; slot++) {
        int64_t place = ((const int32_t *)c->p[5])[slot] * cols, row = slot / k * cols;
        double dot = 0;
        for (int64_t i = 0; i < cols; i++) {
            float dout = ((const float *)c->p[2])[row + i];
            ((float *)c->p[0])[place + i] = ((const float *)c->p[4])[slot] * dout;
            dot += (double)dout * (double)((const float *)c->p[3])[place + i];
        }
        ((float *)c->p[1])[slot] = (float)dot;
    }
}
#endif
