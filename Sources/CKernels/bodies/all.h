// All bodies, and the table of them.
#include "attention.h"
#include "attention_grad.h"
#include "cast.h"
#include "copy.h"
#include "elementwise.h"
#include "embed.h"
#include "experts.h"
#include "loss.h"
#include "norm.h"
#include "optimizer.h"
#include "random.h"
#include "reduce.h"
#include "state_space.h"

#define QK_BODIES {                                                                                                         \
    [QK_OP_COPY] = body_copy, [QK_OP_CAST] = body_cast, [QK_OP_FILL] = body_fill, [QK_OP_MAP] = body_map,                   \
    [QK_OP_MAP_GRAD] = body_map_grad, [QK_OP_ZIP] = body_zip, [QK_OP_GATE] = body_gate, [QK_OP_GATE_GRAD] = body_gate_grad, \
    [QK_OP_REDUCE_COLS_GRAD] = body_reduce_cols_grad,                                                                       \
    [QK_OP_REDUCE_COLS] = body_reduce_cols, [QK_OP_REDUCE_ROWS] = body_reduce_rows, [QK_OP_SOFTMAX] = body_softmax,         \
    [QK_OP_SOFTMAX_GRAD] = body_softmax_grad, [QK_OP_NORM] = body_norm, [QK_OP_NORM_GRAD] = body_norm_grad,                 \
    [QK_OP_NORM_GRAD_WEIGHT] = body_norm_grad_weight, [QK_OP_ROPE] = body_rope, [QK_OP_EMBED] = body_embed,                 \
    [QK_OP_EMBED_GRAD] = body_embed_grad, [QK_OP_CROSS_ENTROPY] = body_cross_entropy, [QK_OP_DROPOUT] = body_dropout,       \
    [QK_OP_RANDOM] = body_random, [QK_OP_ADAMW] = body_adamw, [QK_OP_SQUARED_NORM] = body_squared_norm,                     \
    [QK_OP_ATTENTION] = body_attention, [QK_OP_ATTENTION_GRAD] = body_attention_grad,                                       \
    [QK_OP_ATTENTION_PAGED] = body_attention_paged, [QK_OP_CACHE_APPEND] = body_cache_append, [QK_OP_ROUTE] = body_route,   \
    [QK_OP_ROUTE_GRAD] = body_route_grad, [QK_OP_COMBINE] = body_combine, [QK_OP_COMBINE_GRAD] = body_combine_grad,         \
    [QK_OP_CONVOLVE] = body_convolve, [QK_OP_CONVOLVE_GRAD] = body_convolve_grad, [QK_OP_SCAN] = body_scan,                 \
    [QK_OP_SCAN_GRAD] = body_scan_grad,                                                                                     \
}
