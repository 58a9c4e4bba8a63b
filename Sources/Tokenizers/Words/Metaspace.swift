/// SentencePiece's way with spaces: they become "▁", which may also be put in front, and words begin with it.
struct Metaspace: Sendable, Equatable {
    enum Prepending: String, Sendable {
        case always, first, never
    }

    var replacement: [UInt8]
    var prepending: Prepending
    var splits: Bool

    static let usual = Array("▁".utf8)

    func forEachWord(in text: TextBytes, isStart: Bool, _ body: (TextBytes) -> Void) {
        WordStep.withBytes(rewritten(text, isStart: isStart)) { text in
            guard splits else { return body(text) }
            var start = 0
            var index = startsWithReplacement(text, 0) ? replacement.count : 0
            while index < text.count {
                if startsWithReplacement(text, index) {
                    if start < index { body(TextBytes(text.base + start, index - start)) }
                    start = index
                    index += replacement.count
                } else {
                    index += 1
                }
            }
            body(TextBytes(text.base + start, text.count - start))
        }
    }

    @inline(__always)
    func startsWithReplacement(_ text: TextBytes, _ index: Int) -> Bool {
        guard index + replacement.count <= text.count, text.base[index] == replacement[0] else { return false }
        return replacement.indices.allSatisfy { text.base[index + $0] == replacement[$0] }
    }

    private func rewritten(_ text: TextBytes, isStart: Bool) -> [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(text.count + 16)
        if prepends(text, isStart: isStart) { out += replacement }
        for index in 0..<text.count {
            if text.base[index] == 0x20 { out += replacement } else { out.append(text.base[index]) }
        }
        return out
    }

    /// Whether the replacement is put in front of a text.
    func prepends(_ text: TextBytes, isStart: Bool) -> Bool {
        if prepending == .never || prepending == .first && !isStart { return false }
        return text.base[0] != 0x20 && !startsWithReplacement(text, 0)
    }
}

/// The words that a splitting `Metaspace` cuts, seen in the text before spaces are replaced.
struct RawMetaspaceWords: Sendable {
    let metaspace: Metaspace

    @inline(__always)
    func forEachWord(in text: TextBytes, _ body: (Int, Int) -> Void) {
        var start = 0
        while start < text.count {
            var index = start + (text.base[start] == 0x20 ? 1 : metaspace.startsWithReplacement(text, start) ? metaspace.replacement.count : 1)
            let lead = metaspace.replacement[0]
            while index < text.count, text.base[index] != 0x20 {
                if text.base[index] == lead, metaspace.startsWithReplacement(text, index) { break }
                index += 1
            }
            body(start, index)
            start = index
        }
    }
}
