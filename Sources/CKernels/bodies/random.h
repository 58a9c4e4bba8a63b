// Counter-based random numbers: Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011).
// Key: the seed. Counter: (index / 4, stream). Word index % 4 of that block belongs to the element.
#ifndef QUINTET_RANDOM_H
#define QUINTET_RANDOM_H
#include "math.h"

typedef uint64_t vu64 __attribute__((ext_vector_type(QK_W / 2)));

// Both halves of the 64-bit products of the lanes with a constant, from the even and the odd lanes.
QK_INLINE vu multiply_wide(vu a, uint64_t factor, vu *high) {
    vu64 even = ((vu64)a & 0xffffffff) * factor, odd = ((vu64)a >> 32) * factor;
    *high = (vu)((even >> 32) | (odd & 0xffffffff00000000));
    return (vu)((even & 0xffffffff) | (odd << 32));
}

// Words of W counters from `block`.
QK_INLINE void philox(uint64_t block, uint64_t stream, uint64_t seed, vu words[4]) {
    vu c0, c1, c2 = (vu)((uint32_t)stream), c3 = (vu)((uint32_t)(stream >> 32));
    for (int i = 0; i < W; i++) c0[i] = (uint32_t)(block + (uint64_t)i), c1[i] = (uint32_t)((block + (uint64_t)i) >> 32);
    uint32_t k0 = (uint32_t)seed, k1 = (uint32_t)(seed >> 32);
    for (int round = 0; round < 10; round++, k0 += 0x9e3779b9, k1 += 0xbb67ae85) {
        vu high0, high1, low0 = multiply_wide(c0, 0xd2511f53, &high0), low1 = multiply_wide(c2, 0xcd9e8d57, &high1);
        c0 = high1 ^ c1 ^ k0;
        c2 = high0 ^ c3 ^ k1;
        c1 = low1;
        c3 = low0;
    }
    words[0] = c0, words[1] = c1, words[2] = c2, words[3] = c3;
}

// Four vectors, one per word, into 4 * W consecutive elements.
QK_INLINE void interleave(const vf v[4], float *out) {
    vf a = QK_ZIP_LOW(v[0], v[2]), b = QK_ZIP_LOW(v[1], v[3]), c = QK_ZIP_HIGH(v[0], v[2]), d = QK_ZIP_HIGH(v[1], v[3]);
    store(out, QK_ZIP_LOW(a, b));
    store(out + W, QK_ZIP_HIGH(a, b));
    store(out + 2 * W, QK_ZIP_LOW(c, d));
    store(out + 3 * W, QK_ZIP_HIGH(c, d));
}

// 24 random bits as a multiple of 2^-24 in [0, 1).
QK_INLINE vf unit_interval(vu word) { return __builtin_convertvector((vi)(word >> 8), vf) * 0x1p-24f; }

// Box and Muller: a radius from one word, in (0, 1] so that its logarithm is finite, and an angle from the next.
QK_INLINE void normal_pair(vu first, vu second, float mean, float deviation, vf *a, vf *b) {
    vf radius = deviation * sqrt_(-2.0f * log_(unit_interval(first) + 0x1p-24f)), sine, cosine;
    sine_cosine_turns(unit_interval(second), &sine, &cosine);
    *a = fma_(radius, cosine, splat(mean));
    *b = fma_(radius, sine, splat(mean));
}

QK_INLINE void random_block(const QKCall *c, uint64_t block, float *out) {
    vu w[4];
    vf v[4];
    philox(block, (uint64_t)c->n[3], (uint64_t)c->n[2], w);
    if (c->kind == 0) {
        normal_pair(w[0], w[1], c->s[0], c->s[1], &v[0], &v[1]);
        normal_pair(w[2], w[3], c->s[0], c->s[1], &v[2], &v[3]);
    } else if (c->kind == 1) {
        // Rounding must not reach the open end.
        float below = c->s[1] > c->s[0] ? __builtin_nextafterf(c->s[1], c->s[0]) : c->s[0];
        for (int i = 0; i < 4; i++) v[i] = min_(fma_(unit_interval(w[i]), splat(c->s[1] - c->s[0]), splat(c->s[0])), splat(below));
    } else {
        for (int i = 0; i < 4; i++) v[i] = (vf)w[i];
    }
    interleave(v, out);
}

// Elements [begin, end) of the call lie at [n1 + begin, n1 + end) of the sequence: blocks of 4 * W, the first and last of them cut.
#define QK_EACH_RANDOM_BLOCK(block, skip, count, at, begin, end)                                                                  \
    for (int64_t at = (begin), skip, count, block; at < (end) && (block = (c->n[1] + at) >> 2, skip = (c->n[1] + at) & 3,         \
             count = 4 * W - skip < (end) - at ? 4 * W - skip : (end) - at, true); at += count)

static void body_random(const QKCall *c, int64_t begin, int64_t end) {
    float *out = c->p[0], values[4 * W];
    QK_EACH_RANDOM_BLOCK(block, skip, count, at, begin, end) {
        bool whole = count == 4 * W;
        random_block(c, (uint64_t)block, whole ? out + at : values);
        if (!whole) memcpy(out + at, values + skip, (size_t)count * 4);
    }
}

// 4 * W consecutive numbers in [0, 1), from the first of a block.
QK_INLINE void draw_units(uint64_t block, uint64_t stream, uint64_t seed, float *out) {
    vu w[4];
    vf v[4];
    philox(block, stream, seed, w);
    for (int i = 0; i < 4; i++) v[i] = unit_interval(w[i]);
    interleave(v, out);
}

static void body_dropout(const QKCall *c, int64_t begin, int64_t end) {
    const float *x = c->p[1];
    float *out = c->p[0], values[4 * W], p = c->s[0], scale = p < 1 ? 1 / (1 - p) : 0;
    QK_EACH_RANDOM_BLOCK(block, skip, count, at, begin, end) {
        draw_units((uint64_t)block, (uint64_t)c->n[3], (uint64_t)c->n[2], values);
#define STEP(i, lanes)                                                                              \
        vf u = load_n(values + skip + i, lanes);                                                    \
        store_n(out + at + i, lanes, pick(u >= p, load_n(x + at + i, lanes) * scale, splat(0)))
        QK_EACH_VECTOR(i, count, STEP);
#undef STEP
    }
}
#endif
