import QuintetLayers
import QuintetTensors

/// The logits after each token of a text, read one by one or, with a draft, several at once; the bits are the same.
struct Speculation {
    private let session: GenerationSession
    private var draft: Draft?
    private let stream: UInt64
    /// Logits after the token before the proposals and after each of them: [proposals + 1, vocabulary].
    private var rows: Tensor?
    private var proposals: [Int32] = []
    /// Proposals that were chosen so far, and the tokens the session held before them.
    private var taken = 0
    private var base = 0
    private(set) var drafted = 0
    private(set) var accepted = 0

    init(_ session: GenerationSession, _ options: GenerationOptions, _ sampling: SamplingOptions) throws(OptionError) {
        self.session = session
        stream = options.stream
        draft = session.model.canDraft
            ? try Draft(options.draft, capacity: session.capacity, sampling: sampling, vocabulary: session.model.spec.vocabulary) : nil
    }

    /// The logits after `id`, the last token of `text`, which has not been read; `room` more may follow.
    mutating func logits(after id: Int32, text: @autoclosure () -> [Int32], step: UInt64, room: Int) throws(OptionError) -> UnsafeMutableBufferPointer<Float> {
        if let rows, taken < proposals.count, proposals[taken] == id {
            taken += 1
            accepted += 1
            return Self.row(rows, taken)
        }
        try settle()
        guard draft != nil else { return single(id) }
        proposals = try draft?.propose(after: text(), step: step, stream: stream, most: min(room, session.capacity - session.count - 1)) ?? []
        if proposals.isEmpty { return single(id) }
        drafted += proposals.count
        base = session.count
        let rows = try session.extend([id] + proposals)
        self.rows = rows
        return Self.row(rows, 0)
    }

    /// Takes back what the session read of proposals that were not chosen.
    mutating func settle() throws(OptionError) {
        guard rows != nil else { return }
        draft?.judge(proposed: proposals.count, accepted: taken)
        try session.rewind(to: base + 1 + taken)
        (rows, proposals, taken) = (nil, [], 0)
    }

    private func single(_ id: Int32) -> UnsafeMutableBufferPointer<Float> {
        session.step(id)
        return session.logits
    }

    private static func row(_ rows: Tensor, _ index: Int) -> UnsafeMutableBufferPointer<Float> {
        let width = rows.shape[1]
        return UnsafeMutableBufferPointer(start: rows.data.assumingMemoryBound(to: Float.self) + index * width, count: width)
    }
}
