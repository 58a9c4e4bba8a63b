// Vector types of the packing code; the bodies are compiled once per instruction set.
#ifndef QUINTET_GEMM_PACK_H
#define QUINTET_GEMM_PACK_H
#include "../gemm.h"
#include <string.h>

typedef float F8 __attribute__((vector_size(32), aligned(4)));
typedef uint32_t U8x __attribute__((vector_size(32), aligned(4)));
typedef uint16_t H8 __attribute__((vector_size(16), aligned(2)));
#define QK_INLINE static inline __attribute__((always_inline))
#endif
