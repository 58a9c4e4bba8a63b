#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Finds added tokens in text, leftmost and longest first, by a byte trie.
struct AddedTokenSearch: Sendable {
    /// A stretch of text between added tokens (`id` nil), or an added token.
    struct Piece: Equatable {
        var id: Int32?
        var range: Range<Int>
    }

    private var tokens: [AddedToken] = []
    private let trie = ByteTrie()
    private var starts = [Bool](repeating: false, count: 256)
    /// The byte all tokens begin with, if there is one: then memchr does the search.
    private var onlyStart: UInt8?

    var isEmpty: Bool { tokens.isEmpty }

    /// `contents[i]` is what is searched for `tokens[i]`: normalized tokens look different from their content.
    init(_ tokens: [AddedToken], contents: [[UInt8]]) {
        self.tokens = tokens
        for (index, content) in contents.enumerated() where !content.isEmpty { add(content, Int32(index)) }
        let first = starts.indices.filter { starts[$0] }
        onlyStart = first.count == 1 ? UInt8(first[0]) : nil
    }

    private mutating func add(_ content: [UInt8], _ index: Int32) {
        starts[Int(content[0])] = true
        trie.insert(content, index)
    }

    /// Cuts `text` into pieces; `.asText` leaves special tokens as plain text.
    func pieces(of text: UnsafeBufferPointer<UInt8>, _ specials: SpecialTokenHandling) -> [Piece] {
        var pieces: [Piece] = []
        var done = 0
        var index = 0
        while let start = nextStart(in: text, from: index) {
            guard let (token, end) = longestMatch(in: text, at: start) else {
                index = start + 1
                continue
            }
            index = end
            guard let range = accepted(token, start..<end, in: text, done: done, specials) else { continue }
            if done < range.lowerBound { pieces.append(Piece(id: nil, range: done..<range.lowerBound)) }
            pieces.append(Piece(id: token.id, range: range))
            // The search goes on where the token itself ended, as the reference's does: what it took along may begin another one.
            done = range.upperBound
        }
        if done < text.count { pieces.append(Piece(id: nil, range: done..<text.count)) }
        return pieces
    }

    private func nextStart(in text: UnsafeBufferPointer<UInt8>, from index: Int) -> Int? {
        guard index < text.count, let base = text.baseAddress else { return nil }
        if let onlyStart {
            guard let found = memchr(base + index, Int32(onlyStart), text.count - index) else { return nil }
            return UnsafeRawPointer(base).distance(to: UnsafeRawPointer(found))
        }
        return starts.withUnsafeBufferPointer { starts in
            (index..<text.count).first { starts[Int(text[$0])] }
        }
    }

    private func longestMatch(in text: UnsafeBufferPointer<UInt8>, at start: Int) -> (AddedToken, Int)? {
        guard let base = text.baseAddress, let (length, index) = trie.longestPrefix(base + start, text.count - start) else { return nil }
        return (tokens[Int(index)], start + length)
    }

    /// The range the token takes, with the spaces it strips; nil where it does not count.
    private func accepted(
        _ token: AddedToken, _ match: Range<Int>, in text: UnsafeBufferPointer<UInt8>, done: Int, _ specials: SpecialTokenHandling
    ) -> Range<Int>? {
        guard let base = text.baseAddress, specials.takes(token, at: match) else { return nil }
        let view = TextBytes(base, text.count)
        if token.singleWord {
            let before = match.lowerBound > 0 && isWord(view, at: view.characterStart(before: match.lowerBound, notBefore: 0))
            let after = match.upperBound < text.count && isWord(view, at: match.upperBound)
            if before || after { return nil }
        }
        var (lower, upper) = (match.lowerBound, match.upperBound)
        while token.stripsLeft, lower > done {
            let start = view.characterStart(before: lower, notBefore: done)
            if view.character(at: start).flags & CharacterFlags.space == 0 { break }
            lower = start
        }
        if token.stripsRight { upper = view.end(of: CharacterFlags.space, from: upper) }
        return lower..<upper
    }

    /// `\w`: letters, marks, decimal digits and connecting punctuation.
    private func isWord(_ text: TextBytes, at index: Int) -> Bool {
        let flags = text.character(at: index).flags
        return flags & (CharacterFlags.letter | CharacterFlags.mark | CharacterFlags.number | CharacterFlags.connector) != 0
    }
}
