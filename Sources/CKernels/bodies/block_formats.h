// Codes, scales and minimums of every block format out of a panel, LANES rows of weights at once, and what a block adds to the chains.
// Included once per instruction set, inside its target attribute. The including file sets LANES (16 or 8) and then has
//   dot(sum, w, q, from, to, top): sum + codes of w[from ..< to] (at most `top` each) times the bytes of q; codes of 128 and more are signed ones plus 128
//   look_up(table, w): every byte of w (0 ... 15) replaced by the table's.
// and whether its dot takes those plus-128 codes as they are (PLUS_128: then what they are too large by goes off first).

#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("clang loop unroll(full)")

INLINE vi word(const uint8_t *p, int64_t i) { return *(const vi_any *)(p + i * 64); }
INLINE vi all(int32_t x) { return (vi)(x); }
INLINE vf all_f(float x) { return (vf)(x); }
INLINE vi down(vi x, int by) { return (vi)((vu)x >> (uint32_t)by); }
INLINE vi shift(vi x, int by) { return by >= 0 ? x << by : down(x, -by); }
INLINE vi low4(vi x) { return x & 0x0f0f0f0f; }
INLINE vi high4(vi x) { return low4(down(x, 4)); }
INLINE vi with_bits(vi x, vi y, int32_t mask) { return x | (y & mask); }
INLINE vf to_float(vi x) { return __builtin_convertvector(x, vf); }
INLINE vf halves(const uint8_t *p) { return __builtin_convertvector(*(const vh_any *)p, vf); }
INLINE vf low_half(vi x) { return __builtin_convertvector((vh)__builtin_convertvector((vu)x, vus), vf); }
INLINE vf high_half(vi x) { return low_half(down(x, 16)); }
// Byte i of every lane, as a number without and with sign.
INLINE vi byte_of(vi x, int i) { return down(x, 8 * i) & 255; }
INLINE vi signed_byte_of(vi x, int i) { return (x << (24 - 8 * i)) >> 24; }

// MARK: What 32 codes add for some rows of activations (w[g]: codes 4g ... 4g + 3 of every row of weights)

// d * (codes - offset)
INLINE void add_scaled(int rows, vf *sum, const vi *w, vf d, int offset, int top, const QKActivations *a, int64_t b) {
    UNROLL for (int r = 0; r < rows; r++) {
        int64_t at = b * rows + r;
        vi s = top < 128 || PLUS_128 ? all(a->sums[4 * at + 2]) * -offset : all(0);
        s = dot(s, w, a->q + at * QK_RUN, 0, 8, top);
        sum[r] = __builtin_elementwise_fma(to_float(s), d * all_f(a->scale[at]), sum[r]);
    }
}
// d * codes + m
INLINE void add_shifted(int rows, vf *sum, const vi *w, vf d, vf m, int top, const QKActivations *a, int64_t b) {
    UNROLL for (int r = 0; r < rows; r++) {
        int64_t at = b * rows + r;
        vi s = dot(all(0), w, a->q + at * QK_RUN, 0, 8, top);
        sum[r] = __builtin_elementwise_fma(to_float(s), d * all_f(a->scale[at]), sum[r]);
        sum[r] = __builtin_elementwise_fma(m, all_f(a->shift[at]), sum[r]);
    }
}
// d * s * (codes - offset), a whole number s for each half
INLINE void add_halves(int rows, vf *sum, const vi *w, vf d, vi s0, vi s1, int offset, int top, const QKActivations *a, int64_t b) {
    UNROLL for (int r = 0; r < rows; r++) {
        int64_t at = b * rows + r;
        vi x = dot(all(a->sums[4 * at]) * -offset, w, a->q + at * QK_RUN, 0, 4, top);
        vi y = dot(all(a->sums[4 * at + 1]) * -offset, w, a->q + at * QK_RUN, 4, 8, top);
        sum[r] = __builtin_elementwise_fma(to_float(x * s0 + y * s1), d * all_f(a->scale[at]), sum[r]);
    }
}
// d * s * codes - dmin * m, whole numbers s and m for each half
INLINE void add_halves_shifted(int rows, vf *sum, const vi *w, vf d, vf dmin, const vi *s, const vi *m, const QKActivations *a, int64_t b) {
    UNROLL for (int r = 0; r < rows; r++) {
        int64_t at = b * rows + r;
        vi x = dot(all(0), w, a->q + at * QK_RUN, 0, 4, 3), y = dot(all(0), w, a->q + at * QK_RUN, 4, 8, 3);
        vi least = all(a->sums[4 * at]) * m[0] + all(a->sums[4 * at + 1]) * m[1];
        sum[r] = __builtin_elementwise_fma(to_float(x * s[0] + y * s[1]), d * all_f(a->scale[at]), sum[r]);
        sum[r] = __builtin_elementwise_fma(-to_float(least), dmin * all_f(a->scale[at]), sum[r]);
    }
}

// MARK: Formats

// Panels are read once from front to back by few rows: what comes is asked for early into level 2, a little at a time (level 1 has too few
// lines under way for a whole core's share of memory).
enum { AHEAD = 4096 };
INLINE void fetch(int rows, const uint8_t *p, int bytes) {
    if (rows <= 2) UNROLL for (int i = 0; i < bytes; i += 64) __builtin_prefetch(p + AHEAD + i, 0, 2);
}

INLINE void nibble_codes(const uint8_t *p, vi *w) {
    UNROLL for (int g = 0; g < 4; g++) {
        vi x = word(p, g);
        w[g] = low4(x), w[g + 4] = high4(x);
    }
}
INLINE void fifth_bits(vi bits, vi *w) {
    UNROLL for (int g = 0; g < 8; g++) w[g] = with_bits(w[g], shift(bits, 4 - g), 0x10101010);
}
INLINE void looked_up(vi *w, const int8_t *values, int offset) {
    uint8_t table[16];
    UNROLL for (int i = 0; i < 16; i++) table[i] = (uint8_t)(values[i] + offset);
    UNROLL for (int g = 0; g < 8; g++) w[g] = look_up(table, w[g]);
}

INLINE void run_q8_0(int rows, const QKBlockTile *t, int64_t b, vf *sum) {
    vi w[8];
    UNROLL for (int g = 0; g < 8; g++) w[g] = word(t->words, b * 8 + g);
    add_scaled(rows, sum, w, halves(t->heads + b * 32), 128, 255, t->a, b);
}
INLINE void run_q4_0(int rows, const QKBlockTile *t, int64_t b, vf *sum) {
    vi w[8];
    nibble_codes(t->words + b * 256, w);
    add_scaled(rows, sum, w, halves(t->heads + b * 32), 8, 15, t->a, b);
}
INLINE void run_q5_0(int rows, const QKBlockTile *t, int64_t b, vf *sum) {
    vi w[8];
    nibble_codes(t->words + b * 320 + 64, w);
    fifth_bits(word(t->words + b * 320, 0), w);
    add_scaled(rows, sum, w, halves(t->heads + b * 32), 16, 31, t->a, b);
}
INLINE void run_q4_1(int rows, const QKBlockTile *t, int64_t b, vf *sum) {
    vi w[8], scales = word(t->words + b * 320, 0);
    nibble_codes(t->words + b * 320 + 64, w);
    add_shifted(rows, sum, w, low_half(scales), high_half(scales), 15, t->a, b);
}
INLINE void run_q5_1(int rows, const QKBlockTile *t, int64_t b, vf *sum) {
    vi w[8], scales = word(t->words + b * 384, 0);
    nibble_codes(t->words + b * 384 + 128, w);
    fifth_bits(word(t->words + b * 384, 1), w);
    add_shifted(rows, sum, w, low_half(scales), high_half(scales), 31, t->a, b);
}
INLINE void run_iq4_nl(int rows, const QKBlockTile *t, int64_t b, vf *sum) {
    vi w[8];
    nibble_codes(t->words + b * 256, w);
    looked_up(w, qk_iq4_values, 128);
    add_scaled(rows, sum, w, halves(t->heads + b * 32), 128, 255, t->a, b);
}
// 2^(e - 128); below 2^-126 there is no exponent to put it into.
INLINE vf half_powers(const uint8_t *p) {
    vi e = __builtin_convertvector(*(const vb_any *)p, vi);
    vi tiny = e == 0 ? all(0x200000) : all(0x400000);
    return (vf)(e < 2 ? tiny : (e - 1) << 23);
}
INLINE void run_mxfp4(int rows, const QKBlockTile *t, int64_t b, vf *sum) {
    vi w[8];
    nibble_codes(t->words + b * 256, w);
    looked_up(w, qk_mxfp4_values, 12);
    add_scaled(rows, sum, w, half_powers(t->heads + b * 16), 12, 24, t->a, b);
}

// Six-bit scales and minimums of eight, four to a vector of words.
INLINE void scales_mins(const uint8_t *p, vi *scales, vi *mins) {
    vi a = word(p, 0), b = word(p, 1), c = word(p, 2);
    scales[0] = a & 0x3f3f3f3f, mins[0] = b & 0x3f3f3f3f;
    scales[1] = with_bits(low4(c), down(a, 2), 0x30303030);
    mins[1] = with_bits(high4(c), down(b, 2), 0x30303030);
}
INLINE void run_q45_k(int rows, int five, const QKBlockTile *t, int64_t b, vf *sum) {
    const uint8_t *p = t->words + b * (five ? 44 : 36) * 64, *codes = p + (five ? 12 : 4) * 64;
    vi first = word(p, 0), scales[2], mins[2];
    vf d = low_half(first), dmin = all_f(0) - high_half(first);
    scales_mins(p + 64, scales, mins);
    for (int pair = 0; pair < 4; pair++) {
        vi scale = down(pair < 2 ? scales[0] : scales[1], 16 * (pair % 2)), min = down(pair < 2 ? mins[0] : mins[1], 16 * (pair % 2));
        fetch(rows, p + pair * (five ? 11 : 9) * 64, (five ? 11 : 9) * 64);
        UNROLL for (int high = 0; high < 2; high++) {
            vi w[8];
            UNROLL for (int g = 0; g < 8; g++) {
                vi x = word(codes, 8 * pair + g);
                w[g] = high ? high4(x) : low4(x);
                if (five) w[g] = with_bits(w[g], down(word(p, 4 + g), 2 * pair + high) << 4, 0x10101010);
            }
            add_shifted(rows, sum, w, d * to_float(byte_of(scale, high)), dmin * to_float(byte_of(min, high)), five ? 31 : 15, t->a, b * 8 + 2 * pair + high);
        }
    }
}
INLINE void run_q4_k(int rows, const QKBlockTile *t, int64_t b, vf *sum) { run_q45_k(rows, 0, t, b, sum); }
INLINE void run_q5_k(int rows, const QKBlockTile *t, int64_t b, vf *sum) { run_q45_k(rows, 1, t, b, sum); }

INLINE void run_q6_k(int rows, const QKBlockTile *t, int64_t b, vf *sum) {
    const uint8_t *p = t->words + b * 52 * 64;
    vf d = halves(t->heads + b * 32);
    for (int half = 0; half < 2; half++)
        UNROLL for (int s = 0; s < 4; s++) {
            vi w[8], scales = word(p, 48 + 2 * half + s / 2);
            fetch(rows, p + (4 * half + s) * 416, 416);
            UNROLL for (int g = 0; g < 8; g++) {
                vi low = word(p, 16 * half + 8 * (s % 2) + g);
                w[g] = with_bits(s < 2 ? low4(low) : high4(low), shift(word(p, 32 + 8 * half + g), 4 - 2 * s), 0x30303030);
            }
            vi s0 = signed_byte_of(scales, 2 * (s % 2)), s1 = signed_byte_of(scales, 2 * (s % 2) + 1);
            add_halves(rows, sum, w, d, s0, s1, 32, 63, t->a, b * 8 + half * 4 + s);
        }
}
INLINE void run_q3_k(int rows, const QKBlockTile *t, int64_t b, vf *sum) {
    const uint8_t *p = t->words + b * 27 * 64;
    vf d = halves(t->heads + b * 32);
    vi first = word(p, 24), second = word(p, 25), high = word(p, 26), scales[4];
    scales[0] = with_bits(low4(first), high << 4, 0x30303030);
    scales[1] = with_bits(low4(second), high << 2, 0x30303030);
    scales[2] = with_bits(high4(first), high, 0x30303030);
    scales[3] = with_bits(high4(second), down(high, 2), 0x30303030);
    for (int half = 0; half < 2; half++)
        UNROLL for (int s = 0; s < 4; s++) {
            vi w[8], group = half ? scales[2 + s / 2] : scales[s / 2];
            fetch(rows, p + (4 * half + s) * 216, 216);
            UNROLL for (int g = 0; g < 8; g++)
                w[g] = with_bits(down(word(p, 8 + 8 * half + g), 2 * s) & 0x03030303, down(word(p, g), 4 * half + s) << 2, 0x04040404);
            vi s0 = byte_of(group, 2 * (s % 2)) - 32, s1 = byte_of(group, 2 * (s % 2) + 1) - 32;
            add_halves(rows, sum, w, d, s0, s1, 4, 7, t->a, b * 8 + half * 4 + s);
        }
}
INLINE void run_q2_k(int rows, const QKBlockTile *t, int64_t b, vf *sum) {
    const uint8_t *p = t->words + b * 21 * 64;
    vi last = word(p, 20);
    vf d = low_half(last), dmin = high_half(last);
    for (int half = 0; half < 2; half++)
        UNROLL for (int s = 0; s < 4; s++) {
            vi w[8], group = word(p, 2 * half + s / 2), scales[2], mins[2];
            fetch(rows, p + (4 * half + s) * 168, 168);
            UNROLL for (int g = 0; g < 8; g++) w[g] = down(word(p, 4 + 8 * half + g), 2 * s) & 0x03030303;
            UNROLL for (int i = 0; i < 2; i++) {
                vi both = byte_of(group, 2 * (s % 2) + i);
                scales[i] = both & 15, mins[i] = down(both, 4);
            }
            add_halves_shifted(rows, sum, w, d, dmin, scales, mins, t->a, b * 8 + half * 4 + s);
        }
}
INLINE void run_iq4_xs(int rows, const QKBlockTile *t, int64_t b, vf *sum) {
    const uint8_t *p = t->words + b * 34 * 64;
    vi first = word(p, 0), low = word(p, 1);
    vf d = low_half(first);
    for (int s = 0; s < 8; s++) {
        vi w[8], scale = (down(low, 4 * s) & 15) | (down(first, 16 + 2 * s) & 3) << 4;
        fetch(rows, p + s * 272, 272);
        nibble_codes(p + (2 + 4 * s) * 64, w);
        looked_up(w, qk_iq4_values, 128);
        add_scaled(rows, sum, w, d * to_float(scale - 32), 128, 255, t->a, b * 8 + s);
    }
}

// MARK: Tiles

#define EACH_FORMAT(f) \
    f(q4_0, 256, QK_Q4_0) f(q4_1, 320, QK_Q4_1) f(q5_0, 320, QK_Q5_0) f(q5_1, 384, QK_Q5_1) f(q8_0, 512, QK_Q8_0) f(q2_k, 1344, QK_Q2_K) f(q3_k, 1728, QK_Q3_K) \
    f(q4_k, 2304, QK_Q4_K) f(q5_k, 2816, QK_Q5_K) f(q6_k, 3328, QK_Q6_K) f(iq4_nl, 256, QK_IQ4_NL) f(iq4_xs, 2176, QK_IQ4_XS) f(mxfp4, 256, QK_MXFP4)

enum { PARTS = QK_PANEL / LANES };

#define TILE(name, rows, block_bytes, type)                                                                             \
    static void tile_##name##_##rows(const QKBlockTile *t) {                                                            \
        vf sum[PARTS][rows];                                                                                            \
        QKBlockTile part[PARTS];                                                                                        \
        UNROLL for (int h = 0; h < PARTS; h++) {                                                                        \
            UNROLL for (int r = 0; r < rows; r++) sum[h][r] = all_f(0);                                                 \
            part[h] = *t, part[h].words += 4 * LANES * h, part[h].heads += LANES * h * (type == QK_MXFP4 ? 1 : 2);      \
        }                                                                                                               \
        for (int64_t b = 0; b < t->blocks; b++) {                                                                       \
            if ((block_bytes) <= 512) fetch(rows, t->words + b * (block_bytes), block_bytes);                           \
            UNROLL for (int h = 0; h < PARTS; h++) run_##name(rows, part + h, b, sum[h]);                               \
        }                                                                                                               \
        UNROLL for (int r = 0; r < rows; r++)                                                                           \
            UNROLL for (int h = 0; h < PARTS; h++) *(vf_any *)(t->tile + r * QK_PANEL + h * LANES) = sum[h][r];         \
    }
