// The way of a product with block formats: activations to bytes once, then panels of weights past all of them.
#include "block_gemm.h"

// Rows of activations in tiles of falling size; a tile's parts lie side by side.
typedef struct { int64_t row, rows; int size; QKActivations a; } RowTile;

typedef struct {
    const QKCall *call;
    const QKGemmKernels *kernels;
    const QKBlockKernels *block;
    int64_t m, k, panels;
    bool gated;
    uint8_t *memory;
    int64_t bytes;  // of one row of activations
} Product;

static int64_t row_bytes(int64_t k) { return k / QK_RUN * (QK_RUN + 6 * 4); }

// The tile that begins at a row: as many rows as may be, a power of two.
static RowTile tile_at(const Product *p, int64_t row) {
    RowTile t = {.row = row, .size = 0};
    while (2 << t.size <= p->block->most && row + (2 << t.size) <= p->m) t.size++;
    t.rows = 1 << t.size;
    int64_t blocks = p->k / QK_RUN * t.rows;
    uint8_t *at = p->memory + row * p->bytes;
    t.a = (QKActivations){(int8_t *)at, (float *)(at + blocks * QK_RUN), (float *)(at + blocks * (QK_RUN + 4)), (int32_t *)(at + blocks * (QK_RUN + 8))};
    return t;
}

static void quantize_tiles(void *context, int64_t begin, int64_t end) {
    const Product *p = context;
    for (int64_t row = begin * p->block->most; row < end * p->block->most && row < p->m;) {
        RowTile t = tile_at(p, row);
        for (int64_t r = 0; r < t.rows; r++) p->block->quantize((const float *)p->call->p[1] + (row + r) * p->call->n[3], p->k, r, t.rows, &t.a);
        row += t.rows;
    }
}

// A run of rows of weights in one format: fused weights (q, k, v) have up to three.
typedef struct { int64_t type, panel, panels; const uint8_t *base; } Segment;

static Segment segment_of(const QKCall *c, int64_t panel) {
    int64_t starts[4] = {0, c->n[14], c->n[15], 0}, types[3] = {c->n[11], c->n[16], c->n[17]}, all = qk_ceil_div(c->n[1], QK_PANEL);
    const void *bases[3] = {c->p[2], c->p[7], c->p[8]};
    int i = 0;
    while (i < 2 && starts[i + 1] > 0 && panel * QK_PANEL >= starts[i + 1]) i++;
    int64_t end = i < 2 && starts[i + 1] > 0 ? starts[i + 1] / QK_PANEL : all;
    return (Segment){types[i], starts[i] / QK_PANEL, end - starts[i] / QK_PANEL, bases[i]};
}

static void compute_tile(const Product *p, const RowTile *t, int64_t panel, float *tile) {
    Segment s = segment_of(p->call, panel);
    QKPanelFormat f = qk_panel_format(s.type);
    int64_t blocks = p->k / f.length;
    const uint8_t *base = s.base + (panel - s.panel) * qk_panel_bytes(s.type, p->k);
    QKBlockTile work = {blocks, base, base + qk_head_bytes(&f, blocks), &t->a, tile};
    p->block->tile(s.type, t->size, &work);
}

static void one_tile(const Product *p, const RowTile *t, int64_t panel) {
    _Alignas(64) float tile[QK_TILE_MOST * QK_PANEL];
    compute_tile(p, t, panel, tile);
    int64_t j = panel * QK_PANEL;
    p->kernels->finish(p->call, t->row, j, (int)t->rows, (int)qk_min(QK_PANEL, p->call->n[1] - j), tile);
}

// f(gate) * up, whose panels lie half the weights apart.
static void gated_tile(const Product *p, const RowTile *t, int64_t panel) {
    _Alignas(64) float gate[QK_TILE_MOST * QK_PANEL], up[QK_TILE_MOST * QK_PANEL];
    compute_tile(p, t, panel, gate);
    compute_tile(p, t, panel + p->panels, up);
    QKCall own = {.op = QK_OP_GEMM, .kind = p->call->kind, .p = {(float *)p->call->p[0] + t->row * p->call->n[7] + panel * QK_PANEL}, .s = {1}};
    own.p[6] = up, own.n[7] = p->call->n[7], own.n[13] = QK_PANEL;
    p->kernels->finish(&own, 0, 0, (int)t->rows, QK_PANEL, gate);
}

// A few panels at a time past all rows, so that they stay in level 2 while the rows' bytes stream.
enum { GROUP = 4 };

static void some_panels(const Product *p, int64_t begin, int64_t end) {
    for (int64_t first = begin; first < end; first += GROUP)
        for (int64_t row = 0; row < p->m;) {
            RowTile t = tile_at(p, row);
            for (int64_t panel = first; panel < end && panel < first + GROUP; panel++) (p->gated ? gated_tile : one_tile)(p, &t, panel);
            row += t.rows;
        }
}

// Chunks fall from a good part of the panels to a few: long runs through memory first, small pieces for whoever is done early.
typedef struct { int64_t panels, parts, least; } Cuts;

static int64_t next_cut(const Cuts *c, int64_t at) { return qk_min(c->panels, at + qk_max(c->least, (c->panels - at) / c->parts)); }

static int64_t count_cuts(const Cuts *c) {
    int64_t count = 0;
    for (int64_t at = 0; at < c->panels; at = next_cut(c, at)) count++;
    return count;
}

typedef struct { const Product *product; Cuts cuts; } Chunks;

static void chunk(void *context, int64_t begin, int64_t end) {
    const Chunks *c = context;
    int64_t at = 0;
    for (int64_t i = 0; i < begin; i++) at = next_cut(&c->cuts, at);
    for (int64_t i = begin; i < end; i++) {
        int64_t next = next_cut(&c->cuts, at);
        some_panels(c->product, at, next);
        at = next;
    }
}

enum { LEAST_BYTES = 24 << 10 };

void qk_block_gemm(const QKCall *call, const QKGemmKernels *kernels) {
    bool gated = call->n[18] == 1;
    Product p = {.call = call, .kernels = kernels, .block = qk_block_kernels(), .m = call->n[0], .k = call->n[2], .gated = gated};
    p.panels = gated ? call->n[1] / 2 / QK_PANEL : qk_ceil_div(call->n[1], QK_PANEL);
    p.bytes = row_bytes(p.k);
    p.memory = qk_scratch_for(QK_SCRATCH_GEMM_SHARED, (size_t)(p.m * p.bytes + 64));
    qk_parallel(qk_ceil_div(p.m, p.block->most), 1, quantize_tiles, &p);
    int64_t size = qk_panel_bytes(call->n[11], p.k) * qk_ceil_div(p.m, p.block->most) * (gated ? 2 : 1);
    Chunks chunks = {&p, {p.panels, 2 * qk_threads(), qk_ceil_div(LEAST_BYTES, qk_max(1, size))}};
    qk_parallel(count_cuts(&chunks.cuts), 1, chunk, &chunks);
}
