// The plain twins of the random kernels.
#ifndef QUINTET_SCALAR_RANDOM_H
#define QUINTET_SCALAR_RANDOM_H
#include "numbers.h"

static void philox_block(uint64_t seed, uint64_t stream, uint64_t block, uint32_t words[4]) {
    uint32_t key[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
    uint32_t x[4] = {(uint32_t)block, (uint32_t)(block >> 32), (uint32_t)stream, (uint32_t)(stream >> 32)};
    for (int round = 0; round < 10; round++) {
        uint64_t a = (uint64_t)0xd2511f53 * x[0], b = (uint64_t)0xcd9e8d57 * x[2];
        uint32_t next[4] = {(uint32_t)(b >> 32) ^ x[1] ^ key[0], (uint32_t)b, (uint32_t)(a >> 32) ^ x[3] ^ key[1], (uint32_t)a};
        memcpy(x, next, sizeof x);
        key[0] += 0x9e3779b9;
        key[1] += 0xbb67ae85;
    }
    memcpy(words, x, sizeof x);
}

static float unit(uint32_t word) { return (float)(word >> 8) * 0x1p-24f; }

static float normal(const QKCall *c, const uint32_t words[4], int lane) {
    double radius = (double)c->s[1] * sqrt(-2 * log((double)unit(words[lane & 2]) + 0x1p-24)), angle = 2 * 3.14159265358979323846 * (double)unit(words[lane | 1]);
    return (float)((double)c->s[0] + radius * (lane & 1 ? sin(angle) : cos(angle)));
}

static void scalar_random(const QKCall *c, int64_t begin, int64_t end) {
    float below = c->s[1] > c->s[0] ? nextafterf(c->s[1], c->s[0]) : c->s[0];
    for (int64_t i = begin; i < end; i++) {
        uint32_t words[4], index = (uint32_t)((c->n[1] + i) & 3);
        philox_block((uint64_t)c->n[2], (uint64_t)c->n[3], (uint64_t)(c->n[1] + i) >> 2, words);
        float value = c->kind == 0 ? normal(c, words, (int)index)
                    : c->kind == 1 ? fminf(fmaf(unit(words[index]), c->s[1] - c->s[0], c->s[0]), below) : float_of(words[index]);
        memcpy((float *)c->p[0] + i, c->kind == 2 ? (void *)&words[index] : (void *)&value, 4);
    }
}

static void scalar_dropout(const QKCall *c, int64_t begin, int64_t end) {
    float scale = c->s[0] < 1 ? 1 / (1 - c->s[0]) : 0;
    for (int64_t i = begin; i < end; i++) {
        uint32_t words[4];
        philox_block((uint64_t)c->n[2], (uint64_t)c->n[3], (uint64_t)(c->n[1] + i) >> 2, words);
        ((float *)c->p[0])[i] = unit(words[(c->n[1] + i) & 3]) >= c->s[0] ? ((const float *)c->p[1])[i] * scale : 0;
    }
}
#endif
