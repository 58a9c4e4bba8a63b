// Calls with more than one phase.
#include "internal.h"

typedef struct { const QKCall *call; QKBody body; } Phase;

static void run_phase(void *context, int64_t begin, int64_t end) {
    const Phase *phase = context;
    phase->body(phase->call, begin, end);
}

static QKBody body_of_phase(const QKCall *c) { return qk_table()->body[c->op]; }

// Chunks in parallel, then their sums in order.
static void squared_norm(const QKCall *c) {
    Phase phase = {c, body_of_phase(c)};
    QKPlan plan = qk_plan(c);
    qk_parallel(plan.items, plan.grain, run_phase, &phase);
    double sum = 0;
    for (int64_t chunk = 0; chunk < plan.items; chunk++) sum += ((const double *)c->p[2])[chunk];
    *(double *)c->p[0] = sum;
}

// Blocks of columns in parallel, each with its share of dB and dC; then the shares in order, row by row.
static void scan_gradient(const QKCall *c) {
    Phase phase = {c, body_of_phase(c)};
    QKPlan plan = qk_plan(c);
    qk_parallel(plan.items, plan.grain, run_phase, &phase);
    int64_t count = c->n[0] * 2 * c->n[2];
    float *out = c->p[3];
    const float *shares = c->p[11];
    for (int64_t i = 0; i < count; i++) out[i] = shares[i];
    for (int64_t block = 1; block < plan.items; block++)
        for (int64_t i = 0; i < count; i++) out[i] += shares[block * count + i];
}

bool qk_drive(const QKCall *c) {
    switch (c->op) {
    case QK_OP_SQUARED_NORM: squared_norm(c); return true;
    case QK_OP_SCAN_GRAD: scan_gradient(c); return true;
    case QK_OP_GEMM_GROUPS: case QK_OP_GEMM_GROUPS_GRAD: qk_groups_run(c); return true;
    default: return false;
    }
}
