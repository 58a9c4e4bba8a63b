// The two tables of values that 4-bit codes stand for.
#ifndef QUINTET_BLOCK_TABLES_H
#define QUINTET_BLOCK_TABLES_H
#include <stdint.h>

// E2M1 of the OCP microscaling formats, doubled; the scale is halved for it.
static const int8_t qk_mxfp4_values[16] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};
// GGML's unevenly spaced 4-bit values.
static const int8_t qk_iq4_values[16] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};
#endif
