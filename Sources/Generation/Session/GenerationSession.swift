public import QuintetLayers
public import QuintetTensors

/// One text being made: the model, its cache, and the logits of the last token.
///
/// ```swift
/// let session = try GenerationSession(model, capacity: 512)
/// try session.prefill([1, 403, 407])
/// session.step(sampler.next(session.logits))   // logits of the next position
/// ```
/// The first step is recorded; later ones replay its kernel calls with new ids and positions, so they allocate nothing.
public final class GenerationSession {
    public let model: Transformer
    /// Tokens the session can hold.
    public let capacity: Int
    /// Tokens it holds.
    public private(set) var count = 0

    /// Tokens of the first prefill: dynamic rope scaling turns them by one angle.
    private var known = 0
    private let cache: KVCache
    private let sequences: Tensor
    private var decode: DecodeStep?
    /// What was read, kept where the text has to be read again once it grows past a length (`Transformer.rereadLength`).
    private var history: [Int32] = []
    private let rereadLength: Int?
    private var lastLogits: Tensor
    /// Rows of a prefill that run at once: enough to fill the kernels, little enough to stay in cache.
    private static let chunk = 512

    /// - Throws: `OptionError` where the model cannot hold `capacity` tokens.
    public init(_ model: Transformer, capacity: Int, cacheType: CacheType = .f32) throws(OptionError) {
        if case .learned = model.spec.embedding.positions, capacity > model.spec.context {
            throw OptionError(option: "context", expected: "at most \(model.spec.context), the positions this model learned", found: "\(capacity)")
        }
        guard capacity > 0, capacity < 1 << 24 else {
            throw OptionError(option: "context", expected: "from 1 to \(1 << 24)", found: "\(capacity)")
        }
        guard model.spec.layers.cycle.allSatisfy(\.isCausal) else {
            throw OptionError(option: "model", expected: "one whose positions see only what came before", found: "a bidirectional one")
        }
        self.model = model
        self.capacity = capacity
        cache = KVCache(model.spec, capacity: capacity, type: cacheType)
        sequences = Tensor([Int32](repeating: 0, count: Self.chunk), [Self.chunk])
        lastLogits = Tensor.filled([1, model.spec.vocabulary])
        rereadLength = model.rereadLength
        history.reserveCapacity(rereadLength == nil ? 0 : capacity)
        cache.reserve(capacity)
    }

    /// Scores of every token for the next position; the next step overwrites them.
    public var logits: UnsafeMutableBufferPointer<Float> {
        UnsafeMutableBufferPointer(start: lastLogits.data.assumingMemoryBound(to: Float.self), count: lastLogits.count)
    }

    /// Bytes of keys and values that one more token reads and one token adds.
    public var cacheBytesPerToken: Int { cache.bytesPerPosition }

    /// Reads tokens after those already there; where `shouldStop` says so between two chunks of 512, what was read up to then stays, there are
    /// no logits, and false is returned.
    /// - Throws: `OptionError` where they do not fit, or an id is outside the vocabulary.
    @discardableResult
    public func prefill(_ ids: [Int32], shouldStop: () -> Bool = { false }) throws(OptionError) -> Bool {
        try check(ids)
        return read(ids, shouldStop)
    }

    @discardableResult
    private func read(_ new: [Int32], _ shouldStop: () -> Bool = { false }) -> Bool {
        let ids = crosses(new.count) ? Array(history.prefix(count)) + new : new
        if ids.count > new.count { count = 0 }
        if count == 0 { begin(ids.count) }
        remember(ids)
        var start = 0
        while start < ids.count {
            if start > 0, shouldStop() { return false }
            let end = min(start + Self.chunk, ids.count)
            let hidden = forward(Array(ids[start..<end]))
            count += end - start
            if end == ids.count { lastLogits = model.logits(hidden.slice(0, end - start - 1..<end - start).contiguous()) }
            start = end
        }
        return true
    }

    /// Reads one token; there has to be room (`count < capacity`).
    public func step(_ token: Int32) {
        precondition(count < capacity, "the session is full")
        if crosses(1) {
            read([token])
            return
        }
        if rereadLength != nil { remember([token]) }
        let decode = self.decode ?? DecodeStep(model, cache, rows: 1, length: capacity, known: known)
        self.decode = decode
        decode.set(0, id: token, position: count, sequence: 0)
        count += 1
        lastLogits = decode.run()
    }

    /// Whether a text that began short grows past the length at which everything is turned by other angles.
    private func crosses(_ new: Int) -> Bool {
        guard let rereadLength, count > 0, known <= rereadLength else { return false }
        return count + new > rereadLength
    }

    private func remember(_ ids: [Int32]) {
        guard rereadLength != nil else { return }
        history.removeLast(max(history.count - count, 0))
        history += ids
    }

    /// Forgets everything read; the pages stay.
    public func reset() { count = 0 }

    /// Forgets what was read after the first `length` tokens; the logits are those of the next token that is read.
    /// - Throws: `OptionError` where the model holds a state that cannot go back.
    public func rewind(to length: Int) throws(OptionError) {
        precondition((0...count).contains(length), "a session goes back to where it was")
        guard length == count || model.canRewind else {
            throw OptionError(option: "model", expected: "one that keeps each token apart (attention)", found: "one whose state cannot go back")
        }
        // What is short again is turned as a short text.
        if let rereadLength, known > rereadLength, length > 0, length <= rereadLength {
            count = 0
            read(Array(history.prefix(length)))
            return
        }
        count = length
        if history.count > length { history.removeLast(history.count - length) }
    }

    /// Goes back to the first `length` tokens, or to none where the model holds a state that cannot go back.
    func keep(_ length: Int) throws(OptionError) {
        if model.canRewind || length == count { try rewind(to: length) } else { reset() }
    }

    /// Reads tokens and gives the logits after each: [ids, vocabulary], the same bits as of single steps. Not for models that read
    /// a text again when it grows (`canDraft`).
    /// - Throws: `OptionError` as `prefill`.
    func extend(_ ids: [Int32]) throws(OptionError) -> Tensor {
        try check(ids)
        if crosses(ids.count) { return stepped(ids) }
        remember(ids)
        let hidden = forward(ids)
        count += ids.count
        return model.logits(hidden)
    }

    /// The same token by token.
    private func stepped(_ ids: [Int32]) -> Tensor {
        var rows: [Float] = []
        for id in ids {
            step(id)
            rows += logits
        }
        return Tensor(rows, [ids.count, model.spec.vocabulary])
    }

    /// A text of another length may need other angles, which the recorded calls do not read.
    private func begin(_ length: Int) {
        if known != length { decode = nil }
        known = length
    }

    private func forward(_ ids: [Int32]) -> Tensor {
        let rows = ids.count
        let positions = Tensor((0..<rows).map { Int32(count + $0) }, [rows])
        var pass = Pass(
            batch: 1, positions: positions, length: capacity, known: known,
            cache: CacheView(cache, sequences: sequences.slice(0, 0..<rows)))
        return model(Tensor(ids, [rows]), &pass)
    }

    private func check(_ ids: [Int32]) throws(OptionError) {
        guard !ids.isEmpty, ids.count <= capacity - count else {
            throw OptionError(option: "prompt", expected: "1 to \(capacity - count) tokens", found: "\(ids.count)")
        }
        if let wrong = ids.first(where: { $0 < 0 || Int($0) >= model.spec.vocabulary }) {
            throw OptionError(option: "prompt", expected: "ids from 0 to \(model.spec.vocabulary - 1)", found: "\(wrong)")
        }
    }
}

extension Transformer {
    /// Whether what was read last can be forgotten: attention keeps each token in a place of its own.
    var canRewind: Bool { spec.layers.allSatisfy { if case .stateSpace = $0.mixer { false } else { true } } }

    /// Whether several tokens can be read on trial.
    var canDraft: Bool { canRewind && rereadLength == nil }
}

extension GenerationSession {
    /// The most likely continuation: `count` new tokens after `prompt`, whatever they are.
    public func greedy(_ prompt: [Int32], count: Int) throws(OptionError) -> [Int32] {
        reset()
        try prefill(prompt)
        var sampler = Sampler(.greedy, vocabulary: model.spec.vocabulary)
        var ids: [Int32] = []
        while ids.count < count {
            ids.append(sampler.next(logits))
            if ids.count < count { step(ids[ids.count - 1]) }
        }
        return ids
    }
}
