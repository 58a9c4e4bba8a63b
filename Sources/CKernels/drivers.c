// Calls with more than one phase.
#include "internal.h"

typedef struct { const QKCall *call; QKBody body; } Phase;

static void run_phase(void *context, int64_t begin, int64_t end) {
    const Phase *phase = context;
    phase->body(phase->call, begin, end);
}

// Chunks in parallel, then their sums in order.
static void squared_norm(const QKCall *c) {
    Phase phase = {c, qk_table()->body[QK_OP_SQUARED_NORM]};
    QKPlan plan = qk_plan(c);
    qk_parallel(plan.items, plan.grain, run_phase, &phase);
    double sum = 0;
    for (int64_t chunk = 0; chunk < plan.items; chunk++) sum += ((const double *)c->p[2])[chunk];
    *(double *)c->p[0] = sum;
}

bool qk_drive(const QKCall *c) {
    if (c->op != QK_OP_SQUARED_NORM) return false;
    squared_norm(c);
    return true;
}
