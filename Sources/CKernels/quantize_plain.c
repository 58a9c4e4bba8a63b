// Quantizing for the scalar set: the common bodies with four lanes and no instruction set of their own.
#include "internal.h"
#define QK_W 4
#include "bodies/quantize.h"

void qk_cast_blocks_plain(const QKCall *call, int64_t begin, int64_t end) { cast_blocks(call, begin, end); }
