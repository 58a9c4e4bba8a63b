// Recording: the calls of one step kept per thread, to be replayed without planning anything again.
#include "record.h"

#include <stdlib.h>

static _Thread_local struct { QKCall *calls; int64_t count, capacity; bool open; } recording;
static _Thread_local void *thread_context;

void qk_record(const QKCall *call) {
    if (!recording.open) return;
    if (recording.count == recording.capacity) {
        int64_t capacity = recording.capacity ? recording.capacity * 2 : 256;
        QKCall *calls = realloc(recording.calls, (size_t)capacity * sizeof *calls);
        if (!calls) abort();
        recording.calls = calls;
        recording.capacity = capacity;
    }
    recording.calls[recording.count++] = *call;
}

void qk_record_begin(void) { recording.count = 0; recording.open = true; }
int64_t qk_record_end(void) { recording.open = false; return recording.count; }
const QKCall *qk_recorded(void) { return recording.calls; }
void qk_replay(const QKCall *calls, int64_t count) { for (int64_t i = 0; i < count; i++) qk_run(calls + i); }
void *qk_thread_context(void) { return thread_context; }
void qk_set_thread_context(void *context) { thread_context = context; }
