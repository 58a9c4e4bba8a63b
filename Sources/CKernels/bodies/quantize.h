// From f32 to block formats. Vectors have sixteen lanes on every instruction set and sums are folded in one order, so the bytes are the same everywhere.
// The plain formats give GGML's bytes. The K formats look for the scale (and minimum) with the least weighted square error over a fan of first guesses,
// each guess followed by a least-squares fit; as llama.cpp does.
#ifndef QUINTET_QUANTIZE_H
#define QUINTET_QUANTIZE_H
#include "blocks.h"
#include <math.h>

// Vectors wider than the set's registers go to and from functions that are always inlined: no call has an ABI to differ in.
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wpsabi"

typedef float L16 __attribute__((ext_vector_type(16), aligned(4)));
typedef int32_t L16i __attribute__((ext_vector_type(16), aligned(4)));

QK_INLINE L16 s16(float x) { return (L16)(x); }
QK_INLINE L16 least16(L16 a, L16 b) { return a < b ? a : b; }
QK_INLINE L16 most16(L16 a, L16 b) { return a > b ? a : b; }
QK_INLINE L16 magnitude16(L16 a) { return (L16)((L16i)a & 0x7fffffff); }
QK_INLINE float sum16(L16 v) {
    typedef float L8 __attribute__((ext_vector_type(8)));
    typedef float L4 __attribute__((ext_vector_type(4)));
    L8 eight = v.lo + v.hi;
    L4 four = eight.lo + eight.hi;
    return (four.x + four.z) + (four.y + four.w);
}
// Whole numbers within [low, high] (ties to even); what is no number gives `low`.
QK_INLINE L16 whole16(L16 v, float low, float high) { return __builtin_elementwise_roundeven(least16(most16(v, s16(low)), s16(high))); }

QK_INLINE float least_of(const float *x, int n) {
    float least = x[0];
    for (int i = 1; i < n; i++) least = x[i] < least ? x[i] : least;
    return least;
}
QK_INLINE float most_of(const float *x, int n) {
    float most = x[0];
    for (int i = 1; i < n; i++) most = x[i] > most ? x[i] : most;
    return most;
}
// The first element of the greatest magnitude.
QK_INLINE float farthest(const float *x, int n) {
    float far = 0, found = 0;
    for (int i = 0; i < n; i++)
        if (__builtin_fabsf(x[i]) > far) far = __builtin_fabsf(x[i]), found = x[i];
    return found;
}
QK_INLINE void put_half(Byte *p, float x) {
    _Float16 half = (_Float16)x;
    memcpy(p, &half, 2);
}
QK_INLINE float inverse(float x) { return x != 0 ? 1 / x : 0; }
// Cut off, within [0, high]; what is no finite number gives 0.
QK_INLINE Byte code_of(float v, float high) {
    v = v < __builtin_inff() ? v : 0;
    return (Byte)(v > 0 ? v < high ? v : high : 0);
}

// MARK: Blocks of 32

QK_INLINE void put_nibbles(Byte *q, const Byte *codes) {
    for (int i = 0; i < 16; i++) q[i] = (Byte)((codes[i] & 15) | codes[16 + i] << 4);
}
QK_INLINE void put_fifth_bits(Byte *qh, const Byte *codes) {
    uint32_t bits = 0;
    for (int i = 0; i < 32; i++) bits |= (uint32_t)(codes[i] >> 4) << i;
    memcpy(qh, &bits, 4);
}

QK_INLINE float to_centered(const float *x, int offset, Byte *codes) {
    float d = farthest(x, 32) / (float)-offset, id = inverse(d);
    for (int i = 0; i < 32; i++) codes[i] = code_of(x[i] * id + ((float)offset + 0.5f), (float)(2 * offset - 1));
    return d;
}
QK_INLINE float to_shifted(const float *x, int top, Byte *codes, float *least) {
    *least = least_of(x, 32);
    float d = (most_of(x, 32) - *least) / (float)top, id = inverse(d);
    for (int i = 0; i < 32; i++) codes[i] = code_of((x[i] - *least) * id + 0.5f, (float)top);
    return d;
}
QK_INLINE void to_q4_0(const float *x, Byte *b) {
    Byte codes[32];
    put_half(b, to_centered(x, 8, codes));
    put_nibbles(b + 2, codes);
}
QK_INLINE void to_q5_0(const float *x, Byte *b) {
    Byte codes[32];
    put_half(b, to_centered(x, 16, codes));
    put_fifth_bits(b + 2, codes);
    put_nibbles(b + 6, codes);
}
QK_INLINE void to_q4_1(const float *x, Byte *b) {
    Byte codes[32];
    float least;
    put_half(b, to_shifted(x, 15, codes, &least));
    put_half(b + 2, least);
    put_nibbles(b + 4, codes);
}
QK_INLINE void to_q5_1(const float *x, Byte *b) {
    Byte codes[32];
    float least;
    put_half(b, to_shifted(x, 31, codes, &least));
    put_half(b + 2, least);
    put_fifth_bits(b + 4, codes);
    put_nibbles(b + 8, codes);
}
// Rounds halves away from zero.
QK_INLINE void to_q8_0(const float *x, Byte *b) {
    float d = __builtin_fabsf(farthest(x, 32)) / 127, id = inverse(d);
    put_half(b, d);
    for (int i = 0; i < 32; i++) {
        float v = x[i] * id, a = __builtin_fabsf(v), low = __builtin_floorf(a), whole = low + __builtin_floorf(2 * (a - low));
        whole = whole > 0 ? whole < 127 ? whole : 127 : 0;
        b[2 + i] = (Byte)(int8_t)(v < 0 ? -whole : whole);
    }
}
// The exponent of the greatest magnitude, then the nearest of the sixteen values, the first where two are as near.
QK_INLINE void to_mxfp4(const float *x, Byte *b) {
    float far = __builtin_fabsf(farthest(x, 32)), e = far > 0 ? __builtin_floorf(log2f(far)) + 125 : 0;
    b[0] = (Byte)(e > 0 ? e < 255 ? e : 255 : 0);
    float d = half_power(b[0]), nearest[32];
    int32_t codes[32];
    for (int i = 0; i < 32; i++) nearest[i] = __builtin_inff(), codes[i] = 0;
    for (int k = 0; k < 16; k++)
        for (int i = 0; i < 32; i++) {
            float error = __builtin_fabsf(d * (float)qk_mxfp4_values[k] - x[i]);
            codes[i] = error < nearest[i] ? k : codes[i];
            nearest[i] = error < nearest[i] ? error : nearest[i];
        }
    for (int i = 0; i < 16; i++) b[1 + i] = (Byte)(codes[i] | codes[16 + i] << 4);
}

// MARK: Superblocks of 256

// How the fan of a K format's first guesses is spread: steps of 0.1 from `first` around the number of codes.
typedef struct { int top, steps; float first; } Fan;

// x[32] = scale * code - least with codes 0 ... top and least >= 0.
QK_INLINE float fit_scale_min(const float *x, Fan fan, float *least_out) {
    L16 x0 = *(const L16 *)x, x1 = *(const L16 *)(x + 16), squares = x0 * x0 + x1 * x1;
    float level = __builtin_sqrtf(sum16(squares) / 32), low = least_of(x, 32), high = most_of(x, 32), top = (float)fan.top;
    L16 w0 = level + magnitude16(x0), w1 = level + magnitude16(x1);
    float sum_w = sum16(w0 + w1), sum_x = sum16(w0 * x0 + w1 * x1);
    if (low > 0) low = 0;
    *least_out = -low;
    if (!(high > low)) return 0;
    float best_scale = (high - low) / top, best_error = __builtin_inff();
    for (int step = -1; step <= fan.steps; step++) {
        float guess = (step < 0 ? top : fan.first + 0.1f * (float)step + top) / (high - low);
        L16 l0 = whole16(guess * (x0 - low), 0, top), l1 = whole16(guess * (x1 - low), 0, top), a = w0 * l0, b = w1 * l1;
        float scale = best_scale, offset = low;
        if (step >= 0) {
            float sum_l = sum16(a + b), sum_l2 = sum16(a * l0 + b * l1), sum_xl = sum16(a * x0 + b * x1), det = sum_w * sum_l2 - sum_l * sum_l;
            if (!(det > 0)) continue;
            scale = (sum_w * sum_xl - sum_x * sum_l) / det;
            offset = (sum_l2 * sum_x - sum_l * sum_xl) / det;
            if (offset > 0) offset = 0, scale = sum_xl / sum_l2;
        }
        L16 e0 = scale * l0 + offset - x0, e1 = scale * l1 + offset - x1;
        float error = sum16(w0 * e0 * e0 + w1 * e1 * e1);
        // A better minimum is also where the next guesses begin.
        if (error < best_error) best_error = error, best_scale = scale, low = offset;
    }
    *least_out = -low;
    return best_scale;
}

// x[16] = scale * (code - 32); the sign of the scale is that of the farthest element turned round, which gets the code with no partner.
QK_INLINE float fit_scale(const float *x) {
    L16 v = *(const L16 *)x, w = v * v;
    float far = farthest(x, 16), best_scale = 0, best = 0;
    if (__builtin_fabsf(far) < 1e-15f) return 0;
    for (int step = -9; step <= 9; step++) {
        L16 l = whole16(v * (-(32 + 0.1f * (float)step) / far), -32, 31);
        float sum_xl = sum16(w * v * l), sum_l2 = sum16(w * l * l);
        if (sum_l2 > 0 && sum_xl * sum_xl > best * sum_l2) best_scale = sum_xl / sum_l2, best = best_scale * sum_xl;
    }
    return best_scale;
}

QK_INLINE void put_scale_min(Byte *s, const int *scale, const int *least) {
    for (int i = 0; i < 4; i++) {
        s[i] = (Byte)(scale[i] | scale[i + 4] >> 4 << 6);
        s[i + 4] = (Byte)(least[i] | least[i + 4] >> 4 << 6);
        s[i + 8] = (Byte)((scale[i + 4] & 15) | (least[i + 4] & 15) << 4);
    }
}

QK_INLINE float nearest_whole(float v, float low, float high) { return __builtin_roundevenf(v > low ? v < high ? v : high : low); }

QK_INLINE void to_q45_k(const float *x, Byte *b, Fan fan) {
    float scales[8], minimums[8];
    int scale[8], least[8];
    for (int s = 0; s < 8; s++) scales[s] = fit_scale_min(x + 32 * s, fan, minimums + s);
    float most_scale = most_of(scales, 8), most_least = most_of(minimums, 8);
    float is = most_scale > 0 ? 63 / most_scale : 0, im = most_least > 0 ? 63 / most_least : 0;
    for (int s = 0; s < 8; s++) scale[s] = (int)nearest_whole(is * scales[s], 0, 63), least[s] = (int)nearest_whole(im * minimums[s], 0, 63);
    put_half(b, most_scale > 0 ? most_scale / 63 : 0);
    put_half(b + 2, most_least > 0 ? most_least / 63 : 0);
    put_scale_min(b + 4, scale, least);
    float d = half_at(b), dmin = half_at(b + 2);
    Byte *high = b + 16, *low = b + (fan.top > 15 ? 48 : 16);
    memset(high, 0, fan.top > 15 ? 160 : 128);
    for (int s = 0; s < 8; s++) {
        float factor = d * (float)scale[s], m = dmin * (float)least[s], id = inverse(factor);
        for (int i = 0; i < 32; i++) {
            int code = (int)nearest_whole((x[32 * s + i] + m) * id, 0, (float)fan.top);
            low[32 * (s / 2) + i] |= (Byte)((code & 15) << 4 * (s % 2));
            if (fan.top > 15) high[i] |= (Byte)(code >> 4 << s);
        }
    }
}
QK_INLINE void to_q4_k(const float *x, Byte *b) { to_q45_k(x, b, (Fan){15, 20, -1}); }
QK_INLINE void to_q5_k(const float *x, Byte *b) { to_q45_k(x, b, (Fan){31, 15, -0.5f}); }

QK_INLINE void to_q6_k(const float *x, Byte *b) {
    float scales[16];
    for (int s = 0; s < 16; s++) scales[s] = fit_scale(x + 16 * s);
    float far = farthest(scales, 16), is = far != 0 ? -128 / far : 0;
    put_half(b + 208, inverse(is));
    float d = half_at(b + 208);
    memset(b, 0, 192);
    for (int s = 0; s < 16; s++) {
        int scale = (int)nearest_whole(is * scales[s], -128, 127);
        float id = inverse(d * (float)scale);
        Byte *low = b + 64 * (s / 8) + 16 * (s % 4), *high = b + 128 + 32 * (s / 8) + 16 * (s % 2);
        b[192 + s] = (Byte)(int8_t)scale;
        for (int i = 0; i < 16; i++) {
            int code = 32 + (int)nearest_whole(x[16 * s + i] * id, -32, 31);
            low[i] |= (Byte)((code & 15) << (s / 4 % 2 * 4));
            high[i] |= (Byte)(code >> 4 << (s / 2 % 4 * 2));
        }
    }
}

// `count` elements, whole blocks.
static void to_blocks(int64_t type, const float *x, Byte *b, int64_t count) {
    switch (type) {
#define CASE(type, length, bytes, body) case type: for (; count > 0; count -= length, x += length, b += bytes) body(x, b); break;
        CASE(QK_Q4_0, 32, 18, to_q4_0) CASE(QK_Q4_1, 32, 20, to_q4_1) CASE(QK_Q5_0, 32, 22, to_q5_0) CASE(QK_Q5_1, 32, 24, to_q5_1)
        CASE(QK_Q8_0, 32, 34, to_q8_0) CASE(QK_Q4_K, 256, 144, to_q4_k) CASE(QK_Q5_K, 256, 176, to_q5_k) CASE(QK_Q6_K, 256, 210, to_q6_k)
        CASE(QK_MXFP4, 32, 17, to_mxfp4)
#undef CASE
    }
}

enum { BLOCK_RUN = 256 };

// Conversions that begin or end in blocks, by way of f32: elements [begin, end), whole blocks.
static void cast_blocks(const QKCall *c, int64_t begin, int64_t end) {
    _Alignas(64) float own[BLOCK_RUN];
    int64_t to = c->n[1], from = c->n[2];
    for (int64_t i = begin; i < end; i += BLOCK_RUN) {
        int64_t count = end - i < BLOCK_RUN ? end - i : BLOCK_RUN;
        float *run = to == QK_F32 ? (float *)c->p[0] + i : own;
        if (from >= QK_BLOCKS) from_blocks(from, (const Byte *)c->p[1] + i / qk_block_length(from) * qk_block_bytes(from), run, count);
        else if (from == QK_F32) run = (float *)c->p[1] + i;
        else for (int64_t j = 0; j < count; j += W) store_n(run + j, count - j, load_as((int)from, c->p[1], i + j, count - j));
        if (to >= QK_BLOCKS) to_blocks(to, run, (Byte *)c->p[0] + i / qk_block_length(to) * qk_block_bytes(to), count);
        else if (to != QK_F32) for (int64_t j = 0; j < count; j += W) store_as((int)to, c->p[0], i + j, count - j, load_n(run + j, count - j));
    }
}
#pragma clang diagnostic pop
#endif
