// The arithmetic of Quintet: kernel calls, the thread pool, and the machine's limits.
//
// A kernel call is a plain value: an opcode, pointers, dimensions and scalars. It can be logged, timed, replayed,
// run by the scalar twin, or sent to another backend. Tensors are row-major and contiguous unless a stride is named;
// every stride counts elements. Callers check shapes; kernels trust them.
#ifndef QUINTET_KERNELS_H
#define QUINTET_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// Element types.
// How the B of a product lies: as its strides say, in panels of its type, in panels of bf16 whose elements are words of two neighbors in k (an even k),
// in panels of its type with A's numbers rounded to f16's eleven bits.
enum { QK_PLAIN = 0, QK_PACKED = 1, QK_PACKED_PAIRS = 2, QK_PACKED_HALVES = 3 };
enum { QK_F32 = 0, QK_F16 = 1, QK_BF16 = 2, QK_I32 = 3, QK_U8 = 4, QK_I8 = 5, QK_BOOL = 6 };

// Block formats: GGML's types, their numbers plus QK_BLOCKS. The bytes are those of a GGUF file: blocks of a row one after the other.
enum {
    QK_BLOCKS = 32, QK_Q4_0 = 34, QK_Q4_1 = 35, QK_Q5_0 = 38, QK_Q5_1 = 39, QK_Q8_0 = 40, QK_Q2_K = 42, QK_Q3_K = 43, QK_Q4_K = 44, QK_Q5_K = 45, QK_Q6_K = 46,
    QK_IQ4_NL = 52, QK_IQ4_XS = 55, QK_MXFP4 = 71
};
// Elements and bytes of a block; 1 and the width of an element for the plain types; 0 for a type that is not known.
int64_t qk_block_length(int64_t type);
int64_t qk_block_bytes(int64_t type);

// Elementwise functions of one argument, also the activations of a matmul epilogue and of a gate.
enum {
    QK_IDENTITY = 0, QK_RELU = 1, QK_GELU = 2 /* exact, erf */, QK_GELU_TANH = 3, QK_SILU = 4, QK_SIGMOID = 5, QK_TANH = 6,
    QK_EXP = 7, QK_LOG = 8, QK_SQUARE = 9, QK_SQRT = 10, QK_RSQRT = 11, QK_RECIPROCAL = 12, QK_NEGATE = 13, QK_AFFINE = 14 /* s0*x + s1 */,
    QK_RELU_SQUARED = 15, QK_GELU_QUICK = 16 /* x sigmoid(1.702 x) */, QK_CLIP = 17 /* held between -s0 and s0 */, QK_FUNCTION_COUNT,
    // A gate alone: g = min(gate, s1), u = clamp(up, -s1, s1), g * sigmoid(s0 * g) * (u + 1).
    QK_CLAMPED_SWIGLU = 64
};

// Elementwise functions of two arguments.
enum { QK_ADD = 0, QK_SUBTRACT = 1, QK_MULTIPLY = 2, QK_DIVIDE = 3, QK_MAXIMUM = 4, QK_MINIMUM = 5 };

// Reductions.
enum { QK_SUM = 0, QK_MEAN = 1, QK_MAX = 2, QK_SUM_OF_SQUARES = 3 };

// Opcodes. `p`, `n`, `s` are the slots of QKCall; "?" marks a pointer that may be NULL.
enum {
    // Strided copy. kind: bytes per element (1, 2, 4, 8). p0 dst, p1 src. n0 rank <= 6, n1-n6 dims, n7-n12 dst strides, n13-n18 src strides.
    QK_OP_COPY = 0,
    // Type conversion, round to nearest even; to i32 toward zero, saturating, NaN to 0. p0 dst, p1 src. n0 count, n1 dst type, n2 src type (f32, f16, bf16, i32).
    // Either may be a block format, not beside i32 (n0 is then a multiple of its length): from one by its definition, to one (not q2_K, q3_K, iq4_nl, iq4_xs) by a
    // search for the scales that leave the least error, the same bytes on every instruction set.
    QK_OP_CAST,
    // p0 dst (f32). n0 count. s0 value.
    QK_OP_FILL,
    // out = f(x). kind: function. p0 out, p1 x. n0 count. s0, s1: parameters of QK_AFFINE.
    QK_OP_MAP,
    // dx = f'(x) * dy. kind: function. p0 dx, p1 x, p2 dy. n0 count, n1: 1 adds to dx. s0, s1.
    QK_OP_MAP_GRAD,
    // out = f(a, b). kind: function of two. p0 out [rows, cols], p1 a [rows, cols], p2 b. n0 rows, n1 cols, n2 b's row stride (0 broadcasts),
    // n3 b's column stride (0 or 1). out may be a.
    QK_OP_ZIP,
    // out = f(gate) * up. kind: function, or QK_CLAMPED_SWIGLU with s0, s1. p0 out [rows, cols], p1 gate, p2 up. n0 rows, n1 cols, n2 gate row stride,
    // n3 up row stride, n4 out row stride.
    QK_OP_GATE,
    // p0 dgate, p1 dup, p2 gate, p3 up, p4 dout. n0 rows, n1 cols, n2 gate row stride (also dgate's), n3 up row stride (also dup's), n4 dout row stride.
    QK_OP_GATE_GRAD,
    // Over the last axis. kind: reduction. p0 out [rows], p1 x [rows, cols]. n0 rows, n1 cols.
    QK_OP_REDUCE_COLS,
    // Over the first axis (a bias gradient), rows added in order for every column. kind: QK_SUM. p0 out [cols], p1 x. n0 rows, n1 cols, n2 x row stride,
    // n3: 1 adds to out.
    QK_OP_REDUCE_ROWS,
    // p0 out, p1 x. n0 rows, n1 cols. s0 scale on x.
    QK_OP_SOFTMAX,
    // dx = s0 * y * (dy - sum(y * dy)). p0 dx, p1 y, p2 dy. n0 rows, n1 cols. s0 scale.
    QK_OP_SOFTMAX_GRAD,
    // kind: 0 layer norm, 1 RMS norm. p0 y (may be x), p1 x, p2? weight, p3? bias, p4? stats [vectors, 2] = (mean or 0, 1/deviation). n0 vectors, n1 cols,
    // n2 x row stride, n3 y row stride, n4 vectors side by side in a row (0 is 1), n5: 1 gives each of them its own weight and bias, side by side too.
    // s0 epsilon, s1 offset: the weight acts as (s1 + weight).
    QK_OP_NORM,
    // p0 dx, p1 x, p2? weight, p3 dy, p4 stats. n0 rows, n1 cols, n2: 1 adds to dx. s1 offset. kind as above. (contiguous)
    QK_OP_NORM_GRAD,
    // p0? dweight [cols], p1? dbias [cols], p2 x, p3 dy, p4 stats. n0 rows, n1 cols, n2: 1 adds. Rows in order for every column. kind as above.
    QK_OP_NORM_GRAD_WEIGHT,
    // Rotary position embedding, out may be x. kind: 0 halves (Llama), 1 interleaved (GPT-J). p0 out, p1 x, p2 table [positions, rotary] = rotary/2 cosines
    // then rotary/2 sines, p3 positions i32 [rows]. n0 rows, n1 heads, n2 head width, n3 rotary width (<= n2; the rest is copied), n4 x row stride,
    // n5 out row stride. s0: +1 forward, -1 backward.
    QK_OP_ROPE,
    // Attention over whole sequences, online softmax. kind: 0 causal, 1 bidirectional. p0 out, p1 q, p2 k, p3 v, p4? lse [batch, heads, tq],
    // p5? key mask u8 [batch, tk] (0 = padding), p6? slopes f32 [heads] (ALiBi), p7? sinks f32 [heads]. n0 batch, n1 tq, n2 tk, n3 heads, n4 kv heads, n5 head width,
    // n6 q row stride, n7 k row stride, n8 v row stride, n9 out row stride (row = batch * t + position; heads side by side),
    // n10 window (0 none; w: keys in (i-w, i], or with |i - j| < w where bidirectional), n11 position of query 0;
    // ALiBi adds -slope * |i - j|, or, where s3 is not 0, s3 times slope * j rounded to bf16 (j rounded first). s0 scale, s1 softcap (0 none).
    // A row that sees no key gives zeros, lse = -inf.
    // s2 share of the weights that are dropped after the softmax, n12 seed, n13 stream: as QK_OP_DROPOUT, the element's index being
    // ((batch * heads + head) * tq + query) * (tk rounded up to QK_PAGE) + key.
    QK_OP_ATTENTION,
    // Backward, recomputed from lse. p0 dq, p1 dk, p2 dv, p3 q, p4 k, p5 v, p6 out, p7 dout, p8 lse, p9? key mask, p10? slopes, p11? scratch unused.
    // n0-n13, s0-s3, kind as above; dq, dk, dv have the strides of q, k, v and are overwritten; dout has out's stride (n9).
    QK_OP_ATTENTION_GRAD,
    // Attention through a paged cache; one work item is (row, kv head). Keys are taken page by page in absolute order, so a row's bits depend on nothing else.
    // p0 out, p1 q, p2 K slab, p3 V slab, p4 page table i32 [sequences, max pages], p5 positions i32 [rows], p6 sequence i32 [rows], p7? slopes, p8? sinks.
    // n0 rows, n3 heads, n4 kv heads, n5 head width, n6 q row stride, n9 out row stride, n10 window, n11 type of the slabs (f32, f16, q8_0), n12 max pages.
    // s0, s1, s3 as above. A K page is [kv heads][head width][QK_PAGE], a V page is [kv heads][QK_PAGE][head width]; position p lies in page p / QK_PAGE.
    // q8_0 has behind each kv head's bytes the f16 scales of every 32 of a position's numbers, [head width / 32][QK_PAGE] and [QK_PAGE][head width / 32].
    QK_OP_ATTENTION_PAGED,
    // p0 K slab, p1 V slab, p2 k, p3 v, p4 page table, p5 positions, p6 sequence. n0 rows, n4 kv heads, n5 head width, n7 k row stride, n8 v row stride,
    // n11 type of the slabs, n12 max pages.
    QK_OP_CACHE_APPEND,
    // out[r] (+)= scale * table[ids[r] + offset]. p0 out, p1 table, p2 ids i32. n0 rows, n1 cols, n2 table rows (an id outside gives zeros), n3 table type (f32,
    // f16, bf16 or a block format), n4: 1 adds to out, n5 offset. s0 scale.
    QK_OP_EMBED,
    // dtable[ids[r] + offset] += scale * dy[r], rows in order. p0 dtable, p1 dy, p2 ids. n0 rows, n1 cols, n2 table rows, n5 offset. s0 scale.
    QK_OP_EMBED_GRAD,
    // kind: 0 loss, 1 loss and logits overwritten by their gradient s0 * (softmax - onehot). p0 logits [rows, vocabulary], p1 targets i32 (negative = ignored),
    // p2 loss [rows], p3? lse [rows]. n0 rows, n1 vocabulary, n2 row stride. s0 scale, s1 softcap on logits (0 none).
    QK_OP_CROSS_ENTROPY,
    // Philox4x32-10, key = seed, counter = (element index / 4, stream), word = element index % 4; u = 24 high bits; keep if u >= p. out = keep ? x / (1 - p) : 0. p0 out, p1 x. n0 count, n1 index of element 0,
    // n2 seed, n3 stream. s0 p.
    QK_OP_DROPOUT,
    // kind: 0 normal (Box-Muller, s0 mean, s1 deviation), 1 uniform [s0, s1), 2 the raw words. p0 out. n0 count, n1 index of element 0, n2 seed, n3 stream.
    QK_OP_RANDOM,
    // p0 parameter, p1 gradient, p2 m, p3 v, p4? bf16 copy of the parameter. n0 count. s0 learning rate, s1 beta1, s2 beta2, s3 epsilon, s4 weight decay (decoupled),
    // s5 1 - beta1^t, s6 1 - beta2^t, s7 factor on the gradient.
    QK_OP_ADAMW,
    // Sum of squares in f64 over fixed chunks, added in order; not finite if any element is not. p0 out double[1], p1 x, p2 workspace double[n0 / 16384 + 1]. n0 count.
    QK_OP_SQUARED_NORM,
    // C = epilogue(alpha * A * B). Each element of C is one chain of fused multiply-adds in the order of k, whatever the shape, blocks or threads.
    // kind: activation. p0 C, p1 A, p2 B, p3? bias [n], p4? residual, p5? pre-activation out, p6? gate.
    // n0 m, n1 n, n2 k, n3 A row stride, n4 A column stride, n5 B row stride, n6 B column stride (B[p, j]), n7 C row stride, n8 residual row stride,
    // n9 pre row stride, n10: 1 starts the chains from C (C += A * B; then no alpha), n11 B's type (f32, f16, bf16), n12: how B lies (QK_PLAIN, ...),
    // n13 gate row stride. Block formats come packed (n12 = 1), A in contiguous rows of whole blocks; A's numbers then become bytes, 32 with one scale, and a
    // chain has a link for every block. Up to three formats side by side: columns from n14 (a multiple of QK_PANEL; 0 for none) lie in p7 with type n16,
    // from n15 in p8 with type n17. n18: 1 multiplies f(first half of the columns) by the second half, for a C of n / 2 columns (a multiple of QK_PANEL) and
    // no other epilogue. n19: 1 where nobody reads C soon. Plain types, n15: 1 lets A's
    // and B's numbers be rounded to bf16 where products of those are faster (two steps of k at a time), 2 rounds A's to f16's eleven bits. Block formats as files hold them (n12 = 0, where
    // qk_gemm_reads_blocks): f32 products with the numbers they stand for; n5 or n6 is 1, the other one whole blocks. s0 alpha. Epilogue: v = alpha * sum + bias; pre = v; v = f(v); v *= gate; v += residual.
    QK_OP_GEMM,
    // B into panels [ceil(n / QK_PANEL)][k][QK_PANEL] of its own type, zero padded. p0 panels, p1 B. n0 n, n1 k, n5 B row stride, n6 B column stride, n11 type.
    // Of a block format: B's rows of blocks one after the other, into panels of the same bytes (block_gemm.h).
    QK_OP_GEMM_PACK,
    // Experts: which of them each row goes to. kind: 0 softmax over all, the `k` largest of it; 1 the `k` largest, softmax over them; 2 sigmoid, the `k` largest
    // of it. Of equal scores the lower expert comes first. p0 experts i32 [rows, k] in rising order, p1 weights [rows, k], p2 scores [rows, experts],
    // p3? bias [experts] that counts for the choice alone. n0 rows, n1 experts, n2 k, n3 groups (0: none) of neighbouring experts, n4 groups that stay (those
    // whose two best experts sum highest), n5: 1 divides the weights by their sum plus s1. s0 factor on the weights.
    QK_OP_ROUTE,
    // p0 dscores [rows, experts], p1 scores, p2 experts i32 [rows, k], p3 dweights [rows, k]. n, s and kind as above.
    QK_OP_ROUTE_GRAD,
    // Rows in the order of their experts. p0 offsets i32 [experts + 1], p1 sources i32 [rows * k]: the row at each place, p2 places i32 [rows, k],
    // p3 experts i32 [rows, k]. n0 rows, n1 experts, n2 k.
    QK_OP_ROUTE_PLACES,
    // out[r] = sum over j in order of weights[r, j] * y[places[r, j]], then + residual[r]. p0 out [rows, cols], p1 y [rows * k, cols], p2 weights, p3 places,
    // p4? residual. n0 rows, n1 cols, n2 k, n3 residual row stride.
    QK_OP_COMBINE,
    // p0 dy, p1 dweights [rows, k], p2 dout [rows, cols], p3 y, p4 weights, p5 places. n0 rows, n1 cols, n2 k.
    QK_OP_COMBINE_GRAD,
    // QK_OP_GEMM with a matrix for each of several groups (experts, heads). p2: the addresses of the groups' B; p3? bias [groups, n]; p7? offsets i32
    // [groups + 1]: rows offsets[g] ..< offsets[g + 1] of A and C belong to group g. Without offsets every row goes to every group, whose A and C lie n18 and
    // n19 elements after those of the group before. n17 groups. No residual, no pre-activation, no gate.
    QK_OP_GEMM_GROUPS,
    // dB[g] [m, n] (+)= y[g]^T x[g]. p0 dB, p1 y, p2 x, p7? offsets as above. n0 rows, n1 m, n2 n, n3 y row stride, n4 x row stride, n5 y's and n6 x's
    // elements from group to group (without offsets), n7 elements from dB[g] to dB[g + 1], n10: 1 adds, n17 groups.
    QK_OP_GEMM_GROUPS_GRAD,
    // Causal convolution of each column with taps of its own. p0 out [rows, cols], p1 x, p2 weight [taps, cols], the last tap on the row itself, p3? bias [cols],
    // p4? state [sequences, taps - 1, cols]: the inputs before, read where a run of rows begins past position 0 and written where it ends, p5 positions,
    // p6 sequences (with a state). n0 rows, n1 cols, n2 taps, n3 x row stride, n5 rows of a sequence (without a state).
    QK_OP_CONVOLVE,
    // p0 dx [rows, cols], p1 dweight, p2? dbias, p3 x, p4 weight, p5 dout. n0-n3, n5 as above, n6: 1 adds to dweight, n7: 1 adds to dbias.
    QK_OP_CONVOLVE_GRAD,
    // Selective state space (Gu & Dao 2023), row by row: d = softplus(delta), h[n] = exp(-d * exp(decay[n])) * h[n] + d * B[n] * x, out = sum over n in order
    // of C[n] * h[n], + skip * x. p0 out [rows, cols], p1 x, p2 delta, p3 decay [states, cols], p4 rows of B [states] then C [states], p5 skip [cols],
    // p6? state [sequences, states, cols], p7 positions, p8 sequences (as for QK_OP_CONVOLVE). n0 rows, n1 cols, n2 states, n3 row stride of B and C, n5 rows of a sequence.
    QK_OP_SCAN,
    // p0 dx, p1 ddelta, p2 ddecay, p3 dBC [rows, 2 * states], p4 dskip, p5 x, p6 delta, p7 decay, p8 BC, p9 skip, p10 dout,
    // p11 workspace [ceil(cols / 64), rows, 2 * states]. n0-n5 as above, n6: 1 adds to ddecay, n7: 1 adds to dskip.
    QK_OP_SCAN_GRAD,
    // Back through QK_OP_REDUCE_COLS; of equal maxima the first takes the gradient. kind: reduction. p0 dx, p1 x, p2 dy [rows]. n0 rows, n1 cols.
    QK_OP_REDUCE_COLS_GRAD,
    QK_OP_COUNT
};

enum { QK_PAGE = 64, QK_PANEL = 16 };

typedef struct QKCall {
    int32_t op;
    int32_t kind;
    void *p[12];
    int64_t n[20];
    float s[8];
} QKCall;

// A backend runs kernel calls. The CPU's is linked in; others may be found at run time.
typedef struct QKBackend {
    const char *name;
    void (*run)(const QKCall *call);
} QKBackend;

const QKBackend *qk_cpu(void);
// Runs a call on the CPU with the current instruction set and threads.
void qk_run(const QKCall *call);
// "scalar", "avx2", "avx512" or "neon": what runs. QUINTET_ISA forces one at start; qk_set_isa does so in tests (false where it cannot run here).
const char *qk_isa(void);
// Whether this instruction set multiplies with block formats that are not packed.
bool qk_gemm_reads_blocks(void);
// Whether it multiplies numbers rounded to bf16 two by two.
bool qk_gemm_has_pairs(void);
bool qk_set_isa(const char *name);

// Threads: the caller takes part, an atomic counter hands out chunks, workers spin briefly, then park.
// Default: QUINTET_THREADS, or the processors this process may use.
int qk_threads(void);
void qk_set_threads(int count);
// Calls body(context, begin, end) for the chunks [0, grain), [grain, 2 * grain), ... of [0, items). Not reentrant from a body (then it runs serially).
typedef void (*QKRange)(void *context, int64_t begin, int64_t end);
void qk_parallel(int64_t items, int64_t grain, QKRange body, void *context);
// Thread-local scratch, 64-byte aligned, kept between calls; valid until the thread's next call.
void *qk_scratch(size_t bytes);

// Limits of this machine, measured now with the current threads: f32 multiply-adds in GFLOP/s, streaming reads in GB/s.
double qk_measure_fma_gflops(int threads, double seconds);
double qk_measure_read_gb_per_second(int threads, double seconds);

// While a profile is open on this thread, qk_run counts and times every call by its opcode; qk_profile_end gives QK_OP_COUNT entries, valid until the
// next begin. Names are for people.
typedef struct QKProfile { int64_t calls; double seconds, flops; /* flops: of matrix products */ } QKProfile;
void qk_profile_begin(void);
const QKProfile *qk_profile_end(void);
const char *qk_op_name(int32_t op);

// While a recording is open on this thread, qk_run also keeps a copy of every call. qk_recorded is valid until the next begin.
void qk_record_begin(void);
int64_t qk_record_end(void);
const QKCall *qk_recorded(void);
void qk_replay(const QKCall *calls, int64_t count);
// One pointer per thread for the caller's own use (the arena of a recording).
void *qk_thread_context(void);
void qk_set_thread_context(void *context);

// Bytes of one kv head's keys (or values) in a cache page of a type: f32, f16, q8_0.
int64_t qk_cache_page_bytes(int64_t type, int64_t width);
// Bytes of packed panels for a B of k x n.
size_t qk_gemm_packed_bytes(int64_t n, int64_t k, int32_t type);

// Signatures of near-duplicate search: minima[h] = min over the shingles x of (x * a[h] + b[h] mod 2^64) mod (2^61 - 1); all ones without shingles.
void qk_minhash(const uint64_t *shingles, int64_t count, const uint64_t *a, const uint64_t *b, int64_t hashes, uint64_t *minima);

#ifdef __cplusplus
}
#endif
#endif
