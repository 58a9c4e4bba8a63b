// The epilogue of a tile. Included once per instruction set, inside its target attribute.

#include <math.h>
static float qk_gemm_apply(int kind, float x) {
    switch (kind) {
    case QK_RELU: return x > 0 ? x : 0;
    case QK_GELU: return 0.5f * x * (1 + erff(x * 0.70710678118654752f));
    case QK_SILU: return x / (1 + expf(-x));
    default: return x;
    }
}
QK_INLINE void finish_row(const QKCall *c, int64_t i, int64_t j, int columns, float *v) {
    float *out = (float *)c->p[0] + i * c->n[7] + j;
    const float *bias = c->p[3], *residual = c->p[4], *gate = c->p[6];
    float *pre = c->p[5];
    if (!c->n[10]) for (int l = 0; l < columns; l++) v[l] *= c->s[0];
    if (bias) for (int l = 0; l < columns; l++) v[l] += bias[j + l];
    if (pre) for (int l = 0; l < columns; l++) pre[i * c->n[9] + j + l] = v[l];
    if (c->kind) for (int l = 0; l < columns; l++) v[l] = qk_gemm_apply(c->kind, v[l]);
    if (gate) for (int l = 0; l < columns; l++) v[l] *= gate[i * c->n[13] + j + l];
    if (residual) for (int l = 0; l < columns; l++) v[l] += residual[i * c->n[8] + j + l];
    for (int l = 0; l < columns; l++) out[l] = v[l];
}

static void finish(const QKCall *c, int64_t i, int64_t j, int rows, int columns, float *tile) {
    for (int r = 0; r < rows; r++)
        if (columns == QK_PANEL) finish_row(c, i + r, j, QK_PANEL, tile + r * QK_PANEL);
        else finish_row(c, i + r, j, columns, tile + r * QK_PANEL);
}
