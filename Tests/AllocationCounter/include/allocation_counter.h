#ifndef ALLOCATION_COUNTER_H
#define ALLOCATION_COUNTER_H
#include <stdbool.h>
// Counts the heap blocks that this thread asks for, Swift objects included, by standing before the C library's allocator.
// Works with glibc; elsewhere `allocations_can_be_counted` is false and every count is 0.
bool allocations_can_be_counted(void);
void allocations_start(void);
long allocations_stop(void);
// Bytes of the heap that are in use, of all threads.
long heap_bytes_in_use(void);
#endif
