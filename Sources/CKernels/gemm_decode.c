// B in block formats as files hold it: turned into f32 while it is packed, some steps of k at a time. So every set multiplies with quantized weights,
// from either side, without a copy of them.
#include "gemm.h"

enum { DECODED = 1 << 14 }; // floats at once, about

// Runs of numbers side by side: whole blocks around what was asked for.
typedef struct { const float *at; int64_t stride; } Decoded;

// Numbers [first, first + count) of B, and so on in `runs` runs `step` apart (whole blocks).
static Decoded decode(const QKCall *c, int64_t first, int64_t count, int64_t runs, int64_t step) {
    int64_t length = qk_block_length(c->n[11]), bytes = qk_block_bytes(c->n[11]), before = first % length, whole = qk_ceil_div(before + count, length) * length;
    float *memory = qk_scratch_for(QK_SCRATCH_GEMM_DECODED, (size_t)(runs * whole) * sizeof(float));
    for (int64_t r = 0; r < runs; r++) {
        const char *from = (const char *)c->p[2] + (first - before + r * step) / length * bytes;
        QKCall cast = {.op = QK_OP_CAST, .p = {memory + r * whole, (void *)from}, .n = {whole, QK_F32, c->n[11]}};
        qk_table()->body[QK_OP_CAST](&cast, 0, whole);
    }
    return (Decoded){memory + before, whole};
}

// `numbers`: of k in one element of a packed panel.
static void pack(const QKGemmKernels *set, int64_t numbers, const QKCall *c, int64_t panel, int64_t panels, int64_t p, int64_t k, float *out, int64_t stride) {
    int64_t j = panel * QK_PANEL, columns = qk_min(panels * QK_PANEL, c->n[1] - j), first = c->n[14] + p * c->n[5] + j * c->n[6];
    QKCall own = *c;
    own.n[11] = QK_F32;
    if (c->n[6] == 1) {
        int64_t each = qk_max(1, DECODED / (numbers * columns));
        for (int64_t q = 0; q < k; q += each) {
            own.n[2] = qk_min(each, k - q);
            Decoded d = decode(c, first + q * c->n[5], columns, own.n[2] * numbers, c->n[5] / numbers);
            own.p[2] = (void *)d.at, own.n[1] = columns, own.n[5] = d.stride * numbers;
            set->pack_b(&own, 0, panels, 0, own.n[2], out + q * QK_PANEL, stride);
        }
        return;
    }
    own.n[2] = k, own.n[5] = numbers;
    for (int64_t x = 0; x < panels; x++) {
        own.n[1] = qk_min(QK_PANEL, columns - x * QK_PANEL);
        Decoded d = decode(c, first + x * QK_PANEL * c->n[6], k * numbers, own.n[1], c->n[6]);
        own.p[2] = (void *)d.at, own.n[6] = d.stride;
        set->pack_b(&own, 0, 1, 0, k, out + x * stride, stride);
    }
}

static void pack_numbers(const QKCall *c, int64_t panel, int64_t panels, int64_t p, int64_t k, float *out, int64_t stride) {
    pack(qk_gemm_kernels(), 1, c, panel, panels, p, k, out, stride);
}

static void pack_pairs(const QKCall *c, int64_t panel, int64_t panels, int64_t p, int64_t k, float *out, int64_t stride) {
    pack(&qk_gemm_brain, 2, c, panel, panels, p, k, out, stride);
}

QKGemmKernels qk_gemm_decoding(const QKGemmKernels *set) {
    QKGemmKernels own = *set;
    own.pack_b = set == &qk_gemm_brain ? pack_pairs : pack_numbers;
    return own;
}

bool qk_gemm_reads_blocks(void) { return !qk_gemm_kernels()->plain; }
