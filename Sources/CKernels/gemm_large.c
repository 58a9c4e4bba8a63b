// Many rows. B is cut into blocks that stay in the last-level cache; blocks are packed by everybody, one ahead of the tiles that use them,
// in one run over the pool: chunks are handed out in order, so a chunk only ever waits for chunks that somebody is working on.
#include "gemm.h"
#include <stdatomic.h>
#include <string.h>

enum {
    SLICE = 384,               // chains are cut into slices: 16 columns of B of this length stay in level 1
    HIGH = 144,                // rows of A that stay in level 2
    LONG = 3072,               // longest piece of k packed at once
    BLOCK_FLOATS = 1 << 20,    // packed B at once, twice
    GROUP = 4,                 // panels packed in one chunk
    TILES_PER_THREAD = 6,
};

typedef struct {
    const QKCall *call;
    const QKGemmKernels *kernels;
    int64_t m, n, k;
    int64_t high, bands;              // rows of a tile, tiles over m
    int64_t panels, wide, columns;    // panels of C, panels of a block, blocks over n
    int64_t length, pieces;           // k of a block, blocks over k
    int64_t part, parts;              // panels of a tile, tiles over a block
    int64_t groups;                   // chunks that pack one tile's panels
    int64_t packs, tiles;             // chunks of a block
    bool packed;                      // B came packed: nothing to pack
    float *buffer[2];
    _Atomic int32_t *ready;           // [block][part]: groups packed
    _Atomic int32_t *used;            // [block]: tiles done
    _Atomic int32_t *along;           // [column block][tile]: pieces of k done
} Large;

static void wait_for(_Atomic int32_t *count, int64_t least) {
    for (int spins = 0; atomic_load_explicit(count, memory_order_acquire) < least;) qk_relax(&spins);
}

// MARK: Chunks

static int64_t panels_of(const Large *g, int64_t block) { return qk_min(g->wide, g->panels - block / g->pieces * g->wide); }
static int64_t length_of(const Large *g, int64_t block) { return qk_min(g->length, g->k - block % g->pieces * g->length); }

static void pack_chunk(const Large *g, int64_t block, int64_t chunk) {
    int64_t part = chunk / g->groups, first = part * g->part + chunk % g->groups * GROUP;
    int64_t end = qk_min(qk_min(first + GROUP, (part + 1) * g->part), panels_of(g, block)), length = length_of(g, block);
    if (block >= 2) wait_for(&g->used[block - 2], g->tiles);
    if (first < end)
        g->kernels->pack_b(g->call, block / g->pieces * g->wide + first, end - first, block % g->pieces * g->length, length,
                           g->buffer[block % 2] + first * length * QK_PANEL, length * QK_PANEL);
    atomic_fetch_add_explicit(&g->ready[block * g->parts + part], 1, memory_order_release);
}

static const float *panel_at(const Large *g, int64_t block, int64_t panel, int64_t p) {
    if (!g->packed) return g->buffer[block % 2] + (panel * length_of(g, block) + p) * QK_PANEL;
    return (const float *)g->call->p[2] + ((block / g->pieces * g->wide + panel) * g->k + block % g->pieces * g->length + p) * QK_PANEL;
}

static void tile(const Large *g, int64_t block, int64_t band, int64_t part) {
    int64_t i = band * g->high, count = qk_min(g->high, g->m - i), length = length_of(g, block), start = block % g->pieces * g->length;
    int64_t end = qk_min((part + 1) * g->part, panels_of(g, block)), column = block / g->pieces * g->wide;
    int64_t slices = qk_max(1, qk_ceil_div(length, SLICE)), slice = qk_ceil_div(qk_ceil_div(length, slices), 4) * 4;
    float *a = qk_scratch_for(QK_SCRATCH_GEMM_OWN, (size_t)(g->high * SLICE + 64) * sizeof(float));
    for (int64_t x = 0, p = 0; x < slices; x++, p += slice) {
        int64_t k = qk_max(0, qk_min(slice, length - p));
        QKGemmStep step = {g->call, g->kernels, start + p == 0, x + 1 == slices && block % g->pieces + 1 == g->pieces};
        g->kernels->pack_a(g->call, i, count, start + p, k, g->kernels->rows, a);
        for (int64_t panel = part * g->part; panel < end; panel++)
            qk_gemm_rows(&step, i, count, g->kernels->rows, a, panel_at(g, block, panel, p), k, (column + panel) * QK_PANEL);
    }
}

static void tile_chunk(const Large *g, int64_t block, int64_t chunk) {
    int64_t part = chunk / g->bands, band = chunk % g->bands;
    _Atomic int32_t *along = &g->along[block / g->pieces * g->tiles + chunk];
    if (!g->packed) wait_for(&g->ready[block * g->parts + part], g->groups);
    wait_for(along, block % g->pieces);
    tile(g, block, band, part);
    atomic_fetch_add_explicit(along, 1, memory_order_release);
    atomic_fetch_add_explicit(&g->used[block], 1, memory_order_release);
}

// The chunks of a step: the tiles of one block with the packing of the next one spread between them.
static void chunk(const Large *g, int64_t block, int64_t index) {
    int64_t next = block + 1 < g->columns * g->pieces ? g->packs : 0, all = g->tiles + next;
    int64_t before = index * next / all, after = (index + 1) * next / all;
    if (after > before) pack_chunk(g, block + 1, before);
    else tile_chunk(g, block, index - before);
}

static void chunks(void *context, int64_t begin, int64_t end) {
    const Large *g = context;
    (void)end;
    if (begin < g->packs) {
        pack_chunk(g, 0, begin);
        return;
    }
    begin -= g->packs;
    chunk(g, begin / (g->tiles + g->packs), begin % (g->tiles + g->packs));
}

// MARK: Plan

static void plan(Large *g) {
    int rows = g->kernels->rows;
    g->pieces = qk_max(1, qk_ceil_div(g->k, LONG));
    g->length = qk_ceil_div(g->k, g->pieces);
    g->pieces = qk_max(1, g->length ? qk_ceil_div(g->k, g->length) : 1);
    g->bands = qk_ceil_div(g->m, HIGH);
    g->high = qk_ceil_div(qk_ceil_div(g->m, g->bands), rows) * rows;
    g->bands = qk_ceil_div(g->m, g->high);
    g->panels = qk_ceil_div(g->n, QK_PANEL);
    g->columns = qk_ceil_div(g->panels, qk_max(8, BLOCK_FLOATS / (qk_max(1, g->length) * QK_PANEL)));
    g->wide = qk_ceil_div(g->panels, g->columns);
    g->columns = qk_ceil_div(g->panels, g->wide);
    int64_t wanted = qk_ceil_div(TILES_PER_THREAD * (int64_t)qk_threads(), g->bands * g->columns);
    g->parts = qk_max(1, qk_min(wanted, g->wide / 8));
    g->part = qk_ceil_div(g->wide, g->parts);
    g->parts = qk_ceil_div(g->wide, g->part);
    g->groups = qk_ceil_div(g->part, GROUP);
    g->tiles = g->bands * g->parts;
    g->packs = g->packed ? 0 : g->parts * g->groups;
}

static void reserve(Large *g) {
    size_t blocks = (size_t)(g->columns * g->pieces), buffer = g->packed ? 0 : (size_t)(g->wide * g->length * QK_PANEL);
    size_t buffers = (blocks > 1 ? 2 : 1) * buffer * sizeof(float);
    size_t counts = blocks * (size_t)g->parts + blocks + (size_t)(g->columns * g->tiles);
    char *memory = qk_scratch_for(QK_SCRATCH_GEMM_SHARED, buffers + counts * sizeof(int32_t));
    g->buffer[0] = (float *)memory;
    g->buffer[1] = (float *)memory + buffer;
    memset(memory + buffers, 0, counts * sizeof(int32_t));
    g->ready = (_Atomic int32_t *)(memory + buffers);
    g->used = g->ready + blocks * (size_t)g->parts;
    g->along = g->used + blocks;
}

void qk_gemm_large(const QKCall *call, const QKGemmKernels *kernels) {
    Large g = {.call = call, .kernels = kernels, .m = call->n[0], .n = call->n[1], .k = call->n[2]};
    g.packed = call->n[12] && call->n[11] == QK_F32;
    plan(&g);
    reserve(&g);
    int64_t blocks = g.columns * g.pieces;
    qk_parallel(blocks * (g.tiles + g.packs), 1, chunks, &g);
}
