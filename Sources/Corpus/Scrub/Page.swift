internal import QuintetFiles

/// Which documents a step looks at.
struct DocumentKinds: OptionSet, Sendable {
    let rawValue: Int
    /// Pages: what the published rules for text from the web were made for.
    static let text = DocumentKinds(rawValue: 1)
    static let source = DocumentKinds(rawValue: 2)
    /// Long texts that do not come from the web. Rules that count lines and words as web pages have them say nothing about a book.
    static let book = DocumentKinds(rawValue: 4)
    /// Markdown: lists, tables and code in it are no sign of a bad page.
    static let markdown = DocumentKinds(rawValue: 8)
    static let prose: DocumentKinds = [.text, .book, .markdown]
    static let all: DocumentKinds = [.text, .book, .markdown, .source]
}

/// A document on its way through the steps: its text as UTF-8 bytes, and what several steps want to know of it, worked out once.
final class Page {
    var id = ""
    var source = ""
    var added: String?
    var created: String?
    var metadata: JSONObject = [:]
    private(set) var text: [UInt8] = []
    private(set) var kind = DocumentKinds.text
    /// From how many bytes on a text without a web address is a book.
    let bookBytes: Int
    /// The programming language, for source code.
    private(set) var language: Language?

    private var hasWords = false
    private var wordList = Words()
    private var tokenizer = EnglishTokenizer()
    private var hasLength = false
    private var lengthInCharacters = 0
    private var hasShingles = false
    private var simplified = SimplifiedText()
    private var simpleWords = Words()
    /// Scratch of the counting steps, kept from document to document.
    var counts = CountTable()

    init(bookBytes: Int = .max) { self.bookBytes = bookBytes }

    /// Takes over a document; its kind is judged unless an earlier pass has done so.
    func load(_ document: Document, text: [UInt8], kind given: DocumentKinds? = nil, detected: DetectedLanguage? = nil) {
        id = document.id
        source = document.source
        added = document.added
        created = document.created
        metadata = document.metadata
        language = metadata["language"]?.string.flatMap { name in Language.all.first { $0.name == name } }
        kind = given ?? judgedKind(text.count)
        self.detected = detected
        replaceText(text)
    }

    private func judgedKind(_ size: Int) -> DocumentKinds {
        if language != nil { return .source }
        if metadata["language"]?.string == "markdown" || metadata["format"]?.string == "markdown" { return .markdown }
        return size >= bookBytes && address == nil ? .book : .text
    }

    func replaceText(_ new: [UInt8]) {
        text = new
        (hasWords, hasLength, hasShingles) = (false, false, false)
    }

    /// The language that a step found; it goes into the metadata when all steps are done.
    var detected: DetectedLanguage?

    /// Characters (Unicode scalars) of the text.
    var length: Int {
        if !hasLength {
            lengthInCharacters = text.reduce(0) { $0 + ($1 & 0xC0 != 0x80 ? 1 : 0) }
            hasLength = true
        }
        return lengthInCharacters
    }

    /// The text's words as the published filters count them.
    func withWords<R>(_ body: (UnsafeBufferPointer<UInt8>, [Words.Word], inout CountTable) -> R) -> R {
        if !hasWords {
            wordList.removeAll()
            text.withUnsafeBufferPointer { tokenizer.split($0, into: &wordList) }
            hasWords = true
        }
        return text.withUnsafeBufferPointer { body($0, wordList.words, &counts) }
    }

    /// The simplified text (see `SimplifiedText`) and its words, for n-grams that are compared between documents.
    func withSimpleWords<R>(_ body: (UnsafeBufferPointer<UInt8>, [Words.Word]) -> R) -> R {
        if !hasShingles {
            simpleWords.removeAll()
            text.withUnsafeBufferPointer { simplified.simplify($0) }
            simplified.bytes.withUnsafeBufferPointer { tokenizer.split($0, into: &simpleWords) }
            hasShingles = true
        }
        return simplified.bytes.withUnsafeBufferPointer { body($0, simpleWords.words) }
    }

    /// XXH64 of each n-gram of the simplified words, joined by spaces.
    func shingles(_ n: Int, _ body: (UInt64) -> Void) {
        withSimpleWords { bytes, words in
            guard words.count >= n, let p = bytes.baseAddress else { return }
            var scratch: [UInt8] = []
            for i in 0...(words.count - n) {
                let (start, end) = (Int(words[i].start), Int(words[i + n - 1].end))
                // Words that stand one space apart need no copy.
                var gap = 0
                for j in i..<(i + n - 1) where words[j + 1].start - words[j].end != 1 { gap += 1 }
                if gap == 0 {
                    body(XXHash64.hash(p + start, end - start))
                    continue
                }
                scratch.removeAll(keepingCapacity: true)
                for j in i..<(i + n) {
                    if j > i { scratch.append(32) }
                    scratch.append(contentsOf: bytes[Int(words[j].start)..<Int(words[j].end)])
                }
                body(scratch.withUnsafeBufferPointer { XXHash64.hash($0) })
            }
        }
    }

    /// The first 128 bits of the bytes' SHA-256.
    static func digest(_ bytes: [UInt8]) -> (UInt64, UInt64) {
        let hex = bytes.withUnsafeBytes { sha256($0) }
        return (UInt64(hex.prefix(16), radix: 16) ?? 0, UInt64(hex.dropFirst(16).prefix(16), radix: 16) ?? 0)
    }

    var document: Document {
        Document(id: id, text: String(decoding: text, as: UTF8.self), source: source, added: added, created: created, metadata: metadata)
    }

    /// The address a web document came from.
    var address: String? {
        for key in ["url", "WARC-Target-URI", "warc-target-uri"] { if let url = metadata[key]?.string { return url } }
        return source.hasPrefix("http://") || source.hasPrefix("https://") ? source : nil
    }
}

/// A hash table from 64-bit keys to counts that is emptied in no time: entries of an older generation count as free.
struct CountTable {
    private var keys: [UInt64] = []
    private var values: [UInt32] = []
    private var generations: [UInt32] = []
    private var generation: UInt32 = 0
    private var mask = 0

    /// Empties the table and makes room for `count` keys.
    mutating func reset(for count: Int) {
        var size = 64
        while size < count * 2 { size *= 2 }
        if size > keys.count {
            keys = [UInt64](repeating: 0, count: size)
            values = [UInt32](repeating: 0, count: size)
            generations = [UInt32](repeating: 0, count: size)
            generation = 0
        }
        mask = size - 1
        generation &+= 1
        if generation == 0 {
            for i in generations.indices { generations[i] = 0 }
            generation = 1
        }
    }

    /// Counts the key once more and returns how often it was there before.
    @inline(__always)
    mutating func add(_ key: UInt64) -> UInt32 {
        var slot = Int(truncatingIfNeeded: (key &* 0x9E37_79B9_7F4A_7C15) >> 20) & mask
        while generations[slot] == generation {
            if keys[slot] == key {
                values[slot] += 1
                return values[slot] - 1
            }
            slot = (slot + 1) & mask
        }
        generations[slot] = generation
        keys[slot] = key
        values[slot] = 1
        return 0
    }

    /// How often the key was counted.
    func count(of key: UInt64) -> UInt32 {
        var slot = Int(truncatingIfNeeded: (key &* 0x9E37_79B9_7F4A_7C15) >> 20) & mask
        while generations[slot] == generation {
            if keys[slot] == key { return values[slot] }
            slot = (slot + 1) & mask
        }
        return 0
    }
}
