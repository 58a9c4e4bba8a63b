// Online softmax for up to six query rows over one page of 64 keys. Pages are taken in absolute order and every element is its own chain, so a
// row's bits depend on its query, its keys and its position alone: prefill, decode and any batch agree.
#ifndef QUINTET_ATTENTION_ROWS_H
#define QUINTET_ATTENTION_ROWS_H
#include "loss.h"
#include "random.h"
#include "tile.h"

typedef struct {
    int64_t heads, kv_heads, width, padded, window;
    bool causal;
    float scale, cap, rounded; // rounded: the factor on slopes times positions that are rounded to bf16, 0 for exact distances
    const float *slopes, *sinks;
    float drop;             // share of the weights
    uint64_t seed, stream;
} Attention;

static Attention attention_of(const QKCall *c, bool causal, const float *slopes, const float *sinks) {
    return (Attention){.heads = c->n[3], .kv_heads = c->n[4], .width = c->n[5], .padded = padded_width(c->n[5]), .window = c->n[10], .causal = causal,
                       .scale = c->s[0], .cap = c->s[1], .rounded = c->s[3], .slopes = slopes, .sinks = sinks};
}

// With the dropout of a call over whole sequences.
static Attention dropping(Attention a, const QKCall *c) {
    a.drop = c->s[2], a.seed = (uint64_t)c->n[12], a.stream = (uint64_t)c->n[13];
    return a;
}

// Draws lie a whole number of pages apart.
static int64_t draws_of_row(const QKCall *c) { return (c->n[2] + PAGE - 1) / PAGE * PAGE; }

// The keys a query may see, [low, high).
static int64_t low_key(const Attention *a, int64_t position) { return a->window && position >= a->window ? position - a->window + 1 : 0; }
static int64_t high_key(const Attention *a, int64_t position, int64_t keys) {
    int64_t high = a->causal ? position + 1 : a->window ? position + a->window : keys;
    return high < keys ? high < 0 ? 0 : high : keys;
}

typedef struct {
    const void *k, *v;       // [width][PAGE] and [PAGE][..]
    int k_kind, v_kind;      // what they hold (tile.h)
    const float *k_scales, *v_scales;
    int64_t k_ahead, v_ahead;  // bytes to the next page, or 0
    int64_t v_stride, first; // first: the absolute position of key 0
    int64_t keys;            // absolute end of all keys
    const uint8_t *mask;     // of key 0, or NULL
} Page;

// Running state of rows: unnormalized output, largest score, sums of exponentials lane by lane.
typedef struct {
    float *out;
    int64_t out_stride;
    float *top, *sum;
} State;

typedef struct {
    const float *q;
    int64_t q_stride, position, step; // row r has position + r * step
    int64_t head;                     // row r has head + r * head_step
    int64_t head_step, count;
    int64_t draw;                     // index of row 0's weight for key 0 among all draws; rows lie `draw_step` apart
    int64_t draw_step;
} Rows;

static void clear_state(State s, int64_t rows, int64_t width) {
    for (int64_t r = 0; r < rows; r++) {
        s.top[r] = -__builtin_inff();
        memset(s.out + r * s.out_stride, 0, (size_t)width * 4);
    }
    memset(s.sum, 0, (size_t)(rows * W) * 4);
}

typedef struct { int64_t low[TILE_ROWS], high[TILE_ROWS], first, last; } Limits;

// What each row sees of a page, as offsets in it; first and last bound them all.
static Limits limits_in_page(const Attention *a, const Rows *rows, int64_t first, int64_t keys) {
    Limits l = {.first = PAGE, .last = 0};
    for (int64_t r = 0; r < rows->count; r++) {
        int64_t position = rows->position + r * rows->step, low = low_key(a, position) - first, high = high_key(a, position, keys) - first;
        l.low[r] = low < 0 ? 0 : low;
        l.high[r] = high > PAGE ? PAGE : high;
        if (l.high[r] <= l.low[r]) l.low[r] = l.high[r] = 0;
        else l.first = l.low[r] < l.first ? l.low[r] : l.first, l.last = l.high[r] > l.last ? l.high[r] : l.last;
    }
    return l;
}

// Whole vectors of lanes that hold what some row of a block sees; the other lanes are never computed nor read.
typedef struct { int64_t from, to; } Span;
QK_INLINE Span span_of(const Limits *l) { return (Span){l->first / W * W, (l->last + W - 1) / W * W}; }

QK_INLINE vf round_brain(vf x) { return as_float((as_int(x) + 0x7fff + ((as_int(x) >> 16) & 1)) & (int32_t)0xffff0000); }

// What ALiBi adds to the scores of keys that lie `away` from a query at `position`.
QK_INLINE vf alibi(const Attention *a, float slope, vf away, float position) {
    if (a->rounded == 0) return -slope * abs_(away);
    return a->rounded * round_brain(slope * round_brain(away + position));
}

// The score of key lane j + i: scale, cap, slope, then -inf where it is not seen. Key 0 of the page lies `distance` from the query at `position`.
QK_INLINE vf finished_score(const Attention *a, vf s, int64_t j, int64_t low, int64_t high, float slope, float distance, float position, const uint8_t *mask, bool plain) {
    vi lane = lane_numbers() + (int32_t)j;
    s *= a->scale;
    if (!plain) {
        if (a->cap != 0) s = soft_cap(s, a->cap);
        if (a->slopes) s += alibi(a, slope, __builtin_convertvector(lane, vf) + distance, position);
        if (mask) {
            vi seen;
            for (int i = 0; i < W; i++) seen[i] = j + i < high && mask[j + i] ? -1 : 0;
            s = pick(seen, s, splat(-__builtin_inff()));
        }
    }
    if (low > j || high < j + W) s = pick((lane >= (int32_t)low) & (lane < (int32_t)high), s, splat(-__builtin_inff()));
    return s;
}

// Finishes the scores of a row in place and returns the largest.
QK_INLINE float finish_row(const Attention *a, float *scores, Span span, int64_t low, int64_t high, float slope, float distance, float position, const uint8_t *mask, bool plain) {
    vf top = splat(-__builtin_inff());
    for (int64_t j = span.from; j < span.to; j += W) {
        vf s = j >= high || j + W <= low ? splat(-__builtin_inff()) : finished_score(a, load(scores + j), j, low, high, slope, distance, position, mask, plain);
        store(scores + j, s);
        top = larger(top, s);
    }
    return max_lanes(top);
}

// Scores to exponentials; the sum's lanes and the largest score move on, and `factor` tells what the past is worth now.
static void exponentials(float *scores, Span span, float *top, float *sum, float found, float *factor) {
    float next = found > *top || found != found ? found : *top, base = next == -__builtin_inff() ? 0 : next;
    *factor = next == *top ? 1 : exp_small(splat(*top - base))[0];
    vf total = splat(0);
    for (int64_t j = span.from; j < span.to; j += W) {
        vf e = exp_small(load(scores + j) - base);
        store(scores + j, e);
        total += e;
    }
    store(sum, fma_(load(sum), splat(*factor), total));
    *top = next;
}

// Drops a share of a row's weights for the keys of a page and scales the others up. `draw`: the index of the page's key 0.
static void drop_weights(const Attention *a, float *weights, Span span, int64_t draw) {
    float values[4 * W], scale = 1 / (1 - a->drop);
    for (int64_t j = span.from / (4 * W) * (4 * W); j < span.to; j += 4 * W) {
        draw_units((uint64_t)(draw + j) / 4, a->stream, a->seed, values);
        for (int64_t i = 0; i < 4 * W; i += W) store(weights + j + i, pick(load(values + i) >= a->drop, load(weights + j + i) * scale, splat(0)));
    }
}

static void attend_page(const Attention *a, const Rows *rows, const Page *page, State s) {
    _Alignas(64) float scores[TILE_ROWS * PAGE], factor[TILE_ROWS];
    Limits l = limits_in_page(a, rows, page->first, page->keys);
    if (l.last <= l.first) return;
    Tile qk = {.c = scores, .c_stride = PAGE, .a = rows->q, .a_row = rows->q_stride, .a_step = 1, .b = page->k, .kind = page->k_kind, .scales = page->k_scales, .ahead = page->k_ahead, .b_stride = PAGE, .last = a->width};
    Span span = span_of(&l);
    tile(&qk, rows->count, span.from, span.to);
    bool plain = a->cap == 0 && !a->slopes && !page->mask;
    for (int64_t r = 0; r < rows->count; r++) {
        float *row = scores + r * PAGE, found;
        if (plain) {
            found = finish_row(a, row, span, l.low[r], l.high[r], 0, 0, 0, NULL, true);
        } else {
            int64_t position = rows->position + r * rows->step;
            float slope = a->slopes ? a->slopes[rows->head + r * rows->head_step] : 0, distance = (float)(page->first - position);
            found = finish_row(a, row, span, l.low[r], l.high[r], slope, distance, (float)position, page->mask, false);
        }
        exponentials(row, span, s.top + r, s.sum + r * W, found, factor + r);
        if (a->drop > 0) drop_weights(a, row, span, rows->draw + r * rows->draw_step + page->first);
    }
    Tile pv = {.c = s.out, .c_stride = s.out_stride, .a = scores, .a_row = PAGE, .a_step = 1, .b = page->v, .kind = page->v_kind, .scales = page->v_scales, .ahead = page->v_ahead, .b_stride = page->v_stride,
               .first = l.first, .last = l.last, .add = true, .factor = factor};
    tile(&pv, rows->count, 0, a->width);
}

// Divides by the sum, the sink's share included, and writes a row of the output and its log-sum-exp.
static void finish_state(const Attention *a, State s, int64_t r, int64_t head, float *out, float *lse) {
    float top = s.top[r], sum = sum_lanes(load(s.sum + r * W)), factor = 1;
    const float *x = s.out + r * s.out_stride;
    if (top == -__builtin_inff()) {
        memset(out, 0, (size_t)a->width * 4);
        if (lse) *lse = top;
        return;
    }
    if (a->sinks) {
        float sink = a->sinks[head], next = sink > top ? sink : top;
        factor = exp_small(splat(top - next))[0];
        sum = sum * factor + exp_small(splat(sink - next))[0];
        top = next;
    }
    factor /= sum;
#define STEP(i, lanes) store_n(out + i, lanes, load_n(x + i, lanes) * factor)
    QK_EACH_VECTOR(i, a->width, STEP);
#undef STEP
    if (lse) *lse = top + log_(splat(sum))[0];
}
#endif
