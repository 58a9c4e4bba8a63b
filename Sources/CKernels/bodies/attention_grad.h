// The backward of attention. Probabilities come back from the log-sum-exp; a (batch, key head) is one item, and inside it pages of keys, heads and
// tiles of queries go in a fixed order, so every sum has one order.
#ifndef QUINTET_ATTENTION_GRAD_H
#define QUINTET_ATTENTION_GRAD_H
#include "attention_rows.h"

// Scratch of an item. Page-sized: keys and values both ways around, and their gradients. Tile-sized: queries, gradients of the output, P and dS.
typedef struct {
    float *k, *k_columns, *v_columns, *dk, *dv;
    float *q, *dout, *p, *ds;
    float *dq, *delta; // [group][tq][padded], [group][tq]
} GradSpace;

static GradSpace grad_space(const Attention *a, int64_t rows) {
    int64_t page = PAGE * a->padded, square = PAGE * PAGE;
    float *m = qk_scratch((size_t)(7 * page + 2 * square + rows * (a->padded + 1) + 64) * 4);
    GradSpace s = {m, m + page, m + 2 * page, m + 3 * page, m + 4 * page, m + 5 * page, m + 6 * page, m + 7 * page, m + 7 * page + square, 0, 0};
    s.dq = s.ds + square;
    s.delta = s.dq + rows * a->padded;
    return s;
}

// What is the same for all tiles of an item.
typedef struct {
    const QKCall *call;
    const Attention *a;
    GradSpace s;
    int64_t batch, kv_head, tq, tk;
} GradItem;

static const float *grad_row(const GradItem *t, int slot, int64_t stride, int64_t length, int64_t row, int64_t head) {
    return (const float *)t->call->p[slot] + (t->batch * length + row) * stride + head * t->a->width;
}

// delta = sum(dout * out) of every row.
static void deltas(const GradItem *t, int64_t group) {
    const QKCall *c = t->call;
    for (int64_t g = 0; g < group; g++)
        for (int64_t i = 0; i < t->tq; i++) {
            int64_t head = t->kv_head * group + g;
            t->s.delta[g * t->tq + i] = row_dot(grad_row(t, 6, c->n[9], t->tq, i, head), grad_row(t, 7, c->n[9], t->tq, i, head), t->a->width);
        }
}

// P = exp(score - lse) and dS = P (dP - delta) scale, through the cap, for a row whose lanes [from, to) were computed; zeros elsewhere.
QK_INLINE void probabilities(const Attention *a, float *p, float *ds, Span span, int64_t low, int64_t high, float slope, float distance, float position,
                             const uint8_t *mask, float lse, float delta, bool plain) {
    float base = lse == -__builtin_inff() ? __builtin_inff() : lse;
    for (int64_t j = 0; j < PAGE; j += W) {
        if (j < span.from || j >= span.to || j >= high || j + W <= low) {
            store(p + j, splat(0));
            store(ds + j, splat(0));
            continue;
        }
        vf raw = load(p + j), e = exp_small(finished_score(a, raw, j, low, high, slope, distance, position, mask, plain) - base);
        vf d = pick(e == 0.0f, splat(0), e * (load(ds + j) - delta) * a->scale);
        if (!plain && a->cap != 0) {
            vf bent = tanh_(raw * a->scale / a->cap);
            d *= 1.0f - square_(bent);
        }
        store(p + j, e);
        store(ds + j, d);
    }
}

// Scores and their gradients for up to six rows of the tile, then dq += dS K.
static void grad_rows(const GradItem *t, const Page *page, int64_t head, int64_t tile_first, int64_t i, int64_t count, float *dq, const float *delta) {
    const Attention *a = t->a;
    const GradSpace *s = &t->s;
    float *p = s->p + i * PAGE, *ds = s->ds + i * PAGE;
    Rows rows = {.q = s->q + i * a->padded, .q_stride = a->padded, .position = t->call->n[11] + tile_first + i, .step = 1, .head = head, .count = count};
    Limits l = limits_in_page(a, &rows, page->first, page->keys);
    if (l.last <= l.first) {
        memset(p, 0, (size_t)(count * PAGE) * 4);
        memset(ds, 0, (size_t)(count * PAGE) * 4);
        return;
    }
    Span span = span_of(&l);
    Tile qk = {.c = p, .c_stride = PAGE, .a = rows.q, .a_row = a->padded, .a_step = 1, .b = s->k_columns, .b_stride = PAGE, .last = a->width};
    tile(&qk, count, span.from, span.to);
    Tile dp = qk;
    dp.c = ds, dp.a = s->dout + i * a->padded, dp.b = s->v_columns;
    tile(&dp, count, span.from, span.to);
    int64_t draw_step = draws_of_row(t->call), draw = ((t->batch * a->heads + head) * t->tq + tile_first + i) * draw_step + page->first;
    for (int64_t r = 0; a->drop > 0 && r < count; r++) drop_weights(a, ds + r * PAGE, span, draw + r * draw_step);
    bool plain = a->cap == 0 && !a->slopes && !page->mask;
    const float *lse = (const float *)t->call->p[8] + (t->batch * a->heads + head) * t->tq + tile_first + i;
    for (int64_t r = 0; r < count; r++) {
        float *pr = p + r * PAGE, *dr = ds + r * PAGE, slope = a->slopes ? a->slopes[head] : 0, position = (float)(rows.position + r), distance = (float)page->first - position;
        if (plain) probabilities(a, pr, dr, span, l.low[r], l.high[r], 0, 0, 0, NULL, lse[r], delta[r], true);
        else probabilities(a, pr, dr, span, l.low[r], l.high[r], slope, distance, position, page->mask, lse[r], delta[r], false);
        if (a->drop > 0) drop_weights(a, pr, span, draw + r * draw_step);
    }
    Tile into_q = {.c = dq, .c_stride = a->padded, .a = ds, .a_row = PAGE, .a_step = 1, .b = s->k, .b_stride = a->padded,
                   .first = l.first, .last = l.last, .add = true};
    tile(&into_q, count, 0, a->padded);
}

// One tile of queries against the page: dv += P^T dout, dk += dS^T q.
static void grad_tile(const GradItem *t, const Page *page, int64_t g, int64_t first, int64_t rows, int64_t keys, const Ahead *ahead) {
    const Attention *a = t->a;
    const QKCall *c = t->call;
    const GradSpace *s = &t->s;
    int64_t head = t->kv_head * (a->heads / a->kv_heads) + g;
    pack_rows(s->q, a->padded, grad_row(t, 3, c->n[6], t->tq, first, head), c->n[6], rows, a->width);
    pack_rows(s->dout, a->padded, grad_row(t, 7, c->n[9], t->tq, first, head), c->n[9], rows, a->width);
    for (int64_t i = 0; i < rows; i += TILE_ROWS) {
        int64_t at = g * t->tq + first + i;
        look_ahead(ahead, i, TILE_ROWS);
        grad_rows(t, page, head, first, i, rows - i < TILE_ROWS ? rows - i : TILE_ROWS, s->dq + at * a->padded, s->delta + at);
    }
    for (int64_t j = 0; j < keys; j += TILE_ROWS) {
        // Causal queries before key j see nothing of it.
        int64_t start = a->causal ? page->first + j - c->n[11] - first : 0, count = keys - j < TILE_ROWS ? keys - j : TILE_ROWS;
        Tile dv = {.c = s->dv + j * a->padded, .c_stride = a->padded, .a = s->p + j, .a_row = 1, .a_step = PAGE, .b = s->dout, .b_stride = a->padded,
                   .first = start < 0 ? 0 : start, .last = rows, .add = true};
        if (dv.first >= rows) continue;
        tile(&dv, count, 0, a->padded);
        Tile dk = dv;
        dk.c = s->dk + j * a->padded, dk.a = s->ds + j, dk.b = s->q;
        tile(&dk, count, 0, a->padded);
    }
}

static void unpack_rows(float *out, int64_t stride, const float *x, int64_t padded, int64_t rows, int64_t width) {
    for (int64_t r = 0; r < rows; r++) memcpy(out + r * stride, x + r * padded, (size_t)width * 4);
}

// What comes after a tile: the next one's queries and output gradients; the next page's keys and values; the next item's first of each.
static Ahead after_tile(const GradItem *t, int64_t key, int64_t g, int64_t first, int64_t group, bool last_item) {
    const QKCall *c = t->call;
    int64_t next = first + PAGE < t->tq ? first + PAGE : 0, head = t->kv_head * group + g + (next == 0), width = t->a->width;
    bool same_page = next > 0 || g + 1 < group, more_pages = key + PAGE < t->tk;
    Ahead a = {{0}, {c->n[6], c->n[9], c->n[7], c->n[8]}, t->tq - next < t->tk ? t->tq - next : t->tk, width};
    if (same_page || (!more_pages && !last_item && t->kv_head + 1 < t->a->kv_heads)) {
        a.row[0] = grad_row(t, 3, c->n[6], t->tq, next, head);
        a.row[1] = grad_row(t, 7, c->n[9], t->tq, next, head);
    }
    if (!same_page && (more_pages || (!last_item && t->kv_head + 1 < t->a->kv_heads))) {
        int64_t key_next = more_pages ? key + PAGE : 0, kv_head = t->kv_head + !more_pages;
        a.row[2] = grad_row(t, 4, c->n[7], t->tk, key_next, kv_head);
        a.row[3] = grad_row(t, 5, c->n[8], t->tk, key_next, kv_head);
        if (t->tk - key_next < a.rows) a.rows = t->tk - key_next;
    }
    return a;
}

// One page of keys against every query that sees some of it.
static void grad_page(const GradItem *t, int64_t key, int64_t group, bool last_item) {
    const Attention *a = t->a;
    const QKCall *c = t->call;
    const GradSpace *s = &t->s;
    int64_t count = t->tk - key < PAGE ? t->tk - key : PAGE, row = t->batch * t->tk + key;
    const float *k = grad_row(t, 4, c->n[7], t->tk, key, t->kv_head), *v = grad_row(t, 5, c->n[8], t->tk, key, t->kv_head);
    pack_columns(s->k_columns, k, c->n[7], count, a->width);
    pack_columns(s->v_columns, v, c->n[8], count, a->width);
    pack_rows(s->k, a->padded, k, c->n[7], count, a->width);
    memset(s->dk, 0, (size_t)(2 * PAGE * a->padded) * 4);
    Page page = {.first = key, .keys = t->tk, .mask = c->p[9] ? (const uint8_t *)c->p[9] + row : NULL};
    for (int64_t g = 0; g < group; g++)
        for (int64_t i = 0; i < t->tq; i += PAGE) {
            int64_t rows = t->tq - i < PAGE ? t->tq - i : PAGE, position = c->n[11] + i;
            if (high_key(a, position + rows - 1, t->tk) <= key || low_key(a, position) >= key + count) continue;
            Ahead ahead = after_tile(t, key, g, i, group, last_item);
            grad_tile(t, &page, g, i, rows, count, &ahead);
        }
    unpack_rows((float *)c->p[1] + row * c->n[7] + t->kv_head * a->width, c->n[7], s->dk, a->padded, count, a->width);
    unpack_rows((float *)c->p[2] + row * c->n[8] + t->kv_head * a->width, c->n[8], s->dv, a->padded, count, a->width);
}

static void body_attention_grad(const QKCall *c, int64_t begin, int64_t end) {
    Attention a = dropping(attention_of(c, c->kind == 0, c->p[10], NULL), c);
    int64_t group = a.heads / a.kv_heads, tq = c->n[1], tk = c->n[2];
    for (int64_t item = begin; item < end; item++) {
        GradItem t = {c, &a, grad_space(&a, group * tq), item / a.kv_heads, item % a.kv_heads, tq, tk};
        memset(t.s.dq, 0, (size_t)(group * tq * a.padded) * 4);
        deltas(&t, group);
        for (int64_t key = 0; key < tk; key += PAGE) grad_page(&t, key, group, item + 1 == end);
        for (int64_t g = 0; g < group; g++)
            unpack_rows((float *)c->p[0] + t.batch * tq * c->n[6] + (t.kv_head * group + g) * a.width, c->n[6], t.s.dq + g * tq * a.padded, a.padded, tq, a.width);
    }
}
#endif
