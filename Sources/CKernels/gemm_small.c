// Few rows: A is packed once, and every panel of B streams past it. A panel that has to be converted or turned goes through a piece of
// level-1 cache; nothing is shared between threads but A.
#include "gemm.h"

enum { SLICE = 256, GROUP = 4 };

typedef struct {
    const QKCall *call;
    const QKGemmKernels *kernels;
    const float *a;  // slices one after the other, each [row panels][slice][rows]
    int rows;        // height of A's panels: the rows spread evenly
    int64_t slice;
    bool streams;    // B's panels can be read where they lie
} Small;

static void slice_of_panels(const Small *s, int64_t panel, int64_t panels, int64_t p, int64_t k, float *own, float *sums) {
    const QKCall *c = s->call;
    const float *b = (const float *)c->p[2] + (panel * c->n[2] + p) * QK_PANEL;
    QKGemmStep step = {c, s->kernels, p == 0, p + k >= c->n[2], false, NULL};
    if (!s->streams) s->kernels->pack_b(c, panel, panels, p, k, own, s->slice * QK_PANEL);
    QKGemmStrip strip = {.count = c->n[0], .rows = s->rows, .a = s->a + p * c->n[0], .k = k, .sums_panel = QK_GEMM_SMALL * QK_PANEL};
    strip.b_panel = s->streams ? c->n[2] * QK_PANEL : s->slice * QK_PANEL;
    for (int64_t x = 0; x < panels; x += strip.panels) {
        strip.panels = qk_gemm_wide(s->kernels, panels - x);
        strip.b = (s->streams ? b : own) + x * strip.b_panel;
        strip.j = (panel + x) * QK_PANEL;
        strip.sums = sums + x * strip.sums_panel;
        qk_gemm_rows(&step, &strip);
    }
}

static void some_panels(void *context, int64_t begin, int64_t end) {
    const Small *s = context;
    _Alignas(64) float sums[GROUP * QK_GEMM_SMALL * QK_PANEL];
    float *own = s->streams ? NULL : qk_scratch_for(QK_SCRATCH_GEMM_OWN, (size_t)(GROUP * s->slice * QK_PANEL) * sizeof(float));
    for (int64_t panel = begin; panel < end; panel += GROUP) {
        int64_t p = 0, k = s->call->n[2];
        do {
            slice_of_panels(s, panel, qk_min(GROUP, end - panel), p, qk_min(s->slice, k - p), own, sums);
            p += s->slice;
        } while (p < k);
    }
}

// One or two panels past up to four rows, chains in registers from end to end.
static void stream_panels(const Small *s, int64_t panel, int panels) {
    const QKCall *c = s->call;
    int rows = (int)c->n[0];
    int64_t stride = c->n[2] * QK_PANEL;
    _Alignas(64) float sums[2 * QK_GEMM_STREAM * QK_PANEL] = {0};
    if (c->n[10]) for (int x = 0; x < panels; x++) qk_gemm_load_sums(c, 0, rows, (panel + x) * QK_PANEL, sums + x * rows * QK_PANEL);
    const char *b = (const char *)c->p[2] + panel * stride * (c->n[11] == QK_F32 ? 4 : 2);
    s->kernels->stream(rows, panels, c->n[11], c->n[2], s->a, b, stride, sums);
    for (int x = 0; x < panels; x++) {
        int64_t j = (panel + x) * QK_PANEL;
        s->kernels->finish(c, 0, j, rows, (int)qk_min(QK_PANEL, c->n[1] - j), sums + x * rows * QK_PANEL);
    }
}

static void stream_chunk(void *context, int64_t begin, int64_t end) {
    const Small *s = context;
    int64_t step = s->call->n[0] <= 2 ? 2 : 1;
    for (int64_t panel = begin; panel < end; panel += step) stream_panels(s, panel, (int)qk_min(step, end - panel));
}

void qk_gemm_small(const QKCall *call, const QKGemmKernels *kernels) {
    int64_t m = call->n[0], k = call->n[2], panels = qk_ceil_div(call->n[1], QK_PANEL);
    float *a = qk_scratch_for(QK_SCRATCH_GEMM_SHARED, (size_t)(m * k + 16) * sizeof(float));
    Small s = {call, kernels, a, (int)qk_ceil_div(m, qk_ceil_div(m, kernels->rows)), SLICE, call->n[12] && call->n[11] == QK_F32};
    bool stream = call->n[12] && m <= QK_GEMM_STREAM;
    if (stream || (s.streams && m <= kernels->rows)) s.slice = qk_max(k, 1);
    for (int64_t p = 0; p < k; p += s.slice) kernels->pack_a(call, 0, m, p, qk_min(s.slice, k - p), s.rows, a + p * m);
    int64_t work = qk_max(1, m * k * QK_PANEL), grain = qk_ceil_div(qk_max(1, 400000 / work), GROUP) * GROUP;
    qk_parallel(panels, grain, stream ? stream_chunk : some_panels, &s);
}
