import QuintetFiles
import Synchronization

/// The memory one encoding needs, kept from call to call: the word cache stays warm.
final class EncodeScratch: @unchecked Sendable {
    // Safe to share: a scratch is taken out of the tokenizer's pool by one thread at a time.
    var state = EncodeState()
    deinit { state.deallocate() }
}

struct EncodeState {
    /// Threads this call may use for long stretches of text.
    var threads = 1
    var cache = WordCache()
    var work = MergeWork()
    var sink = IDSink(capacity: 1024)

    func deallocate() {
        cache.deallocate()
        work.deallocate()
        sink.deallocate()
    }
}

extension Tokenizer {
    /// The ids of a text; `addSpecialTokens` adds what the tokenizer's template adds (BOS and the like).
    public func encode(_ text: String, addSpecialTokens: Bool = true) -> [Int32] {
        encode(text, addSpecialTokens: addSpecialTokens, parsesSpecialTokens: true)
    }

    /// As `encode`, and with `parsesSpecialTokens: false` the text `<|endoftext|>` is text like any other: for what users type.
    public func encode(_ text: String, addSpecialTokens: Bool, parsesSpecialTokens: Bool) -> [Int32] {
        var ids: [Int32] = []
        var text = text
        text.withUTF8 {
            encode(
                bytes: UnsafeRawBufferPointer($0), into: &ids, addSpecialTokens: addSpecialTokens,
                parsesSpecialTokens: parsesSpecialTokens)
        }
        return ids
    }

    /// Appends the ids of UTF-8 text to `ids`. Bytes that are no UTF-8 come back unchanged from a byte-level tokenizer;
    /// others see each such byte as a character they do not know. The ids do not depend on `threads`.
    public func encode(
        bytes: UnsafeRawBufferPointer, into ids: inout [Int32], addSpecialTokens: Bool = true, parsesSpecialTokens: Bool = true,
        threads: Int = 1
    ) {
        let scratch = takeScratch()
        scratch.state.threads = threads
        if addSpecialTokens { for id in frame.before { scratch.state.sink.append(id) } }
        if bytes.count > 0 { encodeRaw(bytes.bindMemory(to: UInt8.self), parsesSpecialTokens, &scratch.state) }
        if addSpecialTokens { for id in frame.after { scratch.state.sink.append(id) } }
        ids.append(contentsOf: UnsafeBufferPointer(start: scratch.state.sink.base, count: scratch.state.sink.count))
        giveBack(scratch)
    }

    func takeScratch() -> EncodeScratch {
        let taken = scratch.withLock { $0.popLast() } ?? EncodeScratch()
        taken.state.sink.count = 0
        taken.state.threads = 1
        return taken
    }

    /// Returns a scratch to the pool; a sink that grew for a long text is given up, so that one text does not hold memory for good.
    func giveBack(_ used: EncodeScratch) {
        used.state.sink.trim()
        scratch.withLock { $0.append(used) }
    }

    /// Added tokens of the raw text first, then each stretch between them.
    private func encodeRaw(_ text: UnsafeBufferPointer<UInt8>, _ parsesSpecial: Bool, _ state: inout EncodeState) {
        if rawSearch.isEmpty { return encodeStretch(text, parsesSpecial, &state) }
        for piece in rawSearch.pieces(of: text, skipsSpecial: !parsesSpecial) {
            if let id = piece.id {
                state.sink.append(id)
            } else {
                encodeStretch(UnsafeBufferPointer(rebasing: text[piece.range]), parsesSpecial, &state)
            }
        }
    }

    private func encodeStretch(_ text: UnsafeBufferPointer<UInt8>, _ parsesSpecial: Bool, _ state: inout EncodeState) {
        guard let normalizer else { return encodeNormalized(text, parsesSpecial, &state) }
        let bytes = normalizer.apply(to: Array(text))
        bytes.withUnsafeBufferPointer { encodeNormalized($0, parsesSpecial, &state) }
    }

    private func encodeNormalized(_ text: UnsafeBufferPointer<UInt8>, _ parsesSpecial: Bool, _ state: inout EncodeState) {
        if normalizedSearch.isEmpty { return encodePlain(text, &state) }
        for piece in normalizedSearch.pieces(of: text, skipsSpecial: !parsesSpecial) {
            if let id = piece.id {
                state.sink.append(id)
            } else {
                encodePlain(UnsafeBufferPointer(rebasing: text[piece.range]), &state)
            }
        }
    }

    private func encodePlain(_ text: UnsafeBufferPointer<UInt8>, _ state: inout EncodeState) {
        guard let base = text.baseAddress, text.count > 0 else { return }
        guard plan.addsPrefixSpace, base[0] != 0x20 else { return encodeWords(TextBytes(base, text.count), &state) }
        let spaced = [0x20] + Array(text)
        spaced.withUnsafeBufferPointer { bytes in
            if let base = bytes.baseAddress { encodeWords(TextBytes(base, bytes.count), &state) }
        }
    }

    func encodeWords(_ text: TextBytes, _ state: inout EncodeState) {
        if !plan.steps.isEmpty { return encode(text, steps: plan.steps[...], &state) }
        if state.threads > 1, text.count > Self.stretchBytes * 2, encodeInParallel(text, &state) { return }
        state.sink.reserve(text.count / 4)
        switch plan.pattern {
        case .gpt2: run(GPT2Words(), text, &state)
        case .cl100k: run(CL100KWords(digits: 3, joinsTrailingSpace: true), text, &state)
        case .llama3: run(CL100KWords(digits: 3, joinsTrailingSpace: false), text, &state)
        case .qwen2: run(CL100KWords(digits: 1, joinsTrailingSpace: false), text, &state)
        case .o200k: run(O200KWords(digits: 3, takesContractions: true), text, &state)
        case .tekken: run(O200KWords(digits: 1, takesContractions: false), text, &state)
        case nil where plan.cutsAtMetaspace: run(MetaspaceWords(), text, &state)
        case nil: model.encode(text.base, text.count, &state.work, &state.sink)
        }
    }

    /// Words of a sequence of pre-tokenizers: each step cuts the words of the one before.
    private func encode(_ text: TextBytes, steps: ArraySlice<WordStep>, _ state: inout EncodeState) {
        guard let step = steps.first else { return encodeWord(text.base, text.count, readable: text.count, &state) }
        step.forEachWord(in: text) { start, end in
            encode(TextBytes(text.base + start, end - start), steps: steps.dropFirst(), &state)
        }
    }

    /// The hot loop: cut a word, look it up, copy its ids.
    @inline(__always)
    private func run(_ rule: some WordRule, _ text: TextBytes, _ state: inout EncodeState) {
        var start = 0
        while start < text.count {
            let end = rule.end(in: text, from: start)
            encodeWord(text.base + start, end &- start, readable: text.count &- start, &state)
            start = end
        }
    }

    /// The ids of one word, from the cache where it has been seen.
    @inline(__always)
    private func encodeWord(_ word: UnsafePointer<UInt8>, _ length: Int, readable: Int, _ state: inout EncodeState) {
        guard length <= ShortKey.longest else { return model.encode(word, length, &state.work, &state.sink) }
        let key = ShortKey(word, length, readable: readable)
        let set = state.cache.set(of: key, seed: ByteHash.seed)
        state.sink.reserve(4)
        if set[0].low == key.low && set[0].high == key.high {
            state.sink.appendPadded(set[0].ids)
        } else if set[1].low == key.low && set[1].high == key.high {
            state.sink.appendPadded(set[1].ids)
        } else {
            encodeMiss(word, length, key, set, &state)
        }
    }

    @inline(never)
    private func encodeMiss(
        _ word: UnsafePointer<UInt8>, _ length: Int, _ key: ShortKey, _ set: UnsafeMutablePointer<WordCache.Slot>,
        _ state: inout EncodeState
    ) {
        let before = state.sink.count
        model.encode(word, length, &state.work, &state.sink)
        state.cache.store(key, state.sink.base + before, state.sink.count - before, in: set)
    }
}
