// The thread pool: the caller takes part, an atomic counter hands out chunks in order, workers spin briefly and then park.
#if defined(__linux__)
#define _GNU_SOURCE
#include <sched.h>
#endif
#include "internal.h"
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sched.h>
#include <time.h>
#include <unistd.h>

enum { MAXIMUM_THREADS = 256, SPIN_NANOSECONDS = 50000 };

// One job at a time. Its fields are written by the caller while no worker is inside, and read by workers between `inside += 1`
// (having seen `open`) and `inside -= 1`; the caller closes the job and waits for `inside == 0` before it returns.
static struct {
    QKRange body;
    void *context;
    int64_t items, grain, chunks;
} job;
static _Alignas(64) _Atomic int64_t next_chunk;
static _Alignas(64) _Atomic uint64_t generation;
static _Alignas(64) _Atomic int inside;
static _Atomic bool open_for_work;
static _Atomic int sleepers;
static _Atomic int wanted_threads;  // 0 until first asked
static int started_workers;         // under `caller`
static pthread_mutex_t caller = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t parking = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t unpark = PTHREAD_COND_INITIALIZER;
static _Thread_local bool in_body;

static int64_t nanoseconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

// Waits a little; gives the processor away after long waits, because whoever we wait for may not have one.
void qk_relax(int *spins) {
    if (++*spins % 4096 == 0) sched_yield();
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

// MARK: How many

// A container's processor quota, rounded up; 0 where there is none.
static int quota(void) {
    FILE *file = fopen("/sys/fs/cgroup/cpu.max", "r");
    long long limit = 0, period = 0;
    if (!file) return 0;
    int found = fscanf(file, "%lld %lld", &limit, &period);
    fclose(file);
    return found == 2 && limit > 0 && period > 0 ? (int)((limit + period - 1) / period) : 0;
}

static int processors(void) {
    const char *text = getenv("QUINTET_THREADS");
    int count = text ? atoi(text) : 0;
    if (count > 0) return count;
#if defined(__linux__)
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0) count = CPU_COUNT(&set);
#endif
    if (count <= 0) count = (int)sysconf(_SC_NPROCESSORS_ONLN);
    int most = quota();
    return most > 0 && most < count ? most : count;
}

static int clamped(int count) { return count < 1 ? 1 : count > MAXIMUM_THREADS ? MAXIMUM_THREADS : count; }

int qk_threads(void) {
    int count = atomic_load(&wanted_threads);
    if (count > 0) return count;
    int none = 0;
    atomic_compare_exchange_strong(&wanted_threads, &none, clamped(processors()));
    return atomic_load(&wanted_threads);
}

void qk_set_threads(int count) { atomic_store(&wanted_threads, clamped(count)); }

// MARK: Work

static void run_chunk(QKRange body, void *context, int64_t chunk, int64_t grain, int64_t items) {
    int64_t begin = chunk * grain;
    body(context, begin, items - begin < grain ? items : begin + grain);
}

static void take_chunks(void) {
    for (;;) {
        int64_t chunk = atomic_fetch_add_explicit(&next_chunk, 1, memory_order_relaxed);
        if (chunk >= job.chunks) return;
        run_chunk(job.body, job.context, chunk, job.grain, job.items);
    }
}

// Spins until another job is posted, then parks until one is.
static uint64_t wait_for_job(uint64_t seen) {
    int64_t until = nanoseconds() + SPIN_NANOSECONDS;
    for (int spins = 0; atomic_load(&generation) == seen;) {
        qk_relax(&spins);
        if (spins % 64 == 0 && nanoseconds() > until) break;
    }
    if (atomic_load(&generation) != seen) return atomic_load(&generation);
    pthread_mutex_lock(&parking);
    atomic_fetch_add(&sleepers, 1);
    while (atomic_load(&generation) == seen) pthread_cond_wait(&unpark, &parking);
    atomic_fetch_sub(&sleepers, 1);
    pthread_mutex_unlock(&parking);
    return atomic_load(&generation);
}

static void *worker(void *number) {
    int index = (int)(intptr_t)number;
    uint64_t seen = 0;
    in_body = true;
    for (;;) {
        seen = wait_for_job(seen);
        if (index >= qk_threads()) continue;
        atomic_fetch_add(&inside, 1);
        if (atomic_load(&open_for_work)) take_chunks();
        atomic_fetch_sub(&inside, 1);
    }
    return NULL;
}

// Signals belong to the program's own threads, so workers block them all, except what their own instructions raise: a fault that is blocked ends the
// process, though somebody handles it (a file that was cut short under its map).
static void start_workers(int count) {
    sigset_t all, before;
    if (started_workers >= count) return;
    sigfillset(&all);
    const int faults[] = {SIGBUS, SIGSEGV, SIGFPE, SIGILL, SIGTRAP, SIGABRT};
    for (size_t x = 0; x < sizeof faults / sizeof *faults; x++) sigdelset(&all, faults[x]);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (started_workers < count) {
        pthread_t thread;
        pthread_attr_t attributes;
        pthread_attr_init(&attributes);
        pthread_attr_setstacksize(&attributes, 4 << 20);
        pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
        int failed = pthread_create(&thread, &attributes, worker, (void *)(intptr_t)(started_workers + 1));
        pthread_attr_destroy(&attributes);
        if (failed) break;
        started_workers++;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void post_job(void) {
    atomic_store(&next_chunk, 0);
    atomic_store(&open_for_work, true);
    atomic_fetch_add(&generation, 1);
    if (atomic_load(&sleepers) == 0) return;
    pthread_mutex_lock(&parking);
    pthread_cond_broadcast(&unpark);
    pthread_mutex_unlock(&parking);
}

static void finish_job(void) {
    atomic_store(&open_for_work, false);
    for (int spins = 0; atomic_load(&inside) != 0;) qk_relax(&spins);
}

static void run_alone(int64_t chunks, int64_t items, int64_t grain, QKRange body, void *context) {
    for (int64_t chunk = 0; chunk < chunks; chunk++) run_chunk(body, context, chunk, grain, items);
}

// A caller that finds the pool busy works alone: the bits do not depend on it, and nobody waits for a stranger.
void qk_parallel(int64_t items, int64_t grain, QKRange body, void *context) {
    if (items <= 0) return;
    if (grain < 1) grain = 1;
    int64_t chunks = (items - 1) / grain + 1;
    int threads = qk_threads();
    if (threads == 1 || chunks == 1 || in_body || pthread_mutex_trylock(&caller) != 0) {
        run_alone(chunks, items, grain, body, context);
        return;
    }
    start_workers(threads - 1);
    job.body = body, job.context = context, job.items = items, job.grain = grain, job.chunks = chunks;
    in_body = true;
    post_job();
    take_chunks();
    finish_job();
    in_body = false;
    pthread_mutex_unlock(&caller);
}
