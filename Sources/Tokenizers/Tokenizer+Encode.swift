import QuintetFiles
import Synchronization

/// The memory one encoding needs, kept from call to call: the word cache stays warm.
final class EncodeScratch: @unchecked Sendable {
    // Safe to share: a scratch is taken out of the tokenizer's pool by one thread at a time.
    var state = EncodeState()
    deinit { state.deallocate() }
}

/// What encoding does with the text of special tokens.
public enum SpecialTokenHandling: Sendable, Equatable {
    /// `<|endoftext|>` in the text becomes the token.
    case parsed
    /// It is text like any other.
    case asText
    /// It is text where it touches one of these byte ranges, which are in order: what others said within a template's text. Tokens that are not
    /// special, but by which the template tells its parts apart, are text where they touch a range of `marks`.
    case parsedOutside([Range<Int>], marks: TemplateMarks = TemplateMarks())

    /// Whether the text of a token at this place becomes the token.
    func takes(_ token: AddedToken, at place: Range<Int>) -> Bool {
        switch self {
        case .parsed: true
        case .asText: !token.special
        case .parsedOutside(let ranges, let marks):
            token.special ? !Self.touches(ranges, place) : !marks.ids.contains(token.id) || !Self.touches(marks.ranges, place)
        }
    }

    /// The same for a stretch that is normalized by itself, so that places in it are not those of the text.
    func within(_ stretch: Range<Int>) -> SpecialTokenHandling {
        guard case .parsedOutside(let ranges, let marks) = self else { return self }
        guard Self.touches(ranges, stretch) else { return .parsed }
        let everywhere = [0..<Int.max]
        return .parsedOutside(everywhere, marks: TemplateMarks(ids: marks.ids, ranges: Self.touches(marks.ranges, stretch) ? everywhere : []))
    }

    private static func touches(_ ranges: [Range<Int>], _ place: Range<Int>) -> Bool {
        var (low, high) = (0, ranges.count)
        while low < high {
            let middle = (low + high) / 2
            if ranges[middle].upperBound <= place.lowerBound { low = middle + 1 } else { high = middle }
        }
        return low < ranges.count && ranges[low].lowerBound < place.upperBound
    }
}

/// Added tokens that a template writes itself, special or not, and the byte ranges in which they are text.
public struct TemplateMarks: Sendable, Equatable {
    public var ids: Set<Int32> = []
    public var ranges: [Range<Int>] = []

    public init(ids: Set<Int32> = [], ranges: [Range<Int>] = []) {
        self.ids = ids
        self.ranges = ranges
    }
}

struct EncodeState {
    /// Threads this call may use for long stretches of text.
    var threads = 1
    /// True up to the first text of the call: some tokenizers treat the beginning in a way of its own.
    var isStart = true
    var cache = WordCache()
    var work = ModelWork()
    /// What threads found of the text before the part whose ids `sink` holds.
    var parts = IDParts()
    var sink = IDSink(capacity: 1024)

    mutating func deallocate() {
        cache.deallocate()
        work.deallocate()
        parts.removeAll()
        sink.deallocate()
    }
}

extension Tokenizer {
    /// The ids of a text; `addSpecialTokens` adds what the tokenizer's template adds (BOS and the like).
    ///
    /// With `specials: .asText` the text `<|endoftext|>` is text like any other: for what users type.
    public func encode(_ text: String, addSpecialTokens: Bool = true, specials: SpecialTokenHandling = .parsed) -> [Int32] {
        var ids: [Int32] = []
        var text = text
        text.withUTF8 {
            encode(bytes: UnsafeRawBufferPointer($0), into: &ids, addSpecialTokens: addSpecialTokens, specials: specials)
        }
        return ids
    }

    /// Appends the ids of UTF-8 text to `ids`. Bytes that are no UTF-8 come back unchanged from a byte-level tokenizer;
    /// others see each such byte as a character they do not know. The ids do not depend on `threads`.
    public func encode(
        bytes: UnsafeRawBufferPointer, into ids: inout [Int32], addSpecialTokens: Bool = true, specials: SpecialTokenHandling = .parsed,
        threads: Int = 1
    ) {
        let scratch = takeScratch()
        scratch.state.threads = threads
        if bytes.count > 0 { encodeRaw(bytes.bindMemory(to: UInt8.self), specials, &scratch.state) }
        addFramed(&scratch.state, addSpecialTokens, to: &ids)
        giveBack(scratch)
    }

    /// Cuts, puts the special tokens around, pads: as the file says.
    private func addFramed(_ state: inout EncodeState, _ addSpecialTokens: Bool, to ids: inout [Int32]) {
        let around = addSpecialTokens ? frame : (before: [], after: [])
        let start = ids.count
        ids.reserveCapacity(start + state.parts.count + state.sink.count + around.before.count + around.after.count)
        ids += around.before
        if state.parts.count > 0 { state.parts.append(to: &ids, threads: state.threads) }
        ids.append(contentsOf: UnsafeBufferPointer(start: state.sink.base, count: state.sink.count))
        limits.truncation?.cut(&ids, from: start + around.before.count, room: around.before.count + around.after.count)
        ids += around.after
        limits.padding?.pad(&ids, from: start)
    }

    func takeScratch() -> EncodeScratch {
        let taken = scratch.withLock { $0.popLast() } ?? EncodeScratch()
        taken.state.sink.count = 0
        taken.state.threads = 1
        taken.state.isStart = true
        return taken
    }

    /// Returns a scratch to the pool; a sink that grew for a long text is given up, so that one text does not hold memory for good.
    func giveBack(_ used: EncodeScratch) {
        used.state.sink.trim()
        used.state.parts.removeAll()
        scratch.withLock { $0.append(used) }
    }

    /// Added tokens of the raw text first, then each stretch between them.
    private func encodeRaw(_ text: UnsafeBufferPointer<UInt8>, _ specials: SpecialTokenHandling, _ state: inout EncodeState) {
        if rawSearch.isEmpty { return encodeStretch(text, specials.within(0..<text.count), &state) }
        for piece in rawSearch.pieces(of: text, specials) {
            if let id = piece.id {
                state.isStart = false
                state.sink.append(id)
            } else {
                encodeStretch(UnsafeBufferPointer(rebasing: text[piece.range]), specials.within(piece.range), &state)
            }
        }
    }

    private func encodeStretch(_ text: UnsafeBufferPointer<UInt8>, _ specials: SpecialTokenHandling, _ state: inout EncodeState) {
        guard let normalizer else { return encodeNormalized(text, specials, &state) }
        let bytes = normalizer.apply(to: Array(text))
        bytes.withUnsafeBufferPointer { encodeNormalized($0, specials, &state) }
    }

    private func encodeNormalized(_ text: UnsafeBufferPointer<UInt8>, _ specials: SpecialTokenHandling, _ state: inout EncodeState) {
        if normalizedSearch.isEmpty { return encodePlain(text, &state) }
        for piece in normalizedSearch.pieces(of: text, specials) {
            if let id = piece.id {
                state.isStart = false
                state.sink.append(id)
            } else {
                encodePlain(UnsafeBufferPointer(rebasing: text[piece.range]), &state)
            }
        }
    }

    private func encodePlain(_ text: UnsafeBufferPointer<UInt8>, _ state: inout EncodeState) {
        guard let base = text.baseAddress, text.count > 0 else { return }
        defer { state.isStart = false }
        guard plan.addsPrefixSpace, base[0] != 0x20 else { return encodeWords(TextBytes(base, text.count), &state) }
        WordStep.withBytes([0x20] + Array(text)) { encodeWords($0, &state) }
    }

    func encodeWords(_ text: TextBytes, _ state: inout EncodeState) {
        if state.threads > 1, text.count > Self.stretchBytes * 2, encodeInParallel(text, &state) { return }
        state.sink.reserveForText(bytes: text.count)
        switch plan.lead {
        case .pattern(.gpt2): run(GPT2Words(), text, &state)
        case .pattern(.cl100k): run(CL100KWords(digits: 3, joinsTrailingSpace: true), text, &state)
        case .pattern(.llama3): run(CL100KWords(digits: 3, joinsTrailingSpace: false), text, &state)
        case .pattern(.qwen2): run(CL100KWords(digits: 1, joinsTrailingSpace: false), text, &state)
        case .pattern(.o200k): run(O200KWords(digits: 3, takesContractions: true), text, &state)
        case .pattern(.tekken): run(O200KWords(digits: 1, takesContractions: false), text, &state)
        case .metaspaceRuns: run(MetaspaceWords(), text, &state)
        case .none: encodeRest(text, &state)
        case .metaspace(let metaspace): encode(text, metaspace, &state)
        case .spaces:
            SpaceWords().forEachWord(in: text) { start, end in
                if start > 0 { state.isStart = false }
                encodeWord(text, start, end, &state)
            }
        case .bert: BertWords().forEachWord(in: text) { encodeWord(text, $0, $1, &state) }
        case .other(let step):
            step.forEachWord(in: text, isStart: state.isStart) { word in
                if !step.rewrites, word.base != text.base { state.isStart = false }
                encodeWord(word, 0, word.count, &state)
                state.isStart = false
            }
        }
    }

    /// Words that begin with a space; the first may get a mark it does not have.
    private func encode(_ text: TextBytes, _ metaspace: Metaspace, _ state: inout EncodeState) {
        let prepends = metaspace.prepends(text, isStart: state.isStart)
        RawMetaspaceWords(metaspace: metaspace).forEachWord(in: text) { start, end in
            if start == 0, prepends {
                let word = UnsafeBufferPointer(start: text.base, count: end)
                WordStep.withBytes(metaspace.replacement + word) { encodeRest($0, &state) }
            } else {
                encodeWord(text, start, end, &state)
            }
        }
    }

    /// What the plan does with a word after its first cut.
    private func encodeRest(_ text: TextBytes, _ state: inout EncodeState) {
        if plan.rest.isEmpty { return model.encode(text.base, text.count, &state.work, &state.sink) }
        encode(text, plan.rest[...], &state)
    }

    /// Each step cuts the words of the one before.
    private func encode(_ text: TextBytes, _ steps: ArraySlice<WordStep>, _ state: inout EncodeState) {
        guard let step = steps.first else { return model.encode(text.base, text.count, &state.work, &state.sink) }
        step.forEachWord(in: text, isStart: state.isStart) { word in
            if !step.rewrites, word.base != text.base { state.isStart = false }
            encode(word, steps.dropFirst(), &state)
            state.isStart = false
        }
    }

    /// The hot loop: cut a word, look it up, copy its ids.
    @inline(__always)
    private func run(_ rule: some WordRule, _ text: TextBytes, _ state: inout EncodeState) {
        var start = 0
        while start < text.count {
            let end = rule.end(in: text, from: start)
            encodeWord(text, start, end, &state)
            start = end
        }
    }

    /// The ids of one word, from the cache where it has been seen.
    @inline(__always)
    private func encodeWord(_ text: TextBytes, _ start: Int, _ end: Int, _ state: inout EncodeState) {
        let word = text.base + start
        let length = end &- start
        guard length <= ShortKey.longest, !(state.isStart && plan.restDependsOnStart) else {
            return encodeRest(TextBytes(word, length), &state)
        }
        let key = ShortKey(word, length, readable: text.count &- start)
        let set = state.cache.set(of: key)
        state.sink.reserve(4)
        if set[0].low == key.low && set[0].high == key.high {
            state.sink.appendPadded(set[0].ids)
        } else if set[1].low == key.low && set[1].high == key.high {
            state.sink.appendPadded(set[1].ids)
        } else {
            encodeMiss(TextBytes(word, length), key, set, &state)
        }
    }

    @inline(never)
    private func encodeMiss(
        _ word: TextBytes, _ key: ShortKey, _ set: UnsafeMutablePointer<WordCache.Slot>, _ state: inout EncodeState
    ) {
        let before = state.sink.count
        encodeRest(word, &state)
        state.cache.store(key, state.sink.base + before, state.sink.count - before, in: set)
    }
}
