// The epilogue of a tile. Included once per instruction set, inside its target attribute, after functions.h.

// The whole tile at once, so that the switch stands outside the loop.
static void activate(int kind, float *tile, int count) {
    switch (kind) {
#define CASE(K) case K: for (int i = 0; i < count; i += W) store(tile + i, function_of(K, load(tile + i), 1, 0)); break;
        QK_EACH_FUNCTION(CASE)
#undef CASE
    default: break;
    }
}

QK_INLINE void before_activation(const QKCall *c, int64_t i, int64_t j, int columns, float *v) {
    const float *bias = c->p[3];
    float *pre = c->p[5];
    for (int l = 0; l < QK_PANEL; l += W) {
        vf x = load(v + l);
        if (!c->n[10]) x *= c->s[0];
        if (bias && l < columns) x += load_n(bias + j + l, columns - l);
        if (pre && l < columns) store_n(pre + i * c->n[9] + j + l, columns - l, x);
        store(v + l, x);
    }
}

QK_INLINE void after_activation(const QKCall *c, int64_t i, int64_t j, int columns, const float *v) {
    const float *residual = c->p[4], *gate = c->p[6];
    for (int l = 0; l < QK_PANEL && l < columns; l += W) {
        vf x = load(v + l);
        if (gate) x *= load_n(gate + i * c->n[13] + j + l, columns - l);
        if (residual) x += load_n(residual + i * c->n[8] + j + l, columns - l);
        store_n((float *)c->p[0] + i * c->n[7] + j + l, columns - l, x);
    }
}

static void finish(const QKCall *c, int64_t i, int64_t j, int rows, int columns, float *tile) {
    for (int r = 0; r < rows; r++) before_activation(c, i + r, j, columns, tile + r * QK_PANEL);
    if (c->kind != QK_IDENTITY) activate(c->kind, tile, rows * QK_PANEL);
    for (int r = 0; r < rows; r++) after_activation(c, i + r, j, columns, tile + r * QK_PANEL);
}
