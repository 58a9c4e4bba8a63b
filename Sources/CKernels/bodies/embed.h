// Embedding rows and rotary positions.
#ifndef QUINTET_EMBED_H
#define QUINTET_EMBED_H
#include "blocks.h"

QK_INLINE void embed_row(int type, float *out, const void *table, int64_t start, float scale, bool add, int64_t cols) {
#define STEP(i, lanes)                                                                              \
    vf v = scale * load_as(type, table, start + i, lanes);                                          \
    store_n(out + i, lanes, add ? load_n(out + i, lanes) + v : v)
    QK_EACH_VECTOR(i, cols, STEP);
#undef STEP
}

static void embed_blocks(int64_t type, float *out, const void *table, int64_t start, float scale, bool add, int64_t cols) {
    _Alignas(64) float run[256];
    for (int64_t i = 0; i < cols; i += 256) {
        int64_t count = cols - i < 256 ? cols - i : 256;
        from_blocks(type, (const Byte *)table + (start + i) / qk_block_length(type) * qk_block_bytes(type), run, count);
        embed_row(QK_F32, out + i, run, 0, scale, add, count);
    }
}

static void body_embed(const QKCall *c, int64_t begin, int64_t end) {
    const int32_t *ids = c->p[2];
    int64_t cols = c->n[1];
    bool add = c->n[4] == 1;
    for (int64_t r = begin; r < end; r++) {
        float *out = (float *)c->p[0] + r * cols;
        int64_t id = ids[r] + c->n[5];
        if (id < 0 || id >= c->n[2]) {
            if (!add) memset(out, 0, (size_t)cols * 4);
            continue;
        }
        switch (c->n[3]) {
#define CASE(type) case type: embed_row(type, out, c->p[1], id * cols, c->s[0], add, cols); break;
            CASE(QK_F32) CASE(QK_F16) CASE(QK_BF16)
#undef CASE
        default: embed_blocks(c->n[3], out, c->p[1], ids[r] * cols, c->s[0], add, cols);
        }
    }
}

// Blocks of columns, so that rows with the same id are added in order whatever the threads.
static void body_embed_grad(const QKCall *c, int64_t begin, int64_t end) {
    const int32_t *ids = c->p[2];
    int64_t cols = c->n[1], from = begin * QK_COLUMNS, stop = end * QK_COLUMNS < cols ? end * QK_COLUMNS : cols;
    vf scale = splat(c->s[0]);
    for (int64_t r = 0; r < c->n[0]; r++) {
        int64_t id = ids[r] + c->n[5];
        if (id < 0 || id >= c->n[2]) continue;
        float *out = (float *)c->p[0] + id * cols + from;
        const float *dy = (const float *)c->p[1] + r * cols + from;
#define STEP(i, lanes) store_n(out + i, lanes, fma_(scale, load_n(dy + i, lanes), load_n(out + i, lanes)))
        QK_EACH_VECTOR(i, stop - from, STEP);
#undef STEP
    }
}

// (a, b) -> (a cos - b sin, b cos + a sin)
QK_INLINE void rope_halves(float *out, const float *x, const float *table, int64_t half, float sign) {
#define STEP(i, lanes)                                                                              \
    vf a = load_n(x + i, lanes), b = load_n(x + half + i, lanes);                                   \
    vf cosine = load_n(table + i, lanes), sine = sign * load_n(table + half + i, lanes);            \
    store_n(out + i, lanes, fma_(a, cosine, -(b * sine)));                                          \
    store_n(out + half + i, lanes, fma_(b, cosine, a * sine))
    QK_EACH_VECTOR(i, half, STEP);
#undef STEP
}

static void rope_interleaved(float *out, const float *x, const float *table, int64_t half, float sign) {
    for (int64_t i = 0; i < half; i++) {
        float a = x[2 * i], b = x[2 * i + 1], cosine = table[i], sine = sign * table[half + i];
        out[2 * i] = __builtin_fmaf(a, cosine, -(b * sine));
        out[2 * i + 1] = __builtin_fmaf(b, cosine, a * sine);
    }
}

static void body_rope(const QKCall *c, int64_t begin, int64_t end) {
    const int32_t *positions = c->p[3];
    int64_t width = c->n[2], rotary = c->n[3];
    for (int64_t r = begin; r < end; r++) {
        const float *table = (const float *)c->p[2] + positions[r] * rotary;
        for (int64_t head = 0; head < c->n[1]; head++) {
            const float *x = (const float *)c->p[1] + r * c->n[4] + head * width;
            float *out = (float *)c->p[0] + r * c->n[5] + head * width;
            if (c->kind == 0) rope_halves(out, x, table, rotary / 2, c->s[0]);
            else rope_interleaved(out, x, table, rotary / 2, c->s[0]);
            if (out != x && rotary < width) memcpy(out + rotary, x + rotary, (size_t)(width - rotary) * 4);
        }
    }
}
#endif
