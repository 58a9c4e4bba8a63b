// What the matmul files share. m, n, k are C's rows and columns and the length of the chains.
#ifndef QUINTET_GEMM_H
#define QUINTET_GEMM_H
#include "internal.h"

enum {
    QK_GEMM_ROWS = 12,   // no set has higher tiles
    QK_GEMM_STREAM = 4,  // rows that packed panels of any type stream past
    QK_GEMM_STEPS = 4,   // of k in one turn of a pair's loop
    QK_GEMM_TURNS = 192, // most turns: no slice of a set with pairs is longer
    QK_GEMM_SMALL = 24,  // up to here B is not worth packing for everybody
};

// to[rows, 16] = (from ? from : 0) + a[k, rows]^T * b[k, 16], chained over k; strides count elements.
typedef void (*QKGemmTile)(int64_t k, const float *a, const float *b, const float *from, int64_t from_stride, float *to, int64_t to_stride);

// The same for two panels of B side by side.
typedef struct {
    int64_t k;
    const float *a, *b;
    int64_t b_panel;                     // floats from panel to panel
    const float *from;
    int64_t from_panel;
    float *to;
    int64_t to_stride, to_panel;
    int64_t past;                        // 1 stores past the caches: rows of `to` at 64-byte addresses
    const char *const *ahead;            // a line to fetch into level 2 for every QK_GEMM_STEPS of k
} QKGemmTwo;
typedef void (*QKGemmPair)(QKGemmTwo two);

// One instruction set's pieces. A panel of A is [k][rows], a panel of B is [k][16].
typedef struct QKGemmKernels {
    // Rows [begin, end) of C by the plainest loops; a set that has it needs nothing else.
    void (*plain)(const QKCall *call, int64_t begin, int64_t end);
    int rows;                            // height of the tallest tile
    int slice;                           // chains are cut into slices of this length, so that a panel of B (or a row of them) stays near
    int high;                            // rows of A that stay in level 2 for one slice
    QKGemmTile tile[QK_GEMM_ROWS + 1];   // by height
    QKGemmPair pair[QK_GEMM_ROWS + 1];   // the same for two panels, or NULL
    // A[row ..< row + count, p ..< p + k] into panels of `rows` rows (the last may be lower), one after the other.
    void (*pack_a)(const QKCall *call, int64_t row, int64_t count, int64_t p, int64_t k, int rows, float *out);
    // B[p ..< p + k] of `panels` panels as f32; panel x goes to out + x * stride.
    void (*pack_b)(const QKCall *call, int64_t panel, int64_t panels, int64_t p, int64_t k, float *out, int64_t stride);
    // sums [panels][rows][16] += A [k][rows] times packed panels of a type, `stride` elements apart: up to QK_GEMM_STREAM rows; two panels up to two.
    void (*stream)(int rows, int panels, int64_t type, int64_t k, const float *a, const void *b, int64_t stride, float *sums);
    // The epilogue: tile [rows][16] of finished chains to C[i..., j...], `columns` <= 16 wide.
    void (*finish)(const QKCall *call, int64_t i, int64_t j, int rows, int columns, float *tile);
} QKGemmKernels;

extern const QKGemmKernels qk_gemm_scalar, qk_gemm_avx2, qk_gemm_avx512, qk_gemm_neon;
const QKGemmKernels *qk_gemm_kernels(void);

// bf16 products, two steps of k at a time: the set, and a call in its terms (false where it cannot be).
extern const QKGemmKernels qk_gemm_brain;
// The set needs qk_gemm_has_pairs().
bool qk_gemm_in_pairs(const QKCall *call, QKCall *words);
// The set for a B in block formats that is not packed (gemm_decode.c).
QKGemmKernels qk_gemm_decoding(const QKGemmKernels *set);

// Memory that will be packed soon, fetched into level 2 a few lines at a time while tiles are computed.
typedef struct {
    const char *row;
    int64_t stride, lines, rows;  // bytes from row to row, lines in a row, rows left
    int64_t line, each;           // the next line of the row; lines per tile
    int64_t wait;                 // tiles to go before the first
} QKGemmAhead;

// One slice of one B panel: the first slice starts the chains, the last one ends them.
typedef struct {
    const QKCall *call;
    const QKGemmKernels *kernels;
    bool first, last;
    bool past;           // the finished C is not read soon: past the caches, where the set can
    QKGemmAhead *ahead;  // or NULL
} QKGemmStep;

// Rows [i, i + count) of C and columns from j, one or two panels wide, from packed A and a slice of B. Between slices the chains rest in
// sums [panels][count][16]: C itself, with rows a multiple of 4 KB apart, makes loads wait for stores that they have nothing to do with
// (5-9 % of the time).
typedef struct {
    int64_t i, count;
    int rows;                         // height of A's panels
    const float *a, *b;
    int64_t b_panel, k, j;            // floats from panel to panel; length of the slice
    int panels;                       // two only where the set has pairs
    float *sums;
    int64_t sums_panel;
} QKGemmStrip;
void qk_gemm_rows(const QKGemmStep *step, const QKGemmStrip *strip);
// How many panels from here on go into one strip.
static inline int qk_gemm_wide(const QKGemmKernels *kernels, int64_t panels) { return panels > 1 && kernels->pair[1] ? 2 : 1; }

// Chains that start from C, in panel form: C[i ..< i + count, j...] to sums [count][16].
void qk_gemm_load_sums(const QKCall *call, int64_t i, int64_t count, int64_t j, float *sums);

void qk_gemm_large(const QKCall *call, const QKGemmKernels *kernels);
void qk_gemm_strips(const QKCall *call, const QKGemmKernels *kernels);
void qk_gemm_small(const QKCall *call, const QKGemmKernels *kernels);

// True where a tile's sums may go to C as they are.
static inline bool qk_gemm_is_plain(const QKCall *c) {
    return c->kind == QK_IDENTITY && !c->p[3] && !c->p[4] && !c->p[5] && !c->p[6] && (c->n[10] || c->s[0] == 1);
}
static inline int64_t qk_ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
static inline int64_t qk_min(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t qk_max(int64_t a, int64_t b) { return a > b ? a : b; }
#endif
