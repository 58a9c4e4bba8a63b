// The matrix multiply: packs, blocks and runs on the pool by itself.
#include "gemm.h"
#include <string.h>

static void some_rows(void *context, int64_t begin, int64_t end) { qk_gemm_kernels()->rows(context, begin, end); }

size_t qk_gemm_packed_bytes(int64_t n, int64_t k, int32_t type) {
    return (size_t)((n + QK_PANEL - 1) / QK_PANEL) * QK_PANEL * (size_t)k * (type == QK_F32 ? 4 : 2);
}

// Panel by panel.
static void pack_panels(void *context, int64_t begin, int64_t end) {
    const QKCall *c = context;
    size_t width = c->n[11] == QK_F32 ? 4 : 2;
    for (int64_t panel = begin; panel < end; panel++)
        for (int64_t p = 0; p < c->n[1]; p++)
            for (int64_t lane = 0; lane < QK_PANEL; lane++) {
                int64_t j = panel * QK_PANEL + lane;
                char *out = (char *)c->p[0] + (size_t)((panel * c->n[1] + p) * QK_PANEL + lane) * width;
                if (j < c->n[0]) memcpy(out, (const char *)c->p[1] + (size_t)(p * c->n[5] + j * c->n[6]) * width, width);
                else memset(out, 0, width);
            }
}

void qk_gemm_run(const QKCall *call) {
    if (call->op == QK_OP_GEMM_PACK) qk_parallel((call->n[0] + QK_PANEL - 1) / QK_PANEL, 1, pack_panels, (void *)call);
    else qk_parallel(call->n[0], 1, some_rows, (void *)call);
}
