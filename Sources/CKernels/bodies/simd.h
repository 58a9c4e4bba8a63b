// Vectors of QK_W floats, the same for every instruction set. The including file sets QK_W, the zips, and QK_LOAD_LANES / QK_STORE_LANES
// where the machine has masked accesses.
#ifndef QUINTET_SIMD_H
#define QUINTET_SIMD_H
#include <stdint.h>
#include <string.h>

#pragma STDC FP_CONTRACT OFF

#define QK_INLINE static inline __attribute__((always_inline))
enum { W = QK_W };

typedef float vf __attribute__((ext_vector_type(QK_W)));
typedef int32_t vi __attribute__((ext_vector_type(QK_W)));
typedef uint32_t vu __attribute__((ext_vector_type(QK_W)));
typedef uint16_t vu16 __attribute__((ext_vector_type(QK_W)));
typedef _Float16 vh __attribute__((ext_vector_type(QK_W)));
typedef float vf_half __attribute__((ext_vector_type(QK_W / 2), aligned(4)));
typedef double vd __attribute__((ext_vector_type(QK_W / 2)));
typedef vf vf_any __attribute__((aligned(4)));
typedef vi vi_any __attribute__((aligned(4)));
typedef vu16 vu16_any __attribute__((aligned(2)));
typedef vh vh_any __attribute__((aligned(2)));

QK_INLINE vf splat(float x) { return (vf)(x); }
QK_INLINE vi splat_i(int32_t x) { return (vi)(x); }
QK_INLINE vf load(const float *p) { return *(const vf_any *)p; }
QK_INLINE void store(float *p, vf v) { *(vf_any *)p = v; }
QK_INLINE vf fma_(vf a, vf b, vf c) { return __builtin_elementwise_fma(a, b, c); }
QK_INLINE vf as_float(vi x) { return (vf)x; }
QK_INLINE vi as_int(vf x) { return (vi)x; }
QK_INLINE vf pick(vi where, vf yes, vf no) { return where ? yes : no; }
QK_INLINE vf abs_(vf x) { return as_float(as_int(x) & 0x7fffffff); }
QK_INLINE vf square_(vf x) { return x * x; }
QK_INLINE vf sqrt_(vf x) { return __builtin_elementwise_sqrt(x); }
// A NaN in `b` is lost, one in `a` stays: put the data into `a`.
QK_INLINE vf max_(vf a, vf b) { return pick(a < b, b, a); }
QK_INLINE vf min_(vf a, vf b) { return pick(a > b, b, a); }

#ifndef QK_LOAD_LANES
QK_INLINE vf load_lanes(const float *p, int64_t count) {
    float lanes[W] = {0};
    for (int64_t i = 0; i < count; i++) lanes[i] = p[i];
    return load(lanes);
}
QK_INLINE void store_lanes(float *p, int64_t count, vf v) {
    float lanes[W];
    store(lanes, v);
    for (int64_t i = 0; i < count; i++) p[i] = lanes[i];
}
#endif

// The first `count` lanes (all from W up); the others read zero and are not written. With a constant W the tail code vanishes.
QK_INLINE vf load_n(const float *p, int64_t count) { return count >= W ? load(p) : load_lanes(p, count); }
QK_INLINE void store_n(float *p, int64_t count, vf v) {
    if (count >= W) store(p, v);
    else store_lanes(p, count, v);
}

QK_INLINE vi lane_numbers(void) {
    vi numbers;
    for (int i = 0; i < W; i++) numbers[i] = i;
    return numbers;
}
QK_INLINE vf keep_n(vf v, int64_t count, vf other) { return count >= W ? v : pick(lane_numbers() < splat_i((int32_t)count), v, other); }

// Lanes are folded in halves: the order of a sum is fixed by W.
QK_INLINE float sum_lanes(vf v) {
    float lanes[W];
    store(lanes, v);
    for (int half = W / 2; half > 0; half /= 2)
        for (int i = 0; i < half; i++) lanes[i] += lanes[i + half];
    return lanes[0];
}
QK_INLINE float max_lanes(vf v) {
    float lanes[W];
    store(lanes, v);
    for (int half = W / 2; half > 0; half /= 2)
        for (int i = 0; i < half; i++) lanes[i] = lanes[i + half] > lanes[i] || lanes[i + half] != lanes[i + half] ? lanes[i + half] : lanes[i];
    return lanes[0];
}
QK_INLINE double sum_lanes_d(vd v) {
    double lanes[W / 2];
    memcpy(lanes, &v, sizeof lanes);
    for (int half = W / 4; half > 0; half /= 2)
        for (int i = 0; i < half; i++) lanes[i] += lanes[i + half];
    return lanes[0];
}

// Runs `step(i, lanes)` over [0, n): whole vectors, then one tail.
#define QK_EACH_VECTOR(i, n, step)                              \
    do {                                                        \
        int64_t i = 0;                                          \
        for (; i + W <= (n); i += W) { step(i, W); }            \
        if (i < (n)) { step(i, (n) - i); }                      \
    } while (0)
#endif
