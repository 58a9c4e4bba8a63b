// The AVX-512 matmul on numbers rounded to bf16: two steps of k in one instruction, so half as many. What the other files call an element of A or B is here
// a word of two neighbors in k; the sums are f32.
#include "gemm.h"
#if defined(__x86_64__)
#include <immintrin.h>
#define QK_BRAIN __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,avx2,fma,f16c")))
static void pack_a_pairs(const QKCall *c, int64_t row, int64_t count, int64_t p, int64_t k, int rows, float *out);
static void pack_b_pairs(const QKCall *c, int64_t panel, int64_t panels, int64_t p, int64_t k, float *out, int64_t stride);
static void stream_pairs(int rows, int panels, int64_t type, int64_t k, const float *a, const void *b, int64_t stride, float *sums);
#endif
#define QK_MULTIPLY_ADD "vdpbf16ps"
#define QK_GEMM_SET qk_gemm_brain
#define QK_GEMM_PACK_A pack_a_pairs
#define QK_GEMM_PACK_B pack_b_pairs
#define QK_GEMM_STREAM_PANELS stream_pairs
#include "gemm_avx512.c"

#if defined(__x86_64__)
enum { PIECE = 512 }; // words turned at once: no slice of B is longer

// `words` words of neighbors in one run of numbers.
QK_BRAIN static void words_of_run(const void *from, int64_t type, int64_t words, float *out) {
    if (type == QK_BF16) {
        memcpy(out, from, (size_t)words * 4);
        return;
    }
    const float *in = from;
    int64_t x = 0;
    for (; x + 16 <= words; x += 16) {
        __m512bh pairs = _mm512_cvtne2ps_pbh(_mm512_loadu_ps(in + 2 * x + 16), _mm512_loadu_ps(in + 2 * x));
        _mm512_storeu_si512(out + x, (__m512i)pairs);
    }
    for (; x < words; x++) {
        uint32_t low = (uint16_t)_mm_extract_epi16((__m128i)_mm_cvtneps_pbh(_mm_set_ss(in[2 * x])), 0);
        uint32_t word = low | (uint32_t)(uint16_t)_mm_extract_epi16((__m128i)_mm_cvtneps_pbh(_mm_set_ss(in[2 * x + 1])), 0) << 16;
        memcpy(out + x, &word, 4);
    }
}

// A's rows are runs.
static void pack_a_pairs(const QKCall *c, int64_t row, int64_t count, int64_t p, int64_t k, int rows, float *out) {
    _Alignas(64) float words[QK_GEMM_ROWS * PIECE];
    const float *a = (const float *)c->p[1] + row * c->n[3] + 2 * p;
    for (int64_t i = 0; i < count; i += rows) {
        int high = (int)qk_min(rows, count - i);
        for (int64_t q = 0; q < k; q += PIECE) {
            int64_t some = qk_min(PIECE, k - q);
            for (int x = 0; x < high; x++) words_of_run(a + (i + x) * c->n[3] + 2 * q, QK_F32, some, words + x * some);
            pack_a_by_rows(words, some, high, some, out + i * k + q * high);
        }
    }
}

// B's columns are runs (weights stored [out, in]).
QK_BRAIN static void pack_panel_of_runs(const QKCall *c, int64_t j, int64_t p, int64_t k, float *out) {
    _Alignas(64) float words[QK_PANEL * PIECE];
    int64_t wide = qk_min(QK_PANEL, c->n[1] - j), bytes = c->n[11] == QK_F32 ? 4 : 2;
    for (int64_t l = 0; l < wide; l++) words_of_run((const char *)c->p[2] + ((j + l) * c->n[6] + 2 * p) * bytes, c->n[11], k, words + l * k);
    pack_b_by_columns(words, k, 1, wide, k, out, 0, QK_F32);
}

QK_BRAIN static __m512i rounded(const char *from, int64_t type, __mmask16 lanes) {
    __m256i half = type == QK_BF16 ? _mm256_maskz_loadu_epi16(lanes, from) : (__m256i)_mm512_cvtneps_pbh(_mm512_maskz_loadu_ps(lanes, from));
    return _mm512_cvtepu16_epi32(half);
}

// B's rows are runs: a word takes one number from each of two rows.
QK_BRAIN static void pack_panel_of_rows(const QKCall *c, int64_t j, int64_t p, int64_t k, float *out) {
    int64_t bytes = c->n[11] == QK_F32 ? 4 : 2, row = c->n[5] / 2 * bytes, wide = qk_min(QK_PANEL, c->n[1] - j);
    __mmask16 lanes = (__mmask16)((1u << wide) - 1);
    const char *from = (const char *)c->p[2] + 2 * p * row + j * bytes;
    for (int64_t q = 0; q < k; q++, from += 2 * row) {
        _mm_prefetch(from + 16 * row, _MM_HINT_T0);
        _mm_prefetch(from + 17 * row, _MM_HINT_T0);
        __m512i low = rounded(from, c->n[11], lanes), high = rounded(from + row, c->n[11], lanes);
        _mm512_storeu_si512(out + q * QK_PANEL, _mm512_or_si512(low, _mm512_slli_epi32(high, 16)));
    }
}

static void pack_b_pairs(const QKCall *c, int64_t panel, int64_t panels, int64_t p, int64_t k, float *out, int64_t stride) {
    for (int64_t x = 0; x < panels; x++) {
        int64_t j = (panel + x) * QK_PANEL;
        if (c->n[6] == 1) pack_panel_of_rows(c, j, p, k, out + x * stride);
        else pack_panel_of_runs(c, j, p, k, out + x * stride);
    }
}

// Up to four rows past one or two packed panels of words, chains in registers: the same chains as a tile's.
#define STREAM(R, P) \
    QK_BRAIN static void stream##R##_##P(int64_t k, const uint32_t *a, const char *b, int64_t stride, float *sums) { \
        __m512 s[P][R]; \
        for (int x = 0; x < P; x++) \
            for (int r = 0; r < R; r++) s[x][r] = _mm512_loadu_ps(sums + (x * R + r) * QK_PANEL); \
        for (int64_t p = 0; p < k; p++, a += R, b += 64) \
            for (int x = 0; x < P; x++) { \
                _mm_prefetch(b + x * stride + 4096, _MM_HINT_T1); \
                __m512bh words = (__m512bh)_mm512_loadu_si512(b + x * stride); \
                for (int r = 0; r < R; r++) s[x][r] = _mm512_dpbf16_ps(s[x][r], (__m512bh)_mm512_set1_epi32((int32_t)a[r]), words); \
            } \
        for (int x = 0; x < P; x++) \
            for (int r = 0; r < R; r++) _mm512_storeu_ps(sums + (x * R + r) * QK_PANEL, s[x][r]); \
    }
STREAM(1, 1) STREAM(1, 2) STREAM(2, 1) STREAM(2, 2) STREAM(3, 1) STREAM(4, 1)

static void stream_pairs(int rows, int panels, int64_t type, int64_t k, const float *a, const void *b, int64_t stride, float *sums) {
    static void (*const by[])(int64_t, const uint32_t *, const char *, int64_t, float *) = {stream1_1, stream1_2, stream2_1, stream2_2, stream3_1, NULL, stream4_1};
    by[(rows - 1) * 2 + panels - 1](k, (const uint32_t *)a, b, stride * 4, sums);
}

bool qk_gemm_has_pairs(void) { return __builtin_cpu_supports("avx512bf16") && strcmp(qk_isa(), "avx512") == 0; }

// A call whose numbers may be rounded, in words; false where it has to stay as it is.
bool qk_gemm_in_pairs(const QKCall *call, QKCall *words) {
    if (call->n[12] == QK_PACKED_PAIRS) { // panels of words are panels of as many f32 to everything but the multiply-adds
        *words = *call;
        words->n[2] /= 2, words->n[11] = QK_F32, words->n[12] = QK_PACKED;
        return true;
    }
    bool type = call->n[11] == QK_F32 || call->n[11] == QK_BF16 || call->n[11] >= QK_BLOCKS;
    bool fits = call->n[4] == 1 && (call->n[5] == 1 || call->n[6] == 1) && call->n[2] % 2 == 0 && !call->n[12];
    if (!qk_gemm_has_pairs() || !fits || !type) return false;
    *words = *call;
    words->n[2] /= 2, words->n[4] *= 2, words->n[5] *= 2;
    return true;
}
#else
bool qk_gemm_has_pairs(void) { return false; }
bool qk_gemm_in_pairs(const QKCall *call, QKCall *words) { return false; }
#endif
