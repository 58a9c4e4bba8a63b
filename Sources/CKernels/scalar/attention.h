// The plain twins of attention: one query at a time, all its scores in f64, then the sum over the values.
#ifndef QUINTET_SCALAR_ATTENTION_H
#define QUINTET_SCALAR_ATTENTION_H
#include "numbers.h"
#include "random.h"

// Where keys and values lie: in rows, or in the pages of a cache, in their type.
typedef struct {
    const float *k, *v;
    int64_t k_stride, v_stride, width;
    const int32_t *pages; // NULL: rows
    int64_t kv_heads, kv_head, type;
} Keys;

// Number i of a page whose scale, if it has one, is number s.
static float page_at(const Keys *s, const void *slab, int64_t page, int64_t i, int64_t scale) {
    const uint8_t *base = (const uint8_t *)slab + (page * s->kv_heads + s->kv_head) * qk_cache_page_bytes(s->type, s->width);
    if (s->type != QK_Q8_0) return read_as(s->type, base, i);
    return (float)((const int8_t *)base)[i] * read_as(QK_F16, base + s->width * QK_PAGE, scale);
}
static float key_at(const Keys *s, int64_t key, int64_t d) {
    if (!s->pages) return s->k[key * s->k_stride + d];
    return page_at(s, s->k, s->pages[key / QK_PAGE], d * QK_PAGE + key % QK_PAGE, d / 32 * QK_PAGE + key % QK_PAGE);
}
static float value_at(const Keys *s, int64_t key, int64_t d) {
    if (!s->pages) return s->v[key * s->v_stride + d];
    return page_at(s, s->v, s->pages[key / QK_PAGE], key % QK_PAGE * s->width + d, key % QK_PAGE * ((s->width + 31) / 32) + d / 32);
}

typedef struct {
    const uint8_t *mask;
    int64_t position, keys, window;
    bool causal;
    double scale, cap, slope, sink, rounded;
    float drop;                  // share of the weights
    uint64_t seed, stream, draw; // draw: the index of key 0's weight
} Query;

// What dropout makes of a weight: nothing, or more of it.
static double kept(const Query *q, int64_t key) {
    uint32_t words[4];
    if (q->drop == 0) return 1;
    philox_block(q->seed, q->stream, (q->draw + (uint64_t)key) / 4, words);
    return unit(words[(q->draw + (uint64_t)key) % 4]) >= q->drop ? (double)(1 / (1 - q->drop)) : 0;
}

static bool sees(const Query *q, int64_t key) {
    int64_t back = q->position - key;
    if (q->mask && !q->mask[key]) return false;
    if (q->causal && back < 0) return false;
    return !q->window || (back < q->window && -back < q->window);
}

static float brain(float x) { return float_of((uint32_t)to_brain(x) << 16); }

static double score(const Query *s, const float *q, const Keys *keys, int64_t key) {
    double sum = 0;
    for (int64_t d = 0; d < keys->width; d++) sum += (double)q[d] * (double)key_at(keys, key, d);
    sum *= s->scale;
    if (s->cap != 0) sum = s->cap * tanh(sum / s->cap);
    if (s->rounded != 0) return sum + s->rounded * (double)brain((float)s->slope * brain((float)key));
    return sum - s->slope * fabs((double)(s->position - key));
}

// Adds in a fixed order: keys from the first. Returns the log-sum-exp.
static double attend(const Query *s, const float *q, const Keys *keys, float *out) {
    double top = -INFINITY, sum = 0, *weights = qk_scratch(sizeof(double) * (size_t)(s->keys + 1));
    for (int64_t key = 0; key < s->keys; key++) {
        weights[key] = sees(s, key) ? score(s, q, keys, key) : -INFINITY;
        if (weights[key] > top || weights[key] != weights[key]) top = weights[key];
    }
    memset(out, 0, (size_t)keys->width * 4);
    if (top == -INFINITY) return top;
    if (s->sink > top) top = s->sink;
    for (int64_t key = 0; key < s->keys; key++) sum += weights[key] = exp(weights[key] - top);
    sum += exp(s->sink - top);
    for (int64_t d = 0; d < keys->width; d++) {
        double x = 0;
        for (int64_t key = 0; key < s->keys; key++)
            if (weights[key] != 0) x += weights[key] * kept(s, key) * (double)value_at(keys, key, d);
        out[d] = (float)(x / sum);
    }
    return top + log(sum);
}

// The query and key rows of (batch, head, i) in a call over whole sequences.
static Query query_of(const QKCall *c, const uint8_t *mask, const float *slopes, const float *sinks, int64_t batch, int64_t head, int64_t i) {
    int64_t draws = (c->n[2] + QK_PAGE - 1) / QK_PAGE * QK_PAGE;
    return (Query){mask, c->n[11] + i, c->n[2], c->n[10], c->kind == 0, (double)c->s[0], (double)c->s[1], slopes ? (double)slopes[head] : 0,
                   sinks ? (double)sinks[head] : -INFINITY, (double)c->s[3], c->s[2], (uint64_t)c->n[12], (uint64_t)c->n[13],
                   (uint64_t)(((batch * c->n[3] + head) * c->n[1] + i) * draws)};
}

// Items are those of plan.c: tiles of queries, from the last.
static void scalar_attention(const QKCall *c, int64_t begin, int64_t end) {
    int64_t tq = c->n[1], tk = c->n[2], heads = c->n[3], kv_heads = c->n[4], width = c->n[5], pairs = c->n[0] * kv_heads, size = qk_query_tile(pairs, tq);
    for (int64_t item = begin; item < end; item++) {
        int64_t batch = item % pairs / kv_heads, kv_head = item % pairs % kv_heads, from = ((tq + size - 1) / size - 1 - item / pairs) * size;
        Keys keys = {(const float *)c->p[2] + batch * tk * c->n[7] + kv_head * width, (const float *)c->p[3] + batch * tk * c->n[8] + kv_head * width,
                     c->n[7], c->n[8], width, NULL, 0, 0, QK_F32};
        for (int64_t head = kv_head * (heads / kv_heads); head < (kv_head + 1) * (heads / kv_heads); head++)
            for (int64_t i = from; i < tq && i < from + size; i++) {
                Query query = query_of(c, c->p[5] ? (const uint8_t *)c->p[5] + batch * tk : NULL, c->p[6], c->p[7], batch, head, i);
                int64_t row = batch * tq + i;
                double lse = attend(&query, (const float *)c->p[1] + row * c->n[6] + head * width, &keys, (float *)c->p[0] + row * c->n[9] + head * width);
                if (c->p[4]) ((float *)c->p[4])[(batch * heads + head) * tq + i] = (float)lse;
            }
    }
}

// One query's share of the gradients, added in f64.
static void add_gradients(const QKCall *c, const Query *s, const Keys *keys, int64_t batch, int64_t head, int64_t i, double *dk, double *dv) {
    int64_t width = c->n[5], row = batch * c->n[1] + i, at = row * c->n[6] + head * width, out_at = row * c->n[9] + head * width;
    const float *q = (const float *)c->p[3] + at, *out = (const float *)c->p[6] + out_at, *dout = (const float *)c->p[7] + out_at;
    float *dq = (float *)c->p[0] + at;
    double lse = (double)((const float *)c->p[8])[(batch * c->n[3] + head) * c->n[1] + i], delta = 0, sum[width];
    for (int64_t d = 0; d < width; d++) delta += (double)out[d] * (double)dout[d], sum[d] = 0;
    for (int64_t key = 0; key < s->keys; key++) {
        if (!sees(s, key)) continue;
        double z = score(s, q, keys, key), p = exp(z - lse), dp = 0, bent = s->cap != 0 ? (z + s->slope * fabs((double)(s->position - key))) / s->cap : 0;
        for (int64_t d = 0; d < width; d++) dp += (double)dout[d] * (double)value_at(keys, key, d);
        double share = kept(s, key), ds = p * (dp * share - delta) * s->scale * (1 - bent * bent);
        for (int64_t d = 0; d < width; d++) {
            sum[d] += ds * (double)key_at(keys, key, d);
            dk[key * width + d] += ds * (double)q[d];
            dv[key * width + d] += p * share * (double)dout[d];
        }
    }
    for (int64_t d = 0; d < width; d++) dq[d] = (float)sum[d];
}

static void scalar_attention_grad(const QKCall *c, int64_t begin, int64_t end) {
    int64_t tq = c->n[1], tk = c->n[2], kv_heads = c->n[4], width = c->n[5], group = c->n[3] / kv_heads;
    for (int64_t item = begin; item < end; item++) {
        int64_t batch = item / kv_heads, kv_head = item % kv_heads, k_at = batch * tk * c->n[7] + kv_head * width, v_at = batch * tk * c->n[8] + kv_head * width;
        Keys keys = {(const float *)c->p[4] + k_at, (const float *)c->p[5] + v_at, c->n[7], c->n[8], width, NULL, 0, 0, QK_F32};
        double *dk = qk_scratch(sizeof(double) * (size_t)(2 * tk * width + 1)), *dv = dk + tk * width;
        memset(dk, 0, sizeof(double) * (size_t)(2 * tk * width));
        for (int64_t head = kv_head * group; head < (kv_head + 1) * group; head++)
            for (int64_t i = 0; i < tq; i++) {
                Query query = query_of(c, c->p[9] ? (const uint8_t *)c->p[9] + batch * tk : NULL, c->p[10], NULL, batch, head, i);
                add_gradients(c, &query, &keys, batch, head, i, dk, dv);
            }
        for (int64_t key = 0; key < tk; key++)
            for (int64_t d = 0; d < width; d++) {
                ((float *)c->p[1])[k_at + key * c->n[7] + d] = (float)dk[key * width + d];
                ((float *)c->p[2])[v_at + key * c->n[8] + d] = (float)dv[key * width + d];
            }
    }
}

static void scalar_attention_paged(const QKCall *c, int64_t begin, int64_t end) {
    int64_t rows = c->n[0], heads = c->n[3], kv_heads = c->n[4], width = c->n[5];
    const float *slopes = c->p[7], *sinks = c->p[8];
    for (int64_t item = begin; item < end; item++) {
        int64_t row = item % rows, kv_head = item / rows, position = ((const int32_t *)c->p[5])[row], sequence = ((const int32_t *)c->p[6])[row];
        Keys keys = {c->p[2], c->p[3], 0, 0, width, (const int32_t *)c->p[4] + sequence * c->n[12], kv_heads, kv_head, c->n[11]};
        for (int64_t head = kv_head * (heads / kv_heads); head < (kv_head + 1) * (heads / kv_heads); head++) {
            Query query = {NULL, position, position + 1, c->n[10], true, (double)c->s[0], (double)c->s[1], slopes ? (double)slopes[head] : 0,
                           sinks ? (double)sinks[head] : -INFINITY, (double)c->s[3], 0, 0, 0, 0};
            attend(&query, (const float *)c->p[1] + row * c->n[6] + head * width, &keys, (float *)c->p[0] + row * c->n[9] + head * width);
        }
    }
}

// A position's numbers `stride` apart in its page; q8_0's scales `scale_stride` apart behind it.
static void append_numbers(int64_t type, uint8_t *page, int64_t at, int64_t stride, int64_t scale_at, int64_t scale_stride, const float *x, int64_t width) {
    for (int64_t d = 0; d < width && type != QK_Q8_0; d++) write_as(type, page, at + d * stride, x[d]);
    for (int64_t d = 0; d < width && type == QK_Q8_0; d += 32, scale_at += scale_stride) {
        int64_t end = d + 32 < width ? d + 32 : width;
        float most = 0;
        for (int64_t i = d; i < end; i++) most = fabsf(x[i]) > most ? fabsf(x[i]) : most;
        write_as(QK_F16, page + width * QK_PAGE, scale_at, most / 127);
        float scale = read_as(QK_F16, page + width * QK_PAGE, scale_at), inverse = scale > 0 ? 1 / scale : 0;
        for (int64_t i = d; i < end; i++) {
            float v = rintf(x[i] * inverse);
            ((int8_t *)page)[at + i * stride] = (int8_t)(v > -127 ? v < 127 ? v : 127 : -127);
        }
    }
}

static void scalar_cache_append(const QKCall *c, int64_t begin, int64_t end) {
    int64_t kv_heads = c->n[4], width = c->n[5];
    for (int64_t item = begin; item < end; item++) {
        int64_t row = item % c->n[0], head = item / c->n[0];
        int64_t position = ((const int32_t *)c->p[5])[row], sequence = ((const int32_t *)c->p[6])[row], slot = position % QK_PAGE;
        int64_t page = ((const int32_t *)c->p[4])[sequence * c->n[12] + position / QK_PAGE], at = (page * kv_heads + head) * qk_cache_page_bytes(c->n[11], width);
        append_numbers(c->n[11], (uint8_t *)c->p[0] + at, slot, QK_PAGE, slot, QK_PAGE, (const float *)c->p[2] + row * c->n[7] + head * width, width);
        append_numbers(c->n[11], (uint8_t *)c->p[1] + at, slot * width, 1, slot * ((width + 31) / 32), 1, (const float *)c->p[3] + row * c->n[8] + head * width, width);
    }
}
#endif
