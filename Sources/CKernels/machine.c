// Probes of the machine's limits: multiply-adds that never leave the registers, and reads that never hit a cache.
#include "internal.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ROUNDS = 2000, SLICES = 8, MOST = 256, READ_MEGABYTES = 128 };

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

// MARK: Multiply-adds

// Each runs ROUNDS times a set of independent chains and returns the floating-point operations done.
#if defined(__x86_64__)
#define CHAIN(r, a) "vfmadd231ps %%" #r "0, %%" #r "1, %%" #r #a "\n"
#define CHAINS(r) CHAIN(r, 2) CHAIN(r, 3) CHAIN(r, 4) CHAIN(r, 5) CHAIN(r, 6) CHAIN(r, 7) CHAIN(r, 8) CHAIN(r, 9) CHAIN(r, 10) CHAIN(r, 11) CHAIN(r, 12) CHAIN(r, 13)
#define CLOBBERS "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13"

__attribute__((target("avx2,fma"))) static double fma_avx2(void) {
    int64_t count = ROUNDS;
    __asm__ volatile("vzeroall\n.p2align 5\n1:\n" CHAINS(ymm) "dec %0\njnz 1b\nvzeroupper\n" : "+r"(count) : : CLOBBERS);
    return ROUNDS * 12.0 * 16;
}

__attribute__((target("avx512f"))) static double fma_avx512(void) {
    int64_t count = ROUNDS;
    __asm__ volatile("vzeroall\n.p2align 5\n1:\n" CHAINS(zmm) "dec %0\njnz 1b\nvzeroupper\n" : "+r"(count) : : CLOBBERS);
    return ROUNDS * 12.0 * 32;
}
#endif

// Sixteen chains of four lanes, in whatever the compiler makes of them.
static double fma_portable(void) {
    typedef float Lanes __attribute__((vector_size(16)));
    Lanes sum[16], x = {1, 1, 1, 1}, y = {1e-9f, 1e-9f, 1e-9f, 1e-9f};
    for (int i = 0; i < 16; i++) sum[i] = (Lanes){0};
    for (int round = 0; round < ROUNDS; round++) {
#if defined(__aarch64__)
        for (int i = 0; i < 16; i++) sum[i] = __builtin_elementwise_fma(x, y, sum[i]);
#else
        for (int i = 0; i < 16; i++) sum[i] = sum[i] * x + y;
#endif
        __asm__ volatile("" : "+m"(sum));
    }
    return ROUNDS * 16.0 * 8;
}

static double fma_rounds(void) {
#if defined(__x86_64__)
    if (strcmp(qk_isa(), "avx512") == 0) return fma_avx512();
    if (strcmp(qk_isa(), "avx2") == 0) return fma_avx2();
#endif
    return fma_portable();
}

// MARK: Reads

typedef struct { const uint64_t *words; size_t count; } Buffer;

static double read_all(const Buffer *buffer) {
    typedef uint64_t Lanes __attribute__((vector_size(32)));
    const Lanes *lanes = (const Lanes *)buffer->words;
    Lanes a = {0}, b = {0}, c = {0}, d = {0};
    for (size_t i = 0; i + 4 <= buffer->count / 4; i += 4) {
        __builtin_prefetch(lanes + i + 64);
        __builtin_prefetch(lanes + i + 66);
        a ^= lanes[i], b ^= lanes[i + 1], c ^= lanes[i + 2], d ^= lanes[i + 3];
    }
    a ^= b ^ c ^ d;
    __asm__ volatile("" : : "m"(a));
    return (double)(buffer->count * 8);
}

// MARK: Threads

// Every thread works from the common start to the common end; what counts is what all of them did together in a slice of that time.
typedef struct {
    double seconds, rate[SLICES];
    bool reads;
    size_t bytes;
    _Atomic int *arrived;
    int threads;
} Probe;

static void *probe(void *context) {
    Probe *p = context;
    Buffer buffer = {NULL, 0};
    if (p->reads && posix_memalign((void **)&buffer.words, 4096, p->bytes) == 0) {
        memset((void *)buffer.words, 1, p->bytes);
        buffer.count = p->bytes / 8;
    }
    atomic_fetch_add(p->arrived, 1);
    for (int spins = 0; atomic_load(p->arrived) < p->threads;) qk_relax(&spins);
    for (int slice = 0; slice < SLICES; slice++) {
        double start = now(), work = 0, took = 0;
        while (took < p->seconds / SLICES) {
            work += p->reads ? read_all(&buffer) : fma_rounds();
            took = now() - start;
        }
        p->rate[slice] = work / took;
    }
    free((void *)buffer.words);
    return NULL;
}

// The best slice: a limit is what the machine can do, not what its neighbours left of it.
static double best(const Probe *probes, int threads) {
    double most = 0;
    for (int slice = 0; slice < SLICES; slice++) {
        double sum = 0;
        for (int i = 0; i < threads; i++) sum += probes[i].rate[slice];
        if (sum > most) most = sum;
    }
    return most;
}

static double measure(int threads, double seconds, bool reads) {
    static _Thread_local Probe probes[MOST];
    pthread_t thread[MOST];
    _Atomic int arrived = 0;
    threads = threads < 1 ? 1 : threads > MOST ? MOST : threads;
    Probe model = {.seconds = seconds, .reads = reads, .bytes = ((size_t)READ_MEGABYTES << 20) / (size_t)threads, .arrived = &arrived};
    int started = 1;
    model.threads = threads;
    for (int i = 0; i < threads; i++) probes[i] = model;
    while (started < threads && pthread_create(&thread[started], NULL, probe, &probes[started]) == 0) started++;
    atomic_fetch_add(&arrived, threads - started);
    probe(&probes[0]);
    for (int i = 1; i < started; i++) pthread_join(thread[i], NULL);
    return best(probes, started) * 1e-9;
}

double qk_measure_fma_gflops(int threads, double seconds) { return measure(threads, seconds, false); }
double qk_measure_read_gb_per_second(int threads, double seconds) { return measure(threads, seconds, true); }
