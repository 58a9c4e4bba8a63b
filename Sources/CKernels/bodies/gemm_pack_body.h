// Packing, for any strides and types. Included once per instruction set, inside its target attribute.

// MARK: Loads

QK_INLINE F8 load8(const void *base, int64_t index, int type) {
    F8 out;
    if (type == QK_F32) {
        memcpy(&out, (const float *)base + index, 32);
    } else if (type == QK_BF16) {
        H8 bits;
        memcpy(&bits, (const uint16_t *)base + index, 16);
        U8x wide = __builtin_convertvector(bits, U8x) << 16;
        memcpy(&out, &wide, 32);
    } else {
        typedef _Float16 Half8 __attribute__((vector_size(16), aligned(2)));
        Half8 half;
        memcpy(&half, (const uint16_t *)base + index, 16);
        out = __builtin_convertvector(half, F8);
    }
    return out;
}

QK_INLINE float load1(const void *base, int64_t index, int type) {
    if (type == QK_F32) return ((const float *)base)[index];
    if (type == QK_F16) return (float)((const _Float16 *)base)[index];
    uint32_t bits = (uint32_t)((const uint16_t *)base)[index] << 16;
    float out;
    memcpy(&out, &bits, 4);
    return out;
}

QK_INLINE void store8(float *out, F8 value) { memcpy(out, &value, 32); }

QK_INLINE void transpose8(F8 r[8]) {
    F8 t[8], u[8];
    for (int i = 0; i < 8; i += 2) {
        t[i] = __builtin_shufflevector(r[i], r[i + 1], 0, 8, 1, 9, 4, 12, 5, 13);
        t[i + 1] = __builtin_shufflevector(r[i], r[i + 1], 2, 10, 3, 11, 6, 14, 7, 15);
    }
    for (int i = 0; i < 8; i += 4)
        for (int h = 0; h < 2; h++) {
            u[i + 2 * h] = __builtin_shufflevector(t[i + h], t[i + h + 2], 0, 1, 8, 9, 4, 5, 12, 13);
            u[i + 2 * h + 1] = __builtin_shufflevector(t[i + h], t[i + h + 2], 2, 3, 10, 11, 6, 7, 14, 15);
        }
    for (int i = 0; i < 4; i++) {
        r[i] = __builtin_shufflevector(u[i], u[i + 4], 0, 1, 2, 3, 8, 9, 10, 11);
        r[i + 4] = __builtin_shufflevector(u[i], u[i + 4], 4, 5, 6, 7, 12, 13, 14, 15);
    }
}

// MARK: A

// Eight steps of k at a time; a store of eight runs over into what the next one overwrites (the buffer ends with room for it).
QK_INLINE void pack_a_rows(const float *a, int64_t row_stride, int rows, int64_t k, float *out) {
    int64_t p = 0;
    for (; p + 8 <= k; p += 8) {
        F8 r[2][8];
        for (int half = 0; half * 8 < rows; half++) {
            for (int i = 0; i < 8; i++) r[half][i] = half * 8 + i < rows ? load8(a, (half * 8 + i) * row_stride + p, QK_F32) : (F8){0};
            transpose8(r[half]);
        }
        for (int i = 0; i < 8; i++)
            for (int half = 0; half * 8 < rows; half++) store8(out + (p + i) * rows + half * 8, r[half][i]);
    }
    for (; p < k; p++)
        for (int i = 0; i < rows; i++) out[p * rows + i] = a[i * row_stride + p];
}

static void pack_a_by_rows(const float *a, int64_t row_stride, int rows, int64_t k, float *out) {
    switch (rows) {
    case 6: pack_a_rows(a, row_stride, 6, k, out); break;
    case 12: pack_a_rows(a, row_stride, 12, k, out); break;
    default: pack_a_rows(a, row_stride, rows, k, out);
    }
}

// A stored transposed: every step of k is one contiguous run over all panels. The last step stores exactly, for nothing comes after it.
static void pack_a_by_columns(const float *a, int64_t column_stride, int64_t count, int64_t k, int rows, float *out) {
    int64_t wide = rows > 8 ? 16 : 8;
    for (int64_t p = 0; p < k; p++) {
        const float *from = a + p * column_stride;
        int64_t i = 0, fast = p + 1 < k ? count - wide : -1;
        for (int64_t x = 0; x < count; x += 16) __builtin_prefetch(from + 8 * column_stride + x);
        for (; i <= fast; i += rows) {
            store8(out + i * k + p * rows, load8(from, i, QK_F32));
            if (rows > 8) store8(out + i * k + p * rows + 8, load8(from, i + 8, QK_F32));
        }
        for (; i < count; i += rows) {
            int64_t high = qk_min(rows, count - i);
            for (int64_t x = 0; x < high; x++) out[i * k + p * high + x] = from[i + x];
        }
    }
}

static __attribute__((unused)) void pack_a(const QKCall *c, int64_t row, int64_t count, int64_t p, int64_t k, int rows, float *out) {
    int64_t rs = c->n[3], cs = c->n[4];
    const float *a = (const float *)c->p[1] + row * rs + p * cs;
    if (rs == 1 && cs != 1) {
        pack_a_by_columns(a, cs, count, k, rows, out);
        return;
    }
    for (int64_t i = 0; i < count; i += rows) {
        int high = (int)qk_min(rows, count - i);
        if (cs == 1) {
            pack_a_by_rows(a + i * rs, rs, high, k, out + i * k);
        } else {
            for (int64_t q = 0; q < k; q++)
                for (int x = 0; x < high; x++) out[i * k + q * high + x] = a[(i + x) * rs + q * cs];
        }
    }
}

// MARK: B

// B[p][j] with j contiguous: one run over all panels for every step of k.
QK_INLINE void pack_b_by_rows(const void *b, int64_t row_stride, int64_t panels, int64_t columns, int64_t k, float *out, int64_t stride, int type) {
    int64_t full = columns / QK_PANEL, edge = columns % QK_PANEL;
    for (int64_t p = 0; p < k; p++) {
        const char *ahead = (const char *)b + (p + 8) * row_stride * (type == QK_F32 ? 4 : 2);
        for (int64_t x = 0; x < full; x++) {
            __builtin_prefetch(ahead + x * QK_PANEL * (type == QK_F32 ? 4 : 2));
            store8(out + x * stride + p * QK_PANEL, load8(b, p * row_stride + x * QK_PANEL, type));
            store8(out + x * stride + p * QK_PANEL + 8, load8(b, p * row_stride + x * QK_PANEL + 8, type));
        }
        if (full == panels) continue;
        float *last = out + full * stride + p * QK_PANEL;
        for (int64_t l = 0; l < QK_PANEL; l++) last[l] = l < edge ? load1(b, p * row_stride + full * QK_PANEL + l, type) : 0;
    }
}

// B[p][j] with p contiguous (weights stored [out, in]): blocks of 16 x 8 turned in registers.
QK_INLINE void pack_b_by_columns(const void *b, int64_t column_stride, int64_t panels, int64_t columns, int64_t k, float *out, int64_t stride, int type) {
    for (int64_t x = 0; x < panels; x++) {
        int64_t j = x * QK_PANEL, wide = qk_min(QK_PANEL, columns - j), p = 0;
        float *panel = out + x * stride;
        for (; p + 8 <= k; p += 8)
            for (int64_t half = 0; half < 16; half += 8) {
                F8 r[8];
                for (int64_t l = 0; l < 8; l++) r[l] = half + l < wide ? load8(b, (j + half + l) * column_stride + p, type) : (F8){0};
                transpose8(r);
                for (int64_t l = 0; l < 8; l++) store8(panel + (p + l) * QK_PANEL + half, r[l]);
            }
        for (; p < k; p++)
            for (int64_t l = 0; l < QK_PANEL; l++) panel[p * QK_PANEL + l] = l < wide ? load1(b, (j + l) * column_stride + p, type) : 0;
    }
}

QK_INLINE void pack_b_typed(const QKCall *c, int64_t panel, int64_t panels, int64_t p, int64_t k, float *out, int64_t stride, int type) {
    int64_t rs = c->n[5], cs = c->n[6], j = panel * QK_PANEL, columns = qk_min(c->n[1] - j, panels * QK_PANEL);
    if (c->n[12]) {
        for (int64_t x = 0; x < panels; x++)
            for (int64_t e = 0; e < k * QK_PANEL; e += 8)
                store8(out + x * stride + e, load8(c->p[2], ((panel + x) * c->n[2] + p) * QK_PANEL + e, type));
        return;
    }
    const char *b = (const char *)c->p[2] + (p * rs + j * cs) * (type == QK_F32 ? 4 : 2);
    if (cs == 1) {
        pack_b_by_rows(b, rs, panels, columns, k, out, stride, type);
    } else if (rs == 1) {
        pack_b_by_columns(b, cs, panels, columns, k, out, stride, type);
    } else {
        for (int64_t x = 0; x < panels; x++)
            for (int64_t q = 0; q < k; q++)
                for (int64_t l = 0; l < QK_PANEL; l++)
                    out[x * stride + q * QK_PANEL + l] = x * QK_PANEL + l < columns ? load1(b, q * rs + (x * QK_PANEL + l) * cs, type) : 0;
    }
}

static __attribute__((unused)) void pack_b(const QKCall *c, int64_t panel, int64_t panels, int64_t p, int64_t k, float *out, int64_t stride) {
    switch (c->n[11]) {
    case QK_F16: pack_b_typed(c, panel, panels, p, k, out, stride, QK_F16); break;
    case QK_BF16: pack_b_typed(c, panel, panels, p, k, out, stride, QK_BF16); break;
    default: pack_b_typed(c, panel, panels, p, k, out, stride, QK_F32);
    }
}
