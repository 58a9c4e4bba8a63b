// The slow twin of the block formats' products: one row of weights, one row of activations at a time, codes and scales by the formats' definitions.
#include "block_gemm.h"
#include <math.h>
#include <string.h>
#pragma STDC FP_CONTRACT OFF
#include "bodies/activations.h"
#include "scalar/blocks.h"

// Block b of one row of a panel, as it was in the file.
static void block_of(const QKBlockTile *t, int64_t type, int64_t b, int lane, uint8_t *out) {
    QKPanelFormat f = qk_panel_format(type);
    int64_t count = (f.bytes - f.head) / 4;
    memcpy(out + f.head_at, t->heads + (b * QK_PANEL + lane) * f.head, (size_t)f.head);
    for (int64_t w = 0; w < count; w++) {
        uint32_t x;
        memcpy(&x, t->words + ((b * count + w) * QK_PANEL + lane) * 4, 4);
        if (type == QK_Q8_0) x ^= 0x80808080;
        if ((type == QK_Q5_0 && w == 0) || (type == QK_Q5_1 && w == 1)) {
            uint32_t spread = x;
            x = 0;
            for (int j = 0; j < 4; j++)
                for (int g = 0; g < 8; g++) x |= (spread >> (8 * j + g) & 1) << (4 * g + j);
        }
        memcpy(out + (f.head_at ? 0 : f.head) + 4 * w, &x, 4);
    }
}

// What is added for 32 elements: d * whole[0] and, where the format has minimums, m * whole[1] or m itself.
typedef struct { int code[32]; float d, m; int scale[2], least[2]; enum { SCALED, SHIFTED, HALVES, HALVES_SHIFTED } kind; } Run;

static int k_code(int64_t type, const uint8_t *b, int i) {
    int half = i / 128, s = i / 32;
    switch (type) {
    case QK_Q2_K: return b[16 + 32 * half + i % 32] >> i % 128 / 32 * 2 & 3;
    case QK_Q3_K: return ((b[32 + 32 * half + i % 32] >> i % 128 / 32 * 2 & 3) | (b[i % 32] >> s & 1) << 2) - 4;
    case QK_Q4_K: return b[16 + i / 64 * 32 + i % 32] >> s % 2 * 4 & 15;
    case QK_Q5_K: return (b[48 + i / 64 * 32 + i % 32] >> s % 2 * 4 & 15) | (b[16 + i % 32] >> s & 1) << 4;
    default: return ((b[64 * half + i % 64] >> i % 128 / 64 * 4 & 15) | (b[128 + 32 * half + i % 32] >> i % 128 / 32 * 2 & 3) << 4) - 32;
    }
}

static int plain_code(int64_t type, const uint8_t *b, int i) {
    switch (type) {
    case QK_Q4_0: return nibble(b + 2, i, 16) - 8;
    case QK_Q4_1: return nibble(b + 4, i, 16);
    case QK_Q5_0: return (nibble(b + 6, i, 16) | (b[2 + i / 8] >> i % 8 & 1) << 4) - 16;
    case QK_Q5_1: return nibble(b + 8, i, 16) | (b[4 + i / 8] >> i % 8 & 1) << 4;
    case QK_Q8_0: return (int8_t)b[2 + i];
    case QK_IQ4_NL: return qk_iq4_values[nibble(b + 2, i, 16)];
    case QK_IQ4_XS: return qk_iq4_values[nibble(b + 8 + i / 32 * 16, i % 32, 16)];
    case QK_MXFP4: return qk_mxfp4_values[nibble(b + 1, i, 16)];
    default: return k_code(type, b, i);
    }
}

static Run run_of(int64_t type, const uint8_t *b, int s) {
    Run run = {.kind = SCALED};
    for (int i = 0; i < 32; i++) run.code[i] = plain_code(type, b, 32 * s + i);
    for (int h = 0; h < 2; h++) {
        int t = 2 * s + h;
        if (type == QK_Q6_K) run.scale[h] = (int8_t)b[192 + t];
        if (type == QK_Q3_K) run.scale[h] = ((b[96 + t % 8] >> t / 8 * 4 & 15) | (b[104 + t % 4] >> t / 4 * 2 & 3) << 4) - 32;
        if (type == QK_Q2_K) run.scale[h] = b[t] & 15, run.least[h] = b[t] >> 4;
    }
    switch (type) {
    case QK_MXFP4: run.d = ldexpf(1, b[0] - 128); break;
    case QK_IQ4_XS: run.d = half_in(b, 0) * (float)(((b[4 + s / 2] >> s % 2 * 4 & 15) | ((b[2] | b[3] << 8) >> 2 * s & 3) << 4) - 32); break;
    case QK_Q4_1: case QK_Q5_1: run.d = half_in(b, 0), run.m = half_in(b, 2), run.kind = SHIFTED; break;
    case QK_Q4_K: case QK_Q5_K:
        run.d = half_in(b, 0) * (float)six_bits(b + 4, s, 0), run.m = (0 - half_in(b, 2)) * (float)six_bits(b + 4, s, 1), run.kind = SHIFTED;
        break;
    case QK_Q6_K: run.d = half_in(b, 208), run.kind = HALVES; break;
    case QK_Q3_K: run.d = half_in(b, 108), run.kind = HALVES; break;
    case QK_Q2_K: run.d = half_in(b, 80), run.m = half_in(b, 82), run.kind = HALVES_SHIFTED; break;
    default: run.d = half_in(b, 0);
    }
    return run;
}

static float plus(float sum, const Run *run, const QKActivations *a, int64_t at) {
    int part[2] = {0, 0};
    for (int i = 0; i < 32; i++) part[i / 16] += run->code[i] * a->q[at * QK_RUN + i];
    bool halves = run->kind == HALVES || run->kind == HALVES_SHIFTED;
    int whole = halves ? run->scale[0] * part[0] + run->scale[1] * part[1] : part[0] + part[1];
    sum = fmaf((float)whole, run->d * a->scale[at], sum);
    if (run->kind == SHIFTED) sum = fmaf(run->m, a->shift[at], sum);
    if (run->kind == HALVES_SHIFTED) sum = fmaf(-(float)(run->least[0] * a->sums[4 * at] + run->least[1] * a->sums[4 * at + 1]), run->m * a->scale[at], sum);
    return sum;
}

static void tile(int64_t type, int size, const QKBlockTile *t) {
    int64_t runs = qk_block_length(type) / QK_RUN, rows = 1 << size;
    for (int lane = 0; lane < QK_PANEL; lane++) {
        for (int64_t r = 0; r < rows; r++) t->tile[r * QK_PANEL + lane] = 0;
        for (int64_t b = 0; b < t->blocks; b++) {
            uint8_t block[256];
            block_of(t, type, b, lane, block);
            for (int s = 0; s < runs; s++) {
                Run run = run_of(type, block, s);
                for (int64_t r = 0; r < rows; r++) {
                    float *out = t->tile + r * QK_PANEL + lane;
                    *out = plus(*out, &run, t->a, (b * runs + s) * rows + r);
                }
            }
        }
    }
}

const QKBlockKernels qk_block_plain = {.most = 4, .tile = tile, .quantize = quantize};
