// The plain twins of the kernels over rows. Sums along a row are taken in f64; sums over rows in f32 and in order, as the contract says.
#ifndef QUINTET_SCALAR_ROWS_H
#define QUINTET_SCALAR_ROWS_H
#include "blocks.h"

static void scalar_reduce_cols(const QKCall *c, int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; row++) {
        const float *x = (const float *)c->p[1] + row * c->n[1];
        double sum = 0, squares = 0, top = -INFINITY;
        for (int64_t j = 0; j < c->n[1]; j++) {
            sum += (double)x[j];
            squares += (double)x[j] * (double)x[j];
            if ((double)x[j] > top || x[j] != x[j]) top = (double)x[j];
        }
        double value = c->kind == QK_SUM ? sum : c->kind == QK_MEAN ? sum / (double)c->n[1] : c->kind == QK_MAX ? top : squares;
        ((float *)c->p[0])[row] = (float)value;
    }
}

static void scalar_reduce_cols_grad(const QKCall *c, int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; row++) {
        const float *x = (const float *)c->p[1] + row * c->n[1];
        float *dx = (float *)c->p[0] + row * c->n[1], dy = ((const float *)c->p[2])[row];
        int64_t top = 0;
        for (int64_t j = 0; j < c->n[1]; j++) {
            if (x[j] > x[top]) top = j;
            dx[j] = c->kind == QK_SUM ? dy : c->kind == QK_MEAN ? dy / (float)c->n[1] : c->kind == QK_MAX ? 0 : 2 * dy * x[j];
        }
        if (c->kind == QK_MAX && c->n[1] > 0) dx[top] = dy;
    }
}

// Items of the three below are blocks of QK_COLUMNS columns.
static int64_t last_column(int64_t end, int64_t cols) { return end * QK_COLUMNS < cols ? end * QK_COLUMNS : cols; }

static void scalar_reduce_rows(const QKCall *c, int64_t begin, int64_t end) {
    for (int64_t j = begin * QK_COLUMNS; j < last_column(end, c->n[1]); j++) {
        float *out = (float *)c->p[0] + j, sum = c->n[3] == 1 ? *out : 0;
        for (int64_t r = 0; r < c->n[0]; r++) sum += ((const float *)c->p[1])[r * c->n[2] + j];
        *out = sum;
    }
}

static void scalar_norm_grad_weight(const QKCall *c, int64_t begin, int64_t end) {
    const float *x = c->p[2], *dy = c->p[3], *stats = c->p[4];
    for (int64_t j = begin * QK_COLUMNS; j < last_column(end, c->n[1]); j++) {
        float *dweight = (float *)c->p[0] + j, *dbias = (float *)c->p[1] + j;
        float w = c->n[2] == 1 && c->p[0] ? *dweight : 0, b = c->n[2] == 1 && c->p[1] ? *dbias : 0;
        for (int64_t r = 0; r < c->n[0]; r++) {
            float d = dy[r * c->n[1] + j];
            w = fmaf(d, (x[r * c->n[1] + j] - stats[2 * r]) * stats[2 * r + 1], w);
            b += d;
        }
        if (c->p[0]) *dweight = w;
        if (c->p[1]) *dbias = b;
    }
}

static void scalar_embed_grad(const QKCall *c, int64_t begin, int64_t end) {
    for (int64_t j = begin * QK_COLUMNS; j < last_column(end, c->n[1]); j++)
        for (int64_t r = 0; r < c->n[0]; r++) {
            int64_t id = ((const int32_t *)c->p[2])[r] + c->n[5];
            float *out = (float *)c->p[0] + id * c->n[1] + j;
            if (id >= 0 && id < c->n[2]) *out = fmaf(c->s[0], ((const float *)c->p[1])[r * c->n[1] + j], *out);
        }
}

static float table_at(const QKCall *c, int64_t i) {
    return c->n[3] >= QK_BLOCKS ? element_of(c->n[3], c->p[1], i) : read_as(c->n[3], c->p[1], i);
}

static void scalar_embed(const QKCall *c, int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; r++) {
        int64_t id = ((const int32_t *)c->p[2])[r] + c->n[5];
        for (int64_t j = 0; j < c->n[1]; j++) {
            float *out = (float *)c->p[0] + r * c->n[1] + j;
            float v = id >= 0 && id < c->n[2] ? c->s[0] * table_at(c, id * c->n[1] + j) : 0;
            *out = c->n[4] == 1 ? *out + v : v;
        }
    }
}

static void scalar_softmax(const QKCall *c, int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; row++) {
        const float *x = (const float *)c->p[1] + row * c->n[1];
        float *out = (float *)c->p[0] + row * c->n[1];
        double top = -INFINITY, sum = 0, scale = (double)c->s[0];
        for (int64_t j = 0; j < c->n[1]; j++) top = fmax(top, scale * (double)x[j]);
        for (int64_t j = 0; j < c->n[1]; j++) sum += exp(scale * (double)x[j] - top);
        for (int64_t j = 0; j < c->n[1]; j++) out[j] = (float)(exp(scale * (double)x[j] - top) / sum);
    }
}

static void scalar_softmax_grad(const QKCall *c, int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; row++) {
        const float *y = (const float *)c->p[1] + row * c->n[1], *dy = (const float *)c->p[2] + row * c->n[1];
        double dot = 0;
        for (int64_t j = 0; j < c->n[1]; j++) dot += (double)y[j] * (double)dy[j];
        for (int64_t j = 0; j < c->n[1]; j++) ((float *)c->p[0])[row * c->n[1] + j] = c->s[0] * y[j] * (dy[j] - (float)dot);
    }
}

static void scalar_norm(const QKCall *c, int64_t begin, int64_t end) {
    const float *weights = c->p[2], *biases = c->p[3];
    int64_t beside = c->n[4] > 0 ? c->n[4] : 1;
    for (int64_t r = begin; r < end; r++) {
        int64_t line = r / beside, part = r % beside * c->n[1], own = c->n[5] == 1 ? part : 0;
        const float *x = (const float *)c->p[1] + line * c->n[2] + part, *weight = weights ? weights + own : NULL, *bias = biases ? biases + own : NULL;
        float *y = (float *)c->p[0] + line * c->n[3] + part;
        double mean = 0, squares = 0, n = (double)c->n[1];
        for (int64_t j = 0; c->kind == 0 && j < c->n[1]; j++) mean += (double)x[j] / n;
        for (int64_t j = 0; j < c->n[1]; j++) squares += ((double)x[j] - mean) * ((double)x[j] - mean) / n;
        double factor = 1 / sqrt(squares + (double)c->s[0]);
        for (int64_t j = 0; j < c->n[1]; j++) {
            double w = weight ? (double)c->s[1] + (double)weight[j] : 1;
            y[j] = (float)(((double)x[j] - mean) * factor * w + (bias ? (double)bias[j] : 0));
        }
        if (c->p[4]) ((float *)c->p[4])[2 * r] = (float)mean, ((float *)c->p[4])[2 * r + 1] = (float)factor;
    }
}

static void scalar_norm_grad(const QKCall *c, int64_t begin, int64_t end) {
    const float *weight = c->p[2], *stats = c->p[4];
    double n = (double)c->n[1];
    for (int64_t r = begin; r < end; r++) {
        const float *x = (const float *)c->p[1] + r * c->n[1], *dy = (const float *)c->p[3] + r * c->n[1];
        double mean = (double)stats[2 * r], factor = (double)stats[2 * r + 1], mean_g = 0, mean_gh = 0;
        for (int64_t j = 0; j < c->n[1]; j++) {
            double g = (double)dy[j] * (weight ? (double)c->s[1] + (double)weight[j] : 1);
            if (c->kind == 0) mean_g += g / n;
            mean_gh += g * ((double)x[j] - mean) * factor / n;
        }
        for (int64_t j = 0; j < c->n[1]; j++) {
            double g = (double)dy[j] * (weight ? (double)c->s[1] + (double)weight[j] : 1);
            float *dx = (float *)c->p[0] + r * c->n[1] + j, d = (float)(factor * (g - mean_g - ((double)x[j] - mean) * factor * mean_gh));
            *dx = c->n[2] == 1 ? *dx + d : d;
        }
    }
}

static void scalar_rope(const QKCall *c, int64_t begin, int64_t end) {
    int64_t half = c->n[3] / 2;
    for (int64_t r = begin; r < end; r++)
        for (int64_t head = 0; head < c->n[1]; head++) {
            const float *x = (const float *)c->p[1] + r * c->n[4] + head * c->n[2];
            const float *table = (const float *)c->p[2] + ((const int32_t *)c->p[3])[r] * c->n[3];
            float *out = (float *)c->p[0] + r * c->n[5] + head * c->n[2];
            for (int64_t i = 0; i < half; i++) {
                int64_t ia = c->kind == 0 ? i : 2 * i, ib = c->kind == 0 ? half + i : 2 * i + 1;
                float a = x[ia], b = x[ib], cosine = table[i], sine = c->s[0] * table[half + i];
                out[ia] = fmaf(a, cosine, -(b * sine));
                out[ib] = fmaf(b, cosine, a * sine);
            }
            for (int64_t i = c->n[3]; i < c->n[2]; i++) out[i] = x[i];
        }
}

static void scalar_cross_entropy(const QKCall *c, int64_t begin, int64_t end) {
    double cap = (double)c->s[1];
    for (int64_t row = begin; row < end; row++) {
        float *x = (float *)c->p[0] + row * c->n[2], *lse = c->p[3];
        int64_t target = ((const int32_t *)c->p[1])[row], n = c->n[1];
        double top = -INFINITY, sum = 0, chosen = target < 0 ? 0 : NAN;
        for (int64_t j = 0; j < n; j++) {
            double z = cap != 0 ? cap * tanh((double)x[j] / cap) : (double)x[j];
            if (j == target) chosen = z;
            if (z > top) sum = sum * exp(top - z) + 1, top = z;
            else sum += exp(z - top);
        }
        ((float *)c->p[2])[row] = target < 0 ? 0 : (float)(top + log(sum) - chosen);
        if (lse) lse[row] = (float)(top + log(sum));
        for (int64_t j = 0; c->kind == 1 && j < n; j++) {
            double z = cap != 0 ? cap * tanh((double)x[j] / cap) : (double)x[j], inner = cap != 0 ? 1 - z / cap * (z / cap) : 1;
            x[j] = target < 0 ? 0 : (float)((double)c->s[0] * (exp(z - top) / sum - (j == target)) * inner);
        }
    }
}

static void scalar_squared_norm(const QKCall *c, int64_t begin, int64_t end) {
    for (int64_t chunk = begin; chunk < end; chunk++) {
        double sum = 0;
        for (int64_t i = chunk * QK_NORM_CHUNK; i < c->n[0] && i < (chunk + 1) * QK_NORM_CHUNK; i++) {
            double x = (double)((const float *)c->p[1])[i];
            sum += x * x;
        }
        ((double *)c->p[2])[chunk] = sum;
    }
}
#endif
