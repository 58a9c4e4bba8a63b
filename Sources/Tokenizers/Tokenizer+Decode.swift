/// Decoding in progress: where the start of the text and a run of byte tokens stand.
struct DecodeState {
    let plan: DecodePlan
    private var stripsLeft: Int
    private var run: [UInt8] = []
    private var isFirst = true
    /// A piece may still lose the space in front.
    private var isLeading = true

    init(_ plan: DecodePlan) {
        self.plan = plan
        stripsLeft = plan.stripCount
    }

    /// Adds the text of one token. `holdsRuns` keeps byte tokens back until their run is over.
    mutating func push(_ id: Int32, holdsRuns: Bool, into out: inout [UInt8]) {
        guard plan.ends.indices.contains(Int(id)) else { return }
        if !plan.byteValues.isEmpty, plan.byteValues[Int(id)] >= 0 {
            run.append(UInt8(plan.byteValues[Int(id)]))
            isFirst = false
            if !holdsRuns { releaseCharacters(into: &out) }
            return
        }
        endRun(into: &out)
        if let leading = plan.leading { return pushPiece(id, leading, into: &out) }
        let start = id == 0 ? 0 : plan.ends[Int(id) - 1]
        if isFirst, let first = plan.firsts[id] {
            isFirst = false
            return append(first[...], to: &out)
        }
        if !isFirst { out.append(contentsOf: plan.separator) }
        isFirst = false
        append(plan.bytes[start..<plan.ends[Int(id)]], to: &out)
    }

    private mutating func pushPiece(_ id: Int32, _ leading: SentencePieceDecoder.Leading, into out: inout [UInt8]) {
        var text = plan.bytes[plan.range(of: id)]
        if isLeading, leading != .none, id != plan.unknownID, text.first == 0x20 {
            text = text.dropFirst()
            if leading == .first { isLeading = false }
        }
        if !text.isEmpty { isLeading = false }
        out.append(contentsOf: text)
    }

    /// Each character of a run of bytes; a byte that is part of none becomes U+FFFD.
    private mutating func appendCharacters(_ bytes: [UInt8], to out: inout [UInt8]) {
        isLeading = false
        bytes.withUnsafeBufferPointer { run in
            guard let base = run.baseAddress else { return }
            var index = 0
            while index < run.count {
                let length = decodeScalar(base + index, run.count - index)?.1 ?? 0
                if length == 0 { out += [0xEF, 0xBF, 0xBD] }
                out.append(contentsOf: UnsafeBufferPointer(start: base + index, count: length))
                index += max(length, 1)
            }
        }
    }

    /// A run of byte tokens is text if it is UTF-8, else one replacement character a byte (as the peer does).
    mutating func endRun(into out: inout [UInt8]) {
        if run.isEmpty { return }
        let bytes = run
        run.removeAll(keepingCapacity: true)
        if plan.leading != nil { return appendCharacters(bytes, to: &out) }
        if String(validating: bytes, as: UTF8.self) != nil {
            append(bytes[...], to: &out)
        } else {
            for _ in bytes { append([0xEF, 0xBF, 0xBD], to: &out) }
        }
    }

    /// Hands out the characters that are complete, so that a stream need not wait for the end of the run.
    private mutating func releaseCharacters(into out: inout [UInt8]) {
        let complete = completeCount(run)
        guard complete > 0, String(validating: run[..<complete], as: UTF8.self) != nil else { return }
        append(run[..<complete], to: &out)
        run.removeFirst(complete)
    }

    private mutating func append(_ bytes: ArraySlice<UInt8>, to out: inout [UInt8]) {
        var bytes = bytes
        while stripsLeft > 0, let first = bytes.first {
            guard first == plan.stripped else {
                stripsLeft = 0
                break
            }
            stripsLeft -= 1
            bytes = bytes.dropFirst()
        }
        out.append(contentsOf: bytes)
    }
}

/// How many bytes come before an unfinished UTF-8 sequence at the end.
func completeCount(_ bytes: some RandomAccessCollection<UInt8>) -> Int {
    let tail = Array(bytes.suffix(3))
    for (index, byte) in tail.enumerated() where byte >= 0xC2 && byte <= 0xF4 {
        let length = byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4
        let rest = tail[(index + 1)...]
        if index + length > tail.count, rest.allSatisfy({ $0 & 0xC0 == 0x80 }) { return bytes.count - tail.count + index }
    }
    return bytes.count
}

extension Tokenizer {
    /// The text of ids. Ids that are not in the vocabulary are left out; broken UTF-8 becomes U+FFFD.
    public func decode(_ ids: some Sequence<Int32>, skipSpecialTokens: Bool = true) -> String {
        String(decoding: decodeBytes(ids, skipSpecialTokens: skipSpecialTokens), as: UTF8.self)
    }

    /// The bytes of ids, as they are: with a byte-level tokenizer `decodeBytes(encode(bytes)) == bytes` for any bytes.
    public func decodeBytes(_ ids: some Sequence<Int32>, skipSpecialTokens: Bool = true) -> [UInt8] {
        let all = Array(ids)  // a concrete type first: filtering `some Sequence` would call through witnesses, id by id
        let kept = skipSpecialTokens ? all.filter { !isSpecial($0) } : all
        if decodePlan.isPlain { return decodePlan.joined(kept) }
        if !decodePlan.chain.isEmpty { return decodePlan.chained(kept) }
        var state = DecodeState(decodePlan)
        var out: [UInt8] = []
        for id in kept { state.push(id, holdsRuns: true, into: &out) }
        state.endRun(into: &out)
        return out
    }

    /// A decoder that takes one id at a time and never hands out half a character.
    public func makeStreamingDecoder(skipSpecialTokens: Bool = true) -> StreamingDecoder {
        StreamingDecoder(self, skipSpecialTokens: skipSpecialTokens)
    }
}

/// Text from ids as they come. The pieces joined are `decode` of all ids (where byte tokens spell valid UTF-8).
public struct StreamingDecoder: Sendable {
    private let tokenizer: Tokenizer
    private let skipsSpecial: Bool
    private var state: DecodeState
    private var pending: [UInt8] = []
    /// All ids so far and the bytes handed out, for decoders that must see all tokens.
    private var ids: [Int32] = []
    private var handedOut = 0

    init(_ tokenizer: Tokenizer, skipSpecialTokens: Bool) {
        self.tokenizer = tokenizer
        skipsSpecial = skipSpecialTokens
        state = DecodeState(tokenizer.decodePlan)
    }

    /// The text that is certain after this id; empty while a character is incomplete.
    public mutating func append(_ id: Int32) -> String {
        if skipsSpecial && tokenizer.isSpecial(id) { return "" }
        if !tokenizer.decodePlan.chain.isEmpty { return appendToChain(id) }
        state.push(id, holdsRuns: false, into: &pending)
        let complete = completeCount(pending)
        if complete == 0 { return "" }
        defer { pending.removeFirst(complete) }
        return String(decoding: pending[..<complete], as: UTF8.self)
    }

    /// All but the last token's text is certain.
    private mutating func appendToChain(_ id: Int32) -> String {
        let certain = tokenizer.decodePlan.chained(ids + [id]).commonPrefix(with: tokenizer.decodePlan.chained(ids + [id, id == 0 ? 1 : 0]))
        ids.append(id)
        let complete = completeCount(certain)
        guard complete > handedOut else { return "" }
        defer { handedOut = complete }
        return String(decoding: certain[handedOut..<complete], as: UTF8.self)
    }

    /// What is left at the end: broken characters become U+FFFD.
    public mutating func finish() -> String {
        if !tokenizer.decodePlan.chain.isEmpty {
            defer { (ids, handedOut) = ([], 0) }
            return String(decoding: tokenizer.decodePlan.chained(ids).dropFirst(handedOut), as: UTF8.self)
        }
        state.endRun(into: &pending)
        defer { pending.removeAll() }
        return String(decoding: pending, as: UTF8.self)
    }
}

extension [UInt8] {
    /// The bytes that both begin with.
    fileprivate func commonPrefix(with other: [UInt8]) -> ArraySlice<UInt8> {
        self[..<(zip(indices, zip(self, other)).first { $1.0 != $1.1 }?.0 ?? Swift.min(count, other.count))]
    }
}
