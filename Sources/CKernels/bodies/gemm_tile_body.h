// Tiles of 1 ... QK_GEMM_HIGH rows x 16 columns in portable vectors. Included once per instruction set, inside its target attribute.

typedef float F16x __attribute__((vector_size(64), aligned(4)));

QK_INLINE void tile_of(int rows, int64_t k, const float *a, const float *b, const float *from, int64_t from_stride, float *to, int64_t to_stride) {
    F16x sum[QK_GEMM_HIGH];
    for (int r = 0; r < rows; r++) sum[r] = from ? *(const F16x *)(from + r * from_stride) : (F16x){0};
    for (int64_t p = 0; p < k; p++, a += rows, b += QK_PANEL) {
        F16x row = *(const F16x *)b;
        for (int r = 0; r < rows; r++) {
            float x = a[r];
            F16x all = {x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x};
            sum[r] = __builtin_elementwise_fma(all, row, sum[r]);
        }
    }
    for (int r = 0; r < rows; r++) *(F16x *)(to + r * to_stride) = sum[r];
}

#define TILE(R) \
    static void tile##R(int64_t k, const float *a, const float *b, const float *from, int64_t from_stride, float *to, int64_t to_stride) { \
        tile_of(R, k, a, b, from, from_stride, to, to_stride); \
    }
TILE(1)
TILE(2)
TILE(3)
TILE(4)
TILE(5)
TILE(6)
