internal import QuintetFiles

/// The held-out windows in a fixed order, with the bytes of text behind the targets, for loss and bits per byte.
///
/// bits per byte = (sum of the targets' losses in nats) / ln 2 / (sum of `bytes`).
public struct ValidationWindows: Sendable {
    public let dataset: TokenDataset
    /// Tokens per sequence: what was asked for, or less where the split is shorter than one sequence.
    public let sequence: Int
    public let batch: Int
    /// Windows that are visited.
    public let windows: Int
    private let all: Int
    private var at = 0

    /// What one call of `next` filled: `rows` sequences, and the bytes of text that their targets stand for.
    public struct Part: Sendable, Equatable {
        public var rows: Int
        public var bytes: Int
        public init(rows: Int, bytes: Int) {
            self.rows = rows
            self.bytes = bytes
        }
    }

    /// At most `limit` windows, spread evenly over the split; nil takes all of them.
    public init(_ dataset: TokenDataset, sequence: Int, batch: Int, limit: Int? = nil) {
        precondition(sequence > 0 && batch > 0)
        self.dataset = dataset
        self.batch = batch
        self.sequence = max(1, min(sequence, dataset.validationTokens - 1))
        all = max(0, dataset.validationTokens - 1) / self.sequence
        windows = min(all, max(limit ?? all, 0))
    }

    public mutating func restart() { at = 0 }

    /// Fills up to B rows of `inputs` and `targets` [B, T] from the front; nil at the end. Only `rows` rows are touched.
    public mutating func next(
        into inputs: UnsafeMutableBufferPointer<Int32>, targets: UnsafeMutableBufferPointer<Int32>
    ) -> Part? {
        precondition(inputs.count >= batch * sequence && targets.count >= batch * sequence, "buffers are smaller than [batch, sequence]")
        let rows = min(batch, windows - at)
        if rows <= 0 { return nil }
        for row in 0..<rows {
            let part = row * sequence..<(row + 1) * sequence
            let start = (at + row) * all / windows * sequence
            dataset.copy(.validation, from: start, into: UnsafeMutableBufferPointer(rebasing: inputs[part]))
            dataset.copy(.validation, from: start + 1, into: UnsafeMutableBufferPointer(rebasing: targets[part]))
        }
        at += rows
        return Part(rows: rows, bytes: dataset.textBytes(of: targets[..<(rows * sequence)]))
    }
}
