// Block formats, one element at a time: its code, its scale and its minimum, each found by the element's place in the block.
#ifndef QUINTET_SCALAR_BLOCKS_H
#define QUINTET_SCALAR_BLOCKS_H
#include "../block_tables.h"
#include "numbers.h"

static float half_in(const uint8_t *b, int at) { return from_half((uint16_t)(b[at] | b[at + 1] << 8)); }

// Six bits, four to three bytes in the manner of q4_K: number i of the scales (or, with `second`, of the minimums).
static int six_bits(const uint8_t *s, int i, int second) {
    if (i < 4) return s[i + 4 * second] & 63;
    return (s[i + 4] >> 4 * second & 15) | (s[i - 4 + 4 * second] >> 6) << 4;
}

static int nibble(const uint8_t *q, int i, int half) { return q[i % half] >> 4 * (i / half) & 15; }

static float from_k_block(int64_t type, const uint8_t *b, int i) {
    int s = i / 32, t = i / 16, half = i / 128, code, scale;
    switch (type) {
    case QK_Q2_K:
        code = b[16 + 32 * half + i % 32] >> i % 128 / 32 * 2 & 3;
        return half_in(b, 80) * (float)(b[t] & 15) * (float)code - half_in(b, 82) * (float)(b[t] >> 4);
    case QK_Q3_K:
        code = (b[32 + 32 * half + i % 32] >> i % 128 / 32 * 2 & 3) | (b[i % 32] >> s & 1) << 2;
        scale = (b[96 + t % 8] >> t / 8 * 4 & 15) | (b[104 + t % 4] >> t / 4 * 2 & 3) << 4;
        return half_in(b, 108) * (float)(scale - 32) * (float)(code - 4);
    case QK_Q4_K: case QK_Q5_K:
        code = b[(type == QK_Q4_K ? 16 : 48) + i / 64 * 32 + i % 32] >> s % 2 * 4 & 15;
        if (type == QK_Q5_K) code |= (b[16 + i % 32] >> s & 1) << 4;
        return half_in(b, 0) * (float)six_bits(b + 4, s, 0) * (float)code - half_in(b, 2) * (float)six_bits(b + 4, s, 1);
    case QK_Q6_K:
        code = (b[64 * half + i % 64] >> i % 128 / 64 * 4 & 15) | (b[128 + 32 * half + i % 32] >> i % 128 / 32 * 2 & 3) << 4;
        return half_in(b, 208) * (float)(int8_t)b[192 + t] * (float)(code - 32);
    default:
        scale = (b[4 + s / 2] >> s % 2 * 4 & 15) | ((b[2] | b[3] << 8) >> 2 * s & 3) << 4;
        return half_in(b, 0) * (float)(scale - 32) * (float)qk_iq4_values[nibble(b + 8 + 16 * s, i % 32, 16)];
    }
}

// Element i of a block.
static float from_block(int64_t type, const uint8_t *b, int i) {
    switch (type) {
    case QK_Q4_0: return half_in(b, 0) * (float)(nibble(b + 2, i, 16) - 8);
    case QK_Q4_1: return half_in(b, 0) * (float)nibble(b + 4, i, 16) + half_in(b, 2);
    case QK_Q5_0: return half_in(b, 0) * (float)((nibble(b + 6, i, 16) | (b[2 + i / 8] >> i % 8 & 1) << 4) - 16);
    case QK_Q5_1: return half_in(b, 0) * (float)(nibble(b + 8, i, 16) | (b[4 + i / 8] >> i % 8 & 1) << 4) + half_in(b, 2);
    case QK_Q8_0: return half_in(b, 0) * (float)(int8_t)b[2 + i];
    case QK_IQ4_NL: return half_in(b, 0) * (float)qk_iq4_values[nibble(b + 2, i, 16)];
    case QK_MXFP4: return ldexpf((float)qk_mxfp4_values[nibble(b + 1, i, 16)], b[0] - 128);
    default: return from_k_block(type, b, i);
    }
}

// Element i of a row of blocks.
static float element_of(int64_t type, const void *blocks, int64_t i) {
    int64_t length = qk_block_length(type);
    return from_block(type, (const uint8_t *)blocks + i / length * qk_block_bytes(type), (int)(i % length));
}
#endif
