import CQuintetKernels

/// How queries meet keys: head counts, what a query sees, and what is done to the scores.
public struct AttentionShape: Sendable {
    public var heads: Int, kvHeads: Int, headWidth: Int
    public var causal: Bool
    /// Keys in (i - window, i]; 0 for no limit.
    public var window: Int
    public var scale: Float
    /// c * tanh(score / c); 0 for none.
    public var softcap: Float
    /// ALiBi slopes f32 [heads].
    public var slopes: Tensor?
    /// Not 0: ALiBi adds this times slope * key position, rounded to bf16, in place of minus slope * distance.
    public var roundedSlopeFactor: Float
    /// Scores of the sinks f32 [heads]; over whole sequences they have a gradient.
    public var sinks: Tensor?

    public init(
        heads: Int, kvHeads: Int, headWidth: Int, causal: Bool = true, window: Int = 0, scale: Float, softcap: Float = 0,
        slopes: Tensor? = nil, roundedSlopeFactor: Float = 0, sinks: Tensor? = nil
    ) {
        self.heads = heads
        self.kvHeads = kvHeads
        self.headWidth = headWidth
        self.causal = causal
        self.window = window
        self.scale = scale
        self.softcap = softcap
        self.slopes = slopes
        self.roundedSlopeFactor = roundedSlopeFactor
        self.sinks = sinks
    }

    /// Columns of q, k and v side by side.
    public var fusedWidth: Int { (heads + 2 * kvHeads) * headWidth }
    /// Columns of q, and of the result.
    public var queryWidth: Int { heads * headWidth }
    var keyWidth: Int { kvHeads * headWidth }
}

/// Which weights of an attention dropout takes: they depend on seed, stream and position only.
public struct WeightDropout: Sendable {
    /// Share of the weights, at least 0 and below 1.
    public var share: Float
    public var seed: UInt64, stream: UInt64

    public init(share: Float, seed: UInt64, stream: UInt64) {
        self.share = share
        self.seed = seed
        self.stream = stream
    }
}

/// Softmax attention over whole sequences, with online softmax.
///
/// `qkv` [batch * time, fusedWidth]: all q heads, all k heads, all v heads; `keyMask` u8 [batch, time], 0 where padded. With `documents` the
/// rows are instead that many sequences of those lengths, one after the other, without padding; none sees another.
/// `dropout` zeroes a share of the weights and scales the others up. Gives [rows, queryWidth]. The backward pass computes the weights again from the log-sum-exp.
/// Source: Dao et al. 2022 (FlashAttention).
public func attend(
    qkv: Tensor, batch: Int, documents: [Int]? = nil, _ shape: AttentionShape, keyMask: Tensor? = nil, dropout: WeightDropout? = nil,
    _ tape: Tape? = nil
) -> Tensor {
    precondition(qkv.shape.columns == shape.fusedWidth, "\(qkv.shape) is not fused q, k, v of width \(shape.fusedWidth)")
    let rows = qkv.shape.rows
    let runs = SequenceRun.all(rows: rows, batch: batch, documents: documents)
    let out = Tensor(uninitialized: [rows, shape.queryWidth])
    let tracked = tape.map { tape in tape.needs(qkv) || shape.sinks.map(tape.needs) ?? false } ?? false
    let lse = tracked ? Tensor(uninitialized: [rows * shape.heads]) : nil
    for run in runs {
        var call = KernelCall(QK_OP_ATTENTION, kind: shape.causal ? 0 : 1)
        call.p.0 = run.place(out, columns: shape.queryWidth)
        (call.p.1, call.p.2, call.p.3) = parts(qkv, shape, row: run.start)
        call.p.4 = run.place(lse, columns: shape.heads)
        call.p.5 = keyMask?.data
        call.p.6 = shape.slopes?.data
        call.p.7 = shape.sinks?.data
        setDimensions(&call, run.batch, run.time, shape, rowStride: qkv.rowStride)
        setDropout(&call, dropout, run)
        call.run()
    }
    guard let tape, tracked, let lse else { return out }
    return tape.record(out) { dy, gradients in
        let dqkv = Tensor(uninitialized: qkv.shape)
        for run in runs {
            var call = KernelCall(QK_OP_ATTENTION_GRAD, kind: shape.causal ? 0 : 1)
            (call.p.0, call.p.1, call.p.2) = parts(dqkv, shape, row: run.start)
            (call.p.3, call.p.4, call.p.5) = parts(qkv, shape, row: run.start)
            call.p.6 = run.place(out, columns: shape.queryWidth)
            call.p.7 = run.place(dy, columns: shape.queryWidth)
            call.p.8 = run.place(lse, columns: shape.heads)
            call.p.9 = keyMask?.data
            call.p.10 = shape.slopes?.data
            setDimensions(&call, run.batch, run.time, shape, rowStride: qkv.rowStride)
            setDropout(&call, dropout, run)
            call.run()
        }
        gradients.add(dqkv, to: qkv)
        addSinkGradient(shape.sinks, out: out, dy: dy, lse: lse, runs, gradients)
    }
}

/// Sequences of one length that lie one after the other: what one attention call takes.
struct SequenceRun {
    let index: Int
    let start: Int
    let batch: Int, time: Int

    /// `batch` equal sequences in one run, or a run for each document.
    static func all(rows: Int, batch: Int, documents: [Int]?) -> [SequenceRun] {
        guard let documents else { return [SequenceRun(index: 0, start: 0, batch: batch, time: rows / max(batch, 1))] }
        var start = 0
        let runs = documents.enumerated().map { index, length in
            defer { start += length }
            return SequenceRun(index: index, start: start, batch: 1, time: length)
        }
        precondition(start == rows, "documents of \(start) rows in all, not \(rows)")
        return runs
    }

    /// Where this run's rows lie in a contiguous f32 tensor with so many numbers for a row.
    func place(_ tensor: Tensor?, columns: Int) -> UnsafeMutableRawPointer? { tensor.map { $0.data + start * columns * 4 } }
}

/// The addresses of q, k and v in a fused row.
private func parts(
    _ qkv: Tensor, _ shape: AttentionShape, row: Int = 0
) -> (UnsafeMutableRawPointer?, UnsafeMutableRawPointer?, UnsafeMutableRawPointer?) {
    let first = qkv.data + row * qkv.rowStride * 4
    return (first, first + shape.queryWidth * 4, first + (shape.queryWidth + shape.keyWidth) * 4)
}

private func setDimensions(_ call: inout KernelCall, _ batch: Int, _ time: Int, _ shape: AttentionShape, rowStride: Int) {
    call.n.0 = Int64(batch)
    call.n.1 = Int64(time)
    call.n.2 = Int64(time)
    setHeads(&call, shape)
    call.n.6 = Int64(rowStride)
    call.n.7 = Int64(rowStride)
    call.n.8 = Int64(rowStride)
}

private func setDropout(_ call: inout KernelCall, _ dropout: WeightDropout?, _ run: SequenceRun) {
    guard let dropout else { return }
    // Each document draws a mask of its own.
    call.n.12 = Int64(bitPattern: dropout.seed &+ UInt64(run.index) &* 0x9E37_79B9_7F4A_7C15)
    call.n.13 = Int64(bitPattern: dropout.stream)
    call.s.2 = dropout.share
}

func setHeads(_ call: inout KernelCall, _ shape: AttentionShape) {
    call.n.3 = Int64(shape.heads)
    call.n.4 = Int64(shape.kvHeads)
    call.n.5 = Int64(shape.headWidth)
    call.n.9 = Int64(shape.queryWidth)
    call.n.10 = Int64(shape.window)
    call.s.0 = shape.scale
    call.s.1 = shape.softcap
    call.s.3 = shape.roundedSlopeFactor
}

/// What a cache holds keys and values in.
public enum CacheType: String, Sendable, CaseIterable {
    /// As they were computed.
    case f32
    case f16
    /// Bytes, and an f16 scale for each 32 numbers of a position.
    case q8_0

    var dtype: DType {
        switch self {
        case .f32: .f32
        case .f16: .f16
        case .q8_0: .q8_0
        }
    }

    /// Bytes of a page's keys (or values) of one head.
    func pageBytes(headWidth: Int) -> Int { Int(qk_cache_page_bytes(dtype.rawValue, Int64(headWidth))) }
}

/// One layer's keys and values in pages of `QK_PAGE` positions; sequences own pages through a table.
public struct CachePages: Sendable {
    /// Slabs of `pages` pages: [pages, kvHeads, headWidth, page] and [pages, kvHeads, page, headWidth], as `quintet_kernels.h` has it for each type.
    public let keys: Storage, values: Storage
    public let type: CacheType
    /// i32 [sequences, maxPages]: which page holds positions page * i and up.
    public let table: Tensor
    /// Bytes of the keys, or of the values, in a page.
    public let pageBytes: Int
    /// Bytes of keys and values that a position takes.
    public var bytesPerPosition: Int { 2 * pageBytes / Self.pageLength }

    public static let pageLength = Int(QK_PAGE)

    public init(_ type: CacheType, pages: Int, kvHeads: Int, headWidth: Int, table: Tensor) {
        let bytes = kvHeads * type.pageBytes(headWidth: headWidth)
        keys = LongLivedMemory.storage(pages * bytes)
        values = LongLivedMemory.storage(pages * bytes)
        self.type = type
        self.table = table
        pageBytes = bytes
    }
}

/// Writes the rows' keys and values into the cache, then attends to everything up to each row's position.
///
/// `qkv` [rows, fusedWidth]; `positions` and `sequences` i32 [rows]. A row's bits depend on its own sequence only.
public func attend(qkv: Tensor, pages: CachePages, positions: Tensor, sequences: Tensor, _ shape: AttentionShape) -> Tensor {
    let (q, k, v) = parts(qkv, shape)
    return attend(
        AttentionParts(q: q, k: k, v: v, rows: qkv.shape.rows, qStride: qkv.rowStride, kvStride: qkv.rowStride), pages, positions,
        sequences, shape)
}

/// Where queries, keys and values of some rows lie.
struct AttentionParts {
    let q: UnsafeMutableRawPointer?, k: UnsafeMutableRawPointer?, v: UnsafeMutableRawPointer?
    let rows: Int
    /// Elements from row to row.
    let qStride: Int, kvStride: Int
}

/// Appends and attends, wherever the parts lie.
func attend(_ parts: AttentionParts, _ pages: CachePages, _ positions: Tensor, _ sequences: Tensor, _ shape: AttentionShape) -> Tensor {
    let maxPages = Int64(pages.table.shape.columns)
    var append = KernelCall(QK_OP_CACHE_APPEND)
    append.p.0 = pages.keys.base
    append.p.1 = pages.values.base
    append.p.2 = parts.k
    append.p.3 = parts.v
    append.p.4 = pages.table.data
    append.p.5 = positions.data
    append.p.6 = sequences.data
    append.n.0 = Int64(parts.rows)
    append.n.4 = Int64(shape.kvHeads)
    append.n.5 = Int64(shape.headWidth)
    append.n.7 = Int64(parts.kvStride)
    append.n.8 = Int64(parts.kvStride)
    append.n.11 = pages.type.dtype.rawValue
    append.n.12 = maxPages
    append.run()

    let out = Tensor(uninitialized: [parts.rows, shape.queryWidth])
    var call = KernelCall(QK_OP_ATTENTION_PAGED)
    call.p.0 = out.data
    call.p.1 = parts.q
    call.p.2 = pages.keys.base
    call.p.3 = pages.values.base
    call.p.4 = pages.table.data
    call.p.5 = positions.data
    call.p.6 = sequences.data
    call.p.7 = shape.slopes?.data
    call.p.8 = shape.sinks?.data
    call.n.0 = Int64(parts.rows)
    setHeads(&call, shape)
    call.n.6 = Int64(parts.qStride)
    call.n.11 = pages.type.dtype.rawValue
    call.n.12 = maxPages
    call.run()
    return out
}
