// The small matrix product of attention: C[r][lanes] = start + sum over k of A(r, k) * B[k][lanes], one chain of fused multiply-adds per element in the
// order of k. Accumulators stay in registers; lanes run along B's rows, A's elements are broadcast.
#ifndef QUINTET_TILE_H
#define QUINTET_TILE_H
#include "copy.h"

// Rows of a block, and vectors side by side in it: 12 of 16 registers, or 24 of 32.
enum { TILE_ROWS = 6, TILE_VECTORS = QK_TILE_VECTORS, PAGE = QK_PAGE };

typedef struct {
    float *c;
    const float *a;
    const void *b;
    int kind;              // what B holds
    int64_t ahead;         // bytes from B to what will be read next, asked for line by line where B holds bytes and rows are few; or 0
    const float *scales;   // of bytes: [k / 32][b_stride] where 32 steps share one, [k][b_stride / 32] where 32 columns do
    int64_t c_stride, a_row, a_step, b_stride;
    int64_t first, last;   // k in [first, last)
    bool add;              // start from C, else from zero
    const float *factor;   // where given, start from factor[r] * C
} Tile;

enum { B_FLOATS, B_HALVES, B_BYTES_BY_STEP, B_BYTES_BY_COLUMN, B_KINDS };

// Bytes of a step are scaled before they meet A, as an unpacked page's are.
QK_INLINE vf tile_b(const Tile *t, int kind, int64_t k, int64_t column, int64_t lanes) {
    int64_t i = k * t->b_stride + column;
    if (kind == B_FLOATS) return load_n((const float *)t->b + i, lanes);
    if (kind == B_HALVES) return from_f16(load_lanes_16((const uint16_t *)t->b + i, lanes));
    vc bytes = load_bytes((const int8_t *)t->b + i, lanes);
    vf scale = kind == B_BYTES_BY_STEP ? load_n(t->scales + k / 32 * t->b_stride + column, lanes) : splat(t->scales[k * ((t->b_stride + 31) / 32) + column / 32]);
    return __builtin_convertvector(bytes, vf) * scale;
}

// Early, so that the accumulators become registers.
#define QK_UNROLL _Pragma("clang loop unroll(full)")

// The line that holds the same place of what comes after B, where this vector begins a line.
QK_INLINE void tile_ahead(const Tile *t, int64_t k, int64_t column, int v) {
    if (v * W % 64 == 0) __builtin_prefetch((const char *)t->b + k * t->b_stride + column + v * W + t->ahead);
}

QK_INLINE void tile_block(const Tile *t, int kind, int64_t column, int rows, int vectors, int64_t lanes) {
    vf sum[TILE_ROWS][8];
    const float *a = t->a + t->first * t->a_step;
    int64_t a_row = t->a_row, a_step = t->a_step;
    float *c = t->c + column;
    QK_UNROLL for (int r = 0; r < rows; r++)
        QK_UNROLL for (int v = 0; v < vectors; v++) {
            sum[r][v] = t->add ? load_n(c + r * t->c_stride + v * W, lanes) : splat(0);
            if (t->factor) sum[r][v] *= t->factor[r];
        }
    for (int64_t k = t->first; k < t->last; k++, a += a_step) {
        vf x[8];
        if (rows <= 2 && kind >= B_BYTES_BY_STEP && t->ahead) QK_UNROLL for (int v = 0; v < vectors; v++) tile_ahead(t, k, column, v);
        QK_UNROLL for (int v = 0; v < vectors; v++) x[v] = tile_b(t, kind, k, column + v * W, lanes);
        QK_UNROLL for (int r = 0; r < rows; r++) {
            vf y = splat(a[r * a_row]);
            QK_UNROLL for (int v = 0; v < vectors; v++) sum[r][v] = fma_(y, x[v], sum[r][v]);
        }
    }
    QK_UNROLL for (int r = 0; r < rows; r++)
        QK_UNROLL for (int v = 0; v < vectors; v++) store_n(c + r * t->c_stride + v * W, lanes, sum[r][v]);
}

// Columns [from, to) for a fixed number of rows: wide blocks, fours, pairs and single vectors, a cut one.
#define QK_TILE_OF_KIND(rows, vectors, kind)                                                                            \
    static __attribute__((noinline)) void tile_##rows##_##kind(const Tile *t, int64_t from, int64_t to) {               \
        for (; from + vectors * W <= to; from += vectors * W) tile_block(t, kind, from, rows, vectors, W);              \
        for (; vectors > 4 && from + 4 * W <= to; from += 4 * W) tile_block(t, kind, from, rows, 4, W);                 \
        for (; vectors > 2 && from + 2 * W <= to; from += 2 * W) tile_block(t, kind, from, rows, 2, W);                 \
        for (; from + W <= to; from += W) tile_block(t, kind, from, rows, 1, W);                                        \
        if (from < to) tile_block(t, kind, from, rows, 1, to - from);                                                   \
    }
#define QK_TILE_OF(kind)                                                                                                \
    QK_TILE_OF_KIND(1, 8, kind) QK_TILE_OF_KIND(2, 4, kind) QK_TILE_OF_KIND(3, TILE_VECTORS, kind)                      \
    QK_TILE_OF_KIND(4, TILE_VECTORS, kind) QK_TILE_OF_KIND(5, TILE_VECTORS, kind) QK_TILE_OF_KIND(6, TILE_VECTORS, kind)
QK_TILE_OF(B_FLOATS)
QK_TILE_OF(B_HALVES)
QK_TILE_OF(B_BYTES_BY_STEP)
QK_TILE_OF(B_BYTES_BY_COLUMN)

static void tile(const Tile *t, int64_t rows, int64_t from, int64_t to) {
#define ROW(kind) {tile_1_##kind, tile_2_##kind, tile_3_##kind, tile_4_##kind, tile_5_##kind, tile_6_##kind}
    static void (*const tiles[B_KINDS][TILE_ROWS])(const Tile *, int64_t, int64_t) = {ROW(B_FLOATS), ROW(B_HALVES), ROW(B_BYTES_BY_STEP), ROW(B_BYTES_BY_COLUMN)};
#undef ROW
    tiles[t->kind][rows - 1](t, from, to);
}

// MARK: Packing a page

typedef float v4 __attribute__((ext_vector_type(4)));
typedef v4 v4_any __attribute__((aligned(4)));

QK_INLINE void transpose_4(float *out, int64_t out_stride, const float *x, int64_t stride) {
    v4 a = *(const v4_any *)x, b = *(const v4_any *)(x + stride), c = *(const v4_any *)(x + 2 * stride), d = *(const v4_any *)(x + 3 * stride);
    v4 ac = __builtin_shufflevector(a, c, 0, 4, 1, 5), bd = __builtin_shufflevector(b, d, 0, 4, 1, 5);
    v4 ac2 = __builtin_shufflevector(a, c, 2, 6, 3, 7), bd2 = __builtin_shufflevector(b, d, 2, 6, 3, 7);
    *(v4_any *)out = __builtin_shufflevector(ac, bd, 0, 4, 1, 5);
    *(v4_any *)(out + out_stride) = __builtin_shufflevector(ac, bd, 2, 6, 3, 7);
    *(v4_any *)(out + 2 * out_stride) = __builtin_shufflevector(ac2, bd2, 0, 4, 1, 5);
    *(v4_any *)(out + 3 * out_stride) = __builtin_shufflevector(ac2, bd2, 2, 6, 3, 7);
}

// out [width][PAGE] from x [count, width]; the columns past `count` are zero. Rows of x often lie a multiple of 4096 bytes apart and would push
// each other out of the cache, so four of them are read to their end before the next.
static void pack_columns(float *out, const float *x, int64_t stride, int64_t count, int64_t width) {
    int64_t j = 0;
    for (; j + 4 <= count; j += 4) {
        int64_t d = 0;
        for (; d + 4 <= width; d += 4) transpose_4(out + d * PAGE + j, PAGE, x + j * stride + d, stride);
        for (; d < width; d++)
            for (int64_t i = j; i < j + 4; i++) out[d * PAGE + i] = x[i * stride + d];
    }
    for (; j < PAGE; j++)
        for (int64_t d = 0; d < width; d++) out[d * PAGE + j] = j < count ? x[j * stride + d] : 0;
}

// out [count][padded] from x [count, width]; the columns past `width` are zero.
static void pack_rows(float *out, int64_t padded, const float *x, int64_t stride, int64_t count, int64_t width) {
    for (int64_t r = 0; r < count; r++, out += padded, x += stride) {
        for (int64_t i = 0; i < padded; i += W) store(out + i, load_n(x + i, width - i));
    }
}

// Rows that a later step will pack. They lie far apart, so the machine does not see them coming: asked for a few at a time while others are worked on.
enum { STREAMS = 4 };
typedef struct { const float *row[STREAMS]; int64_t stride[STREAMS], rows, width; } Ahead;

static void look_ahead(const Ahead *a, int64_t from, int64_t count) {
    for (int64_t r = from; r < from + count && r < a->rows; r++)
        for (int s = 0; s < STREAMS; s++)
            for (int64_t i = 0; a->row[s] && i < a->width; i += 16) __builtin_prefetch(a->row[s] + r * a->stride[s] + i, 0, 2);
}

static int64_t padded_width(int64_t width) { return (width + W - 1) / W * W; }
#endif
