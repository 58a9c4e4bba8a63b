// From block formats to f32, a block at a time, by the formats' definitions: products and differences rounded one by one, as the reference has them.
// Names are GGML's: d scale, m or dmin minimum, qs low bits, qh high bits. Loops are plain, or over sixteen codes at a time; every instruction set makes
// its own vectors of them.
#ifndef QUINTET_BLOCKS_H
#define QUINTET_BLOCKS_H
#include "../block_tables.h"
#include "copy.h"

typedef uint8_t Byte;

QK_INLINE float half_at(const Byte *p) {
    _Float16 half;
    memcpy(&half, p, 2);
    return (float)half;
}
// 2^(e - 128): half of what the exponent says, because the table's values are doubled.
QK_INLINE float half_power(Byte e) {
    uint32_t bits = e < 2 ? 0x200000u << e : (uint32_t)(e - 1) << 23;
    float value;
    memcpy(&value, &bits, 4);
    return value;
}

// 32 codes of 4 bits in 16 bytes: the low halves come first.
QK_INLINE void nibbles(const Byte *q, Byte *codes, int half) {
    for (int i = 0; i < half; i++) codes[i] = q[i] & 15;
    for (int i = 0; i < half; i++) codes[half + i] = q[i] >> 4;
}

typedef Byte Codes __attribute__((ext_vector_type(16)));
typedef int32_t Integers __attribute__((ext_vector_type(16)));
typedef float Numbers __attribute__((ext_vector_type(16)));

QK_INLINE Codes codes_at(const Byte *p) {
    Codes codes;
    memcpy(&codes, p, 16);
    return codes;
}
QK_INLINE void put_scaled(float *out, float d, Codes codes, int offset) {
    Numbers numbers = d * __builtin_convertvector(__builtin_convertvector(codes, Integers) - offset, Numbers);
    memcpy(out, &numbers, 64);
}
QK_INLINE void put_shifted(float *out, float d, Codes codes, float m) {
    Numbers numbers = d * __builtin_convertvector(__builtin_convertvector(codes, Integers), Numbers) + m;
    memcpy(out, &numbers, 64);
}

QK_INLINE void scaled(float *out, float d, const Byte *codes, int offset, int count) {
    for (int i = 0; i < count; i += 16) put_scaled(out + i, d, codes_at(codes + i), offset);
}
QK_INLINE void shifted(float *out, float d, const Byte *codes, float m, int count) {
    for (int i = 0; i < count; i += 16) put_shifted(out + i, d, codes_at(codes + i), m);
}
QK_INLINE void looked_up(float *out, float d, const Byte *codes, const int8_t *values, int count) {
    for (int i = 0; i < count; i++) out[i] = d * (float)values[codes[i]];
}

QK_INLINE void from_q4_0(const Byte *b, float *out) {
    Codes q = codes_at(b + 2);
    float d = half_at(b);
    put_scaled(out, d, q & 15, 8);
    put_scaled(out + 16, d, q >> 4, 8);
}
QK_INLINE void from_q4_1(const Byte *b, float *out) {
    Codes q = codes_at(b + 4);
    float d = half_at(b), m = half_at(b + 2);
    put_shifted(out, d, q & 15, m);
    put_shifted(out + 16, d, q >> 4, m);
}
QK_INLINE void fifth_bits(const Byte *qh, Byte *codes) {
    uint32_t bits;
    memcpy(&bits, qh, 4);
    for (int i = 0; i < 32; i++) codes[i] |= (Byte)((bits >> i & 1) << 4);
}
QK_INLINE void from_q5_0(const Byte *b, float *out) {
    Byte codes[32];
    nibbles(b + 6, codes, 16);
    fifth_bits(b + 2, codes);
    scaled(out, half_at(b), codes, 16, 32);
}
QK_INLINE void from_q5_1(const Byte *b, float *out) {
    Byte codes[32];
    nibbles(b + 8, codes, 16);
    fifth_bits(b + 4, codes);
    shifted(out, half_at(b), codes, half_at(b + 2), 32);
}
QK_INLINE void from_q8_0(const Byte *b, float *out) {
    float d = half_at(b);
    for (int i = 0; i < 32; i++) out[i] = d * (float)(int8_t)b[2 + i];
}
QK_INLINE void from_mxfp4(const Byte *b, float *out) {
    Byte codes[32];
    nibbles(b + 1, codes, 16);
    looked_up(out, half_power(b[0]), codes, qk_mxfp4_values, 32);
}
QK_INLINE void from_iq4_nl(const Byte *b, float *out) {
    Byte codes[32];
    nibbles(b + 2, codes, 16);
    looked_up(out, half_at(b), codes, qk_iq4_values, 32);
}
// Scales of six bits: four low ones in one byte's halves, two high ones in a word's pairs.
QK_INLINE void from_iq4_xs(const Byte *b, float *out) {
    float d = half_at(b);
    uint32_t high = (uint32_t)b[2] | (uint32_t)b[3] << 8;
    for (int s = 0; s < 8; s++) {
        Byte codes[32];
        int scale = (b[4 + s / 2] >> 4 * (s % 2) & 15) | (int)(high >> 2 * s & 3) << 4;
        nibbles(b + 8 + 16 * s, codes, 16);
        looked_up(out + 32 * s, d * (float)(scale - 32), codes, qk_iq4_values, 32);
    }
}

// Sixteen sixteens: scale in the low half of a byte, minimum in the high one.
QK_INLINE void from_q2_k(const Byte *b, float *out) {
    float d = half_at(b + 80), dmin = half_at(b + 82);
    for (int s = 0; s < 16; s++) {
        const Byte *q = b + 16 + 32 * (s / 8) + 16 * (s % 2);
        float scale = d * (float)(b[s] & 15), m = dmin * (float)(b[s] >> 4);
        for (int i = 0; i < 16; i++) out[16 * s + i] = scale * (float)(q[i] >> (s % 8 / 2 * 2) & 3) - m;
    }
}
QK_INLINE void from_q3_k(const Byte *b, float *out) {
    const Byte *scales = b + 96;
    float d = half_at(b + 108);
    for (int s = 0; s < 16; s++) {
        const Byte *q = b + 32 + 32 * (s / 8) + 16 * (s % 2), *high = b + 16 * (s % 2);
        int six = (s < 8 ? scales[s] & 15 : scales[s - 8] >> 4) | (scales[8 + s % 4] >> (s / 4 * 2) & 3) << 4;
        float scale = d * (float)(six - 32);
        for (int i = 0; i < 16; i++) out[16 * s + i] = scale * (float)((q[i] >> (s % 8 / 2 * 2) & 3) - (high[i] >> s / 2 & 1 ? 0 : 4));
    }
}
// Scale and minimum of one of eight, six bits each: the first four lie plain, the others in their leftovers.
QK_INLINE void scale_min(const Byte *s, int i, int *scale, int *m) {
    *scale = i < 4 ? s[i] & 63 : (s[i + 4] & 15) | s[i - 4] >> 6 << 4;
    *m = i < 4 ? s[i + 4] & 63 : s[i + 4] >> 4 | s[i] >> 6 << 4;
}
QK_INLINE void from_q45_k(const Byte *b, float *out, int five) {
    const Byte *high = b + 16, *low = b + (five ? 48 : 16);
    float d = half_at(b), dmin = half_at(b + 2);
    for (int s = 0; s < 8; s++) {
        const Byte *q = low + 32 * (s / 2);
        int scale, least;
        scale_min(b + 4, s, &scale, &least);
        float factor = d * (float)scale, m = dmin * (float)least;
        for (int i = 0; i < 32; i += 16) {
            Codes code = codes_at(q + i) >> (Byte)(4 * (s % 2)) & 15;
            if (five) code |= (codes_at(high + i) >> (Byte)s & 1) << 4;
            put_shifted(out + 32 * s + i, factor, code, -m);
        }
    }
}
QK_INLINE void from_q4_k(const Byte *b, float *out) { from_q45_k(b, out, 0); }
QK_INLINE void from_q5_k(const Byte *b, float *out) { from_q45_k(b, out, 1); }
QK_INLINE void from_q6_k(const Byte *b, float *out) {
    float d = half_at(b + 208);
    for (int s = 0; s < 16; s++) {
        const Byte *low = b + 64 * (s / 8) + 16 * (s % 4), *high = b + 128 + 32 * (s / 8) + 16 * (s % 2);
        float scale = d * (float)(int8_t)b[192 + s];
        Codes code = (codes_at(low) >> (Byte)(s / 4 % 2 * 4) & 15) | (codes_at(high) >> (Byte)(s / 2 % 4 * 2) & 3) << 4;
        put_scaled(out + 16 * s, scale, code, 32);
    }
}

// `count` elements, whole blocks.
static void from_blocks(int64_t type, const Byte *b, float *out, int64_t count) {
    switch (type) {
#define CASE(type, length, bytes, body) case type: for (; count > 0; count -= length, out += length, b += bytes) body(b, out); break;
        CASE(QK_Q4_0, 32, 18, from_q4_0) CASE(QK_Q4_1, 32, 20, from_q4_1) CASE(QK_Q5_0, 32, 22, from_q5_0) CASE(QK_Q5_1, 32, 24, from_q5_1)
        CASE(QK_Q8_0, 32, 34, from_q8_0) CASE(QK_Q2_K, 256, 84, from_q2_k) CASE(QK_Q3_K, 256, 110, from_q3_k) CASE(QK_Q4_K, 256, 144, from_q4_k)
        CASE(QK_Q5_K, 256, 176, from_q5_k) CASE(QK_Q6_K, 256, 210, from_q6_k) CASE(QK_IQ4_NL, 32, 18, from_iq4_nl) CASE(QK_IQ4_XS, 256, 136, from_iq4_xs)
        CASE(QK_MXFP4, 32, 17, from_mxfp4)
#undef CASE
    }
}
#endif
