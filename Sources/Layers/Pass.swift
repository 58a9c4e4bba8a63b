public import QuintetTensors

/// The context of one forward pass. The same layers train and serve; what differs is here.
public struct Pass {
    /// Sequences side by side; rows are [sequence, position].
    public var batch: Int
    /// i32 [rows]: each row's position in its own sequence.
    public var positions: Tensor
    /// The longest sequence this session will see.
    public var length: Int
    /// Tokens that were there as a whole when the session began: scalings that depend on the length fix their angles for them.
    public var known: Int
    /// Lengths of sequences that lie one after the other without padding, in place of `batch` equal ones; for attention only.
    public var documents: [Int]?
    /// u8 [batch, time], 0 where padded; nil where nothing is.
    public var keyMask: Tensor?
    /// Where operations are written down for the backward pass; nil when none follows.
    public var tape: Tape?
    /// Cached keys and values; nil when the rows are whole sequences.
    public var cache: CacheView?
    /// Which elements dropout takes in this step; nil when nothing is dropped.
    public var dropoutSeed: UInt64?
    /// Which adapters count.
    public var adapters = AdapterUse.all

    public init(
        batch: Int, positions: Tensor, length: Int, known: Int? = nil, keyMask: Tensor? = nil, tape: Tape? = nil, cache: CacheView? = nil,
        dropoutSeed: UInt64? = nil
    ) {
        self.batch = batch
        self.positions = positions
        self.length = length
        self.known = known ?? length
        self.keyMask = keyMask
        self.tape = tape
        self.cache = cache
        self.dropoutSeed = dropoutSeed
    }

    /// What the products with adapted weights need to know.
    var adapting: Adapting { Adapting(dropoutSeed: dropoutSeed, adapters) }

    /// Whole sequences of equal length, positions counted from 0.
    public static func sequences(batch: Int, time: Int, tape: Tape? = nil) -> Pass {
        let positions = (0..<batch).flatMap { _ in (0..<time).map(Int32.init) }
        return Pass(batch: batch, positions: Tensor(positions, [batch * time]), length: time, tape: tape)
    }

    /// Sequences of these lengths one after the other, positions counted from 0 in each; none sees another.
    public static func documents(_ lengths: [Int], tape: Tape? = nil) -> Pass {
        let positions = lengths.flatMap { (0..<$0).map(Int32.init) }
        var pass = Pass(batch: 1, positions: Tensor(positions, [positions.count]), length: lengths.max() ?? 0, tape: tape)
        pass.documents = lengths
        return pass
    }
}

/// One part of a model: built from its spec at a path, called with a tensor and the pass.
public protocol Layer: Sendable {
    associatedtype Spec
    init(_ spec: Spec, _ scope: ParameterScope) throws
    func callAsFunction(_ x: Tensor, _ pass: inout Pass) -> Tensor
}
