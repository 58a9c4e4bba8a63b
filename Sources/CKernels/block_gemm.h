// Products with weights in block formats. Sixteen rows of weights (a panel) lie together: the 32-bit words of their blocks are turned so that a vector holds
// one word of every row, which is four codes (or eight, or sixteen) of each. Activations become bytes once per row: blocks of 32 with a scale, which meet the
// codes in integer dot products. An element of the result is one chain of multiply-adds over the blocks in order, integers inside a block are exact: so its
// bits depend on its row and its weights alone, and are the same on every instruction set.
#ifndef QUINTET_BLOCK_GEMM_H
#define QUINTET_BLOCK_GEMM_H
#include "block_tables.h"
#include "gemm.h"

enum { QK_RUN = 32, QK_TILE_SIZES = 5, QK_TILE_MOST = 16 };  // activations in a block; tiles of 1, 2, 4, 8 and 16 rows

// Some rows of activations, block by block: what belongs to block b and row r has the index b * rows + r.
typedef struct {
    int8_t *q;       // [blocks][rows][32]
    float *scale;    // x = scale * q
    float *shift;    // scale * (sum of q)
    int32_t *sums;   // [blocks][rows][4]: of q's halves, and of all
} QKActivations;

// A panel in memory: what does not fill a word of every block (a scale, mostly), then the words.
typedef struct {
    int64_t length, bytes;  // of a block, as in the file
    int64_t head, head_at;  // bytes in front of the words in a panel, and where they lie in a block
} QKPanelFormat;

typedef struct {
    int64_t blocks;  // of the weights' format in a row
    const uint8_t *heads, *words;
    const QKActivations *a;
    float *tile;     // out: [rows][16]
} QKBlockTile;

typedef struct {
    int most;  // rows of the largest tile
    // One tile; the index of a size is its logarithm.
    void (*tile)(int64_t type, int size, const QKBlockTile *t);
    // x[k] to row r of `rows`.
    void (*quantize)(const float *x, int64_t k, int64_t row, int64_t rows, const QKActivations *out);
} QKBlockKernels;

extern const QKBlockKernels qk_block_plain, qk_block_avx2, qk_block_avx512;
const QKBlockKernels *qk_block_kernels(void);

QKPanelFormat qk_panel_format(int64_t type);
// Bytes of the heads of one panel.
static inline int64_t qk_head_bytes(const QKPanelFormat *f, int64_t blocks) { return (blocks * QK_PANEL * f->head + 63) / 64 * 64; }
int64_t qk_panel_bytes(int64_t type, int64_t k);

void qk_block_gemm(const QKCall *call, const QKGemmKernels *kernels);
void qk_block_pack(const QKCall *call);
#endif
