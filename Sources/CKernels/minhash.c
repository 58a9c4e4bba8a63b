// Minima of universal hashes over a document's shingles: the heart of near-duplicate search.
#include "internal.h"
#include <string.h>

static const uint64_t prime = (1ull << 61) - 1;

static void minhash_scalar(const uint64_t *x, int64_t count, const uint64_t *a, const uint64_t *b, int64_t hashes, uint64_t *minima) {
    for (int64_t h = 0; h < hashes; h++) {
        uint64_t least = UINT64_MAX;
        for (int64_t i = 0; i < count; i++) {
            uint64_t v = (x[i] * a[h] + b[h]) % prime;
            if (v < least) least = v;
        }
        minima[h] = least;
    }
}

#if defined(__x86_64__) || defined(__aarch64__)
typedef uint64_t lanes __attribute__((ext_vector_type(8)));
enum { LANES = 8, VECTORS = 7, BLOCK = LANES * VECTORS };

// A block of hashes stays in registers while the shingles stream by. r < 2^61 + 7, so one conditional subtraction, as a minimum, reduces it.
#define MINHASH_BODY                                                                             \
    int64_t done = 0;                                                                            \
    for (; done + BLOCK <= hashes; done += BLOCK) {                                              \
        lanes A[VECTORS], B[VECTORS], least[VECTORS];                                            \
        memcpy(A, a + done, sizeof A);                                                           \
        memcpy(B, b + done, sizeof B);                                                           \
        memset(least, 0xFF, sizeof least);                                                       \
        for (int64_t i = 0; i < count; i++) {                                                    \
            lanes X = x[i];                                                                      \
            _Pragma("clang loop unroll(full)") for (int j = 0; j < VECTORS; j++) {               \
                lanes v = X * A[j] + B[j];                                                       \
                lanes r = (v & prime) + (v >> 61);                                               \
                least[j] = __builtin_elementwise_min(least[j], __builtin_elementwise_min(r, r - prime)); \
            }                                                                                    \
        }                                                                                        \
        memcpy(minima + done, least, sizeof least);                                              \
    }                                                                                            \
    minhash_scalar(x, count, a + done, b + done, hashes - done, minima + done);
#endif

#if defined(__x86_64__)
__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl"))) static void minhash_avx512(
    const uint64_t *x, int64_t count, const uint64_t *a, const uint64_t *b, int64_t hashes, uint64_t *minima) { MINHASH_BODY }
__attribute__((target("avx2"))) static void minhash_avx2(
    const uint64_t *x, int64_t count, const uint64_t *a, const uint64_t *b, int64_t hashes, uint64_t *minima) { MINHASH_BODY }
#elif defined(__aarch64__)
static void minhash_neon(const uint64_t *x, int64_t count, const uint64_t *a, const uint64_t *b, int64_t hashes, uint64_t *minima) { MINHASH_BODY }
#endif

void qk_minhash(const uint64_t *x, int64_t count, const uint64_t *a, const uint64_t *b, int64_t hashes, uint64_t *minima) {
    const char *isa = qk_isa();
#if defined(__x86_64__)
    if (strcmp(isa, "avx512") == 0) return minhash_avx512(x, count, a, b, hashes, minima);
    if (strcmp(isa, "avx2") == 0) return minhash_avx2(x, count, a, b, hashes, minima);
#elif defined(__aarch64__)
    if (strcmp(isa, "neon") == 0) return minhash_neon(x, count, a, b, hashes, minima);
#endif
    (void)isa;
    minhash_scalar(x, count, a, b, hashes, minima);
}
