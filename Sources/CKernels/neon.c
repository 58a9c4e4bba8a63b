// The generic bodies for NEON: four lanes.
#include "internal.h"
#if defined(__aarch64__)
#define QK_W 4
#define QK_ZIP_LOW(a, b) __builtin_shufflevector(a, b, 0, 4, 1, 5)
#define QK_ZIP_HIGH(a, b) __builtin_shufflevector(a, b, 2, 6, 3, 7)
// After streaming stores, before another thread may look.
#define QK_STORES_SEEN() ((void)0)
#define QK_TILE_VECTORS 4
#include "bodies/all.h"
const QKTable qk_table_neon = {.isa = "neon", .body = QK_BODIES};
#else
const QKTable qk_table_neon = {.isa = "neon"};
#endif
