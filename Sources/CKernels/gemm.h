// What the matmul files share.
#ifndef QUINTET_GEMM_H
#define QUINTET_GEMM_H
#include "internal.h"

typedef struct QKGemmKernels {
    // The whole of rows [begin, end) of C, by the plainest loops.
    void (*rows)(const QKCall *call, int64_t begin, int64_t end);
} QKGemmKernels;

extern const QKGemmKernels qk_gemm_scalar, qk_gemm_avx2, qk_gemm_avx512, qk_gemm_neon;
const QKGemmKernels *qk_gemm_kernels(void);
#endif
