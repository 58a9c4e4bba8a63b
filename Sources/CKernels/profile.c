// Where the time goes: kernel calls counted and timed by opcode, on the thread that runs them.
#include "internal.h"
#include <string.h>
#include <time.h>

static _Thread_local struct { QKProfile entries[QK_OP_COUNT]; bool open; } profile;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

double qk_profile_start(void) { return profile.open ? now() : 0; }

void qk_profile_stop(const QKCall *call, double start) {
    if (!profile.open || call->op < 0 || call->op >= QK_OP_COUNT) return;
    QKProfile *entry = &profile.entries[call->op];
    entry->calls++;
    entry->seconds += now() - start;
    if (call->op == QK_OP_GEMM) entry->flops += 2.0 * (double)call->n[0] * (double)call->n[1] * (double)call->n[2];
}

void qk_profile_begin(void) {
    memset(profile.entries, 0, sizeof profile.entries);
    profile.open = true;
}

const QKProfile *qk_profile_end(void) {
    profile.open = false;
    return profile.entries;
}

const char *qk_op_name(int32_t op) {
    static const char *const names[QK_OP_COUNT] = {
        [QK_OP_COPY] = "copy", [QK_OP_CAST] = "cast", [QK_OP_FILL] = "fill", [QK_OP_MAP] = "map", [QK_OP_MAP_GRAD] = "map gradient", [QK_OP_ZIP] = "zip",
        [QK_OP_GATE] = "gate", [QK_OP_GATE_GRAD] = "gate gradient", [QK_OP_REDUCE_COLS] = "reduce columns",
        [QK_OP_REDUCE_COLS_GRAD] = "reduce columns gradient", [QK_OP_REDUCE_ROWS] = "reduce rows", [QK_OP_SOFTMAX] = "softmax",
        [QK_OP_SOFTMAX_GRAD] = "softmax gradient", [QK_OP_NORM] = "norm", [QK_OP_NORM_GRAD] = "norm gradient",
        [QK_OP_NORM_GRAD_WEIGHT] = "norm weight gradient", [QK_OP_ROPE] = "rope", [QK_OP_ATTENTION] = "attention",
        [QK_OP_ATTENTION_GRAD] = "attention gradient", [QK_OP_ATTENTION_PAGED] = "paged attention", [QK_OP_CACHE_APPEND] = "cache append",
        [QK_OP_EMBED] = "embed", [QK_OP_EMBED_GRAD] = "embed gradient", [QK_OP_CROSS_ENTROPY] = "cross-entropy", [QK_OP_DROPOUT] = "dropout",
        [QK_OP_RANDOM] = "random", [QK_OP_ADAMW] = "adamw", [QK_OP_SQUARED_NORM] = "squared norm", [QK_OP_GEMM] = "matmul", [QK_OP_GEMM_PACK] = "pack", [QK_OP_ROUTE] = "route",
        [QK_OP_ROUTE_GRAD] = "route gradient", [QK_OP_ROUTE_PLACES] = "route places", [QK_OP_COMBINE] = "combine",
        [QK_OP_COMBINE_GRAD] = "combine gradient", [QK_OP_GEMM_GROUPS] = "matmul by group", [QK_OP_GEMM_GROUPS_GRAD] = "matmul by group gradient",
        [QK_OP_CONVOLVE] = "convolve", [QK_OP_CONVOLVE_GRAD] = "convolve gradient", [QK_OP_SCAN] = "scan", [QK_OP_SCAN_GRAD] = "scan gradient"};
    return op >= 0 && op < QK_OP_COUNT && names[op] ? names[op] : "other";
}
