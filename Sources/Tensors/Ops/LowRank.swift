/// What an adapter adds to a weight: for some ranges of its rows, scale * B A, with A [rank, inputs] and B [rows, rank].
///
/// The A of all parts lie in one matrix, so that a product makes the low-rank inputs of q, k and v, say, at once. Parts may cover the same rows:
/// what they add adds up. Source: Hu et al. 2021 (LoRA); Liu et al. 2024 (DoRA).
public struct LowRank: Sendable {
    /// The A of every part, one below the other: [ranks, inputs].
    public var down: Tensor
    public var parts: [Part]
    /// Share of the input's elements that training hides from A.
    public var dropout: Float
    /// Which random numbers the dropout takes.
    public var stream: UInt64

    public init(down: Tensor, parts: [Part], dropout: Float = 0, stream: UInt64 = 0) {
        precondition(parts.allSatisfy { $0.ranks.upperBound <= down.shape[0] && $0.up.shape == [$0.rows.count, $0.ranks.count] })
        self.down = down
        self.parts = parts
        self.dropout = dropout
        self.stream = stream
    }

    /// One range of rows.
    public struct Part: Sendable {
        /// Rows of the weight.
        public var rows: Range<Int>
        /// Rows of `down`.
        public var ranks: Range<Int>
        /// B [rows, ranks].
        public var up: Tensor
        public var scale: Float
        /// DoRA: the length of each row of the changed weight, [rows]; nil where rows keep the length the sum gives them.
        public var magnitude: Tensor?
        /// Which adapter this belongs to, where a pass chooses between several.
        public var adapter: Int

        public init(rows: Range<Int>, ranks: Range<Int>, up: Tensor, scale: Float, magnitude: Tensor? = nil, adapter: Int = 0) {
            self.rows = rows
            self.ranks = ranks
            self.up = up
            self.scale = scale
            self.magnitude = magnitude
            self.adapter = adapter
        }
    }

    /// The changes of several adapters together.
    public static func joined(_ changes: [LowRank]) -> LowRank? {
        guard var all = changes.first else { return nil }
        for change in changes.dropFirst() {
            let ranks = all.down.shape[0]
            all.parts += change.parts.map { part in
                var part = part
                part.ranks = part.ranks.lowerBound + ranks..<part.ranks.upperBound + ranks
                return part
            }
            all.down = concatenate([all.down, change.down], axis: 0)
        }
        return all
    }
}

/// Which adapters count in a product. A row's bits are the same in each case that gives it the same shares.
public enum AdapterUse: Sendable {
    /// Every row gets all of all.
    case all
    /// No row gets anything, and nothing is computed for it.
    case none
    /// f32 [rows, adapters]: how much of each adapter each row gets.
    case shares(Tensor)
}

/// What a pass says to the adapters it meets.
public struct Adapting {
    /// Training: which elements dropout takes; nil where nothing is dropped.
    public var dropoutSeed: UInt64?
    public var use: AdapterUse

    public init(dropoutSeed: UInt64? = nil, _ use: AdapterUse = .all) {
        self.dropoutSeed = dropoutSeed
        self.use = use
    }

    /// Shares f32 [rows, adapters] of each row.
    public init(shares: Tensor) { self.init(.shares(shares)) }
}

/// A weight and the low-rank change of an adapter.
public struct AdaptedMatrix: Sendable {
    public let base: Weight
    public let change: LowRank
    /// A and each part's B, held the way products read them.
    let down: Weight, ups: [Weight]
    /// [1, ranks]: each rank's scale. [ranks, adapters]: the same in its adapter's column.
    let scales: Tensor, table: Tensor
    /// Sums of squares of the base's rows, where a part has a magnitude.
    private let rowSquares: Tensor?
    /// Factors on the rows where magnitudes do not learn.
    private let fixedGain: Tensor?

    /// `original`: the base as it is stored, from which the lengths of its rows are taken where a part has a magnitude and the base is packed;
    /// `isPacked` says that nothing learns, so that A and B may be packed and gains are worked out once.
    public init(_ base: Weight, _ change: LowRank, original: StoredMatrix? = nil, isPacked: Bool = false) {
        precondition(change.parts.allSatisfy { $0.rows.upperBound <= base.outputs } && change.down.shape[1] == base.inputs)
        self.base = base
        self.change = change
        down = isPacked ? Weight(packing: [change.down]) : .dense(change.down)
        ups = change.parts.map { isPacked ? Weight(packing: [$0.up]) : .dense($0.up) }
        (scales, table) = Self.factors(change)
        let plain = original ?? base.plain
        precondition(plain != nil || change.parts.allSatisfy { $0.magnitude == nil }, "magnitudes without the lengths of the base's rows")
        guard let plain, change.parts.contains(where: { $0.magnitude != nil }) else {
            (rowSquares, fixedGain) = (nil, nil)
            return
        }
        let squares = plain.rowSquares
        rowSquares = isPacked ? nil : squares
        fixedGain = isPacked ? Self.gain(change, Self.lengths(change, .stored(plain.exact), squares)) : nil
    }

    private static func factors(_ change: LowRank) -> (scales: Tensor, table: Tensor) {
        let ranks = change.down.shape[0], adapters = (change.parts.map(\.adapter).max() ?? 0) + 1
        var scales = [Float](repeating: 0, count: ranks), table = [Float](repeating: 0, count: ranks * adapters)
        for part in change.parts {
            for rank in part.ranks { (scales[rank], table[rank * adapters + part.adapter]) = (part.scale, part.scale) }
        }
        return (Tensor(scales, [1, ranks]), Tensor(table, [ranks, adapters]))
    }

    /// Bytes that a product reads.
    public var byteCount: Int { base.byteCount + down.byteCount + ups.reduce(0) { $0 + $1.byteCount } }
}

extension AdaptedMatrix {
    /// The factor on every row, [outputs], and what a magnitude is divided by for it: |W + scale B A|, no part of the gradient (as in the paper).
    func gains() -> (gain: Tensor, lengths: Tensor)? {
        if let fixedGain { return (fixedGain, fixedGain) }
        guard let rowSquares else { return nil }
        let lengths = Self.lengths(change, base.plain.map { .stored($0.exact) } ?? base, rowSquares)
        return (Self.gain(change, lengths), lengths)
    }

    private static func gain(_ change: LowRank, _ lengths: Tensor) -> Tensor {
        let gain = Tensor.filled(lengths.shape, with: 1)
        for part in change.parts {
            guard let magnitude = part.magnitude else { continue }
            let values = Swift.zip(magnitude.floats, lengths.slice(0, part.rows).floats).map { $0 / max($1, .leastNormalMagnitude) }
            gain.slice(0, part.rows).copyIn(Tensor(values, [part.rows.count]))
        }
        return gain
    }

    /// |w + s b A| for every row, from |w|^2, A w and A A^T, so that no matrix of the weight's size is made.
    private static func lengths(_ change: LowRank, _ base: Weight, _ rowSquares: Tensor) -> Tensor {
        let a = change.down.detached.cast(to: .f32)
        let products = matmul(a, base)  // [ranks, outputs]: A W^T
        let lengths = Tensor.filled([base.outputs], with: 1)
        for part in change.parts where part.magnitude != nil {
            let own = a.slice(0, part.ranks).contiguous(), up = part.up.detached.cast(to: .f32)
            let gram = matmul(own, .dense(own))  // [rank, rank]
            let cross = products.slice(0, part.ranks).slice(1, part.rows).transposed.contiguous()  // [rows, rank]
            let inner = add(scale(cross, by: 2 * part.scale), scale(matmul(up, .dense(gram)), by: part.scale * part.scale))
            let more = reduce(multiply(up, inner), .sum).floats
            let squares = Swift.zip(rowSquares.slice(0, part.rows).floats, more).map { max($0 + $1, 0).squareRoot() }
            lengths.slice(0, part.rows).copyIn(Tensor(squares, [part.rows.count]))
        }
        return lengths
    }
}

extension Weight {
    /// The weight as plain or stored numbers; nil where it is packed.
    fileprivate var plain: StoredMatrix? {
        switch self {
        case .dense(let tensor): StoredMatrix([tensor])
        case .stored(let matrix): matrix
        case .packed, .quantized, .adapted: nil
        }
    }
}
