// Many rows, in chunks of a band of rows by a strip of columns. The smaller operand is packed once for everybody, into the last-level cache; the other
// one by whoever takes the chunk, into level 2. Then every few rows of A, once they are in level 1, meet all of the strip. What threads share may have
// to travel between caches, so it is as little as can be.
#include "gemm.h"
#if defined(__x86_64__)
#include <immintrin.h>
#endif

enum {
    GROUP = 2, TALL_GROUP = 8, // tiles of A packed together; more where A is stored by columns, for its lines' sake
    WIDE = 8,                // most panels of a strip
    BAND = 1020,             // most rows of a band that packs its own B: that costs one part in hundreds
    BAND_FLOATS = 1 << 17,   // packed A of a band that packs its own A
    MOST_BAND = 144,
    CHUNKS = 8,              // chunks for every thread, where there is work enough
    SHARED_FLOATS = 1 << 22, // shared at once
    NEAR_FLOATS = 1 << 18,   // an operand this small is in some cache already
    STREAMED = 1 << 20,      // a C of more floats that nobody reads soon passes the caches by
};

typedef struct {
    const QKCall *call;
    const QKGemmKernels *kernels;
    int64_t m, n, k;
    int64_t slice, slices;         // of k
    int64_t group;                 // rows of A packed together
    int64_t high, bands;           // rows of a chunk
    int64_t panels, wide, strips;  // panels of C, of a strip
    bool shares_b, in_place, past; // in_place: B came packed in f32; past: C goes past the caches
    float *shared;
} Strips;

static int64_t length_of(const Strips *g, int64_t slice) { return qk_min(g->slice, g->k - slice * g->slice); }

// MARK: Packing

// Packed A: groups of rows one after the other, each with room for the last store to run over.
static int64_t group_floats(const Strips *g) { return (g->group * g->slice + 31) / 16 * 16; }

static void pack_group(const Strips *g, int64_t slice, int64_t row, float *out) {
    g->kernels->pack_a(g->call, row, qk_min(g->group, g->m - row), slice * g->slice, length_of(g, slice), g->kernels->rows, out);
}

static int64_t groups_of(const Strips *g) { return qk_ceil_div(g->m, g->group); }

static void pack_groups(void *context, int64_t begin, int64_t end) {
    const Strips *g = context;
    for (int64_t x = begin; x < end; x++) pack_group(g, x / groups_of(g), x % groups_of(g) * g->group, g->shared + x * group_floats(g));
}

// Panels of B in memory, and how far apart they lie.
typedef struct { const float *at; int64_t stride; } Panels;

static Panels shared_panels(const Strips *g, int64_t slice, int64_t panel) {
    if (g->in_place) return (Panels){(const float *)g->call->p[2] + (panel * g->k + slice * g->slice) * QK_PANEL, g->k * QK_PANEL};
    int64_t stride = length_of(g, slice) * QK_PANEL;
    return (Panels){g->shared + slice * g->slice * g->panels * QK_PANEL + panel * stride, stride};
}

static void pack_panels(const Strips *g, int64_t slice, int64_t panel, int64_t panels, float *out) {
    int64_t length = length_of(g, slice);
    g->kernels->pack_b(g->call, panel, panels, slice * g->slice, length, out, length * QK_PANEL);
}

static int64_t pairs_of(const Strips *g) { return qk_ceil_div(g->panels, 2); }

static void pack_pairs(void *context, int64_t begin, int64_t end) {
    const Strips *g = context;
    for (int64_t x = begin; x < end; x++) {
        int64_t slice = x / pairs_of(g), panel = x % pairs_of(g) * 2;
        pack_panels(g, slice, panel, qk_min(2, g->panels - panel), (float *)shared_panels(g, slice, panel).at);
    }
}

// MARK: What packs next on this thread, most likely

static int64_t bytes_of_b(const Strips *g) { return g->call->n[11] == QK_F32 ? 4 : 2; }

// Rows [row, row + rows) by columns [column, column + columns) of a matrix that is contiguous one way or the other.
static QKGemmAhead source(const char *base, int64_t bytes, int64_t row_stride, int64_t column_stride, int64_t row, int64_t rows, int64_t column, int64_t columns) {
    if (row_stride != 1 && column_stride != 1) return (QKGemmAhead){0};
    base += (row * row_stride + column * column_stride) * bytes;
    if (column_stride == 1) return (QKGemmAhead){base, row_stride * bytes, qk_ceil_div(columns * bytes, 64), rows, 0, 0, 0};
    return (QKGemmAhead){base, column_stride * bytes, qk_ceil_div(rows * bytes, 64), columns, 0, 0, 0};
}

// As late as the lines can come and still be there, or what passes through level 2 meanwhile pushes them out again.
static QKGemmAhead paced(QKGemmAhead ahead, int64_t tiles, int64_t turns) {
    int64_t lines = ahead.lines * ahead.rows;
    ahead.each = qk_max(qk_ceil_div(lines, qk_max(1, tiles)), qk_min(turns, lines) / 2);
    ahead.wait = tiles - qk_ceil_div(lines, qk_max(1, ahead.each)) - 1;
    return ahead;
}

// MARK: Chunks

typedef struct { int64_t row, end, panel, panels; } Chunk;

static Chunk chunk_at(const Strips *g, int64_t index) {
    Chunk c = {.row = index % g->bands * g->high, .panel = index / g->bands * g->wide};
    c.end = qk_min(c.row + g->high, g->m);
    c.panels = qk_min(g->wide, g->panels - c.panel);
    return c;
}

static int64_t tiles_of(const Strips *g, const Chunk *c) {
    return qk_ceil_div(c->end - c->row, g->kernels->rows) * qk_ceil_div(c->panels, qk_gemm_wide(g->kernels, 2));
}

// One slice of a chunk from packed operands; `a` begins with the chunk's rows, `sums` [panels][high][16] holds its chains between slices.
static void run_slice(const Strips *g, const Chunk *c, int64_t slice, const float *a, Panels b, float *sums, QKGemmAhead *ahead) {
    int64_t length = length_of(g, slice), rows = g->kernels->rows;
    QKGemmStep step = {g->call, g->kernels, slice == 0, slice + 1 == g->slices, g->past, ahead};
    QKGemmStrip strip = {.rows = (int)rows, .k = length, .sums_panel = g->high * QK_PANEL, .b_panel = b.stride};
    for (strip.i = c->row; strip.i < c->end; strip.i += rows) {
        int64_t at = strip.i - c->row;
        strip.count = qk_min(rows, c->end - strip.i);
        strip.a = a + at / g->group * group_floats(g) + at % g->group * length;
        for (int64_t panel = 0; panel < c->panels; panel += strip.panels) {
            strip.panels = qk_gemm_wide(g->kernels, c->panels - panel);
            strip.b = b.at + panel * b.stride;
            strip.j = (c->panel + panel) * QK_PANEL;
            strip.sums = sums + panel * strip.sums_panel + at * QK_PANEL;
            qk_gemm_rows(&step, &strip);
        }
    }
}

static void stores_seen(void) {
#if defined(__x86_64__)
    _mm_sfence();
#endif
}

static QKGemmAhead next_b(const Strips *g, int64_t index, int64_t slice, int64_t tiles) {
    const QKCall *c = g->call;
    slice = (slice + 1) % g->slices;
    if (slice == 0) index += qk_threads();
    if (c->n[12] || c->n[11] >= QK_BLOCKS || index >= g->bands * g->strips || g->n * g->k < NEAR_FLOATS) return (QKGemmAhead){0};
    Chunk next = chunk_at(g, index);
    int64_t column = next.panel * QK_PANEL, columns = qk_min(next.panels * QK_PANEL, g->n - column);
    return paced(source(c->p[2], bytes_of_b(g), c->n[5], c->n[6], slice * g->slice, length_of(g, slice), column, columns), tiles, g->slice / QK_GEMM_STEPS);
}

static void chunks_with_own_b(void *context, int64_t begin, int64_t end) {
    const Strips *g = context;
    int64_t own = g->in_place ? 0 : g->wide * g->slice * QK_PANEL;
    float *b = qk_scratch_for(QK_SCRATCH_GEMM_OWN, (size_t)(own + g->wide * g->high * QK_PANEL) * sizeof(float));
    for (int64_t index = begin; index < end; index++) {
        Chunk c = chunk_at(g, index);
        for (int64_t slice = 0; slice < g->slices; slice++) {
            Panels panels = g->in_place ? shared_panels(g, slice, c.panel) : (Panels){b, length_of(g, slice) * QK_PANEL};
            QKGemmAhead ahead = next_b(g, index, slice, tiles_of(g, &c));
            if (!g->in_place) pack_panels(g, slice, c.panel, c.panels, b);
            run_slice(g, &c, slice, g->shared + (slice * groups_of(g) + c.row / g->group) * group_floats(g), panels, b + own, &ahead);
        }
    }
    stores_seen();
}

static QKGemmAhead next_a(const Strips *g, int64_t band, int64_t tiles) {
    const QKCall *c = g->call;
    int64_t row = (band + qk_threads()) * g->high;
    if (row >= g->m || g->m * g->k < NEAR_FLOATS) return (QKGemmAhead){0};
    return paced(source(c->p[1], 4, c->n[3], c->n[4], row, qk_min(g->high, g->m - row), 0, g->k), tiles, g->slice / QK_GEMM_STEPS);
}

static void bands_with_own_a(void *context, int64_t begin, int64_t end) {
    const Strips *g = context;
    int64_t slice_floats = g->high / g->group * group_floats(g);
    float *a = qk_scratch_for(QK_SCRATCH_GEMM_OWN, (size_t)(g->slices * slice_floats + g->wide * g->high * QK_PANEL) * sizeof(float));
    for (int64_t band = begin; band < end; band++) {
        Chunk c = chunk_at(g, band);
        for (int64_t slice = 0; slice < g->slices; slice++)
            for (int64_t row = c.row; row < c.end; row += g->group) pack_group(g, slice, row, a + slice * slice_floats + (row - c.row) / g->group * group_floats(g));
        QKGemmAhead ahead = next_a(g, band, tiles_of(g, &c) * g->strips * g->slices);
        for (c.panel = 0; c.panel < g->panels; c.panel += g->wide) {
            c.panels = qk_min(g->wide, g->panels - c.panel);
            for (int64_t slice = 0; slice < g->slices; slice++)
                run_slice(g, &c, slice, a + slice * slice_floats, shared_panels(g, slice, c.panel), a + g->slices * slice_floats, &ahead);
        }
    }
    stores_seen();
}

// MARK: Plan

static void plan(Strips *g) {
    int64_t rows = g->kernels->rows, length = qk_max(1, g->k), wanted = CHUNKS * qk_threads();
    g->slices = qk_ceil_div(length, g->kernels->slice);
    g->slice = qk_min(length, qk_ceil_div(qk_ceil_div(length, g->slices), 8) * 8);
    g->slices = qk_ceil_div(length, g->slice);
    g->group = (g->call->n[3] == 1 ? TALL_GROUP : GROUP) * rows;
    int64_t least = GROUP * rows, most = g->shares_b ? qk_max(least, qk_min(qk_min(MOST_BAND, BAND_FLOATS / length), qk_ceil_div(g->m, wanted))) : BAND;
    if (g->shares_b) g->group = least;
    g->bands = qk_ceil_div(g->m, qk_ceil_div(most, g->group) * g->group);
    g->high = qk_ceil_div(qk_ceil_div(g->m, g->bands), g->group) * g->group;
    g->bands = qk_ceil_div(g->m, g->high);
    if (g->shares_b) g->group = g->high;
    g->panels = qk_ceil_div(g->n, QK_PANEL);
    g->wide = WIDE;
    while (!g->shares_b && g->wide > 2 && g->bands * qk_ceil_div(g->panels, g->wide) < wanted) g->wide -= 2;
    g->strips = qk_ceil_div(g->panels, g->wide);
    g->past = g->call->n[19] && g->m * g->n >= STREAMED && g->call->n[7] % QK_PANEL == 0 && (uintptr_t)g->call->p[0] % 64 == 0;
}

static void run(const QKCall *call, const QKGemmKernels *kernels, bool shares_b) {
    Strips g = {.call = call, .kernels = kernels, .m = call->n[0], .n = call->n[1], .k = call->n[2], .shares_b = shares_b};
    g.in_place = call->n[12] && call->n[11] == QK_F32;
    plan(&g);
    int64_t floats = !shares_b ? g.slices * groups_of(&g) * group_floats(&g) : g.in_place ? 0 : g.panels * QK_PANEL * g.k;
    g.shared = qk_scratch_for(QK_SCRATCH_GEMM_SHARED, (size_t)floats * sizeof(float));
    if (!shares_b) qk_parallel(g.slices * groups_of(&g), 1, pack_groups, &g);
    else if (!g.in_place) qk_parallel(g.slices * pairs_of(&g), 1, pack_pairs, &g);
    if (shares_b) qk_parallel(g.bands, 1, bands_with_own_a, &g);
    else qk_parallel(g.bands * g.strips, 1, chunks_with_own_b, &g);
}

// MARK: Parts of a call

// Rows [top, top + rows) of a call.
static QKCall rows_of(const QKCall *c, int64_t top, int64_t rows) {
    QKCall part = *c;
    part.n[0] = rows;
    part.p[0] = (float *)c->p[0] + top * c->n[7];
    part.p[1] = (float *)c->p[1] + top * c->n[3];
    if (c->p[4]) part.p[4] = (float *)c->p[4] + top * c->n[8];
    if (c->p[5]) part.p[5] = (float *)c->p[5] + top * c->n[9];
    if (c->p[6]) part.p[6] = (float *)c->p[6] + top * c->n[13];
    return part;
}

// Steps [from, from + count) of the chains: the first part begins them, the last one ends them, and C holds them between parts.
static QKCall steps_of(const QKCall *c, int64_t from, int64_t count) {
    QKCall part = *c;
    part.n[2] = count;
    part.p[1] = (float *)c->p[1] + from * c->n[4];
    if (c->n[11] >= QK_BLOCKS) part.n[14] += from * c->n[5];
    else part.p[2] = (char *)c->p[2] + from * c->n[5] * (c->n[11] == QK_F32 ? 4 : 2);
    if (from > 0) part.n[10] = 1;
    if (from + count == c->n[2]) return part;
    part.kind = QK_IDENTITY;
    part.p[3] = part.p[4] = part.p[5] = part.p[6] = NULL;
    part.n[19] = 0;
    return part;
}

void qk_gemm_strips(const QKCall *call, const QKGemmKernels *kernels) {
    int64_t m = call->n[0], n = call->n[1], k = qk_max(1, call->n[2]), parts = qk_ceil_div(m * k, SHARED_FLOATS);
    // A factor on the finished sums, or B in panels, do not let the chains be cut.
    bool cuts = !call->n[12] && (call->n[10] || call->s[0] == 1);
    if (parts == 1 || n * k <= SHARED_FLOATS) {
        run(call, kernels, n * k <= SHARED_FLOATS && (parts > 1 || n < m));
    } else if (m <= BAND && cuts) {
        int64_t count = qk_ceil_div(qk_ceil_div(k, parts), 8) * 8;
        for (int64_t from = 0; from < k; from += count) {
            QKCall part = steps_of(call, from, qk_min(count, k - from));
            run(&part, kernels, false);
        }
    } else {
        int64_t rows = qk_ceil_div(qk_ceil_div(m, parts), kernels->rows) * kernels->rows;
        for (int64_t top = 0; top < m; top += rows) {
            QKCall part = rows_of(call, top, qk_min(rows, m - top));
            run(&part, kernels, false);
        }
    }
}
