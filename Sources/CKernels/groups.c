// Matrix products with a matrix for each group: experts, whose rows lie together, and heads, which all rows pass through.
#include "gemm.h"
#include <string.h>

static int64_t first_row(const QKCall *c, int64_t group) { return c->p[7] ? ((const int32_t *)c->p[7])[group] : 0; }
static int64_t row_count(const QKCall *c, int64_t group) { return c->p[7] ? first_row(c, group + 1) - first_row(c, group) : c->n[0]; }

// A group's product as a call of its own.
static QKCall product_of(const QKCall *c, int64_t group) {
    QKCall one = *c;
    int64_t first = first_row(c, group);
    one.op = QK_OP_GEMM;
    one.n[0] = row_count(c, group);
    one.p[0] = (float *)c->p[0] + first * c->n[7] + (c->p[7] ? 0 : group * c->n[19]);
    one.p[1] = (float *)c->p[1] + first * c->n[3] + (c->p[7] ? 0 : group * c->n[18]);
    one.p[2] = ((void *const *)c->p[2])[group];
    if (c->p[3]) one.p[3] = (float *)c->p[3] + group * c->n[1];
    one.p[4] = one.p[5] = one.p[6] = one.p[7] = one.p[8] = NULL;
    // What a product alone means by these is none of ours.
    for (int i = 13; i < 20; i++) one.n[i] = 0;
    one.n[14] = one.n[15] = one.n[18] = one.n[19] = 0;
    return one;
}

// dB of a group: y^T x over its rows.
static QKCall gradient_of(const QKCall *c, int64_t group) {
    QKCall one = {.op = QK_OP_GEMM};
    int64_t first = first_row(c, group);
    one.p[0] = (float *)c->p[0] + group * c->n[7];
    one.p[1] = (float *)c->p[1] + first * c->n[3] + (c->p[7] ? 0 : group * c->n[5]);
    one.p[2] = (float *)c->p[2] + first * c->n[4] + (c->p[7] ? 0 : group * c->n[6]);
    one.n[0] = c->n[1], one.n[1] = c->n[2], one.n[2] = row_count(c, group);
    one.n[3] = 1, one.n[4] = c->n[3], one.n[5] = c->n[4], one.n[6] = 1, one.n[7] = c->n[2];
    one.n[10] = c->n[10];
    one.s[0] = 1;
    return one;
}

static void run_group(const QKCall *c, int64_t group) {
    if (c->op == QK_OP_GEMM_GROUPS) {
        QKCall one = product_of(c, group);
        if (one.n[0] > 0) qk_gemm_run(&one);
        return;
    }
    QKCall one = gradient_of(c, group);
    if (one.n[2] > 0) qk_gemm_run(&one);
    else if (!one.n[10]) memset(one.p[0], 0, (size_t)(one.n[0] * one.n[1]) * sizeof(float));
}

static void some_groups(void *context, int64_t begin, int64_t end) {
    for (int64_t group = begin; group < end; group++) run_group(context, group);
}

// Groups of few rows go to one thread each; others are shared out one after the other. No bit depends on it.
void qk_groups_run(const QKCall *c) {
    int64_t busy = 0, most = 0;
    for (int64_t group = 0; group < c->n[17]; group++) {
        int64_t rows = row_count(c, group);
        busy += rows > 0;
        most = qk_max(most, rows);
    }
    if (most <= QK_GEMM_SMALL && busy >= 2) qk_parallel(c->n[17], 1, some_groups, (void *)c);
    else some_groups((void *)c, 0, c->n[17]);
}
