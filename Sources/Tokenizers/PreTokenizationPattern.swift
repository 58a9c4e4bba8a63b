/// How text is cut into words before merging: the known regexes, each with a hand-written linear-time form.
///
/// A pattern that is not in this list is refused with an error: a general regex can be made to hang.
public enum PreTokenizationPattern: String, Sendable, CaseIterable {
    /// GPT-2, RoBERTa, Whisper, and the `ByteLevel` pre-tokenizer's own.
    case gpt2
    /// tiktoken's cl100k (GPT-4), possessive form; `{1,3}` without tiktoken's `+`, which other regex engines read as "again".
    case cl100k
    /// Llama 3 and other descendants of cl100k's first form.
    case llama3
    /// Qwen 2 and 3: as Llama 3, but one digit a word.
    case qwen2
    /// tiktoken's o200k (GPT-4o, gpt-oss).
    case o200k
    /// Mistral's tekken: as o200k, but one digit a word and no contractions.
    case tekken

    /// The regex as tokenizer files write it.
    public var regex: String {
        switch self {
        case .gpt2: #"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#
        case .cl100k:
            #"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|\s+(?!\S)|\s"#
        case .llama3:
            #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
        case .qwen2:
            #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
        case .o200k:
            #"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|"#
                + #"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|"#
                + #"\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
        case .tekken:
            #"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|"#
                + #"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|"#
                + #"\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
        }
    }

    /// Other spellings with the same meaning.
    private static let spellings: [String: PreTokenizationPattern] = [
        #"'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s"#: .gpt2,
        #"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#: .gpt2,
    ]

    /// The known pattern with this regex, or nil.
    public init?(regex: String) {
        let known = Self.allCases.first { $0.regex.utf8.elementsEqual(regex.utf8) }
        guard let pattern = known ?? Self.spellings[regex] else { return nil }
        self = pattern
    }

    /// The words of a text, as byte ranges: for inspection and tests.
    public func words(in text: String) -> [String] {
        var text = text
        return text.withUTF8 { bytes in
            guard let base = bytes.baseAddress else { return [] }
            var words: [String] = []
            forEachWord(in: TextBytes(base, bytes.count)) { start, end in
                words.append(String(decoding: UnsafeBufferPointer(rebasing: bytes[start..<end]), as: UTF8.self))
            }
            return words
        }
    }

    func forEachWord(in text: TextBytes, _ body: (Int, Int) -> Void) {
        switch self {
        case .gpt2: GPT2Words().forEachWord(in: text, body)
        case .cl100k: CL100KWords(digits: 3, joinsTrailingSpace: true).forEachWord(in: text, body)
        case .llama3: CL100KWords(digits: 3, joinsTrailingSpace: false).forEachWord(in: text, body)
        case .qwen2: CL100KWords(digits: 1, joinsTrailingSpace: false).forEachWord(in: text, body)
        case .o200k: O200KWords(digits: 3, takesContractions: true).forEachWord(in: text, body)
        case .tekken: O200KWords(digits: 1, takesContractions: false).forEachWord(in: text, body)
        }
    }
}
