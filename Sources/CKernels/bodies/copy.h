// Strided copies and type conversions.
#ifndef QUINTET_COPY_H
#define QUINTET_COPY_H
#include "simd.h"

typedef struct { int rank; int64_t size[6], to[6], from[6]; } CopyShape;

// Leaves out axes of length one and joins axes that lie together on both sides.
static CopyShape copy_shape(const QKCall *c) {
    CopyShape shape = {0};
    for (int axis = 0; axis < c->n[0]; axis++) {
        int64_t size = c->n[1 + axis], to = c->n[7 + axis], from = c->n[13 + axis];
        int last = shape.rank - 1;
        if (size == 1) continue;
        if (last >= 0 && shape.to[last] == to * size && shape.from[last] == from * size) {
            shape.size[last] *= size;
        } else {
            last = shape.rank++;
            shape.size[last] = size;
        }
        shape.to[last] = to;
        shape.from[last] = from;
    }
    if (shape.rank == 0) shape = (CopyShape){1, {1}, {1}, {1}};
    return shape;
}

// `count` elements along the last axis.
static void copy_run(char *out, int64_t to, const char *x, int64_t from, int64_t count, int width) {
    if (to == 1 && from == 1) {
        memcpy(out, x, (size_t)(count * width));
        return;
    }
    switch (width) {
#define CASE(bytes, type) case bytes: for (int64_t i = 0; i < count; i++) ((type *)out)[i * to] = ((const type *)x)[i * from]; break;
        CASE(1, uint8_t) CASE(2, uint16_t) CASE(4, uint32_t) CASE(8, uint64_t)
#undef CASE
    }
}

// Elements [begin, end) in row-major order of the shape.
static void body_copy(const QKCall *c, int64_t begin, int64_t end) {
    CopyShape shape = copy_shape(c);
    int last = shape.rank - 1, width = c->kind;
    for (int64_t at = begin; at < end;) {
        int64_t rest = at / shape.size[last], column = at % shape.size[last], count = shape.size[last] - column;
        int64_t to = column * shape.to[last], from = column * shape.from[last];
        for (int axis = last - 1; axis >= 0; rest /= shape.size[axis], axis--) {
            to += rest % shape.size[axis] * shape.to[axis];
            from += rest % shape.size[axis] * shape.from[axis];
        }
        if (count > end - at) count = end - at;
        copy_run((char *)c->p[0] + to * width, shape.to[last], (const char *)c->p[1] + from * width, shape.from[last], count, width);
        at += count;
    }
}

QK_INLINE vu16 load_lanes_16(const uint16_t *p, int64_t lanes) {
    if (lanes >= W) return *(const vu16_any *)p;
    vu16 v = (vu16)(0);
    memcpy(&v, p, (size_t)lanes * 2);
    return v;
}
QK_INLINE void store_lanes_16(uint16_t *p, int64_t lanes, vu16 v) {
    if (lanes >= W) *(vu16_any *)p = v;
    else memcpy(p, &v, (size_t)lanes * 2);
}

typedef int8_t vc __attribute__((ext_vector_type(QK_W)));
typedef vc vc_any __attribute__((aligned(1)));
QK_INLINE vc load_bytes(const int8_t *p, int64_t lanes) {
    if (lanes >= W) return *(const vc_any *)p;
    vc v = (vc)(0);
    memcpy(&v, p, (size_t)lanes);
    return v;
}

QK_INLINE vf from_bf16(vu16 x) { return (vf)(__builtin_convertvector(x, vu) << 16); }
// To nearest, ties to even; a NaN stays one.
QK_INLINE vu16 to_bf16(vf x) {
    vu bits = (vu)x, rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16, quiet = (bits >> 16) | 0x40;
    return __builtin_convertvector((vu)pick(x != x, (vf)quiet, (vf)rounded), vu16);
}
QK_INLINE vf from_f16(vu16 x) { return __builtin_convertvector((vh)x, vf); }
QK_INLINE vu16 to_f16(vf x) { return (vu16)__builtin_convertvector(x, vh); }
// Toward zero, saturating; a NaN gives 0.
QK_INLINE vi to_i32(vf x) {
    vf kept = pick(x >= -0x1p31f, x, splat(-0x1p31f));
    kept = pick(x < 0x1p31f, kept, splat(0));
    kept = pick(x == x, kept, splat(0));
    return (vi)pick(x >= 0x1p31f, (vf)splat_i(INT32_MAX), (vf)__builtin_convertvector(kept, vi));
}

// `lanes` elements of a stored type as f32.
QK_INLINE vf load_as(int type, const void *base, int64_t i, int64_t lanes) {
    switch (type) {
    case QK_F16: return from_f16(load_lanes_16((const uint16_t *)base + i, lanes));
    case QK_BF16: return from_bf16(load_lanes_16((const uint16_t *)base + i, lanes));
    case QK_I32: return __builtin_convertvector((vi)load_n((const float *)base + i, lanes), vf);
    default: return load_n((const float *)base + i, lanes);
    }
}
QK_INLINE void store_as(int type, void *base, int64_t i, int64_t lanes, vf v) {
    switch (type) {
    case QK_F16: store_lanes_16((uint16_t *)base + i, lanes, to_f16(v)); break;
    case QK_BF16: store_lanes_16((uint16_t *)base + i, lanes, to_bf16(v)); break;
    case QK_I32: store_n((float *)base + i, lanes, (vf)to_i32(v)); break;
    default: store_n((float *)base + i, lanes, v);
    }
}

QK_INLINE void cast_span(int to, int from, void *out, const void *x, int64_t begin, int64_t end) {
    int64_t i = begin;
    for (; i + W <= end; i += W) store_as(to, out, i, W, load_as(from, x, i, W));
    if (i < end) store_as(to, out, i, end - i, load_as(from, x, i, end - i));
}

#endif
