/// One pre-tokenizer of a sequence: cuts a stretch of text into words, some of which it may leave out or rewrite.
enum WordStep: Sendable, Equatable {
    case pattern(PreTokenizationPattern)
    /// Digits apart from the rest, each alone or runs of them. After `ByteLevel`, characters are its stand-ins for bytes.
    case digits(individually: Bool, inByteAlphabet: Bool)
    case punctuation(SplitBehavior)
    /// `[0-9][0-9][0-9]` apart from the rest.
    case digitTriples
    /// CLIP's words, which leave spaces out.
    case clip
    /// Runs of anything but spaces.
    case spaces
    /// BERT's words: no spaces, each punctuation mark alone.
    case bert
    /// `\w+|[^\w\s]+`.
    case wordRuns
    /// Any regex, or a fixed text.
    case split(SplitPattern, SplitBehavior, inverted: Bool)
    case scripts
    /// Pieces of so many characters.
    case fixedLength(Int)
    /// Spaces become another text, which may be put in front, and words begin with it.
    case metaspace(Metaspace)
    /// A space in front, unless there is one.
    case prefixSpace
    /// Bytes become their stand-ins, for steps that look at those.
    case byteAlphabet

    /// Calls `body` with each word, in order; words may lie in memory that is gone after the call. `isStart`: the text is the
    /// beginning of all text.
    func forEachWord(in text: TextBytes, isStart: Bool, _ body: (TextBytes) -> Void) {
        func cut(_ start: Int, _ end: Int) { body(TextBytes(text.base + start, end - start)) }
        switch self {
        case .pattern(let pattern): pattern.forEachWord(in: text, cut)
        case .digits(let individually, let inByteAlphabet):
            Self.apart(in: text, individually ? .isolated : .contiguous, cut) { index in
                if inByteAlphabet { return (Self.isDigitStandIn(text.base[index]), 1) }
                return ScalarBitmap.numeric.character(of: text, at: index)
            }
        case .punctuation(let behavior):
            Self.apart(in: text, behavior, cut) { ScalarBitmap.punctuation.character(of: text, at: $0) }
        case .digitTriples: Self.triples(in: text, cut)
        case .clip: CLIPWords.forEachWord(in: text, cut)
        case .spaces: SpaceWords().forEachWord(in: text, cut)
        case .bert: BertWords().forEachWord(in: text, cut)
        case .wordRuns: Self.wordRuns(in: text, cut)
        case .split(let pattern, let behavior, let inverted):
            let matches = MatchList(count: text.count, inverts: inverted) { pattern.forEachMatch(in: text, $0) }
            matches.forEachWord(behavior, cut)
        case .scripts: Scripts.forEachWord(in: text, cut)
        case .fixedLength(let length): Self.pieces(of: length, in: text, cut)
        case .metaspace(let metaspace): metaspace.forEachWord(in: text, isStart: isStart, body)
        case .prefixSpace: text.base[0] == 0x20 ? body(text) : Self.withBytes([0x20] + text.array, body)
        case .byteAlphabet: Self.withBytes(ByteAlphabet.encode(text.array), body)
        }
    }

    /// True if words are new texts, not parts of the text that was cut.
    var rewrites: Bool {
        switch self {
        case .metaspace, .prefixSpace, .byteAlphabet: true
        default: false
        }
    }

    /// True if what becomes of a text depends on whether it is the beginning.
    var dependsOnStart: Bool {
        if case .metaspace(let metaspace) = self { return metaspace.prepending == .first }
        return false
    }

    static func withBytes(_ bytes: [UInt8], _ body: (TextBytes) -> Void) {
        bytes.withUnsafeBufferPointer { buffer in
            if let base = buffer.baseAddress, !buffer.isEmpty { body(TextBytes(base, buffer.count)) }
        }
    }

    /// Bytes whose stand-in is a digit for Unicode: 0-9 and ² ³ ¹ ¼ ½ ¾.
    private static func isDigitStandIn(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || [0xB2, 0xB3, 0xB9, 0xBC, 0xBD, 0xBE].contains(byte)
    }

    /// Characters that match, and runs of those that do not.
    private static func apart(
        in text: TextBytes, _ behavior: SplitBehavior, _ body: (Int, Int) -> Void, matches: (Int) -> (isMember: Bool, length: Int)
    ) {
        var list = MatchList()
        var start = 0
        var index = 0
        while index < text.count {
            let (isMatch, length) = matches(index)
            if isMatch {
                if start < index { list.append(start, index, isMatch: false) }
                list.append(index, index + length, isMatch: true)
                start = index + length
            }
            index += length
        }
        if start < text.count { list.append(start, text.count, isMatch: false) }
        list.forEachWord(behavior, body)
    }

    private static func triples(in text: TextBytes, _ body: (Int, Int) -> Void) {
        let isDigit = { (index: Int) in (0x30...0x39).contains(text.base[index]) }
        var start = 0
        var index = 0
        while index < text.count {
            guard index + 2 < text.count, isDigit(index), isDigit(index + 1), isDigit(index + 2) else {
                index += 1
                continue
            }
            if start < index { body(start, index) }
            body(index, index + 3)
            index += 3
            start = index
        }
        if start < text.count { body(start, text.count) }
    }

    private static func wordRuns(in text: TextBytes, _ body: (Int, Int) -> Void) {
        var index = text.end(of: CharacterFlags.space, from: 0)
        while index < text.count {
            let start = index
            let isWord = ScalarBitmap.word.character(of: text, at: start).isMember
            while index < text.count {
                let (isMember, length) = ScalarBitmap.word.character(of: text, at: index)
                if isMember != isWord || text.character(at: index).flags & CharacterFlags.space != 0 { break }
                index += length
            }
            body(start, index)
            index = text.end(of: CharacterFlags.space, from: index)
        }
    }

    private static func pieces(of length: Int, in text: TextBytes, _ body: (Int, Int) -> Void) {
        var start = 0
        while start < text.count {
            var end = start
            for _ in 0..<length where end < text.count { end += text.scalar(at: end)?.1 ?? 1 }
            body(start, end)
            start = end
        }
    }
}

/// What a `Split` looks for.
enum SplitPattern: Sendable, Equatable {
    case text([UInt8])
    case regex(LinearRegex)

    func forEachMatch(in text: TextBytes, _ body: (Int, Int) -> Void) {
        switch self {
        case .regex(let regex): regex.forEachMatch(in: text, body)
        case .text(let wanted):
            var index = 0
            while index + wanted.count <= text.count {
                if text.base[index] == wanted[0], wanted.indices.allSatisfy({ text.base[index + $0] == wanted[$0] }) {
                    body(index, index + wanted.count)
                    index += wanted.count
                } else {
                    index += 1
                }
            }
        }
    }
}

/// Where the script changes, spaces aside; kana count as Han.
enum Scripts {
    static func forEachWord(in text: TextBytes, _ body: (Int, Int) -> Void) {
        var last = -1
        var start = text.count  // what stands before the first character with a script is left out, as the peer does
        var index = 0
        while index < text.count {
            let (scalar, length) = text.scalar(at: index) ?? (0xFFFD, 1)
            let hasScript = scalar != 0x20 && (scalar < 0x80 || isKnown(scalar, before: 10))  // the peer's table stands at Unicode 9
            let script = hasScript ? ScriptTable.shared.joinedNumber(of: scalar) : -1
            if script >= 0 {
                if last < 0 { start = index }
                if last >= 0, script != last, index > start {
                    body(start, index)
                    start = index
                }
                last = script
            }
            index += length
        }
        if start < text.count { body(start, text.count) }
    }
}
