// The slow twin: plain loops, obviously right, on any machine. Tests hold every fast kernel against it.
#pragma STDC FP_CONTRACT OFF
#include "scalar/attention.h"
#include "scalar/elementwise.h"
#include "scalar/experts.h"
#include "scalar/random.h"
#include "scalar/rows.h"
#include "scalar/state_space.h"

const QKTable qk_table_scalar = {
    .isa = "scalar",
    .body = {
        [QK_OP_COPY] = scalar_copy, [QK_OP_CAST] = scalar_cast, [QK_OP_FILL] = scalar_fill, [QK_OP_MAP] = scalar_map,
        [QK_OP_MAP_GRAD] = scalar_map_grad, [QK_OP_ZIP] = scalar_zip, [QK_OP_GATE] = scalar_gate, [QK_OP_GATE_GRAD] = scalar_gate_grad,
        [QK_OP_REDUCE_COLS] = scalar_reduce_cols, [QK_OP_REDUCE_COLS_GRAD] = scalar_reduce_cols_grad, [QK_OP_REDUCE_ROWS] = scalar_reduce_rows, [QK_OP_SOFTMAX] = scalar_softmax,
        [QK_OP_SOFTMAX_GRAD] = scalar_softmax_grad, [QK_OP_NORM] = scalar_norm, [QK_OP_NORM_GRAD] = scalar_norm_grad,
        [QK_OP_NORM_GRAD_WEIGHT] = scalar_norm_grad_weight, [QK_OP_ROPE] = scalar_rope, [QK_OP_EMBED] = scalar_embed,
        [QK_OP_EMBED_GRAD] = scalar_embed_grad, [QK_OP_CROSS_ENTROPY] = scalar_cross_entropy, [QK_OP_DROPOUT] = scalar_dropout,
        [QK_OP_RANDOM] = scalar_random, [QK_OP_ADAMW] = scalar_adamw, [QK_OP_SQUARED_NORM] = scalar_squared_norm,
        [QK_OP_ATTENTION] = scalar_attention, [QK_OP_ATTENTION_GRAD] = scalar_attention_grad, [QK_OP_ATTENTION_PAGED] = scalar_attention_paged,
        [QK_OP_CACHE_APPEND] = scalar_cache_append, [QK_OP_ROUTE] = scalar_route, [QK_OP_ROUTE_GRAD] = scalar_route_grad,
        [QK_OP_ROUTE_PLACES] = scalar_route_places, [QK_OP_COMBINE] = scalar_combine, [QK_OP_COMBINE_GRAD] = scalar_combine_grad,
        [QK_OP_CONVOLVE] = scalar_convolve, [QK_OP_CONVOLVE_GRAD] = scalar_convolve_grad, [QK_OP_SCAN] = scalar_scan,
        [QK_OP_SCAN_GRAD] = scalar_scan_grad,
    },
};
