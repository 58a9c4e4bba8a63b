// Weak stand-ins for parts that have not landed yet; a strong definition elsewhere replaces each.
#include "internal.h"

#define STAND_IN __attribute__((weak))

STAND_IN const QKTable qk_table_scalar = {.isa = "scalar"};
STAND_IN const QKTable qk_table_avx2 = {.isa = "avx2"};
STAND_IN const QKTable qk_table_avx512 = {.isa = "avx512"};
STAND_IN const QKTable qk_table_neon = {.isa = "neon"};

STAND_IN QKPlan qk_plan(const QKCall *call) { return (QKPlan){call->n[0], 1}; }
STAND_IN bool qk_drive(const QKCall *call) { (void)call; return false; }
