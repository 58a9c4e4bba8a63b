// Many rows. A is packed once; B is cut into blocks of columns and pieces of k that stay in the last-level cache. Everybody packs, one
// block ahead of the tiles that use it, in one run over the pool: chunks are handed out in order, so a chunk only ever waits for chunks
// that somebody is working on.
#include "gemm.h"
#include <stdatomic.h>
#include <string.h>

enum {
    LONG = 768,               // longest piece of k packed at once
    BLOCK_FLOATS = 3 << 17,   // packed B at once, twice
    A_FLOATS = 1 << 22,       // packed A at once
    GROUP = 4,                // panels packed in one chunk
    WIDE = 8,                 // most panels of a tile: what one tile fetches ahead must stay in level 2
    TILES_PER_THREAD = 10,
    TILE_FLOPS = 1 << 21,     // a tile is worth at least this
};

typedef struct {
    const QKCall *call;
    const QKGemmKernels *kernels;
    int64_t m, n, k, top;           // top: the first of these rows in the whole C
    int64_t high, bands;            // rows of a tile, tiles over m
    int64_t panels, wide, columns;  // panels of C, panels of a block, blocks over n
    int64_t length, pieces;         // k of a block, blocks over k
    int64_t part, parts;            // panels of a tile, tiles over a block
    int64_t groups;                 // chunks that pack one tile's panels
    int64_t packs, tiles, lead;     // chunks of a block; how many tiles ahead sources are fetched
    bool packed;                    // B came packed: nothing to pack
    float *a, *buffer[2], *sums;    // sums: [column block % 2][band][panel], where chains rest between pieces
    _Atomic int32_t *ready;         // [block][part]: groups packed
    _Atomic int32_t *used;          // [block]: tiles done
    _Atomic int32_t *along;         // [column block][tile]: pieces of k done
    _Atomic int32_t *have;          // [piece][band]: A packed
} Large;

static void wait_for(_Atomic int32_t *count, int64_t least) {
    for (int spins = 0; atomic_load_explicit(count, memory_order_acquire) < least;) qk_relax(&spins);
}

static void done(_Atomic int32_t *count) { atomic_fetch_add_explicit(count, 1, memory_order_release); }

// MARK: Where things are

static int64_t blocks_of(const Large *g) { return g->columns * g->pieces; }
static int64_t column_of(const Large *g, int64_t block) { return block / g->pieces * g->wide; }
static int64_t start_of(const Large *g, int64_t block) { return block % g->pieces * g->length; }
static int64_t panels_of(const Large *g, int64_t block) { return qk_min(g->wide, g->panels - column_of(g, block)); }
static int64_t length_of(const Large *g, int64_t block) { return qk_min(g->length, g->k - start_of(g, block)); }
static int64_t slice_of(const Large *g, int64_t length) {
    int64_t slices = qk_max(1, qk_ceil_div(length, g->kernels->slice));
    return qk_max(4, qk_ceil_div(qk_ceil_div(length, slices), 4) * 4);
}

// A band's piece of packed A: slice after slice, with room for the last store to run over.
static size_t band_floats(const Large *g) { return (size_t)((g->high * g->length + 31) / 16 * 16); }
static float *band_at(const Large *g, int64_t piece, int64_t band) { return g->a + (size_t)(piece * g->bands + band) * band_floats(g); }

static const float *panel_at(const Large *g, int64_t block, int64_t panel, int64_t p) {
    if (!g->packed) return g->buffer[block % 2] + (panel * length_of(g, block) + p) * QK_PANEL;
    return (const float *)g->call->p[2] + ((column_of(g, block) + panel) * g->call->n[2] + start_of(g, block) + p) * QK_PANEL;
}

static size_t sums_of(const Large *g) { return g->pieces > 1 ? (size_t)(qk_min(2, g->columns) * g->bands * g->wide * g->high * QK_PANEL) : 0; }

// Where a tile's chains rest: with the whole k in one piece, in the thread's own memory.
static float *sums_at(const Large *g, int64_t block, int64_t band, int64_t first) {
    int64_t panel = g->high * QK_PANEL;
    if (g->pieces == 1) return qk_scratch_for(QK_SCRATCH_GEMM_OWN, (size_t)(WIDE * panel) * sizeof(float));
    return g->sums + ((block / g->pieces % 2 * g->bands + band) * g->wide + first) * panel;
}

// MARK: Chunks

static void pack_a_chunk(const Large *g, int64_t piece, int64_t band) {
    int64_t i = band * g->high, count = qk_min(g->high, g->m - i), start = piece * g->length, length = qk_min(g->length, g->k - start);
    float *out = band_at(g, piece, band);
    for (int64_t p = 0, slice = slice_of(g, length); p < length; p += slice)
        g->kernels->pack_a(g->call, g->top + i, count, start + p, qk_min(slice, length - p), g->kernels->rows, out + count * p);
    done(&g->have[piece * g->bands + band]);
}

static void pack_b_chunk(const Large *g, int64_t block, int64_t chunk) {
    int64_t part = chunk / g->groups, first = part * g->part + chunk % g->groups * GROUP;
    int64_t end = qk_min(qk_min(first + GROUP, (part + 1) * g->part), panels_of(g, block)), length = length_of(g, block);
    if (block >= 2) wait_for(&g->used[block - 2], g->tiles);
    if (first < end)
        g->kernels->pack_b(g->call, column_of(g, block) + first, end - first, start_of(g, block), length,
                           g->buffer[block % 2] + first * length * QK_PANEL, length * QK_PANEL);
    done(&g->ready[block * g->parts + part]);
}

static int64_t packs_of(const Large *g, int64_t block) {
    return block >= blocks_of(g) ? 0 : g->packs + (block < g->pieces ? g->bands : 0);
}

static void pack_chunk(const Large *g, int64_t block, int64_t chunk) {
    int64_t bands = packs_of(g, block) - g->packs;
    if (chunk < bands) pack_a_chunk(g, block, chunk);
    else pack_b_chunk(g, block, chunk - bands);
}

// What the packing that comes `lead` tiles from now will read.
static QKGemmAhead ahead_of(const Large *g, int64_t block, int64_t chunk) {
    int64_t later = block * g->tiles + chunk + g->lead, next = later / g->tiles + 1, place = later % g->tiles;
    if (g->packed || g->call->n[11] >= QK_BLOCKS || next >= blocks_of(g)) return (QKGemmAhead){0};
    int64_t first = place * g->wide / g->tiles, last = qk_min((place + 1) * g->wide / g->tiles, panels_of(g, next));
    const QKCall *c = g->call;
    int64_t width = c->n[11] == QK_F32 ? 4 : 2, j = (column_of(g, next) + first) * QK_PANEL, columns = qk_min((last - first) * QK_PANEL, c->n[1] - j);
    if (columns <= 0 || c->n[12] || (c->n[5] != 1 && c->n[6] != 1)) return (QKGemmAhead){0};
    int64_t rows = c->n[6] == 1 ? length_of(g, next) : columns, run = c->n[6] == 1 ? columns : length_of(g, next);
    const char *from = (const char *)c->p[2] + (start_of(g, next) * c->n[5] + j * c->n[6]) * width;
    return (QKGemmAhead){from, (c->n[6] == 1 ? c->n[5] : c->n[6]) * width, qk_ceil_div(run * width, 64), rows, 0, 0, 0};
}

static void tile(const Large *g, int64_t block, int64_t chunk) {
    int64_t band = chunk % g->bands, part = chunk / g->bands, piece = block % g->pieces, length = length_of(g, block), slice = slice_of(g, length);
    int64_t i = band * g->high, count = qk_min(g->high, g->m - i), first = part * g->part, end = qk_min(first + g->part, panels_of(g, block));
    float *sums = sums_at(g, block, band, first);
    QKGemmAhead ahead = ahead_of(g, block, chunk);
    int64_t strips = qk_ceil_div(end - first, qk_gemm_wide(g->kernels, 2)), tiles = qk_ceil_div(length, slice) * strips * qk_ceil_div(count, g->kernels->rows), p = 0;
    ahead.each = tiles > 0 ? qk_ceil_div(ahead.lines * ahead.rows, tiles) : 0;
    do {
        int64_t k = qk_min(slice, length - p);
        QKGemmStep step = {g->call, g->kernels, start_of(g, block) + p == 0, p + k >= length && piece + 1 == g->pieces, false, &ahead};
        QKGemmStrip strip = {.i = g->top + i, .count = count, .rows = g->kernels->rows, .a = band_at(g, piece, band) + count * p, .k = k};
        strip.b_panel = (g->packed ? g->k : length) * QK_PANEL;
        strip.sums_panel = g->high * QK_PANEL;
        for (int64_t panel = first; panel < end; panel += strip.panels) {
            strip.panels = qk_gemm_wide(g->kernels, end - panel);
            strip.b = panel_at(g, block, panel, p);
            strip.j = (column_of(g, block) + panel) * QK_PANEL;
            strip.sums = sums + (panel - first) * strip.sums_panel;
            qk_gemm_rows(&step, &strip);
        }
        p += slice;
    } while (p < length);
}

static void tile_chunk(const Large *g, int64_t block, int64_t chunk) {
    int64_t part = chunk / g->bands, band = chunk % g->bands, piece = block % g->pieces;
    _Atomic int32_t *along = &g->along[block / g->pieces * g->tiles + chunk];
    if (!g->packed) wait_for(&g->ready[block * g->parts + part], g->groups);
    wait_for(&g->have[piece * g->bands + band], 1);
    wait_for(along, piece);
    if (g->pieces > 1 && block >= 2 * g->pieces) wait_for(along - 2 * g->tiles, g->pieces);
    tile(g, block, chunk);
    done(along);
    done(&g->used[block]);
}

// The chunks of a step: the tiles of one block with the packing of the next one spread between them.
static void step_chunk(const Large *g, int64_t block, int64_t index) {
    int64_t next = packs_of(g, block + 1), all = g->tiles + next;
    int64_t before = index * next / all, after = (index + 1) * next / all;
    if (after > before) pack_chunk(g, block + 1, before);
    else tile_chunk(g, block, index - before);
}

// First the packing of block 0, then a step for every block; the steps whose next block needs A as well are longer.
static void chunks(void *context, int64_t begin, int64_t end) {
    const Large *g = context;
    int64_t longer = g->tiles + g->packs + g->bands, shorter = g->tiles + g->packs, at = begin - packs_of(g, 0);
    (void)end;
    if (at < 0) pack_chunk(g, 0, begin);
    else if (at < (g->pieces - 1) * longer) step_chunk(g, at / longer, at % longer);
    else step_chunk(g, g->pieces - 1 + (at - (g->pieces - 1) * longer) / shorter, (at - (g->pieces - 1) * longer) % shorter);
}

// MARK: Plan

static void plan_tiles(Large *g) {
    int64_t threads = qk_threads(), work = qk_max(1, 2 * g->high * g->length * QK_PANEL);
    int64_t wanted = qk_ceil_div(TILES_PER_THREAD * threads, g->bands * blocks_of(g));
    g->part = qk_min(WIDE, qk_max(qk_ceil_div(g->wide, wanted), qk_ceil_div(TILE_FLOPS, work)));
    g->part = qk_min(qk_ceil_div(g->part, 2) * 2, g->wide);
    g->parts = qk_ceil_div(g->wide, g->part);
    g->groups = qk_ceil_div(g->part, GROUP);
    g->tiles = g->bands * g->parts;
    g->packs = g->packed ? 0 : g->parts * g->groups;
    g->lead = threads;
}

static void plan(Large *g) {
    int rows = g->kernels->rows;
    int64_t length = qk_max(1, g->k);
    g->pieces = qk_ceil_div(length, LONG);
    g->length = qk_ceil_div(qk_ceil_div(length, g->pieces), 8) * 8;
    g->pieces = qk_ceil_div(length, g->length);
    if (g->pieces == 1) g->length = g->k;
    g->bands = qk_ceil_div(g->m, g->kernels->high);
    g->high = qk_ceil_div(qk_ceil_div(g->m, g->bands), rows) * rows;
    g->bands = qk_ceil_div(g->m, g->high);
    g->panels = qk_ceil_div(g->n, QK_PANEL);
    g->columns = qk_ceil_div(g->panels, qk_max(8, BLOCK_FLOATS / (qk_max(1, g->length) * QK_PANEL)));
    g->wide = qk_ceil_div(g->panels, g->columns);
    g->columns = qk_ceil_div(g->panels, g->wide);
    plan_tiles(g);
}

static void reserve(Large *g) {
    size_t blocks = (size_t)blocks_of(g), buffer = g->packed ? 0 : (size_t)(g->wide * g->length * QK_PANEL);
    size_t a = (size_t)(g->pieces * g->bands) * band_floats(g), floats = a + (blocks > 1 ? 2 : 1) * buffer + sums_of(g);
    size_t counts = blocks * (size_t)g->parts + blocks + (size_t)(g->columns * g->tiles + g->pieces * g->bands);
    float *memory = qk_scratch_for(QK_SCRATCH_GEMM_SHARED, floats * sizeof(float) + counts * sizeof(int32_t));
    g->a = memory;
    g->buffer[0] = memory + a;
    g->buffer[1] = memory + a + buffer;
    g->sums = memory + floats - sums_of(g);
    memset(memory + floats, 0, counts * sizeof(int32_t));
    g->ready = (_Atomic int32_t *)(memory + floats);
    g->used = g->ready + blocks * (size_t)g->parts;
    g->along = g->used + blocks;
    g->have = g->along + g->columns * g->tiles;
}

void qk_gemm_large(const QKCall *call, const QKGemmKernels *kernels) {
    int64_t m = call->n[0], most = qk_max(kernels->high, A_FLOATS / qk_max(1, call->n[2])), runs = qk_ceil_div(m, most), rows = qk_ceil_div(m, runs);
    for (int64_t top = 0; top < m; top += rows) {
        Large g = {.call = call, .kernels = kernels, .m = qk_min(rows, m - top), .n = call->n[1], .k = call->n[2], .top = top};
        g.packed = call->n[12] && call->n[11] == QK_F32;
        plan(&g);
        reserve(&g);
        qk_parallel(packs_of(&g, 0) + (g.pieces - 1) * (g.tiles + g.packs + g.bands) + (g.columns - 1) * g.pieces * (g.tiles + g.packs) + g.tiles, 1, chunks, &g);
    }
}
