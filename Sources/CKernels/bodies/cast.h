// Type conversion, block formats included.
#ifndef QUINTET_CAST_H
#define QUINTET_CAST_H
#include "quantize.h"

static void body_cast(const QKCall *c, int64_t begin, int64_t end) {
    int to = (int)c->n[1], from = (int)c->n[2];
    if (to >= QK_BLOCKS || from >= QK_BLOCKS) {
        cast_blocks(c, begin, end);
        return;
    }
    if (to == from) {
        int64_t width = to == QK_F16 || to == QK_BF16 ? 2 : 4;
        memcpy((char *)c->p[0] + begin * width, (const char *)c->p[1] + begin * width, (size_t)((end - begin) * width));
        return;
    }
    switch (to * 8 + from) {
#define CASE(to, from) case to * 8 + from: cast_span(to, from, c->p[0], c->p[1], begin, end); break;
        CASE(QK_F32, QK_F16) CASE(QK_F32, QK_BF16) CASE(QK_F32, QK_I32) CASE(QK_F16, QK_F32) CASE(QK_F16, QK_BF16) CASE(QK_F16, QK_I32)
        CASE(QK_BF16, QK_F32) CASE(QK_BF16, QK_F16) CASE(QK_BF16, QK_I32) CASE(QK_I32, QK_F32) CASE(QK_I32, QK_F16) CASE(QK_I32, QK_BF16)
#undef CASE
    }
}
#endif
