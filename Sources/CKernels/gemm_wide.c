// The AVX-512 and NEON matmuls, from one generic body.
#include "gemm.h"
#include "bodies/gemm_pack.h"

#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c"))), apply_to = function)
#define QK_GEMM_HIGH 8
#define QK_W 16
#include "bodies/functions.h"
#include "bodies/gemm_tile_body.h"
#include "bodies/gemm_pack_body.h"
#include "bodies/gemm_stream_body.h"
#include "bodies/gemm_finish_body.h"
#pragma clang attribute pop
const QKGemmKernels qk_gemm_avx512 = {
    .rows = 8, .tile = {NULL, tile1, tile2, tile3, tile4, tile5, tile6, tile7, tile8}, .pack_a = pack_a, .pack_b = pack_b, .stream = stream, .finish = finish};
const QKGemmKernels qk_gemm_neon = {.rows = 0};
#elif defined(__aarch64__)
#define QK_GEMM_HIGH 6
#define QK_W 4
#include "bodies/functions.h"
#include "bodies/gemm_tile_body.h"
#include "bodies/gemm_pack_body.h"
#include "bodies/gemm_stream_body.h"
#include "bodies/gemm_finish_body.h"
const QKGemmKernels qk_gemm_neon = {
    .rows = 6, .tile = {NULL, tile1, tile2, tile3, tile4, tile5, tile6}, .pack_a = pack_a, .pack_b = pack_b, .stream = stream, .finish = finish};
const QKGemmKernels qk_gemm_avx512 = {.rows = 0};
#else
const QKGemmKernels qk_gemm_neon = {.rows = 0}, qk_gemm_avx512 = {.rows = 0};
#endif
