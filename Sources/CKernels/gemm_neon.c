// The NEON matmul, from the generic body.
#include "gemm.h"
#include "bodies/gemm_pack.h"

#if defined(__aarch64__)
#define QK_GEMM_HIGH 6
#define QK_W 4
#include "bodies/functions.h"
#include "bodies/gemm_tile_body.h"
#include "bodies/gemm_pack_body.h"
#include "bodies/gemm_stream_body.h"
#include "bodies/gemm_finish_body.h"
const QKGemmKernels qk_gemm_neon = {
    .rows = 6, .slice = 384, .high = 144, .tile = {NULL, tile1, tile2, tile3, tile4, tile5, tile6}, .pack_a = pack_a, .pack_b = pack_b, .stream = stream, .finish = finish};
#else
const QKGemmKernels qk_gemm_neon = {.rows = 0};
#endif
