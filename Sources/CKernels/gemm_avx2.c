// The AVX2 matmul: 6 x 16 tiles, twelve accumulators. The loop is assembly because compilers spill the accumulators of the same loop in C.
#include "gemm.h"
#if defined(__x86_64__)
#include "bodies/gemm_pack.h"
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)
#define QK_W 8
#include "bodies/functions.h"
#include "bodies/gemm_pack_body.h"
#include "bodies/gemm_stream_body.h"
#include "bodies/gemm_finish_body.h"

// ymm0-1: a row of B; ymm2-3: elements of A; ymm4-15: the tile.
#define ROW(step, rows, row, lo, hi, t) \
    "vbroadcastss " #step "*" #rows "*4+" #row "*4(%[a]), %%ymm" #t "\n" \
    "vfmadd231ps %%ymm0, %%ymm" #t ", %%ymm" #lo "\n" \
    "vfmadd231ps %%ymm1, %%ymm" #t ", %%ymm" #hi "\n"
#define B_ROW(step) "vmovups " #step "*64(%[b]), %%ymm0\nvmovups " #step "*64+32(%[b]), %%ymm1\n"
#define ROWS1(s, r) ROW(s, r, 0, 4, 5, 2)
#define ROWS2(s, r) ROWS1(s, r) ROW(s, r, 1, 6, 7, 3)
#define ROWS3(s, r) ROWS2(s, r) ROW(s, r, 2, 8, 9, 2)
#define ROWS4(s, r) ROWS3(s, r) ROW(s, r, 3, 10, 11, 3)
#define ROWS5(s, r) ROWS4(s, r) ROW(s, r, 4, 12, 13, 2)
#define ROWS6(s, r) ROWS5(s, r) ROW(s, r, 5, 14, 15, 3)

#define ZERO(x) "vxorps %%ymm" #x ", %%ymm" #x ", %%ymm" #x "\n"
#define EACH1(f) f(4, 5)
#define EACH2(f) EACH1(f) f(6, 7)
#define EACH3(f) EACH2(f) f(8, 9)
#define EACH4(f) EACH3(f) f(10, 11)
#define EACH5(f) EACH4(f) f(12, 13)
#define EACH6(f) EACH5(f) f(14, 15)
#define CLEAR(lo, hi) ZERO(lo) ZERO(hi)
#define LOAD(lo, hi) "vmovups (%[from]), %%ymm" #lo "\nvmovups 32(%[from]), %%ymm" #hi "\nadd %[fs], %[from]\n"
#define STORE(lo, hi) "vmovups %%ymm" #lo ", (%[to])\nvmovups %%ymm" #hi ", 32(%[to])\nadd %[ts], %[to]\n"

#define TILE(R) \
    static void tile##R(int64_t k, const float *a, const float *b, const float *from, int64_t from_stride, float *to, int64_t to_stride) { \
        int64_t fours = k / 4, ones = k % 4; \
        __asm__ volatile( \
            "test %[from], %[from]\njz 1f\n" EACH##R(LOAD) "jmp 2f\n1:\n" EACH##R(CLEAR) "2:\n" \
            "test %[fours], %[fours]\njz 4f\n" \
            ".p2align 5\n3:\n" \
            "prefetcht0 768(%[a])\n" \
            B_ROW(0) ROWS##R(0, R) B_ROW(1) ROWS##R(1, R) \
            "prefetcht0 832(%[a])\n" \
            B_ROW(2) ROWS##R(2, R) B_ROW(3) ROWS##R(3, R) \
            "add $" #R "*16, %[a]\nadd $256, %[b]\ndec %[fours]\njnz 3b\n" \
            "4:\ntest %[ones], %[ones]\njz 6f\n5:\n" \
            B_ROW(0) ROWS##R(0, R) \
            "add $" #R "*4, %[a]\nadd $64, %[b]\ndec %[ones]\njnz 5b\n6:\n" EACH##R(STORE) "vzeroupper\n" \
            : [fours] "+r"(fours), [ones] "+r"(ones), [a] "+r"(a), [b] "+r"(b), [from] "+r"(from), [to] "+r"(to) \
            : [fs] "r"(from_stride * 4), [ts] "r"(to_stride * 4) \
            : "memory", "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", \
              "xmm13", "xmm14", "xmm15"); \
    }
TILE(1)
TILE(2)
TILE(3)
TILE(4)
TILE(5)
TILE(6)
#pragma clang attribute pop

const QKGemmKernels qk_gemm_avx2 = {
    .rows = 6, .slice = 384, .high = 144, .tile = {NULL, tile1, tile2, tile3, tile4, tile5, tile6}, .pack_a = pack_a, .pack_b = pack_b, .stream = stream, .finish = finish};
#else
const QKGemmKernels qk_gemm_avx2 = {.rows = 0};
#endif
