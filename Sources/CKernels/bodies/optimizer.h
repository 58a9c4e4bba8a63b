// AdamW (Loshchilov and Hutter, 2019) in one pass over parameter, gradient and moments.
#ifndef QUINTET_OPTIMIZER_H
#define QUINTET_OPTIMIZER_H
#include "copy.h"

QK_INLINE void adamw_span(const QKCall *c, int64_t begin, int64_t end, bool narrow) {
    float *parameter = c->p[0], *m = c->p[2], *v = c->p[3];
    const float *gradient = c->p[1];
    uint16_t *copy = c->p[4];
    float beta1 = c->s[1], beta2 = c->s[2], one_minus_beta1 = 1 - beta1, one_minus_beta2 = 1 - beta2, epsilon = c->s[3], factor = c->s[7];
    float decay = 1 - c->s[0] * c->s[4], step = -c->s[0] / c->s[5], correction = 1 / __builtin_sqrtf(c->s[6]);
    for (int64_t i = begin, lanes; i < end; i += lanes) {
        lanes = end - i < W ? end - i : W;
        vf g = load_n(gradient + i, lanes) * factor;
        vf first = fma_(splat(beta1), load_n(m + i, lanes), one_minus_beta1 * g);
        vf second = fma_(splat(beta2), load_n(v + i, lanes), (one_minus_beta2 * g) * g);
        vf divisor = fma_(sqrt_(second), splat(correction), splat(epsilon));
        vf p = fma_(splat(step), first / divisor, load_n(parameter + i, lanes) * decay);
        store_n(m + i, lanes, first);
        store_n(v + i, lanes, second);
        store_n(parameter + i, lanes, p);
        if (narrow) store_lanes_16(copy + i, lanes, to_bf16(p));
    }
}

static void body_adamw(const QKCall *c, int64_t begin, int64_t end) {
    if (c->p[4]) adamw_span(c, begin, end, true);
    else adamw_span(c, begin, end, false);
}
#endif
