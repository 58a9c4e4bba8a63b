// What a block of each format holds.
#include "internal.h"

typedef struct { int16_t length, bytes; } Format;

static const Format formats[] = {
    [QK_F32] = {1, 4}, [QK_F16] = {1, 2}, [QK_BF16] = {1, 2}, [QK_I32] = {1, 4}, [QK_U8] = {1, 1}, [QK_I8] = {1, 1}, [QK_BOOL] = {1, 1},
    [QK_Q4_0] = {32, 18}, [QK_Q4_1] = {32, 20}, [QK_Q5_0] = {32, 22}, [QK_Q5_1] = {32, 24}, [QK_Q8_0] = {32, 34},
    [QK_Q2_K] = {256, 84}, [QK_Q3_K] = {256, 110}, [QK_Q4_K] = {256, 144}, [QK_Q5_K] = {256, 176}, [QK_Q6_K] = {256, 210},
    [QK_IQ4_NL] = {32, 18}, [QK_IQ4_XS] = {256, 136}, [QK_MXFP4] = {32, 17},
};

static Format format_of(int64_t type) {
    return type >= 0 && type < (int64_t)(sizeof formats / sizeof formats[0]) ? formats[type] : (Format){0, 0};
}

int64_t qk_block_length(int64_t type) { return format_of(type).length; }
int64_t qk_block_bytes(int64_t type) { return format_of(type).bytes; }

int64_t qk_cache_page_bytes(int64_t type, int64_t width) {
    int64_t scales = type == QK_Q8_0 ? (width + 31) / 32 * 2 : 0;
    return QK_PAGE * (width * (type == QK_Q8_0 ? 1 : qk_block_bytes(type)) + scales);
}
