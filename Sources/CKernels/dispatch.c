// Which instruction set runs, and the way of a kernel call: to the matmul, to a driver, or to a body over the pool.
#include "internal.h"
#include "block_gemm.h"
#include "record.h"
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    const QKTable *table;
    const QKGemmKernels *gemm;
    const QKBlockKernels *block;
    bool (*runs_here)(void);
} Set;

static bool always(void) { return true; }
static bool never(void) { return false; }

#if defined(__x86_64__)
static bool has_avx2(void) { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c"); }
static bool has_vnni(void) { return __builtin_cpu_supports("avx512vnni"); }
static bool has_avx512(void) {
    return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq")
        && __builtin_cpu_supports("avx512vl");
}
#else
#define has_avx2 never
#define has_avx512 never
#define has_vnni never
#endif
#if defined(__aarch64__)
#define has_neon always
#else
#define has_neon never
#endif

// Best first.
static const Set sets[] = {
    {&qk_table_avx512, &qk_gemm_avx512, &qk_block_avx512, has_avx512},
    {&qk_table_avx2, &qk_gemm_avx2, &qk_block_avx2, has_avx2},
    {&qk_table_neon, &qk_gemm_neon, &qk_block_plain, has_neon},
    {&qk_table_scalar, &qk_gemm_scalar, &qk_block_plain, always},
};
enum { SETS = sizeof sets / sizeof sets[0] };

static _Atomic(const Set *) current;

static const Set *named(const char *name) {
    for (int i = 0; i < SETS; i++)
        if (strcmp(sets[i].table->isa, name) == 0) return sets[i].runs_here() ? &sets[i] : NULL;
    return NULL;
}

static const Set *best(void) {
    const char *name = getenv("QUINTET_ISA");
    const Set *forced = name && *name ? named(name) : NULL;
    if (forced) return forced;
    if (name && *name) fprintf(stderr, "quintet: QUINTET_ISA=%s cannot run here; using the best set that can\n", name);
    for (int i = 0; i < SETS; i++)
        if (sets[i].runs_here()) return &sets[i];
    return &sets[SETS - 1];
}

static const Set *chosen(void) {
    const Set *set = atomic_load_explicit(&current, memory_order_acquire);
    if (set) return set;
    const Set *none = NULL;
    atomic_compare_exchange_strong(&current, &none, best());
    return atomic_load(&current);
}

const QKTable *qk_table(void) { return chosen()->table; }
const QKGemmKernels *qk_gemm_kernels(void) { return chosen()->gemm; }
// AVX-512 without its integer dot products (before Ice Lake) runs the block formats as AVX2 does.
const QKBlockKernels *qk_block_kernels(void) {
    const QKBlockKernels *block = chosen()->block;
    return block == &qk_block_avx512 && !has_vnni() ? &qk_block_avx2 : block;
}
const char *qk_isa(void) { return chosen()->table->isa; }

bool qk_set_isa(const char *name) {
    const Set *set = named(name);
    if (set) atomic_store(&current, set);
    return set != NULL;
}

typedef struct { const QKCall *call; QKBody body; } Run;

static void run_range(void *context, int64_t begin, int64_t end) {
    const Run *run = context;
    run->body(run->call, begin, end);
}

// A set may leave a body to the scalar twin.
static QKBody body_of(int32_t op) {
    QKBody body = op >= 0 && op < QK_OP_COUNT ? qk_table()->body[op] : NULL;
    if (!body && op >= 0 && op < QK_OP_COUNT) body = qk_table_scalar.body[op];
    if (body) return body;
    fprintf(stderr, "quintet: no kernel for opcode %d\n", (int)op);
    abort();
}

void qk_run(const QKCall *call) {
    double start = qk_profile_start();
    qk_record(call);
    if (call->op == QK_OP_GEMM || call->op == QK_OP_GEMM_PACK) {
        qk_gemm_run(call);
    } else if (!qk_drive(call)) {
        Run run = {call, body_of(call->op)};
        QKPlan plan = qk_plan(call);
        qk_parallel(plan.items, plan.grain, run_range, &run);
    }
    qk_profile_stop(call, start);
}

const QKBackend *qk_cpu(void) {
    static const QKBackend cpu = {"cpu", qk_run};
    return &cpu;
}
