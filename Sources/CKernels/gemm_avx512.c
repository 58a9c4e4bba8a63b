// The AVX-512 matmul: tiles of 12 rows x 2 panels, 24 accumulators of 32 registers. So wide a tile needs so little of A and B for each multiply-add
// that both may stream from level 2. The loops are assembly because compilers spill the accumulators of the same loops in C.
#include "gemm.h"
#ifndef QK_MULTIPLY_ADD // gemm_brain.c makes the same tiles of another instruction.
#define QK_MULTIPLY_ADD "vfmadd231ps"
#define QK_GEMM_SET qk_gemm_avx512
#define QK_GEMM_PACK_A pack_a
#define QK_GEMM_PACK_B pack_b
#define QK_GEMM_STREAM_PANELS stream
#endif
#if defined(__x86_64__)
#include "bodies/gemm_pack.h"
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c"))), apply_to = function)
#define QK_W 16
#include "bodies/functions.h"
#include "bodies/gemm_pack_body.h"
#include "bodies/gemm_stream_body.h"
#include "bodies/gemm_finish_body.h"

// zmm0-1: a row of B; zmm2-3: elements of A; zmm8-31: the tile.
#define EACH1(f) f(0, 8, 9, 2)
#define EACH2(f) EACH1(f) f(1, 10, 11, 3)
#define EACH3(f) EACH2(f) f(2, 12, 13, 2)
#define EACH4(f) EACH3(f) f(3, 14, 15, 3)
#define EACH5(f) EACH4(f) f(4, 16, 17, 2)
#define EACH6(f) EACH5(f) f(5, 18, 19, 3)
#define EACH7(f) EACH6(f) f(6, 20, 21, 2)
#define EACH8(f) EACH7(f) f(7, 22, 23, 3)
#define EACH9(f) EACH8(f) f(8, 24, 25, 2)
#define EACH10(f) EACH9(f) f(9, 26, 27, 3)
#define EACH11(f) EACH10(f) f(10, 28, 29, 2)
#define EACH12(f) EACH11(f) f(11, 30, 31, 3)

#define ZERO(x) "vpxord %%zmm" #x ", %%zmm" #x ", %%zmm" #x "\n"
#define USED \
    "memory", "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15", "xmm16", "xmm17", "xmm18", \
        "xmm19", "xmm20", "xmm21", "xmm22", "xmm23", "xmm24", "xmm25", "xmm26", "xmm27", "xmm28", "xmm29", "xmm30", "xmm31"
// Four steps of k at a time, then single ones.
#define LOOP(EACH, KIND, R) \
    "test %[from], %[from]\njz 1f\n" EACH(KIND##_LOAD) "jmp 2f\n1:\n" EACH(KIND##_CLEAR) "2:\n" \
    "test %[fours], %[fours]\njz 4f\n" \
    ".p2align 5\n3:\n" \
    KIND##_B(0) EACH(KIND##_0) KIND##_NEAR KIND##_B(1) EACH(KIND##_1) KIND##_AHEAD KIND##_B(2) EACH(KIND##_2) KIND##_B(3) EACH(KIND##_3) \
    "add $" #R "*16, %[a]\nadd $256, %[b]\ndec %[fours]\njnz 3b\n" \
    "4:\ntest %[ones], %[ones]\njz 6f\n5:\n" \
    KIND##_B(0) EACH(KIND##_0) \
    "add $" #R "*4, %[a]\nadd $64, %[b]\ndec %[ones]\njnz 5b\n6:\n" KIND##_PAST(EACH) EACH(KIND##_STORE) "7:\nvzeroupper\n"
#define A_AT(step, row) "(" #step "*%c[rows]+" #row ")*4(%[a])"

// MARK: One panel

#define ONE_NEAR
#define ONE_AHEAD
#define ONE_PAST(EACH)
#define ONE_B(step) "vmovups " #step "*64(%[b]), %%zmm0\n"
#define ONE_ROW(step, row, lo) QK_MULTIPLY_ADD " " A_AT(step, row) "%{1to16%}, %%zmm0, %%zmm" #lo "\n"
#define ONE_0(row, lo, hi, t) ONE_ROW(0, row, lo)
#define ONE_1(row, lo, hi, t) ONE_ROW(1, row, lo)
#define ONE_2(row, lo, hi, t) ONE_ROW(2, row, lo)
#define ONE_3(row, lo, hi, t) ONE_ROW(3, row, lo)
#define ONE_CLEAR(row, lo, hi, t) ZERO(lo)
#define ONE_LOAD(row, lo, hi, t) "vmovups (%[from]), %%zmm" #lo "\nadd %[fs], %[from]\n"
#define ONE_STORE(row, lo, hi, t) "vmovups %%zmm" #lo ", (%[to])\nadd %[ts], %[to]\n"

#define TILE(R) \
    static void tile##R(int64_t k, const float *a, const float *b, const float *from, int64_t from_stride, float *to, int64_t to_stride) { \
        int64_t fours = k / 4, ones = k % 4; \
        __asm__ volatile(LOOP(EACH##R, ONE, R) \
                         : [fours] "+r"(fours), [ones] "+r"(ones), [a] "+r"(a), [b] "+r"(b), [from] "+r"(from), [to] "+r"(to) \
                         : [rows] "i"(R), [fs] "r"(from_stride * 4), [ts] "r"(to_stride * 4) \
                         : USED); \
    }

// MARK: Two panels

// A's rows come from the last-level cache the first time, so the loop asks for them 1.5 KB ahead.
#define TWO_NEAR "prefetcht0 1536(%[a])\nprefetcht0 1600(%[a])\nprefetcht0 1664(%[a])\n"
#define TWO_AHEAD "mov (%[list]), %[line]\nprefetcht1 (%[line])\nadd $8, %[list]\n"
#define TWO_B(step) "vmovups " #step "*64(%[b]), %%zmm0\nvmovups " #step "*64(%[b],%[bp]), %%zmm1\n"
#define TWO_ROW(step, row, lo, hi, t) \
    "vbroadcastss " A_AT(step, row) ", %%zmm" #t "\n" \
    QK_MULTIPLY_ADD " %%zmm0, %%zmm" #t ", %%zmm" #lo "\n" QK_MULTIPLY_ADD " %%zmm1, %%zmm" #t ", %%zmm" #hi "\n"
#define TWO_0(row, lo, hi, t) TWO_ROW(0, row, lo, hi, t)
#define TWO_1(row, lo, hi, t) TWO_ROW(1, row, lo, hi, t)
#define TWO_2(row, lo, hi, t) TWO_ROW(2, row, lo, hi, t)
#define TWO_3(row, lo, hi, t) TWO_ROW(3, row, lo, hi, t)
#define TWO_CLEAR(row, lo, hi, t) ZERO(lo) ZERO(hi)
#define TWO_LOAD(row, lo, hi, t) "vmovups (%[from]), %%zmm" #lo "\nvmovups (%[from],%[fp]), %%zmm" #hi "\nadd $64, %[from]\n"
#define TWO_STORE(row, lo, hi, t) "vmovups %%zmm" #lo ", (%[to])\nvmovups %%zmm" #hi ", (%[to],%[tp])\nadd %[ts], %[to]\n"
#define TWO_STORE_PAST(row, lo, hi, t) "vmovntps %%zmm" #lo ", (%[to])\nvmovntps %%zmm" #hi ", (%[to],%[tp])\nadd %[ts], %[to]\n"
#define TWO_PAST(EACH) "cmpq $0, %[past]\nje 8f\n" EACH(TWO_STORE_PAST) "jmp 7f\n8:\n"

#define PAIR(R) \
    static void pair##R(QKGemmTwo t) { \
        int64_t fours = t.k / QK_GEMM_STEPS, ones = t.k % QK_GEMM_STEPS, line; \
        __asm__ volatile(LOOP(EACH##R, TWO, R) \
                         : [fours] "+r"(fours), [ones] "+r"(ones), [a] "+r"(t.a), [b] "+r"(t.b), [from] "+r"(t.from), [to] "+r"(t.to), \
                           [list] "+r"(t.ahead), [line] "=&r"(line) \
                         : [rows] "i"(R), [bp] "r"(t.b_panel * 4), [fp] "r"(t.from_panel * 4), [ts] "r"(t.to_stride * 4), [tp] "r"(t.to_panel * 4), \
                           [past] "m"(t.past) \
                         : USED); \
    }

#define BOTH(R) TILE(R) PAIR(R)
BOTH(1) BOTH(2) BOTH(3) BOTH(4) BOTH(5) BOTH(6) BOTH(7) BOTH(8) BOTH(9) BOTH(10) BOTH(11) BOTH(12)
#pragma clang attribute pop

const QKGemmKernels QK_GEMM_SET = {
    .rows = 12, .slice = 512, .high = 144,
    .tile = {NULL, tile1, tile2, tile3, tile4, tile5, tile6, tile7, tile8, tile9, tile10, tile11, tile12},
    .pair = {NULL, pair1, pair2, pair3, pair4, pair5, pair6, pair7, pair8, pair9, pair10, pair11, pair12},
    .pack_a = QK_GEMM_PACK_A, .pack_b = QK_GEMM_PACK_B, .stream = QK_GEMM_STREAM_PANELS, .finish = finish};
#else
const QKGemmKernels QK_GEMM_SET = {.rows = 0};
#endif
