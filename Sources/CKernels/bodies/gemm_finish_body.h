// The epilogue of a tile. Included once per instruction set, inside its target attribute, after functions.h.

// One pass over the tile: scale, bias, pre-activation, activation, gate, residual. `kind` is a constant.
QK_INLINE void finish_as(int kind, const QKCall *c, int64_t i, int64_t j, int rows, int columns, const float *tile) {
    const float *bias = c->p[3], *residual = c->p[4], *gate = c->p[6];
    float *pre = c->p[5], *out = c->p[0];
    for (int r = 0; r < rows; r++, i++)
        for (int l = 0; l < QK_PANEL && l < columns; l += W) {
            int64_t lanes = columns - l;
            vf x = load(tile + r * QK_PANEL + l);
            if (!c->n[10]) x *= c->s[0];
            if (bias) x += load_n(bias + j + l, lanes);
            if (pre) store_n(pre + i * c->n[9] + j + l, lanes, x);
            x = function_of(kind, x, 1, 0);
            if (gate) x *= load_n(gate + i * c->n[13] + j + l, lanes);
            if (residual) x += load_n(residual + i * c->n[8] + j + l, lanes);
            store_n(out + i * c->n[7] + j + l, lanes, x);
        }
}

static void finish(const QKCall *c, int64_t i, int64_t j, int rows, int columns, float *tile) {
    switch (c->kind) {
#define CASE(K) case K: finish_as(K, c, i, j, rows, columns, tile); break;
        QK_EACH_FUNCTION(CASE)
#undef CASE
    default: finish_as(QK_IDENTITY, c, i, j, rows, columns, tile);
    }
}
