// The choice of experts, the same for every instruction set: it works on scores that are there already.
#ifndef QUINTET_ROUTE_H
#define QUINTET_ROUTE_H
#include "internal.h"
#include <math.h>

// The `k` largest of `n` scores, those with taken[i] left out, as rising indices; of equal scores the lower index. A NaN is chosen last, so that
// whatever the scores are, `k` different indices come out. `taken` is changed.
static inline void qk_largest(const float *scores, uint8_t *taken, int64_t n, int64_t k, int32_t *out) {
    for (int64_t j = 0; j < k; j++) {
        int64_t best = -1;
        for (int64_t i = 0; i < n; i++)
            if (!taken[i] && (best < 0 || scores[i] > scores[best] || (scores[best] != scores[best] && scores[i] == scores[i]))) best = i;
        taken[best] = 1;
        int64_t at = j;
        for (; at > 0 && out[at - 1] > best; at--) out[at] = out[at - 1];
        out[at] = (int32_t)best;
    }
}

// The sum of the two largest of `n` scores.
static inline float qk_two_largest(const float *scores, int64_t n) {
    float first = -INFINITY, second = -INFINITY;
    for (int64_t i = 0; i < n; i++) {
        if (scores[i] > first) second = first, first = scores[i];
        else if (scores[i] > second) second = scores[i];
    }
    return first + second;
}

// Marks the experts of all groups but the best `kept` as taken. `memory` holds `groups` floats and indices.
static inline void qk_close_groups(const float *scores, uint8_t *taken, int64_t n, int64_t groups, int64_t kept, float *memory) {
    int64_t each = n / groups;
    int32_t *open = (int32_t *)(memory + groups);
    for (int64_t g = 0; g < groups; g++) memory[g] = qk_two_largest(scores + g * each, each);
    for (int64_t g = 0; g < groups; g++) taken[g] = 0;
    qk_largest(memory, taken, groups, kept, open);
    for (int64_t i = 0; i < n; i++) taken[i] = 1;
    for (int64_t j = 0; j < kept; j++)
        for (int64_t i = 0; i < each; i++) taken[open[j] * each + i] = 0;
}

// The experts of a row, from the scores that decide. `memory`: room for qk_route_floats.
static inline void qk_choose(const QKCall *c, const float *scores, int32_t *out, float *memory) {
    int64_t n = c->n[1], groups = c->n[3];
    uint8_t *taken = (uint8_t *)(memory + 2 * n);
    if (groups > 1) qk_close_groups(scores, taken, n, groups, c->n[4], memory);
    else for (int64_t i = 0; i < n; i++) taken[i] = 0;
    qk_largest(scores, taken, n, c->n[2], out);
}

// Floats of memory for a row of `n` experts: scores, what decides, and qk_choose's own.
static inline size_t qk_route_floats(int64_t n) { return (size_t)(6 * n + 64); }

// Divides by the sum where that is asked for, and multiplies by the factor.
static inline void qk_scale_weights(const QKCall *c, float *weights) {
    float sum = 0, factor = c->s[0];
    for (int64_t j = 0; j < c->n[2]; j++) sum += weights[j];
    for (int64_t j = 0; j < c->n[2]; j++) weights[j] = (c->n[5] ? weights[j] / (sum + c->s[1]) : weights[j]) * factor;
}

// Rows of one sequence at consecutive positions, as a state sees them.
typedef struct { int64_t first, count, sequence; bool fresh; } QKRun;

// The run that begins at `first`: with a state by positions and sequences, else a whole sequence of `time` rows.
static inline QKRun qk_run_at(int64_t rows, int64_t time, const int32_t *positions, const int32_t *sequences, int64_t first) {
    if (!positions) return (QKRun){first, time < rows - first ? time : rows - first, 0, true};
    QKRun run = {first, 1, sequences[first], positions[first] == 0};
    while (first + run.count < rows && sequences[first + run.count] == run.sequence && positions[first + run.count] == positions[first] + run.count) run.count++;
    return run;
}
#endif
