/// One pre-tokenizer of a sequence: cuts a stretch of text into words, some of which it may leave out.
enum WordStep: Sendable, Equatable {
    case pattern(PreTokenizationPattern)
    /// Digits apart from the rest: each alone, or runs of them. After `ByteLevel`, characters are its stand-ins for bytes.
    case digits(individually: Bool, inByteAlphabet: Bool)
    /// Punctuation apart from the rest: each alone, or runs of it.
    case punctuation(individually: Bool)
    /// `[0-9][0-9][0-9]` apart from the rest.
    case digitTriples
    /// CLIP's words, which leave spaces out.
    case clip

    func forEachWord(in text: TextBytes, _ body: (Int, Int) -> Void) {
        switch self {
        case .pattern(let pattern): pattern.forEachWord(in: text, body)
        case .digits(let individually, let inByteAlphabet):
            Self.apart(in: text, individually: individually, body) { index in
                if inByteAlphabet { return (Self.isDigitStandIn(text.base[index]), 1) }
                let (flags, length) = text.character(at: index)
                return (flags & CharacterFlags.number != 0, length)
            }
        case .punctuation(let individually):
            Self.apart(in: text, individually: individually, body) { index in
                let (flags, length) = text.character(at: index)
                if length == 1 { return (flags & (CharacterFlags.punctuation | CharacterFlags.symbol) != 0, 1) }
                return (Self.isPunctuation(text, index, flags), length)
            }
        case .digitTriples: Self.triples(in: text, body)
        case .clip: CLIPWords.forEachWord(in: text, body)
        }
    }

    /// Punctuation beyond ASCII as the peer's table has it, which stands at Unicode 8.
    private static func isPunctuation(_ text: TextBytes, _ index: Int, _ flags: UInt16) -> Bool {
        guard let (code, _) = text.scalar(at: index), let scalar = Unicode.Scalar(code) else { return false }
        if code == 0x166D || code == 0x111C9 { return true }
        guard flags & CharacterFlags.punctuation != 0, let age = scalar.properties.age else { return false }
        return age.major < 9 && code != 0x2E43
    }

    /// Bytes whose stand-in is a digit for Unicode: 0-9 and ² ³ ¹ ¼ ½ ¾.
    private static func isDigitStandIn(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || [0xB2, 0xB3, 0xB9, 0xBC, 0xBD, 0xBE].contains(byte)
    }

    /// Runs of matching and of other characters by turns; `individually` makes each matching character a word.
    private static func apart(
        in text: TextBytes, individually: Bool, _ body: (Int, Int) -> Void, matches: (Int) -> (Bool, Int)
    ) {
        var start = 0
        var wasMatch = false
        var index = 0
        while index < text.count {
            let (isMatch, length) = matches(index)
            if index > start, isMatch != wasMatch || isMatch && individually {
                body(start, index)
                start = index
            }
            wasMatch = isMatch
            index += length
        }
        if start < text.count { body(start, text.count) }
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
}

/// `<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+`; the rest is left out.
enum CLIPWords {
    static let regex = #"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"#
    private static let marks = ["<|startoftext|>", "<|endoftext|>"].map { Array($0.utf8) }
    private typealias F = CharacterFlags

    static func forEachWord(in text: TextBytes, _ body: (Int, Int) -> Void) {
        var index = text.end(of: F.space, from: 0)
        while index < text.count {
            let stop = end(in: text, from: index)
            body(index, stop)
            index = text.end(of: F.space, from: stop)
        }
    }

    private static func end(in text: TextBytes, from start: Int) -> Int {
        let rest = UnsafeBufferPointer(start: text.base + start, count: text.count - start)
        if rest[0] == 0x3C, let mark = marks.first(where: { rest.starts(with: $0) }) { return start + mark.count }
        if rest[0] == 0x27 {
            let length = contraction(in: text, at: start, ignoringCase: false)
            if length > 0 { return start + length }
        }
        let (flags, length) = text.character(at: start)
        if flags & F.letter != 0 { return text.end(of: F.letter, from: start + length) }
        if flags & F.number != 0 { return start + length }
        return text.end(ofNone: F.space | F.letter | F.number, from: start + length)
    }
}
