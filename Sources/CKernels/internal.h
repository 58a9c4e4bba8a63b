// What the kernel files share: the body table, one per instruction set, and the pieces with a driver of their own.
#ifndef QUINTET_INTERNAL_H
#define QUINTET_INTERNAL_H
#include "quintet_kernels.h"

// A body works on items [begin, end) of a call; items and grain come from plan.c and depend on the shape only.
typedef void (*QKBody)(const QKCall *call, int64_t begin, int64_t end);

typedef struct QKTable {
    const char *isa;
    QKBody body[QK_OP_COUNT];  // NULL leaves the opcode to the scalar twin
} QKTable;

extern const QKTable qk_table_scalar, qk_table_avx2, qk_table_avx512, qk_table_neon;
const QKTable *qk_table(void);

// Units of work: columns of the reductions over rows, elements of a squared norm's partial sums.
enum { QK_COLUMNS = 64, QK_NORM_CHUNK = 16384 };

typedef struct QKPlan { int64_t items, grain; } QKPlan;
QKPlan qk_plan(const QKCall *call);
// Queries that an item of attention takes together.
int64_t qk_query_tile(int64_t pairs, int64_t queries);

// gemm.c: packs, blocks and runs on the pool by itself.
void qk_gemm_run(const QKCall *call);
// groups.c: several products, one for each group.
void qk_groups_run(const QKCall *call);
// profile.c: around every call that runs.
double qk_profile_start(void);
void qk_profile_stop(const QKCall *call, double start);
// The nearest number of eleven bits, half to even: f16 without its narrow range, so nothing becomes zero or infinite. Finite numbers only.
static inline float qk_eleven_bits(float x) {
    uint32_t bits;
    __builtin_memcpy(&bits, &x, 4);
    bits = (bits + 0xfff + (bits >> 13 & 1)) & ~0x1fffu;
    __builtin_memcpy(&x, &bits, 4);
    return x;
}

// scratch.c: the kinds of per-thread scratch; qk_scratch is QK_SCRATCH_BODY.
enum { QK_SCRATCH_BODY, QK_SCRATCH_GEMM_SHARED, QK_SCRATCH_GEMM_OWN, QK_SCRATCH_GEMM_DECODED, QK_SCRATCH_GEMM_ROUNDED, QK_SCRATCH_COUNT };
void *qk_scratch_for(int use, size_t bytes);
// quantize_plain.c: conversions to block formats for the scalar set.
void qk_cast_blocks_plain(const QKCall *call, int64_t begin, int64_t end);
// pool.c: one turn of a waiting loop.
void qk_relax(int *spins);
// Calls with more than one phase (attention backward, squared norm) drive the pool themselves in drivers.c; true when the call was handled.
bool qk_drive(const QKCall *call);
#endif
