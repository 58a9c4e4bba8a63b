// Causal convolution and the selective scan. Items are blocks of QK_COLUMNS columns; every column walks its rows in order, so a column's bits depend on
// nothing but its own past: prefill in any cuts, decode and any batch agree.
#ifndef QUINTET_STATE_SPACE_H
#define QUINTET_STATE_SPACE_H
#include "../route.h"
#include "math.h"

typedef struct { int64_t from, to; } Columns;
QK_INLINE Columns columns_of(const QKCall *c, int64_t item) {
    int64_t from = item * QK_COLUMNS, to = from + QK_COLUMNS;
    return (Columns){from, to < c->n[1] ? to : c->n[1]};
}
QK_INLINE int64_t lanes_at(Columns b, int64_t j) { return b.to - j < W ? b.to - j : W; }

// MARK: Convolution

// Input `back` rows before row r of a run: of the run itself, of the state, or zero.
QK_INLINE vf input_at(const QKCall *c, QKRun run, const float *state, int64_t r, int64_t j, int64_t lanes) {
    if (r >= 0) return load_n((const float *)c->p[1] + (run.first + r) * c->n[3] + j, lanes);
    if (run.fresh) return splat(0);
    return load_n(state + (c->n[2] - 1 + r) * c->n[1] + j, lanes);
}

static void convolve_run(const QKCall *c, QKRun run, Columns b) {
    int64_t cols = c->n[1], taps = c->n[2];
    const float *weight = c->p[2], *bias = c->p[3];
    float *out = c->p[0], *state = c->p[4] ? (float *)c->p[4] + run.sequence * (taps - 1) * cols : NULL;
    for (int64_t j = b.from; j < b.to; j += W) {
        int64_t lanes = lanes_at(b, j);
        for (int64_t r = 0; r < run.count; r++) {
            vf sum = bias ? load_n(bias + j, lanes) : splat(0);
            for (int64_t k = 0; k < taps; k++) sum = fma_(load_n(weight + k * cols + j, lanes), input_at(c, run, state, r - taps + 1 + k, j, lanes), sum);
            store_n(out + (run.first + r) * cols + j, lanes, sum);
        }
        // Earlier slots first: what is shifted lies behind them.
        for (int64_t k = 0; state && k < taps - 1; k++)
            store_n(state + k * cols + j, lanes, input_at(c, run, state, run.count - taps + 1 + k, j, lanes));
    }
}

static void body_convolve(const QKCall *c, int64_t begin, int64_t end) {
    for (int64_t item = begin; item < end; item++)
        for (int64_t row = 0; row < c->n[0];) {
            QKRun run = qk_run_at(c->n[0], c->n[5], c->p[4] ? c->p[5] : NULL, c->p[6], row);
            convolve_run(c, run, columns_of(c, item));
            row += run.count;
        }
}

static void convolve_grad_columns(const QKCall *c, int64_t j, int64_t lanes) {
    int64_t cols = c->n[1], taps = c->n[2], rows = c->n[0], time = c->n[5];
    const float *x = (const float *)c->p[3] + j, *weight = (const float *)c->p[4] + j, *dout = (const float *)c->p[5] + j;
    float *dx = (float *)c->p[0] + j, *dweight = (float *)c->p[1] + j, *dbias = c->p[2] ? (float *)c->p[2] + j : NULL;
    for (int64_t r = 0; r < rows; r++) {
        vf sum = splat(0);
        int64_t left = time - r % time;
        for (int64_t k = taps - 1; k >= 0 && taps - 1 - k < left; k--)
            sum = fma_(load_n(weight + k * cols, lanes), load_n(dout + (r + taps - 1 - k) * cols, lanes), sum);
        store_n(dx + r * cols, lanes, sum);
    }
    for (int64_t k = 0; k < taps; k++) {
        vf sum = c->n[6] ? load_n(dweight + k * cols, lanes) : splat(0);
        for (int64_t r = 0; r < rows; r++)
            if (r % time >= taps - 1 - k) sum = fma_(load_n(dout + r * cols, lanes), load_n(x + (r - taps + 1 + k) * c->n[3], lanes), sum);
        store_n(dweight + k * cols, lanes, sum);
    }
    if (!dbias) return;
    vf sum = c->n[7] ? load_n(dbias, lanes) : splat(0);
    for (int64_t r = 0; r < rows; r++) sum += load_n(dout + r * cols, lanes);
    store_n(dbias, lanes, sum);
}

static void body_convolve_grad(const QKCall *c, int64_t begin, int64_t end) {
    for (int64_t item = begin; item < end; item++) {
        Columns b = columns_of(c, item);
        for (int64_t j = b.from; j < b.to; j += W) convolve_grad_columns(c, j, lanes_at(b, j));
    }
}

// MARK: Scan

// log(1 + e^x) without loss for small e^x: log(u) * e / (u - 1) where u = 1 + e is rounded.
QK_INLINE vf softplus_(vf x) {
    vf e = exp_(-abs_(x)), u = 1.0f + e, d = u - 1.0f;
    vf small = pick(d == 0.0f, e, log_(u) * (e / pick(d == 0.0f, splat(1), d)));
    return max_(x, splat(0)) + small;
}

typedef struct { const float *x, *delta, *bc; float *out; int64_t cols, states, bc_stride; } Scan;

// One row: the state moves on, what it gives comes back.
QK_INLINE vf scan_row(int64_t states, const float *rate, const float *b, vf d, vf x, float *h) {
    const float *cs = b + states;
    vf dx = d * x, sum = splat(0);
    for (int64_t n = 0; n < states; n++) {
        vf next = fma_(exp_small(d * load(rate + n * W)), load(h + n * W), dx * b[n]);
        store(h + n * W, next);
        sum = fma_(splat(cs[n]), next, sum);
    }
    return sum;
}

// rate = -exp(decay), [states][W].
QK_INLINE void load_rates(float *rate, const float *decay, int64_t states, int64_t cols, int64_t lanes) {
    for (int64_t n = 0; n < states; n++) store(rate + n * W, -exp_(load_n(decay + n * cols, lanes)));
}

static void scan_columns(const QKCall *c, QKRun run, int64_t j, int64_t lanes, const float *rate, float *h) {
    int64_t cols = c->n[1], states = c->n[2];
    float *state = c->p[6] ? (float *)c->p[6] + run.sequence * states * cols + j : NULL;
    vf skip = load_n((const float *)c->p[5] + j, lanes);
    for (int64_t n = 0; n < states; n++) store(h + n * W, run.fresh ? splat(0) : load_n(state + n * cols, lanes));
    for (int64_t r = run.first; r < run.first + run.count; r++) {
        vf x = load_n((const float *)c->p[1] + r * cols + j, lanes), d = softplus_(load_n((const float *)c->p[2] + r * cols + j, lanes));
        vf y = scan_row(states, rate, (const float *)c->p[4] + r * c->n[3], d, x, h);
        store_n((float *)c->p[0] + r * cols + j, lanes, fma_(skip, x, y));
    }
    for (int64_t n = 0; state && n < states; n++) store_n(state + n * cols, lanes, load(h + n * W));
}

static void body_scan(const QKCall *c, int64_t begin, int64_t end) {
    float *rate = qk_scratch((size_t)(2 * c->n[2] * W) * 4), *h = rate + c->n[2] * W;
    for (int64_t item = begin; item < end; item++) {
        Columns b = columns_of(c, item);
        for (int64_t j = b.from; j < b.to; j += W) {
            load_rates(rate, (const float *)c->p[3] + j, c->n[2], c->n[1], lanes_at(b, j));
            for (int64_t row = 0; row < c->n[0];) {
                QKRun run = qk_run_at(c->n[0], c->n[5], c->p[6] ? c->p[7] : NULL, c->p[8], row);
                scan_columns(c, run, j, lanes_at(b, j), rate, h);
                row += run.count;
            }
        }
    }
}

// Memory of a vector of columns: rates, their gradient, the gradient of the state, and the states before and after every row.
typedef struct { float *rate, *drate, *dh, *h; } ScanMemory;

static ScanMemory scan_memory(const QKCall *c) {
    int64_t each = c->n[2] * W;
    float *memory = qk_scratch((size_t)((c->n[5] + 4) * each) * 4);
    return (ScanMemory){memory, memory + each, memory + 2 * each, memory + 3 * each};
}

// Back through one row; dB and dC of these lanes are added to `partial`.
QK_INLINE void scan_grad_row(const QKCall *c, int64_t r, int64_t j, int64_t lanes, ScanMemory m, const float *h, vf *dskip, float *partial) {
    int64_t cols = c->n[1], states = c->n[2];
    const float *b = (const float *)c->p[8] + r * c->n[3], *cs = b + states;
    vf x = load_n((const float *)c->p[5] + r * cols + j, lanes), raw = load_n((const float *)c->p[6] + r * cols + j, lanes), d = softplus_(raw);
    vf dout = load_n((const float *)c->p[10] + r * cols + j, lanes), dx = dout * load_n((const float *)c->p[9] + j, lanes), dd = splat(0);
    *dskip = fma_(dout, x, *dskip);
    for (int64_t n = 0; n < states; n++) {
        vf rate = load(m.rate + n * W), before = load(h + n * W), after = load(h + (states + n) * W), keep = exp_small(d * rate);
        vf g = fma_(splat(cs[n]), dout, load(m.dh + n * W)), through = g * before * keep;
        partial[n] += sum_lanes(g * d * x);
        partial[states + n] += sum_lanes(dout * after);
        dx = fma_(g * d, splat(b[n]), dx);
        dd = fma_(g * x, splat(b[n]), fma_(through, rate, dd));
        store(m.drate + n * W, fma_(through, d, load(m.drate + n * W)));
        store(m.dh + n * W, g * keep);
    }
    store_n((float *)c->p[0] + r * cols + j, lanes, dx);
    store_n((float *)c->p[1] + r * cols + j, lanes, dd * sigmoid_(raw));
}

static void scan_grad_sequence(const QKCall *c, int64_t first, int64_t j, int64_t lanes, ScanMemory m, vf *dskip, float *partial) {
    int64_t cols = c->n[1], states = c->n[2], each = states * W, time = c->n[5];
    memset(m.h, 0, (size_t)each * 4);
    memset(m.dh, 0, (size_t)each * 4);
    for (int64_t t = 0; t < time; t++) {
        int64_t at = (first + t) * cols + j;
        memcpy(m.h + (t + 1) * each, m.h + t * each, (size_t)each * 4);
        scan_row(states, m.rate, (const float *)c->p[8] + (first + t) * c->n[3], softplus_(load_n((const float *)c->p[6] + at, lanes)),
                 load_n((const float *)c->p[5] + at, lanes), m.h + (t + 1) * each);
    }
    for (int64_t t = time - 1; t >= 0; t--) scan_grad_row(c, first + t, j, lanes, m, m.h + t * each, dskip, partial + (first + t) * 2 * states);
}

static void body_scan_grad(const QKCall *c, int64_t begin, int64_t end) {
    int64_t cols = c->n[1], states = c->n[2];
    ScanMemory m = scan_memory(c);
    for (int64_t item = begin; item < end; item++) {
        Columns b = columns_of(c, item);
        float *partial = (float *)c->p[11] + item * c->n[0] * 2 * states, *ddecay = c->p[2], *dskip = c->p[4];
        memset(partial, 0, (size_t)(c->n[0] * 2 * states) * 4);
        for (int64_t j = b.from; j < b.to; j += W) {
            int64_t lanes = lanes_at(b, j);
            vf skip = c->n[7] ? load_n(dskip + j, lanes) : splat(0);
            load_rates(m.rate, (const float *)c->p[7] + j, states, cols, lanes);
            memset(m.drate, 0, (size_t)(states * W) * 4);
            for (int64_t first = 0; first < c->n[0]; first += c->n[5]) scan_grad_sequence(c, first, j, lanes, m, &skip, partial);
            store_n(dskip + j, lanes, skip);
            for (int64_t n = 0; n < states; n++) {
                vf d = load(m.drate + n * W) * load(m.rate + n * W);
                store_n(ddecay + n * cols + j, lanes, c->n[6] ? load_n(ddecay + n * cols + j, lanes) + d : d);
            }
        }
    }
}
#endif
