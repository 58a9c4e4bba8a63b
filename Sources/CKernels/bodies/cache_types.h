// Cache pages in fewer bits than f32, written a position at a time, unpacked a page at a time. As in f32 a page of keys is [width][PAGE] and one of values
// [PAGE][width]; q8_0 has bytes in their place and behind them f16 scales, one for each 32 of a position's numbers (the last may be fewer):
// [width / 32][PAGE] for keys, [PAGE][width / 32] for values.
#ifndef QUINTET_CACHE_TYPES_H
#define QUINTET_CACHE_TYPES_H
#include "copy.h"
#include "tile.h"

enum { CACHE_RUN = 32 };

static int64_t cache_runs(int64_t width) { return (width + CACHE_RUN - 1) / CACHE_RUN; }

static void halves_to_floats(const uint8_t *from, float *to, int64_t count) {
    const uint16_t *halves = (const uint16_t *)from;
    for (int64_t i = 0; i < count; i += W) store_n(to + i, count - i, from_f16(load_lanes_16(halves + i, count - i)));
}
static void unpack_half_page(const uint8_t *from, float *to, int64_t width) { halves_to_floats(from, to, width * PAGE); }
static void append_half(uint8_t *k, uint8_t *v, int64_t slot, int64_t width, const float *key, const float *value) {
    uint16_t *keys = (uint16_t *)k + slot, *values = (uint16_t *)v + slot * width;
    for (int64_t i = 0; i < width; i += W) {
        int64_t lanes = width - i < W ? width - i : W;
        vu16 column = to_f16(load_n(key + i, lanes));
        for (int64_t j = 0; j < lanes; j++) keys[(i + j) * PAGE] = column[j];
        store_lanes_16(values + i, lanes, to_f16(load_n(value + i, lanes)));
    }
}

QK_INLINE float cache_scale(const uint8_t *p, int64_t i) { return (float)((const _Float16 *)p)[i]; }

static void unpack_byte_keys(const uint8_t *from, float *to, int64_t width) {
    float scales[PAGE];
    for (int64_t d = 0; d < width; d++) {
        if (d % CACHE_RUN == 0) halves_to_floats(from + width * PAGE + d / CACHE_RUN * PAGE * 2, scales, PAGE);
        for (int64_t i = 0; i < PAGE; i++) to[d * PAGE + i] = (float)(int8_t)from[d * PAGE + i] * scales[i];
    }
}
static void unpack_byte_values(const uint8_t *from, float *to, int64_t width) {
    const uint8_t *scales = from + width * PAGE;
    int64_t runs = cache_runs(width);
    for (int64_t i = 0; i < PAGE; i++) {
        for (int64_t d = 0; d < width; d += CACHE_RUN) {
            float scale = cache_scale(scales, i * runs + d / CACHE_RUN);
            const int8_t *q = (const int8_t *)from + i * width + d;
            float *out = to + i * width + d;
            if (d + CACHE_RUN <= width) for (int64_t j = 0; j < CACHE_RUN; j++) out[j] = (float)q[j] * scale;
            else for (int64_t j = 0; j < width - d; j++) out[j] = (float)q[j] * scale;
        }
    }
}

// A run of up to 32 as bytes `stride` apart; the scale as it is stored.
static void put_bytes(const float *x, int64_t count, int8_t *q, int64_t stride, _Float16 *scale) {
    float most = 0;
    for (int64_t i = 0; i < count; i++) most = __builtin_fabsf(x[i]) > most ? __builtin_fabsf(x[i]) : most;
    *scale = (_Float16)(most / 127);
    float inverse = (float)*scale > 0 ? 1 / (float)*scale : 0;
    for (int64_t i = 0; i < count; i++) {
        float v = __builtin_roundevenf(x[i] * inverse);
        q[i * stride] = (int8_t)(v > -127 ? v < 127 ? v : 127 : -127);
    }
}
static void append_bytes(uint8_t *k, uint8_t *v, int64_t slot, int64_t width, const float *key, const float *value) {
    _Float16 *k_scales = (_Float16 *)(k + width * PAGE), *v_scales = (_Float16 *)(v + width * PAGE);
    for (int64_t d = 0, run = 0; d < width; d += CACHE_RUN, run++) {
        int64_t count = width - d < CACHE_RUN ? width - d : CACHE_RUN;
        put_bytes(key + d, count, (int8_t *)k + d * PAGE + slot, PAGE, k_scales + run * PAGE + slot);
        put_bytes(value + d, count, (int8_t *)v + slot * width + d, 1, v_scales + slot * cache_runs(width) + run);
    }
}
#endif
