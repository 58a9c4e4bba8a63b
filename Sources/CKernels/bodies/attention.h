// Attention over whole sequences and through the paged cache, and the cache's append.
#ifndef QUINTET_ATTENTION_H
#define QUINTET_ATTENTION_H
#include "attention_rows.h"

// Scratch of `rows` rows: state, then a packed page of keys and one of values.
typedef struct { State state; float *k, *v; } Workspace;

static Workspace workspace(const Attention *a, int64_t rows) {
    int64_t page = PAGE * a->padded;
    float *memory = qk_scratch((size_t)(rows * (a->padded + W + 16) + 2 * page) * 4);
    float *out = memory + 2 * page, *sum = out + rows * a->padded;
    return (Workspace){{out, a->padded, sum + rows * W, sum}, memory, memory + page};
}

static State state_at(State s, int64_t row) { return (State){s.out + row * s.out_stride, s.out_stride, s.top + row, s.sum + row * W}; }

// One item: the queries of a tile, all heads that share a key head.
static void attention_item(const QKCall *c, const Attention *a, int64_t batch, int64_t kv_head, int64_t begin, int64_t end) {
    int64_t tq = c->n[1], tk = c->n[2], group = a->heads / a->kv_heads, tile_rows = end - begin, first = c->n[11] + begin, last = c->n[11] + end - 1;
    const uint8_t *mask = c->p[5] ? (const uint8_t *)c->p[5] + batch * tk : NULL;
    Workspace w = workspace(a, group * tile_rows);
    clear_state(w.state, group * tile_rows, a->padded);
    for (int64_t key = low_key(a, first) / PAGE * PAGE, stop = high_key(a, last, tk); key < stop; key += PAGE) {
        int64_t count = tk - key < PAGE ? tk - key : PAGE;
        pack_columns(w.k, (const float *)c->p[2] + (batch * tk + key) * c->n[7] + kv_head * a->width, c->n[7], count, a->width);
        pack_rows(w.v, a->padded, (const float *)c->p[3] + (batch * tk + key) * c->n[8] + kv_head * a->width, c->n[8], count, a->width);
        Page page = {w.k, w.v, a->padded, key, tk, mask ? mask + key : NULL};
        for (int64_t g = 0; g < group; g++)
            for (int64_t i = 0; i < tile_rows; i += TILE_ROWS) {
                int64_t head = kv_head * group + g, row = batch * tq + begin + i, left = tile_rows - i;
                Rows rows = {(const float *)c->p[1] + row * c->n[6] + head * a->width, c->n[6], first + i, 1, head, 0, left < TILE_ROWS ? left : TILE_ROWS};
                attend_page(a, &rows, &page, state_at(w.state, g * tile_rows + i));
            }
    }
    for (int64_t g = 0; g < group; g++)
        for (int64_t i = 0; i < tile_rows; i++) {
            int64_t head = kv_head * group + g;
            float *out = (float *)c->p[0] + (batch * tq + begin + i) * c->n[9] + head * a->width;
            finish_state(a, w.state, g * tile_rows + i, head, out, c->p[4] ? (float *)c->p[4] + (batch * a->heads + head) * tq + begin + i : NULL);
        }
}

// Items count tiles of queries from the last, which see the most keys, to the first.
static void body_attention(const QKCall *c, int64_t begin, int64_t end) {
    Attention a = attention_of(c, c->kind == 0, c->p[6], c->p[7]);
    int64_t size = qk_query_tile(c->n[1]), pairs = c->n[0] * a.kv_heads, tiles = (c->n[1] + size - 1) / size;
    for (int64_t item = begin; item < end; item++) {
        int64_t pair = item % pairs, from = (tiles - 1 - item / pairs) * size, to = from + size < c->n[1] ? from + size : c->n[1];
        attention_item(c, &a, pair / a.kv_heads, pair % a.kv_heads, from, to);
    }
}

// MARK: Paged

typedef struct { const float *k, *v; const int32_t *pages; } Cache;

static Page cache_page(const Attention *a, Cache cache, int64_t kv_head, int64_t key) {
    int64_t at = ((int64_t)cache.pages[key / PAGE] * a->kv_heads + kv_head) * a->width * PAGE;
    return (Page){cache.k + at, cache.v + at, a->width, key, INT64_MAX, NULL};
}

// Rows of one sequence at consecutive positions, for one key head.
static void paged_run(const QKCall *c, const Attention *a, Cache cache, int64_t kv_head, int64_t begin, int64_t count, int64_t position) {
    int64_t group = a->heads / a->kv_heads, head = kv_head * group;
    Workspace w = workspace(a, group * count);
    clear_state(w.state, group * count, a->padded);
    for (int64_t key = low_key(a, position) / PAGE * PAGE; key <= position + count - 1; key += PAGE) {
        Page page = cache_page(a, cache, kv_head, key);
        const float *q = (const float *)c->p[1] + begin * c->n[6] + head * a->width;
        // Lone rows take the heads of their group together, runs take positions together.
        if (count == 1) {
            for (int64_t g = 0; g < group; g += TILE_ROWS) {
                Rows rows = {q + g * a->width, a->width, position, 0, head + g, 1, group - g < TILE_ROWS ? group - g : TILE_ROWS};
                attend_page(a, &rows, &page, state_at(w.state, g));
            }
            continue;
        }
        for (int64_t g = 0; g < group; g++)
            for (int64_t i = 0; i < count; i += TILE_ROWS) {
                Rows rows = {q + i * c->n[6] + g * a->width, c->n[6], position + i, 1, head + g, 0, count - i < TILE_ROWS ? count - i : TILE_ROWS};
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
        Cache cache = {c->p[2], c->p[3], (const int32_t *)c->p[4] + sequence * c->n[12]};
        paged_run(c, &a, cache, item / c->n[0], row, count, positions[row]);
    }
}

static void body_cache_append(const QKCall *c, int64_t begin, int64_t end) {
    int64_t kv_heads = c->n[4], width = c->n[5];
    for (int64_t row = begin; row < end; row++) {
        int64_t position = ((const int32_t *)c->p[5])[row], sequence = ((const int32_t *)c->p[6])[row], slot = position % PAGE;
        int64_t page = ((const int32_t *)c->p[4])[sequence * c->n[12] + position / PAGE];
        for (int64_t head = 0; head < kv_heads; head++) {
            int64_t at = (page * kv_heads + head) * width * PAGE;
            const float *k = (const float *)c->p[2] + row * c->n[7] + head * width;
            for (int64_t d = 0; d < width; d++) ((float *)c->p[0])[at + d * PAGE + slot] = k[d];
            memcpy((float *)c->p[1] + at + slot * width, (const float *)c->p[3] + row * c->n[8] + head * width, (size_t)width * 4);
        }
    }
}
#endif
