// Cross-entropy over logits, a row at a time: the top, the sum of exponentials, then the gradient in place.
#ifndef QUINTET_LOSS_H
#define QUINTET_LOSS_H
#include "reduce.h"

QK_INLINE vf soft_cap(vf x, float cap) { return cap * tanh_(x / cap); }

QK_INLINE vf capped_term(float *x, float top, float cap, bool keep, int64_t lanes) {
    vf z = soft_cap(load_n(x, lanes), cap);
    if (keep) store_n(x, lanes, z);
    return keep_n(exp_small(z - top), lanes, splat(0));
}

// Logits are capped in place for a gradient; for the loss alone they are left as they are and capped on the way.
QK_INLINE float capped_exp_sum(float *x, float top, float cap, bool keep, int64_t n) {
    float sum;
#define TERM(i, lanes) capped_term(x + (i), top, cap, keep, lanes)
    QK_SUM_ROW(sum, n, TERM);
#undef TERM
    return sum;
}

// s0 * (softmax - onehot), through the cap where there is one.
QK_INLINE void cross_entropy_slope(float *x, float top, float factor, float cap, int64_t n) {
#define STEP(i, lanes)                                                                              \
    vf z = load_n(x + i, lanes), g = exp_small(z - top) * factor;                                   \
    if (cap != 0) g *= 1.0f - square_(z / cap);                                                     \
    store_n(x + i, lanes, g)
    QK_EACH_VECTOR(i, n, STEP);
#undef STEP
}

static void cross_entropy_row(const QKCall *c, int64_t row) {
    float *x = (float *)c->p[0] + row * c->n[2], *loss = c->p[2], *lse = c->p[3], cap = c->s[1];
    int64_t n = c->n[1], target = ((const int32_t *)c->p[1])[row];
    bool gradient = c->kind == 1;
    if (target < 0 && !lse) {
        loss[row] = 0;
        if (gradient) memset(x, 0, (size_t)n * 4);
        return;
    }
    float top = row_max(x, n), chosen = target >= 0 && target < n ? x[target] : target < 0 ? 0 : __builtin_nanf("");
    if (cap != 0) top = soft_cap(splat(top), cap)[0], chosen = soft_cap(splat(chosen), cap)[0];
    float sum = cap != 0 ? capped_exp_sum(x, top, cap, gradient, n) : row_exp_sum(x, top, n);
    float log_sum = log_(splat(sum))[0] + top;
    loss[row] = target < 0 ? 0 : log_sum - chosen;
    if (lse) lse[row] = log_sum;
    if (!gradient) return;
    if (target < 0) {
        memset(x, 0, (size_t)n * 4);
        return;
    }
    if (cap != 0) cross_entropy_slope(x, top, c->s[0] / sum, cap, n);
    else cross_entropy_slope(x, top, c->s[0] / sum, 0, n);
    if (target < n) x[target] -= cap != 0 ? c->s[0] * (1 - (chosen / cap) * (chosen / cap)) : c->s[0];
}

static void body_cross_entropy(const QKCall *c, int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; row++) cross_entropy_row(c, row);
}
#endif
