// How a call is cut into items and chunks: by its shape alone, so that no result depends on the threads. A chunk is worth some microseconds.
#include "internal.h"

enum { STREAMED = 1 << 15, COMPUTED = 1 << 13 };

static QKPlan elements(int64_t count, int64_t grain) { return (QKPlan){count, grain}; }

// Rows of `work` elements each, taken together until a chunk holds about `target`.
static QKPlan rows(int64_t count, int64_t work, int64_t target) {
    return (QKPlan){count, work >= target ? 1 : work < 1 ? target : target / work};
}

static QKPlan column_blocks(int64_t cols, int64_t rows_) { return rows((cols + QK_COLUMNS - 1) / QK_COLUMNS, rows_ * QK_COLUMNS, COMPUTED); }

static bool cheap(int kind) {
    return kind == QK_IDENTITY || kind == QK_RELU || kind == QK_SQUARE || kind == QK_NEGATE || kind == QK_AFFINE || kind == QK_RELU_SQUARED || kind == QK_CLIP;
}

static QKPlan copy(const QKCall *c) {
    int64_t count = 1;
    for (int axis = 0; axis < c->n[0]; axis++) count *= c->n[1 + axis];
    return elements(count, STREAMED);
}

// The larger, the less often keys are packed, as long as there is work for many threads. `pairs`: batch times key heads.
int64_t qk_query_tile(int64_t pairs, int64_t queries) {
    int64_t size = 256;
    while (size > 64 && pairs * ((queries + size - 1) / size) < 32) size /= 2;
    return size;
}

// Multiply-adds of a chunk of attention.
static QKPlan attention_items(int64_t items, int64_t work) { return rows(items, work, 1 << 20); }

static QKPlan attention(const QKCall *c) {
    int64_t tile = qk_query_tile(c->n[0] * c->n[4], c->n[1]), tiles = (c->n[1] + tile - 1) / tile, deep = c->n[1] < tile ? c->n[1] : tile;
    return attention_items(c->n[0] * c->n[4] * tiles, deep * c->n[2] * c->n[3] / c->n[4] * c->n[5]);
}

static QKPlan attention_grad(const QKCall *c) { return attention_items(c->n[0] * c->n[4], 3 * c->n[1] * c->n[2] * c->n[3] / c->n[4] * c->n[5]); }

// Rows are independent, so their chunks may follow their positions. Lone rows wait for memory more than for arithmetic: smaller chunks.
static QKPlan attention_paged(const QKCall *c) {
    int64_t keys = 0;
    for (int64_t row = 0; row < c->n[0]; row++) keys += ((const int32_t *)c->p[5])[row] + 1;
    QKPlan plan = rows(c->n[0] * c->n[4], c->n[0] ? keys / c->n[0] * (c->n[3] / c->n[4]) * c->n[5] * 2 : 1, c->n[0] < 16 ? 1 << 17 : 1 << 20);
    // Runs of rows share the pages they read.
    int64_t run = c->n[0] * c->n[4] / 8 < QK_PAGE ? c->n[0] * c->n[4] / 8 : QK_PAGE;
    if (c->n[0] >= 16 && plan.grain < run) plan.grain = run;
    return plan;
}

QKPlan qk_plan(const QKCall *c) {
    const int64_t *n = c->n;
    switch (c->op) {
    case QK_OP_COPY: return copy(c);
    case QK_OP_CAST: return elements(n[0], n[1] >= QK_BLOCKS ? COMPUTED : STREAMED);
    case QK_OP_FILL: return elements(n[0], STREAMED);
    case QK_OP_MAP: case QK_OP_MAP_GRAD: return elements(n[0], cheap(c->kind) ? STREAMED : COMPUTED);
    case QK_OP_ZIP: return elements(n[0] * n[1], STREAMED);
    case QK_OP_GATE: case QK_OP_GATE_GRAD: return elements(n[0] * n[1], cheap(c->kind) ? STREAMED : COMPUTED);
    case QK_OP_REDUCE_COLS: case QK_OP_REDUCE_COLS_GRAD: case QK_OP_EMBED: return rows(n[0], n[1], STREAMED);
    case QK_OP_REDUCE_ROWS: case QK_OP_NORM_GRAD_WEIGHT: case QK_OP_EMBED_GRAD: return column_blocks(n[1], n[0]);
    case QK_OP_SOFTMAX: case QK_OP_SOFTMAX_GRAD: case QK_OP_NORM: case QK_OP_NORM_GRAD: case QK_OP_CROSS_ENTROPY: return rows(n[0], n[1], COMPUTED);
    case QK_OP_ROPE: return rows(n[0], n[1] * n[2], COMPUTED);
    case QK_OP_DROPOUT: case QK_OP_RANDOM: case QK_OP_ADAMW: return elements(n[0], COMPUTED);
    case QK_OP_SQUARED_NORM: return (QKPlan){(n[0] + QK_NORM_CHUNK - 1) / QK_NORM_CHUNK, 4};
    case QK_OP_ATTENTION: return attention(c);
    case QK_OP_ATTENTION_GRAD: return attention_grad(c);
    case QK_OP_ATTENTION_PAGED: return attention_paged(c);
    case QK_OP_CACHE_APPEND: return rows(n[0] * n[4], n[5], STREAMED);
    case QK_OP_ROUTE: case QK_OP_ROUTE_GRAD: return rows(n[0], n[1] * (4 + n[2]), COMPUTED);
    case QK_OP_ROUTE_PLACES: return (QKPlan){1, 1};
    case QK_OP_COMBINE: case QK_OP_COMBINE_GRAD: return rows(n[0], n[1] * n[2], STREAMED);
    case QK_OP_CONVOLVE: case QK_OP_CONVOLVE_GRAD: return column_blocks(n[1], n[0] * n[2]);
    case QK_OP_SCAN: case QK_OP_SCAN_GRAD: return column_blocks(n[1], n[0] * n[2] * 4);
    default: return (QKPlan){0, 1};
    }
}
