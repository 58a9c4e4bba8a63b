// Attention over whole sequences and through the paged cache, and the cache's append.
#ifndef QUINTET_ATTENTION_H
#define QUINTET_ATTENTION_H
#include "attention_rows.h"
#include "cache_types.h"

// Scratch of `rows` rows: state, then a packed page of keys and one of values.
typedef struct { State state; float *k, *v; } Workspace;

static Workspace workspace(const Attention *a, int64_t rows) {
    int64_t page = PAGE * a->padded;
    float *memory = qk_scratch((size_t)(rows * (a->padded + W + 16) + 2 * page) * 4);
    float *out = memory + 2 * page, *sum = out + rows * a->padded;
    return (Workspace){{out, a->padded, sum + rows * W, sum}, memory, memory + page};
}

static State state_at(State s, int64_t row) { return (State){s.out + row * s.out_stride, s.out_stride, s.top + row, s.sum + row * W}; }

typedef struct { int64_t batch, kv_head, begin, end; } QueryTile;

// Item of a call; they count tiles of queries from the last, which see the most keys, to the first.
static QueryTile query_tile(const QKCall *c, int64_t item) {
    int64_t size = qk_query_tile(c->n[0] * c->n[4], c->n[1]), pairs = c->n[0] * c->n[4], tiles = (c->n[1] + size - 1) / size, pair = item % pairs;
    int64_t begin = (tiles - 1 - item / pairs) * size, end = begin + size < c->n[1] ? begin + size : c->n[1];
    return (QueryTile){pair / c->n[4], pair % c->n[4], begin, end};
}

static const float *key_row(const QKCall *c, int slot, int64_t stride, const QueryTile *t, int64_t key) {
    return (const float *)c->p[slot] + (t->batch * c->n[2] + key) * stride + t->kv_head * c->n[5];
}

static int64_t first_page(const QKCall *c, const Attention *a, const QueryTile *t) { return low_key(a, c->n[11] + t->begin) / PAGE * PAGE; }

// Keys and values of the page after `key`: the tile's next, or the first of the tile that follows it in the chunk.
static Ahead next_page(const QKCall *c, const Attention *a, const QueryTile *t, const QueryTile *next, int64_t key, int64_t stop) {
    if (key + PAGE >= stop && !next) return (Ahead){0};
    if (key + PAGE >= stop) t = next, key = first_page(c, a, next);
    else key += PAGE;
    int64_t rows = c->n[2] - key < PAGE ? c->n[2] - key : PAGE;
    return (Ahead){{key_row(c, 2, c->n[7], t, key), key_row(c, 3, c->n[8], t, key)}, {c->n[7], c->n[8]}, rows, a->width};
}

// All queries of a tile, for all heads that share a key head, against one page.
static void attend_tile(const QKCall *c, const Attention *a, const QueryTile *t, const Page *page, State state, const Ahead *ahead) {
    int64_t group = a->heads / a->kv_heads, count = t->end - t->begin, blocks = group * ((count + TILE_ROWS - 1) / TILE_ROWS), share = (PAGE - 1) / blocks + 1;
    for (int64_t g = 0, block = 0; g < group; g++)
        for (int64_t i = 0; i < count; i += TILE_ROWS, block++) {
            int64_t head = t->kv_head * group + g, row = t->batch * c->n[1] + t->begin + i, left = count - i;
            Rows rows = {(const float *)c->p[1] + row * c->n[6] + head * a->width, c->n[6], c->n[11] + t->begin + i, 1, head, 0, left < TILE_ROWS ? left : TILE_ROWS,
                         ((t->batch * a->heads + head) * c->n[1] + t->begin + i) * draws_of_row(c), draws_of_row(c)};
            Ahead queries = {{rows.q}, {c->n[6]}, left, a->width};
            look_ahead(&queries, TILE_ROWS, TILE_ROWS);
            look_ahead(ahead, block * share, share);
            attend_page(a, &rows, page, state_at(state, g * count + i));
        }
}

static void attention_item(const QKCall *c, const Attention *a, const QueryTile *t, const QueryTile *next) {
    int64_t tk = c->n[2], group = a->heads / a->kv_heads, count = t->end - t->begin, stop = high_key(a, c->n[11] + t->end - 1, tk);
    const uint8_t *mask = c->p[5] ? (const uint8_t *)c->p[5] + t->batch * tk : NULL;
    Workspace w = workspace(a, group * count);
    clear_state(w.state, group * count, a->padded);
    for (int64_t key = first_page(c, a, t); key < stop; key += PAGE) {
        int64_t keys = tk - key < PAGE ? tk - key : PAGE;
        pack_columns(w.k, key_row(c, 2, c->n[7], t, key), c->n[7], keys, a->width);
        pack_rows(w.v, a->padded, key_row(c, 3, c->n[8], t, key), c->n[8], keys, a->width);
        Page page = {.k = w.k, .v = w.v, .v_stride = a->padded, .first = key, .keys = tk, .mask = mask ? mask + key : NULL};
        Ahead ahead = next_page(c, a, t, next, key, stop);
        attend_tile(c, a, t, &page, w.state, &ahead);
    }
    for (int64_t g = 0; g < group; g++)
        for (int64_t i = 0; i < count; i++) {
            int64_t head = t->kv_head * group + g;
            float *out = (float *)c->p[0] + (t->batch * c->n[1] + t->begin + i) * c->n[9] + head * a->width;
            finish_state(a, w.state, g * count + i, head, out, c->p[4] ? (float *)c->p[4] + (t->batch * a->heads + head) * c->n[1] + t->begin + i : NULL);
        }
}

static void body_attention(const QKCall *c, int64_t begin, int64_t end) {
    Attention a = dropping(attention_of(c, c->kind == 0, c->p[6], c->p[7]), c);
    for (int64_t item = begin; item < end; item++) {
        QueryTile tile = query_tile(c, item), next = item + 1 < end ? query_tile(c, item + 1) : tile;
        attention_item(c, &a, &tile, item + 1 < end ? &next : NULL);
    }
}

// MARK: Paged

typedef struct { const uint8_t *k, *v; const int32_t *pages; int64_t type; } Cache;

static int64_t page_at(const Attention *a, Cache cache, int64_t kv_head, int64_t key) {
    return ((int64_t)cache.pages[key / PAGE] * a->kv_heads + kv_head) * qk_cache_page_bytes(cache.type, a->width);
}

// The page of `key` as it lies (`w` then takes its scales) or, where many rows will read it, as f32 in the workspace.
static Page cache_page(const Attention *a, Cache cache, int64_t kv_head, int64_t key, bool many, const Workspace *w) {
    int64_t at = page_at(a, cache, kv_head, key);
    const uint8_t *k = cache.k + at, *v = cache.v + at;
    Page page = {.k = k, .v = v, .v_stride = a->width, .first = key, .keys = INT64_MAX};
    if (cache.type == QK_F32) return page;
    if (many) {
        if (cache.type == QK_F16) unpack_half_page(k, w->k, a->width), unpack_half_page(v, w->v, a->width);
        else unpack_byte_keys(k, w->k, a->width), unpack_byte_values(v, w->v, a->width);
        page.k = w->k, page.v = w->v;
    } else if (cache.type == QK_F16) {
        page.k_kind = page.v_kind = B_HALVES;
    } else {
        halves_to_floats(k + a->width * PAGE, w->k, cache_runs(a->width) * PAGE);
        halves_to_floats(v + a->width * PAGE, w->v, cache_runs(a->width) * PAGE);
        page.k_kind = B_BYTES_BY_STEP, page.v_kind = B_BYTES_BY_COLUMN, page.k_scales = w->k, page.v_scales = w->v;
    }
    return page;
}

static void fetch_run(const uint8_t *from, int64_t bytes) { for (int64_t i = 0; i < bytes; i += 64) __builtin_prefetch(from + i, 0, 2); }

// Pages lie in no order, so nobody sees the next one coming: it is asked for at once, or, as bytes, line by line with the ones that are read.
static void fetch_next(const Attention *a, Cache cache, int64_t kv_head, int64_t key, Page *page) {
    int64_t next = page_at(a, cache, kv_head, key + PAGE), bytes = qk_cache_page_bytes(cache.type, a->width);
    if (cache.type == QK_Q8_0) page->k_ahead = page->v_ahead = next - page_at(a, cache, kv_head, key);
    else fetch_run(cache.k + next, bytes), fetch_run(cache.v + next, bytes);
}

// Rows of one sequence at consecutive positions, for one key head.
static void paged_run(const QKCall *c, const Attention *a, Cache cache, int64_t kv_head, int64_t begin, int64_t count, int64_t position) {
    int64_t group = a->heads / a->kv_heads, head = kv_head * group;
    Workspace w = workspace(a, group * count);
    clear_state(w.state, group * count, a->padded);
    for (int64_t key = low_key(a, position) / PAGE * PAGE; key <= position + count - 1; key += PAGE) {
        Page page = cache_page(a, cache, kv_head, key, count * group > 2 * TILE_ROWS, &w);
        if (key + PAGE <= position + count - 1) fetch_next(a, cache, kv_head, key, &page);
        const float *q = (const float *)c->p[1] + begin * c->n[6] + head * a->width;
        // Lone rows take the heads of their group together, runs take positions together.
        if (count == 1) {
            for (int64_t g = 0; g < group; g += TILE_ROWS) {
                Rows rows = {q + g * a->width, a->width, position, 0, head + g, 1, group - g < TILE_ROWS ? group - g : TILE_ROWS, 0, 0};
                attend_page(a, &rows, &page, state_at(w.state, g));
            }
            continue;
        }
        for (int64_t g = 0; g < group; g++)
            for (int64_t i = 0; i < count; i += TILE_ROWS) {
                Rows rows = {q + i * c->n[6] + g * a->width, c->n[6], position + i, 1, head + g, 0, count - i < TILE_ROWS ? count - i : TILE_ROWS, 0, 0};
                attend_page(a, &rows, &page, state_at(w.state, g * count + i));
            }
    }
    for (int64_t g = 0; g < group; g++)
        for (int64_t i = 0; i < count; i++)
            finish_state(a, w.state, g * count + i, head + g, (float *)c->p[0] + (begin + i) * c->n[9] + (head + g) * a->width, NULL);
}

// Items run over rows first, then key heads, so that a chunk holds neighbours of one sequence.
static void body_attention_paged(const QKCall *c, int64_t begin, int64_t end) {
    Attention a = attention_of(c, true, c->p[7], c->p[8]);
    const int32_t *positions = c->p[5], *sequences = c->p[6];
    for (int64_t item = begin, count; item < end; item += count) {
        int64_t row = item % c->n[0], sequence = sequences[row];
        for (count = 1; item + count < end && row + count < c->n[0] && count < PAGE; count++)
            if (sequences[row + count] != sequence || positions[row + count] != positions[row] + count) break;
        Cache cache = {c->p[2], c->p[3], (const int32_t *)c->p[4] + sequence * c->n[12], c->n[11]};
        paged_run(c, &a, cache, item / c->n[0], row, count, positions[row]);
    }
}

typedef struct { uint8_t *k, *v; int64_t slot; } Slot;

// The pages of a call's row, and its place in them.
static Slot cache_slot(const QKCall *c, int64_t row, int64_t head) {
    int64_t position = ((const int32_t *)c->p[5])[row], sequence = ((const int32_t *)c->p[6])[row];
    int64_t page = ((const int32_t *)c->p[4])[sequence * c->n[12] + position / PAGE], at = (page * c->n[4] + head) * qk_cache_page_bytes(c->n[11], c->n[5]);
    return (Slot){(uint8_t *)c->p[0] + at, (uint8_t *)c->p[1] + at, position % PAGE};
}

static void append_f32(const QKCall *c, Slot first, const float *k, const float *v, int64_t count) {
    int64_t width = c->n[5], stride = c->n[7], d = 0;
    float *keys = (float *)first.k + first.slot, *values = (float *)first.v + first.slot * width;
    if (count == 4)
        for (; d + 4 <= width; d += 4) transpose_4(keys + d * PAGE, PAGE, k + d, stride);
    for (; d < width; d++)
        for (int64_t r = 0; r < count; r++) keys[d * PAGE + r] = k[r * stride + d];
    for (int64_t r = 0; r < count; r++) memcpy(values + r * width, v + r * c->n[8], (size_t)width * 4);
}

// Items run over rows first, then heads, so that neighbours in a line of the K slab are written by one thread, four at a time where they can.
static void body_cache_append(const QKCall *c, int64_t begin, int64_t end) {
    int64_t width = c->n[5];
    for (int64_t item = begin, count; item < end; item += count) {
        int64_t row = item % c->n[0], head = item / c->n[0];
        const float *k = (const float *)c->p[2] + row * c->n[7] + head * width, *v = (const float *)c->p[3] + row * c->n[8] + head * width;
        Slot first = cache_slot(c, row, head);
        count = 1;
        if (c->n[11] == QK_F16) append_half(first.k, first.v, first.slot, width, k, v);
        else if (c->n[11] == QK_Q8_0) append_bytes(first.k, first.v, first.slot, width, k, v);
        if (c->n[11] != QK_F32) continue;
        for (; count < 4 && item + count < end && row + count < c->n[0]; count++) {
            Slot next = cache_slot(c, row + count, head);
            if (next.k != first.k || next.slot != first.slot + count) break;
        }
        append_f32(c, first, k, v, count);
    }
}
#endif
