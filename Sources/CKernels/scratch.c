// Scratch memory: one growing block per thread and use, freed when the thread ends.
#if defined(__linux__)
#define _GNU_SOURCE
#endif
#include "internal.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

typedef struct { void *memory; size_t bytes; } Block;
typedef struct { Block block[QK_SCRATCH_COUNT]; } Blocks;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key;
static _Thread_local Blocks *mine;

static void release(void *pointer) {
    Blocks *blocks = pointer;
    for (int i = 0; i < QK_SCRATCH_COUNT; i++) free(blocks->block[i].memory);
    free(blocks);
}

static void make_key(void) { pthread_key_create(&key, release); }

static void out_of_memory(size_t bytes) {
    fprintf(stderr, "quintet: out of memory for %zu bytes of kernel scratch\n", bytes);
    abort();
}

static void grow(Block *block, size_t bytes) {
    size_t huge = (size_t)2 << 20, unit = bytes >= huge ? huge : 4096;
    size_t size = (bytes + bytes / 4 + unit - 1) / unit * unit;
    free(block->memory);
    block->bytes = 0;
    if (posix_memalign(&block->memory, unit, size) != 0) out_of_memory(size);
#if defined(MADV_HUGEPAGE)
    if (unit == huge) madvise(block->memory, size, MADV_HUGEPAGE);
#endif
    block->bytes = size;
}

void *qk_scratch_for(int use, size_t bytes) {
    if (!mine) {
        pthread_once(&once, make_key);
        mine = calloc(1, sizeof *mine);
        if (!mine) out_of_memory(sizeof *mine);
        pthread_setspecific(key, mine);
    }
    Block *block = &mine->block[use];
    if (block->bytes < bytes || !block->memory) grow(block, bytes ? bytes : 1);
    return block->memory;
}

void *qk_scratch(size_t bytes) { return qk_scratch_for(QK_SCRATCH_BODY, bytes); }
