public import QuintetFiles

/// Training batches: packed sequences in an order that depends on seed and epoch only, with an exact cursor.
///
/// The split's documents lie end to end; each epoch cuts them into windows of `sequence + 1` tokens (a window's last token
/// is the next one's first), beginning at a small offset that changes with the epoch, and visits the windows in a shuffled
/// order. A batch that reaches the end of an epoch goes on in the next.
public struct BatchSampler: Sendable {
    public let dataset: TokenDataset
    /// Tokens per sequence, T.
    public let sequence: Int
    /// Sequences per batch, B.
    public let batch: Int
    public let seed: UInt64
    public let split: Split
    /// Windows in one epoch.
    public let windowsPerEpoch: Int

    private var at: Cursor
    private var order: ShuffledOrder
    private var offset: Int

    /// Where the sampler is: the epoch, and the number of windows of it that have been handed out.
    public struct Cursor: Sendable, Equatable {
        public var epoch: Int
        public var position: Int
        public init(epoch: Int = 0, position: Int = 0) {
            self.epoch = epoch
            self.position = position
        }
    }

    public init(_ dataset: TokenDataset, sequence: Int, batch: Int, seed: UInt64, split: Split = .train) throws(FileError) {
        guard sequence > 0, batch > 0 else {
            throw FileError("impossible batch", field: "sequence, batch", expected: "at least 1", found: "\(sequence), \(batch)")
        }
        let tokens = dataset.tokens(split)
        guard tokens > sequence else {
            throw FileError(
                "too few tokens for one sequence", path: dataset.folder, field: split.rawValue,
                expected: "at least \(sequence) + 1 tokens", found: "\(tokens)", hint: "gather more text or choose a shorter sequence")
        }
        self.dataset = dataset
        self.sequence = sequence
        self.batch = batch
        self.seed = seed
        self.split = split
        windowsPerEpoch = 1 + (tokens - sequence - 1) / sequence
        at = Cursor()
        order = ShuffledOrder(count: windowsPerEpoch, key: 0)
        offset = 0
        enter(epoch: 0)
    }

    public var cursor: Cursor {
        get { at }
        set {
            precondition(newValue.epoch >= 0 && (0..<windowsPerEpoch).contains(newValue.position), "no such place in the data")
            at = newValue
            enter(epoch: newValue.epoch)
        }
    }

    /// Tokens handed out as targets since the start.
    public var tokensSeen: Int { (at.epoch * windowsPerEpoch + at.position) * sequence }

    /// Epochs done, with the share of the current one.
    public var epochs: Double { Double(at.epoch) + Double(at.position) / Double(windowsPerEpoch) }

    private mutating func enter(epoch: Int) {
        let key = mix64(seed ^ mix64(UInt64(epoch) &+ 0x5155_494E_5445_5421))
        order = ShuffledOrder(count: windowsPerEpoch, key: key)
        let slack = (dataset.tokens(split) - sequence - 1) % sequence
        offset = Int(mix64(key) % UInt64(slack + 1))
    }

    /// Fills one batch: `inputs` [B, T], and `targets` [B, T], which are the inputs one token later.
    public mutating func next(into inputs: UnsafeMutableBufferPointer<Int32>, targets: UnsafeMutableBufferPointer<Int32>) {
        precondition(inputs.count == batch * sequence && targets.count == inputs.count, "buffers are not [batch, sequence]")
        for row in 0..<batch {
            let part = row * sequence..<(row + 1) * sequence
            let start = offset + order[at.position] * sequence
            dataset.copy(split, from: start, into: UnsafeMutableBufferPointer(rebasing: inputs[part]))
            dataset.copy(split, from: start + 1, into: UnsafeMutableBufferPointer(rebasing: targets[part]))
            step()
        }
    }

    private mutating func step() {
        at.position += 1
        if at.position < windowsPerEpoch { return }
        at = Cursor(epoch: at.epoch + 1, position: 0)
        enter(epoch: at.epoch)
    }

    /// One batch as arrays [B, T], row by row.
    public mutating func next() -> (inputs: [Int32], targets: [Int32]) {
        var inputs = [Int32](repeating: 0, count: batch * sequence)
        var targets = inputs
        inputs.withUnsafeMutableBufferPointer { x in targets.withUnsafeMutableBufferPointer { y in next(into: x, targets: y) } }
        return (inputs, targets)
    }
}

extension BatchSampler {
    /// Everything that decides the batches from here on, for a checkpoint.
    public var state: JSON {
        [
            "epoch": JSON(at.epoch), "position": JSON(at.position), "sequence": JSON(sequence), "batch": JSON(batch),
            "seed": .string(String(seed)), "split": .string(split.rawValue), "dataset": .string(dataset.fingerprint),
        ]
    }

    /// Goes to where a checkpoint's `state` was; if anything else differs, an error lists it and nothing changes.
    public mutating func restore(_ saved: JSON, source: String = "checkpoint") throws(FileError) {
        let differences = ["dataset", "sequence", "batch", "seed", "split"].filter { saved[$0] != state[$0] }
        if !differences.isEmpty {
            throw FileError(
                "the data feed is not the one of the checkpoint", path: source, field: differences.joined(separator: ", "),
                expected: list(saved, differences), found: list(state, differences),
                hint: "resume with the same data and settings, or start a new run")
        }
        let fields = Fields(saved, path: source)
        cursor = Cursor(
            epoch: try fields.int("epoch", 0...1 << 40), position: try fields.int("position", 0...windowsPerEpoch - 1))
    }

    private func list(_ state: JSON, _ keys: [String]) -> String {
        keys.map { (state[$0] ?? .null).serialized() }.joined(separator: ", ")
    }
}
