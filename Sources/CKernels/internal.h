// What the kernel files share: the body table, one per instruction set, and the pieces with a driver of their own.
#ifndef QUINTET_INTERNAL_H
#define QUINTET_INTERNAL_H
#include "quintet_kernels.h"

// A body works on items [begin, end) of a call; items and grain come from plan.c and depend on the shape only.
typedef void (*QKBody)(const QKCall *call, int64_t begin, int64_t end);

typedef struct QKTable {
    const char *isa;
    QKBody body[QK_OP_COUNT];
    // C tile of mr x nr: acc = first ? 0 : C, then += A[mr, k] * B[k, nr] chained over k. Owned by the gemm files.
    const struct QKGemmKernels *gemm;
} QKTable;

extern const QKTable qk_table_scalar, qk_table_avx2, qk_table_avx512, qk_table_neon;
const QKTable *qk_table(void);

typedef struct QKPlan { int64_t items, grain; } QKPlan;
QKPlan qk_plan(const QKCall *call);

// gemm.c: packs, blocks and runs on the pool by itself.
void qk_gemm_run(const QKCall *call);
// Calls with more than one phase (attention backward, squared norm) drive the pool themselves in drivers.c; true when the call was handled.
bool qk_drive(const QKCall *call);
#endif
