#include "allocation_counter.h"
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

// A sanitizer has a malloc of its own, which has to be the only one.
#if defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
#define HAS_ITS_OWN_MALLOC 1
#endif
#endif

#if defined(__GLIBC__) && !defined(HAS_ITS_OWN_MALLOC)
#include <malloc.h>
extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

static _Thread_local bool counting;
static _Thread_local long count;

static inline void note(void) { if (counting) count++; }

void *malloc(size_t size) { note(); return __libc_malloc(size); }
void *calloc(size_t items, size_t size) { note(); return __libc_calloc(items, size); }
void *realloc(void *block, size_t size) { note(); return __libc_realloc(block, size); }
void *memalign(size_t alignment, size_t size) { note(); return __libc_memalign(alignment, size); }
void *aligned_alloc(size_t alignment, size_t size) { note(); return __libc_memalign(alignment, size); }
int posix_memalign(void **out, size_t alignment, size_t size) {
    note();
    void *block = __libc_memalign(alignment, size);
    if (block) *out = block;
    return block ? 0 : ENOMEM;
}

bool allocations_can_be_counted(void) { return true; }
void allocations_start(void) { count = 0; counting = true; }
long allocations_stop(void) { counting = false; return count; }
long heap_bytes_in_use(void) {
    struct mallinfo2 all = mallinfo2();
    return (long)(all.uordblks + all.hblkhd);
}
#else
bool allocations_can_be_counted(void) { return false; }
void allocations_start(void) {}
long allocations_stop(void) { return 0; }
long heap_bytes_in_use(void) { return 0; }
#endif
