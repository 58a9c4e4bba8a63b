// The matrix multiply: which way a shape goes, packing for keeps, and one slice of one panel.
#include "block_gemm.h"
#include "gemm_turn.h"
#include <math.h>
#include <string.h>

static int64_t element_bytes(int64_t type) { return type == QK_F32 ? 4 : 2; }

size_t qk_gemm_packed_bytes(int64_t n, int64_t k, int32_t type) {
    int64_t panels = qk_ceil_div(n, QK_PANEL);
    return (size_t)(type >= QK_BLOCKS ? panels * qk_panel_bytes(type, k) : panels * QK_PANEL * k * element_bytes(type));
}

// MARK: One slice

void qk_gemm_load_sums(const QKCall *c, int64_t i, int64_t count, int64_t j, float *sums) {
    int64_t columns = qk_min(QK_PANEL, c->n[1] - j), ahead = qk_min(QK_PANEL, c->n[1] - j - columns);
    const float *from = (const float *)c->p[0] + i * c->n[7] + j;
    for (int64_t r = 0; r < count; r++, from += c->n[7], sums += QK_PANEL) {
        if (ahead > 0) __builtin_prefetch(from + columns, 1);
        if (columns == QK_PANEL) memcpy(sums, from, QK_PANEL * sizeof(float));
        else memcpy(sums, from, sizeof(float) * (size_t)columns), memset(sums + columns, 0, sizeof(float) * (size_t)(QK_PANEL - columns));
    }
}

static bool has_lines(QKGemmAhead *ahead) { return ahead && ahead->wait-- <= 0 && ahead->rows > 0; }

// The next lines of one row, at most `count` of them.
static int64_t next_lines(QKGemmAhead *ahead, int64_t count, const char **list) {
    int64_t run = qk_min(count, ahead->lines - ahead->line);
    const char *from = ahead->row + ahead->line * 64;
    for (int64_t x = 0; x < run; x++) list[x] = from + x * 64;
    ahead->line += run;
    if (ahead->line == ahead->lines) ahead->line = 0, ahead->row += ahead->stride, ahead->rows--;
    return run;
}

static void fetch_ahead(QKGemmAhead *ahead) {
    const char *list[QK_GEMM_TURNS];
    if (!has_lines(ahead)) return;
    for (int64_t left = ahead->each, run; left > 0 && ahead->rows > 0; left -= run) {
        run = next_lines(ahead, qk_min(left, QK_GEMM_TURNS), list);
        for (int64_t x = 0; x < run; x++) __builtin_prefetch(list[x], 0, 2);
    }
}

// The lines that a pair's loop fetches while it runs, one for each turn, and where there are none left a line that is at hand already.
static const char *const *list_ahead(QKGemmAhead *ahead, int64_t count, const char **list) {
    static const char at_hand[64], *const nothing[QK_GEMM_TURNS] = {[0 ... QK_GEMM_TURNS - 1] = at_hand};
    int64_t x = 0;
    if (!has_lines(ahead)) return nothing;
    while (x < count && x < ahead->each && ahead->rows > 0) x += next_lines(ahead, qk_min(count, ahead->each) - x, list + x);
    for (; x < count; x++) list[x] = at_hand;
    return list;
}

// Chains of `rows` rows from row x of the strip on.
static void run_tile(const QKGemmStep *step, const QKGemmStrip *s, int64_t x, int rows, bool resume, float *to, int64_t to_stride, int64_t to_panel, bool past) {
    const float *a = s->a + x * s->k, *from = resume ? s->sums + x * QK_PANEL : NULL;
    if (s->panels == 2) {
        const char *list[QK_GEMM_TURNS];
        const char *const *lines = list_ahead(step->ahead, s->k / QK_GEMM_STEPS, list);
        step->kernels->pair[rows]((QKGemmTwo){s->k, a, s->b, s->b_panel, from, s->sums_panel, to, to_stride, to_panel, past, lines});
    } else {
        fetch_ahead(step->ahead);
        step->kernels->tile[rows](s->k, a, s->b, from, QK_PANEL, to, to_stride);
    }
}

// The last slice of a tile that has an epilogue or lies at the right edge.
static void finish_tile(const QKGemmStep *step, const QKGemmStrip *s, int64_t x, int rows, bool resume) {
    _Alignas(64) float sums[2 * QK_GEMM_ROWS * QK_PANEL];
    run_tile(step, s, x, rows, resume, sums, QK_PANEL, QK_GEMM_ROWS * QK_PANEL, false);
    for (int p = 0; p < s->panels; p++) {
        int64_t j = s->j + p * QK_PANEL;
        step->kernels->finish(step->call, s->i + x, j, rows, (int)qk_min(QK_PANEL, step->call->n[1] - j), sums + p * QK_GEMM_ROWS * QK_PANEL);
    }
}

void qk_gemm_rows(const QKGemmStep *step, const QKGemmStrip *s) {
    const QKCall *c = step->call;
    bool adds = step->first && c->n[10], resume = adds || !step->first, direct = c->n[1] - s->j >= s->panels * QK_PANEL && qk_gemm_is_plain(c);
    for (int p = 0; adds && p < s->panels; p++) qk_gemm_load_sums(c, s->i, s->count, s->j + p * QK_PANEL, s->sums + p * s->sums_panel);
    for (int64_t x = 0; x < s->count; x += s->rows) {
        int high = (int)qk_min(s->rows, s->count - x);
        if (!step->last) run_tile(step, s, x, high, resume, s->sums + x * QK_PANEL, QK_PANEL, s->sums_panel, false);
        else if (direct) run_tile(step, s, x, high, resume, (float *)c->p[0] + (s->i + x) * c->n[7] + s->j, c->n[7], QK_PANEL, step->past);
        else finish_tile(step, s, x, high, resume);
    }
}

// MARK: Packing for keeps

typedef struct { const QKCall *call; size_t width; } Pack;

// A full panel of weights stored [out, in], as far as whole tiles go; returns the steps of k that are done.
static int64_t turn_panel(const QKCall *c, size_t width, const char *from, char *out) {
    int64_t p = 0, stride = c->n[6];
    if (c->n[5] != 1 || stride == 1) return 0;
    if (width == 2)
        for (; p + 8 <= c->n[1]; p += 8)
            for (int l = 0; l < QK_PANEL; l += 8) qk_turn_halves((const uint16_t *)from + l * stride + p, stride, (uint16_t *)out + p * QK_PANEL + l);
    else
        for (; p + 4 <= c->n[1]; p += 4)
            for (int l = 0; l < QK_PANEL; l += 4) qk_turn_words((const uint32_t *)from + l * stride + p, stride, (uint32_t *)out + p * QK_PANEL + l);
    return p;
}

static void pack_panel(const QKCall *c, size_t width, int64_t panel) {
    char *out = (char *)c->p[0] + (size_t)(panel * c->n[1] * QK_PANEL) * width;
    const char *from = (const char *)c->p[1] + (size_t)(panel * QK_PANEL * c->n[6]) * width;
    int64_t wide = qk_min(QK_PANEL, c->n[0] - panel * QK_PANEL), done = wide == QK_PANEL ? turn_panel(c, width, from, out) : 0;
    out += (size_t)(done * QK_PANEL) * width, from += (size_t)(done * c->n[5]) * width;
    for (int64_t p = done; p < c->n[1]; p++, out += QK_PANEL * width, from += (size_t)c->n[5] * width) {
        if (c->n[6] == 1) memcpy(out, from, (size_t)wide * width);
        else if (width == 4) for (int64_t l = 0; l < wide; l++) ((uint32_t *)out)[l] = ((const uint32_t *)from)[l * c->n[6]];
        else for (int64_t l = 0; l < wide; l++) ((uint16_t *)out)[l] = ((const uint16_t *)from)[l * c->n[6]];
        if (wide < QK_PANEL) memset(out + (size_t)wide * width, 0, (size_t)(QK_PANEL - wide) * width);
    }
}

static void pack_panels(void *context, int64_t begin, int64_t end) {
    const QKCall *call = context;
    for (int64_t panel = begin; panel < end; panel++) pack_panel(call, (size_t)element_bytes(call->n[11]), panel);
}

// MARK: Entry

typedef struct { const QKCall *call; const QKGemmKernels *kernels; } Plain;

static void plain_rows(void *context, int64_t begin, int64_t end) {
    const Plain *plain = context;
    plain->kernels->plain(plain->call, begin, end);
}

// MARK: Rounded activations

typedef struct { const QKCall *call; float *to; } Rounding;

static void round_rows(void *context, int64_t begin, int64_t end) {
    const Rounding *r = context;
    int64_t k = r->call->n[2];
    for (int64_t i = begin; i < end; i++) {
        const float *from = (const float *)r->call->p[1] + i * r->call->n[3];
        for (int64_t x = 0; x < k; x++) r->to[i * k + x] = isfinite(from[x]) ? qk_eleven_bits(from[x]) : from[x];
    }
}

// The same call with A's numbers, whose rows are contiguous, rounded to f16's eleven bits.
static QKCall with_halves(const QKCall *call) {
    Rounding r = {call, qk_scratch_for(QK_SCRATCH_GEMM_ROUNDED, (size_t)(call->n[0] * call->n[2] + 16) * sizeof(float))};
    qk_parallel(call->n[0], qk_max(1, 65536 / qk_max(1, call->n[2])), round_rows, &r);
    QKCall rounded = *call;
    rounded.p[1] = r.to, rounded.n[3] = call->n[2], rounded.n[15] = 0;
    if (call->n[12] == QK_PACKED_HALVES) rounded.n[12] = QK_PACKED;
    return rounded;
}

// By the way that suits the number of rows.
static void run_rows(const QKCall *call, const QKGemmKernels *set) {
    (call->n[0] <= QK_GEMM_SMALL ? qk_gemm_small : set->pair[1] ? qk_gemm_strips : qk_gemm_large)(call, set);
}

void qk_gemm_run(const QKCall *call) {
    const QKGemmKernels *kernels = qk_gemm_kernels();
    Plain plain = {call, kernels};
    bool blocks = call->n[11] >= QK_BLOCKS;
    if (call->op == QK_OP_GEMM_PACK && blocks) qk_block_pack(call);
    else if (call->op == QK_OP_GEMM_PACK) qk_parallel(qk_ceil_div(call->n[0], QK_PANEL), 4, pack_panels, (void *)call);
    else if (call->n[0] <= 0 || call->n[1] <= 0) return;
    else if (blocks && call->n[12]) qk_block_gemm(call, kernels);
    else if (call->n[12] == QK_PACKED_HALVES || (call->n[15] == 2 && call->n[4] == 1)) {
        QKCall rounded = with_halves(call);
        qk_gemm_run(&rounded);
    } else if (kernels->plain) qk_parallel(call->n[0], 1, plain_rows, &plain);
    else {
        QKCall words;
        bool pairs = (call->n[12] == QK_PACKED_PAIRS || call->n[15] == 1) && qk_gemm_in_pairs(call, &words);
        const QKGemmKernels *set = pairs ? &qk_gemm_brain : kernels;
        QKGemmKernels decoding = blocks ? qk_gemm_decoding(set) : *set;
        run_rows(pairs ? &words : call, &decoding);
    }
}
