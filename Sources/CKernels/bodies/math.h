// Vector mathematics, 1-2 ulp. Polynomials are minimax fits (Remez, 40 digits) with the coefficients rounded to f32; a NaN in gives a NaN out.
#ifndef QUINTET_MATH_H
#define QUINTET_MATH_H
#include "simd.h"

// Round to the nearest integer by the carry out of 1.5 * 2^23, so that no float-to-int conversion can overflow.
#define QK_ROUNDER 12582912.0f

QK_INLINE vf power_of_two(vi n) { return as_float((n + 127) << 23); }

// For x = n ln 2 + r, |r| <= 0.35: e^r with a relative error of 3e-9, and the rounder (plus n) as it came out.
QK_INLINE vf exp_reduced(vf x, float rounder, vf *rounded) {
    vf t = fma_(x, splat(0x1.715476p+0f), splat(rounder)), n = t - rounder;
    vf r = fma_(n, splat(-0x1.62e4p-1f), x);
    r = fma_(n, splat(-0x1.7f7d1cp-20f), r);
    vf q = fma_(splat(0.001381316f), r, splat(0.008369419f));
    q = fma_(q, r, splat(0.041668456f));
    q = fma_(q, r, splat(0.16666515f));
    q = fma_(q, r, splat(0.49999994f));
    *rounded = t;
    return fma_(r * r, q, r) + 1.0f;
}

// Two powers of two, because n reaches from -151 to 129.
QK_INLINE vf exp_(vf x) {
    vf t, p = exp_reduced(max_(min_(x, splat(90.0f)), splat(-105.0f)), QK_ROUNDER, &t);
    vi n = as_int(t) - as_int(splat(QK_ROUNDER)), half = n >> 1;
    return p * power_of_two(half) * power_of_two(n - half);
}

// For sums with 1, where nothing below e^-87 counts; infinite from e^88.4 on.
QK_INLINE vf exp_beside_one(vf x) {
    vf t, p = exp_reduced(max_(min_(x, splat(89.0f)), splat(-87.0f)), QK_ROUNDER + 127, &t);
    return p * as_float(as_int(t) << 23);
}

// For x <= 88: softmax terms. Below -87 it gives 0, so there are no subnormals. The rounder holds the bias of the exponent.
QK_INLINE vf exp_small(vf x) {
    vf t, p = exp_reduced(max_(x, splat(-87.0f)), QK_ROUNDER + 127, &t);
    return pick(x < -87.0f, splat(0), p * as_float(as_int(t) << 23));
}

QK_INLINE vf log_(vf x) {
    vi tiny = x < 0x1p-126f;
    vf scaled = pick(tiny, x * 0x1p23f, x);
    vi bits = as_int(scaled), shifted = bits - 0x3f3504f3;
    vf n = __builtin_convertvector(shifted >> 23, vf) - pick(tiny, splat(23), splat(0));
    vf f = as_float((shifted & 0x7fffff) + 0x3f3504f3) - 1.0f;
    vf q = fma_(splat(0.06746626f), f, splat(-0.11675631f));
    q = fma_(q, f, splat(0.11888153f));
    q = fma_(q, f, splat(-0.1240559f));
    q = fma_(q, f, splat(0.14219554f));
    q = fma_(q, f, splat(-0.16667996f));
    q = fma_(q, f, splat(0.20002119f));
    q = fma_(q, f, splat(-0.2500001f));
    q = fma_(q, f, splat(0.33333313f));
    vf square = f * f;
    vf low = fma_(q, square * f, n * -0x1.05c61p-29f);
    vf y = fma_(splat(-0.5f), square, low) + f;
    y = fma_(n, splat(0x1.62e43p-1f), y);
    y = pick(x == __builtin_inff(), x, y);
    y = pick(x == 0.0f, splat(-__builtin_inff()), y);
    return pick(x >= 0.0f, y, splat(__builtin_nanf("")));
}

QK_INLINE vf sigmoid_(vf x) { return 1.0f / (1.0f + exp_(-x)); }

QK_INLINE vf tanh_(vf x) {
    vf a = abs_(x), z = x * x;
    vf p = fma_(splat(-0.0057170414f), z, splat(0.020650584f));
    p = fma_(p, z, splat(-0.053743497f));
    p = fma_(p, z, splat(0.13331491f));
    p = fma_(p, z, splat(-0.33333284f));
    vf small = fma_(p * z, x, x);
    vf large = 1.0f - 2.0f / (exp_(a + a) + 1.0f);
    vf signed_large = as_float(as_int(large) | (as_int(x) & splat_i((int32_t)0x80000000)));
    return pick(a < 0.625f, small, signed_large);
}

// The normal distribution function and its density: Phi(-a) = exp(-a^2 / 2) M(a), M fitted as q P(q), q = 1 / (1 + 0.3 a), from 0.7 up;
// an odd polynomial about 1/2 below.
QK_INLINE vf normal_cdf(vf x, vf *density) {
    vf a = abs_(x), square = x * x, error = fma_(x, x, -square);
    vf e = exp_(-0.5f * square);
    e = fma_(e * -0.5f, pick(square < 300.0f, error, splat(0)), e);
    vf q = 1.0f / fma_(splat(0.3f), a, splat(1.0f));
    vf p = fma_(splat(0.019207705f), q, splat(-0.045463104f));
    p = fma_(p, q, splat(-0.011778789f));
    p = fma_(p, q, splat(0.062345903f));
    p = fma_(p, q, splat(0.032232806f));
    p = fma_(p, q, splat(0.09702737f));
    p = fma_(p, q, splat(0.10685047f));
    p = fma_(p, q, splat(0.11991911f));
    p = fma_(p, q, splat(0.11967135f));
    vf tail = e * (p * q), c = fma_(splat(0.000102940576f), square, splat(-0.0011812851f));
    c = fma_(c, square, splat(0.009972349f));
    c = fma_(c, square, splat(-0.06649029f));
    c = fma_(c, square, splat(0.3989423f));
    *density = e * 0.3989423f;
    return pick(a < 0.7f, fma_(c, x, splat(0.5f)), pick(x < 0.0f, tail, 1.0f - tail));
}

// sin and cos of 2 pi u for u in [0, 1).
QK_INLINE void sine_cosine_turns(vf u, vf *sine, vf *cosine) {
    vf t = fma_(u, splat(4.0f), splat(QK_ROUNDER)), r = fma_(t - QK_ROUNDER, splat(-0.25f), u), z = r * r;
    vi quadrant = as_int(t);
    vf s = fma_(splat(-75.39356f), z, splat(81.592354f));
    s = fma_(s, z, splat(-41.341663f));
    s = fma_(s, z, splat(6.2831855f)) * r;
    vf c = fma_(splat(59.202793f), z, splat(-85.4423f));
    c = fma_(c, z, splat(64.93931f));
    c = fma_(c, z, splat(-19.739208f));
    c = fma_(c, z, splat(1.0f));
    vi odd = (quadrant & 1) != 0;
    *sine = as_float(as_int(pick(odd, c, s)) ^ ((quadrant & 2) << 30));
    *cosine = as_float(as_int(pick(odd, s, c)) ^ (((quadrant + 1) & 2) << 30));
}
#endif
