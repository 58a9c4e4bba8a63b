// Panels of block formats: the same bytes as in the file, turned so that one vector holds the same word of sixteen rows.
#include "block_gemm.h"
#include "gemm_turn.h"
#include <string.h>

QKPanelFormat qk_panel_format(int64_t type) {
    QKPanelFormat format = {qk_block_length(type), qk_block_bytes(type), qk_block_bytes(type) % 4, 0};
    if (type == QK_Q6_K || type == QK_Q3_K) format.head_at = format.bytes - format.head;
    return format;
}

int64_t qk_panel_bytes(int64_t type, int64_t k) {
    QKPanelFormat f = qk_panel_format(type);
    int64_t blocks = k / f.length;
    return qk_head_bytes(&f, blocks) + (blocks * QK_PANEL * (f.bytes - f.head) + 63) / 64 * 64;
}

// Bit 4g + j to bit 8j + g: then the fifth bits of four neighbours lie at the same place of a word's four bytes.
static uint32_t spread_bits(uint32_t x) {
    uint32_t out = 0;
    for (int j = 0; j < 4; j++)
        for (int g = 0; g < 8; g++) out |= (x >> (4 * g + j) & 1) << (8 * j + g);
    return out;
}

// Four words of four rows, turned; rows of blocks may begin anywhere.
static inline void turn(const uint8_t *const rows[4], int64_t at, uint32_t *out) {
    uint32_t words[16];
    for (int r = 0; r < 4; r++) memcpy(words + 4 * r, rows[r] + at, 16);
    qk_turn_words(words, 4, out);
}

// Where sixteen rows of blocks lie; rows past the matrix are zeros.
typedef struct { const uint8_t *row[QK_PANEL]; } Sixteen;

static void pack_block(const Sixteen *from, const QKPanelFormat *f, int64_t at, uint8_t *head, uint32_t *words) {
    int64_t count = (f->bytes - f->head) / 4, start = at + (f->head_at ? 0 : f->head), w = 0;
    for (int r = 0; r < QK_PANEL; r++)
        if (f->head == 2) memcpy(head + 2 * r, from->row[r] + at + f->head_at, 2);
        else if (f->head == 1) head[r] = from->row[r][at];
    for (; w + 4 <= count; w += 4)
        for (int r = 0; r < QK_PANEL; r += 4) turn(from->row + r, start + 4 * w, words + w * QK_PANEL + r);
    for (; w < count; w++)
        for (int r = 0; r < QK_PANEL; r++) memcpy(words + w * QK_PANEL + r, from->row[r] + start + 4 * w, 4);
}

// What is easier for the kernels: codes of q8_0 above zero, fifth bits side by side.
static void adapt(int64_t type, uint32_t *words) {
    if (type == QK_Q8_0) for (int i = 0; i < 8 * QK_PANEL; i++) words[i] ^= 0x80808080;
    if (type == QK_Q5_0) for (int i = 0; i < QK_PANEL; i++) words[i] = spread_bits(words[i]);
    if (type == QK_Q5_1) for (int i = 0; i < QK_PANEL; i++) words[QK_PANEL + i] = spread_bits(words[QK_PANEL + i]);
}

static void pack_panels(void *context, int64_t begin, int64_t end) {
    const QKCall *c = context;
    QKPanelFormat f = qk_panel_format(c->n[11]);
    int64_t blocks = c->n[1] / f.length, words = (f.bytes - f.head) / 4 * QK_PANEL, size = qk_panel_bytes(c->n[11], c->n[1]);
    uint8_t *zeros = qk_scratch((size_t)(blocks * f.bytes));
    memset(zeros, 0, (size_t)(blocks * f.bytes));
    for (int64_t panel = begin; panel < end; panel++) {
        Sixteen from;
        uint8_t *out = (uint8_t *)c->p[0] + panel * size;
        uint32_t *to = (uint32_t *)(out + qk_head_bytes(&f, blocks));
        for (int64_t r = 0; r < QK_PANEL; r++)
            from.row[r] = panel * QK_PANEL + r < c->n[0] ? (const uint8_t *)c->p[1] + (panel * QK_PANEL + r) * blocks * f.bytes : zeros;
        for (int64_t b = 0; b < blocks; b++, to += words) {
            pack_block(&from, &f, b * f.bytes, out + b * QK_PANEL * f.head, to);
            adapt(c->n[11], to);
        }
    }
}

void qk_block_pack(const QKCall *call) { qk_parallel(qk_ceil_div(call->n[0], QK_PANEL), 1, pack_panels, (void *)call); }
