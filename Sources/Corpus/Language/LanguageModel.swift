/// Tells the language of a text by its script and by the character n-grams of its words.
///
/// Languages that share a script (45 of them) are told apart by a linear model over n-grams of 1 to 4 characters; others by their script
/// alone. The score is the softmax of the sums after the evidence is tempered, so that it grows with the length of the text.
final class LanguageModel: Sendable {
    static let shared = LanguageModel()

    /// Every code that `identify` may give, "und" aside.
    let languages: [String]

    private let codes: [String]
    /// A row for each gram: its weight for each language.
    private let rows: [UInt8]
    /// Open addressing from a gram's packed characters to its row; -1 is free.
    private let keys: [UInt64]
    private let places: [Int32]

    /// Weights are kept as whole sixteenths. Neighboring n-grams say the same thing several times, so their evidence is tempered.
    private static let scale = 0.5 / 16
    /// Languages in a row, filled up.
    private static let width = 48
    private static let slots = 1 << 17
    private static let letterLimit = 2000

    private init() {
        var codes: [String] = []
        var grams: [UInt64: [(language: Int, value: UInt8)]] = [:]
        let text = UnsafeBufferPointer(start: languageGrams.utf8Start, count: languageGrams.utf8CodeUnitCount)
        for line in text.split(separator: 10) {
            let fields = line.split(separator: 32)
            guard let code = fields.first else { continue }
            codes.append(String(decoding: code, as: UTF8.self))
            for field in fields.dropFirst() {
                guard let last = field.last else { continue }
                let gram = String(decoding: field.dropLast(), as: UTF8.self).unicodeScalars.reduce(UInt64(0)) { $0 << 16 | UInt64($1.value & 0xFFFF) }
                grams[gram, default: []].append((codes.count - 1, UInt8(clamping: Int(last) - 48)))
            }
        }
        var (keys, places) = ([UInt64](repeating: 0, count: Self.slots), [Int32](repeating: -1, count: Self.slots))
        var rows = [UInt8](repeating: 0, count: grams.count * Self.width)
        for (row, (gram, values)) in grams.enumerated() {
            for (language, value) in values where language < Self.width { rows[row * Self.width + language] = value }
            var slot = Self.slot(gram)
            while places[slot] >= 0 { slot = (slot + 1) & (keys.count - 1) }
            (keys[slot], places[slot]) = (gram, Int32(row))
        }
        (self.codes, self.keys, self.places, self.rows) = (codes, keys, places, rows)
        languages = Set(codes.map { String($0.prefix { $0 != "-" }) } + Script.languages).sorted()
    }

    private static func slot(_ key: UInt64) -> Int { Int(truncatingIfNeeded: (key &* 0x9E37_79B9_7F4A_7C15) >> 47) }

    /// The language of a text and how sure that is, from 0 to 1; "und" where there are no letters. At most 2,000 letters are looked at.
    func identify(_ text: UnsafeBufferPointer<UInt8>) -> (language: String, score: Double) {
        withUnsafeTemporaryAllocation(of: UInt16.self, capacity: Self.width) { partial in
            keys.withUnsafeBufferPointer { keys in
                places.withUnsafeBufferPointer { places in
                    rows.withUnsafeBufferPointer { rows in
                        var sum = Sum(keys: keys, places: places, rows: rows, partial: partial)
                        return decide(sum.take(text), sum)
                    }
                }
            }
        }
    }

    /// The evidence of a text for each language.
    private struct Sum {
        let keys: UnsafeBufferPointer<UInt64>
        let places: UnsafeBufferPointer<Int32>
        let rows: UnsafeBufferPointer<UInt8>
        /// Sums of at most 256 rows, which fit 16 bits.
        let partial: UnsafeMutableBufferPointer<UInt16>
        var totals = [Int](repeating: 0, count: LanguageModel.width)
        var scripts = [Int](repeating: 0, count: Script.count)
        var features = 0
        private var held = 0
        private var window: UInt64 = 0x5F

        init(keys: UnsafeBufferPointer<UInt64>, places: UnsafeBufferPointer<Int32>, rows: UnsafeBufferPointer<UInt8>, partial: UnsafeMutableBufferPointer<UInt16>) {
            (self.keys, self.places, self.rows, self.partial) = (keys, places, rows, partial)
            partial.initialize(repeating: 0)
        }

        /// Adds up a text; returns how many letters it has, up to the limit.
        mutating func take(_ text: UnsafeBufferPointer<UInt8>) -> Int {
            guard let p = text.baseAddress else { return 0 }
            let table = ScalarTable.shared
            var (i, letters, inWord) = (0, 0, false)
            while i < text.count, letters < LanguageModel.letterLimit {
                let (value, width) = scalar(p, i)
                i += width
                if table.classes(value) & (ScalarClass.letter | ScalarClass.mark) != 0 {
                    letters += 1
                    scripts[Script.of(value)] += 1
                    let lower = value < 1 << 16 ? UInt64(table.lowered[Int(value)]) : 0
                    if !inWord { window = 0x5F }
                    step(lower == 0 ? UInt64(value & 0xFFFF) : lower)
                    inWord = true
                } else if inWord {
                    step(0x5F)
                    inWord = false
                }
            }
            if inWord { step(0x5F) }
            flush()
            return letters
        }

        /// The n-grams of 1 to 4 characters that end here; none reaches back over the edge of a word.
        private mutating func step(_ character: UInt64) {
            window = window << 16 | character
            if character != 0x5F { add(character) }
            add(window & 0xFFFF_FFFF)
            if window >> 16 & 0xFFFF == 0x5F { return }
            if window >> 32 != 0 { add(window & 0xFFFF_FFFF_FFFF) }
            if window >> 32 & 0xFFFF == 0x5F { return }
            if window >> 48 != 0 { add(window) }
        }

        private mutating func add(_ gram: UInt64) {
            guard let keys = keys.baseAddress, let places = places.baseAddress, let rows = rows.baseAddress, let partial = partial.baseAddress else { return }
            var slot = LanguageModel.slot(gram)
            while places[slot] >= 0 {
                if keys[slot] == gram {
                    let row = rows + Int(places[slot]) * LanguageModel.width
                    for k in 0..<LanguageModel.width { partial[k] &+= UInt16(row[k]) }
                    (held, features) = (held + 1, features + 1)
                    if held == 256 { flush() }
                    return
                }
                slot = (slot + 1) & (LanguageModel.slots - 1)
            }
        }

        private mutating func flush() {
            for k in 0..<LanguageModel.width {
                totals[k] += Int(partial[k])
                partial[k] = 0
            }
            held = 0
        }
    }

    private func decide(_ letters: Int, _ sum: Sum) -> (language: String, score: Double) {
        let (sums, scripts, features) = (sum.totals, sum.scripts, sum.features)
        guard letters > 0 else { return ("und", 0) }
        let script = Script.dominant(scripts)
        let share = Double(script.letters) / Double(letters)
        if let language = script.language { return (language, share) }
        let candidates = codes.indices.filter { Script.writes(codes[$0], script.index) }
        guard features > 0, let best = candidates.max(by: { sums[$0] < sums[$1] || sums[$0] == sums[$1] && $0 > $1 }) else { return ("und", 0) }
        var total = 0.0
        for language in candidates { total += Logistic.exponential(Double(sums[language] - sums[best]) * Self.scale) }
        return (String(codes[best].prefix { $0 != "-" }), share / total)
    }
}

/// Scripts: which letters belong to which, and which languages they are enough for.
enum Script {
    private static let alone: [(language: String, blocks: [ClosedRange<UInt32>])] = [
        ("ja", [0x3040...0x30FF, 0x31F0...0x31FF]), ("ko", [0xAC00...0xD7AF, 0x1100...0x11FF, 0x3130...0x318F]),
        ("zh", [0x4E00...0x9FFF, 0x3400...0x4DBF, 0x20000...0x2FA1F, 0xF900...0xFAFF]), ("el", [0x370...0x3FF, 0x1F00...0x1FFF]),
        ("he", [0x590...0x5FF, 0xFB1D...0xFB4F]), ("hi", [0x900...0x97F]), ("bn", [0x980...0x9FF]), ("pa", [0xA00...0xA7F]),
        ("gu", [0xA80...0xAFF]), ("or", [0xB00...0xB7F]), ("ta", [0xB80...0xBFF]), ("te", [0xC00...0xC7F]), ("kn", [0xC80...0xCFF]),
        ("ml", [0xD00...0xD7F]), ("si", [0xD80...0xDFF]), ("th", [0xE00...0xE7F]), ("lo", [0xE80...0xEFF]), ("bo", [0xF00...0xFFF]),
        ("my", [0x1000...0x109F]), ("ka", [0x10A0...0x10FF, 0x1C90...0x1CBF]), ("am", [0x1200...0x137F]), ("km", [0x1780...0x17FF]),
        ("hy", [0x530...0x58F]),
    ]
    static let languages = alone.map { $0.language }
    private static let latin = alone.count
    private static let cyrillic = alone.count + 1
    private static let arabic = alone.count + 2
    private static let other = alone.count + 3
    static let count = alone.count + 4

    static func of(_ value: UInt32) -> Int {
        if value < 0x250 || (0x1E00...0x1EFF).contains(value) || (0x300...0x36F).contains(value) { return latin }
        if (0x400...0x52F).contains(value) { return cyrillic }
        if (0x600...0x6FF).contains(value) || (0x750...0x77F).contains(value) || (0xFB50...0xFEFF).contains(value) { return arabic }
        return alone.firstIndex { $0.blocks.contains { $0.contains(value) } } ?? other
    }

    /// The script of most letters, and its language where one is enough. A text with kana is Japanese whatever it has of Han.
    ///
    /// A character of Han, kana or Hangul counts as four letters: it says as much as two or three, and such texts are full of Latin names and commands.
    static func dominant(_ counts: [Int]) -> (index: Int, letters: Int, language: String?) {
        let letters = counts
        var counts = counts
        for script in 0...2 { counts[script] *= 4 }
        if counts[0] * 20 > counts[2] {
            counts[0] += counts[2]
            counts[2] = 0
        }
        let best = counts.indices.max { counts[$0] < counts[$1] || counts[$0] == counts[$1] && $0 > $1 } ?? other
        let held = best == 0 && counts[2] == 0 ? letters[0] + letters[2] : letters[best]
        return (best, held, best < alone.count ? alone[best].language : best == other ? "und" : nil)
    }

    static func writes(_ language: String, _ script: Int) -> Bool {
        switch language {
        case "be", "bg", "kk", "mk", "ru", "sh-Cyrl", "uk": script == cyrillic
        case "ar", "fa", "ur": script == arabic
        default: script == latin
        }
    }
}
