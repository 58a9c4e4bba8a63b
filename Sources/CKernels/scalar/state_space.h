// The plain twins of the convolution and the scan: a column at a time, in f64.
#ifndef QUINTET_SCALAR_STATE_SPACE_H
#define QUINTET_SCALAR_STATE_SPACE_H
#include "../route.h"
#include "numbers.h"

static double softplus(double x) { return fmax(x, 0) + log1p(exp(-fabs(x))); }

static void plain_convolve(const QKCall *c, QKRun run, int64_t j) {
    int64_t cols = c->n[1], taps = c->n[2];
    float *state = c->p[4] ? (float *)c->p[4] + run.sequence * (taps - 1) * cols + j : NULL, *before = qk_scratch((size_t)taps * 4);
    for (int64_t k = 0; k < taps - 1; k++) before[k] = run.fresh ? 0 : state[k * cols];
    const float *x = (const float *)c->p[1] + run.first * c->n[3] + j;
    for (int64_t r = 0; r < run.count; r++) {
        double sum = c->p[3] ? (double)((const float *)c->p[3])[j] : 0;
        for (int64_t k = 0; k < taps; k++) {
            int64_t at = r - taps + 1 + k;
            sum += (double)((const float *)c->p[2])[k * cols + j] * (double)(at >= 0 ? x[at * c->n[3]] : before[taps - 1 + at]);
        }
        ((float *)c->p[0])[(run.first + r) * cols + j] = (float)sum;
    }
    for (int64_t k = 0; state && k < taps - 1; k++) {
        int64_t at = run.count - taps + 1 + k;
        state[k * cols] = at >= 0 ? x[at * c->n[3]] : before[taps - 1 + at];
    }
}

static int64_t stop_column(const QKCall *c, int64_t end) { return end * QK_COLUMNS < c->n[1] ? end * QK_COLUMNS : c->n[1]; }

static void scalar_convolve(const QKCall *c, int64_t begin, int64_t end) {
    for (int64_t j = begin * QK_COLUMNS; j < stop_column(c, end); j++)
        for (int64_t row = 0; row < c->n[0];) {
            QKRun run = qk_run_at(c->n[0], c->n[5], c->p[4] ? c->p[5] : NULL, c->p[6], row);
            plain_convolve(c, run, j);
            row += run.count;
        }
}

static void scalar_convolve_grad(const QKCall *c, int64_t begin, int64_t end) {
    int64_t cols = c->n[1], taps = c->n[2], rows = c->n[0], time = c->n[5];
    const float *x = c->p[3], *weight = c->p[4], *dout = c->p[5];
    for (int64_t j = begin * QK_COLUMNS; j < stop_column(c, end); j++) {
        for (int64_t r = 0; r < rows; r++) {
            double sum = 0;
            for (int64_t k = 0; k < taps; k++)
                if (r % time + taps - 1 - k < time) sum += (double)weight[k * cols + j] * (double)dout[(r + taps - 1 - k) * cols + j];
            ((float *)c->p[0])[r * cols + j] = (float)sum;
        }
        for (int64_t k = 0; k < taps; k++) {
            float *out = (float *)c->p[1] + k * cols + j;
            double sum = c->n[6] ? (double)*out : 0;
            for (int64_t r = 0; r < rows; r++)
                if (r % time - taps + 1 + k >= 0) sum += (double)dout[r * cols + j] * (double)x[(r - taps + 1 + k) * c->n[3] + j];
            *out = (float)sum;
        }
        if (!c->p[2]) continue;
        double sum = c->n[7] ? (double)((float *)c->p[2])[j] : 0;
        for (int64_t r = 0; r < rows; r++) sum += (double)dout[r * cols + j];
        ((float *)c->p[2])[j] = (float)sum;
    }
}

static void plain_scan(const QKCall *c, QKRun run, int64_t j, double *h) {
    int64_t cols = c->n[1], states = c->n[2];
    float *state = c->p[6] ? (float *)c->p[6] + run.sequence * states * cols + j : NULL;
    for (int64_t n = 0; n < states; n++) h[n] = run.fresh ? 0 : (double)state[n * cols];
    for (int64_t r = run.first; r < run.first + run.count; r++) {
        const float *b = (const float *)c->p[4] + r * c->n[3];
        double x = (double)((const float *)c->p[1])[r * cols + j], d = softplus((double)((const float *)c->p[2])[r * cols + j]), sum = 0;
        for (int64_t n = 0; n < states; n++) {
            // Kept as it is stored, so that no cut of the rows changes a bit.
            h[n] = (double)(float)(exp(-d * exp((double)((const float *)c->p[3])[n * cols + j])) * h[n] + d * (double)b[n] * x);
            sum += (double)b[states + n] * h[n];
        }
        ((float *)c->p[0])[r * cols + j] = (float)(sum + (double)((const float *)c->p[5])[j] * x);
    }
    for (int64_t n = 0; state && n < states; n++) state[n * cols] = (float)h[n];
}

static void scalar_scan(const QKCall *c, int64_t begin, int64_t end) {
    double *h = qk_scratch((size_t)c->n[2] * 8);
    for (int64_t j = begin * QK_COLUMNS; j < stop_column(c, end); j++)
        for (int64_t row = 0; row < c->n[0];) {
            QKRun run = qk_run_at(c->n[0], c->n[5], c->p[6] ? c->p[7] : NULL, c->p[8], row);
            plain_scan(c, run, j, h);
            row += run.count;
        }
}

// A column of a sequence; drate and dskip go on, dB and dC are added to `partial`.
static void plain_scan_grad(const QKCall *c, int64_t first, int64_t j, double *h, double *dh, double *drate, double *dskip, float *partial) {
    int64_t cols = c->n[1], states = c->n[2], time = c->n[5];
    const float *xs = c->p[5], *deltas = c->p[6], *decay = c->p[7];
    for (int64_t n = 0; n < states; n++) h[n] = dh[n] = 0;
    for (int64_t t = 0; t < time; t++) {
        double d = softplus((double)deltas[(first + t) * cols + j]), x = (double)xs[(first + t) * cols + j];
        for (int64_t n = 0; n < states; n++)
            h[(t + 1) * states + n] = exp(-d * exp((double)decay[n * cols + j])) * h[t * states + n] + d * (double)((const float *)c->p[8])[(first + t) * c->n[3] + n] * x;
    }
    for (int64_t t = time - 1; t >= 0; t--) {
        int64_t r = first + t;
        const float *b = (const float *)c->p[8] + r * c->n[3];
        double raw = (double)deltas[r * cols + j], d = softplus(raw), x = (double)xs[r * cols + j], dout = (double)((const float *)c->p[10])[r * cols + j];
        double dx = dout * (double)((const float *)c->p[9])[j], dd = 0;
        *dskip += dout * x;
        for (int64_t n = 0; n < states; n++) {
            double rate = -exp((double)decay[n * cols + j]), keep = exp(d * rate), g = dh[n] + (double)b[states + n] * dout;
            double through = g * h[t * states + n] * keep;
            partial[r * 2 * states + n] += (float)(g * d * x);
            partial[r * 2 * states + states + n] += (float)(dout * h[(t + 1) * states + n]);
            dx += g * d * (double)b[n];
            dd += g * x * (double)b[n] + through * rate;
            drate[n] += through * d;
            dh[n] = g * keep;
        }
        ((float *)c->p[0])[r * cols + j] = (float)dx;
        ((float *)c->p[1])[r * cols + j] = (float)(dd * logistic(raw));
    }
}

static void scalar_scan_grad(const QKCall *c, int64_t begin, int64_t end) {
    int64_t cols = c->n[1], states = c->n[2];
    double *memory = qk_scratch((size_t)((c->n[5] + 3) * states) * 8), *dh = memory, *drate = memory + states, *h = memory + 2 * states;
    for (int64_t item = begin; item < end; item++) {
        float *partial = (float *)c->p[11] + item * c->n[0] * 2 * states;
        memset(partial, 0, (size_t)(c->n[0] * 2 * states) * 4);
        for (int64_t j = item * QK_COLUMNS; j < stop_column(c, item + 1); j++) {
            float *ddecay = (float *)c->p[2] + j, *out = (float *)c->p[4] + j;
            double dskip = c->n[7] ? (double)*out : 0;
            for (int64_t n = 0; n < states; n++) drate[n] = 0;
            for (int64_t first = 0; first < c->n[0]; first += c->n[5]) plain_scan_grad(c, first, j, h, dh, drate, &dskip, partial);
            *out = (float)dskip;
            for (int64_t n = 0; n < states; n++) {
                double d = -exp((double)((const float *)c->p[7])[n * cols + j]) * drate[n];
                ddecay[n * cols] = (float)(c->n[6] ? (double)ddecay[n * cols] + d : d);
            }
        }
    }
}
#endif
