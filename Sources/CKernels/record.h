#ifndef QUINTET_RECORD_H
#define QUINTET_RECORD_H
#include "quintet_kernels.h"
// Called by qk_run for every call, before it runs.
void qk_record(const QKCall *call);
#endif
