// Few rows against packed panels of any type, converted in registers on their way past: what a decode step does most.
// Included once per instruction set, inside its target attribute, after gemm_pack_body.h.

// sums [panels][rows][16] go on with k more steps; panels lie `stride` elements apart. Two panels at once, or the chains would wait for themselves.
QK_INLINE void stream_of(int rows, int panels, int type, int64_t k, const float *a, const void *b, int64_t stride, float *sums) {
    F8 s[2][4][2];
    for (int x = 0; x < panels; x++)
        for (int r = 0; r < rows; r++)
            for (int h = 0; h < 2; h++) s[x][r][h] = load8(sums, ((x * rows + r) * 2 + h) * 8, QK_F32);
    for (int64_t p = 0; p < k; p++, a += rows)
        for (int x = 0; x < panels; x++) {
            int64_t at = x * stride + p * QK_PANEL;
            __builtin_prefetch((const char *)b + (at + 2048) * (type == QK_F32 ? 4 : 2), 0, 2);
            F8 low = load8(b, at, type), high = load8(b, at + 8, type);
            for (int r = 0; r < rows; r++) {
                F8 all = {a[r], a[r], a[r], a[r], a[r], a[r], a[r], a[r]};
                s[x][r][0] = __builtin_elementwise_fma(all, low, s[x][r][0]);
                s[x][r][1] = __builtin_elementwise_fma(all, high, s[x][r][1]);
            }
        }
    for (int x = 0; x < panels; x++)
        for (int r = 0; r < rows; r++)
            for (int h = 0; h < 2; h++) store8(sums + ((x * rows + r) * 2 + h) * 8, s[x][r][h]);
}

QK_INLINE void stream_typed(int rows, int panels, int64_t type, int64_t k, const float *a, const void *b, int64_t stride, float *sums) {
    if (type == QK_F16) stream_of(rows, panels, QK_F16, k, a, b, stride, sums);
    else if (type == QK_BF16) stream_of(rows, panels, QK_BF16, k, a, b, stride, sums);
    else stream_of(rows, panels, QK_F32, k, a, b, stride, sums);
}

// At most QK_GEMM_STREAM rows; two panels only where there are one or two.
static void stream(int rows, int panels, int64_t type, int64_t k, const float *a, const void *b, int64_t stride, float *sums) {
    switch (rows * 2 + panels - 1) {
    case 2: stream_typed(1, 1, type, k, a, b, stride, sums); break;
    case 3: stream_typed(1, 2, type, k, a, b, stride, sums); break;
    case 4: stream_typed(2, 1, type, k, a, b, stride, sums); break;
    case 5: stream_typed(2, 2, type, k, a, b, stride, sums); break;
    case 6: stream_typed(3, 1, type, k, a, b, stride, sums); break;
    default: stream_typed(4, 1, type, k, a, b, stride, sums);
    }
}
