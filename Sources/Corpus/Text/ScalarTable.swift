internal import QuintetTokenizers

/// What the steps ask of a character, as bits. Definitions are those of the published filters, so that verdicts agree with theirs:
/// white space and letters as Python has them, the classes of spaCy's rules for splitting words, datatrove's punctuation.
enum ScalarClass {
    static let space: UInt32 = 1  // str.isspace()
    static let letter: UInt32 = 2  // str.isalpha()
    static let alpha: UInt32 = 4  // may stand beside an infix
    static let lower: UInt32 = 8
    static let upper: UInt32 = 16
    static let opens: UInt32 = 32  // split off the front of a word
    static let closes: UInt32 = 64  // split off the end of a word
    static let icon: UInt32 = 128
    static let quote: UInt32 = 256
    static let beforeStop: UInt32 = 512  // a full stop after it is split off
    static let punctuation: UInt32 = 1024  // datatrove's PUNCTUATION_SET
    static let terminal: UInt32 = 2048  // datatrove's TERMINAL_PUNCTUATION
    static let category: UInt32 = 4096  // category P
    static let blanked: UInt32 = 8192  // datatrove's PUNCTUATION: a space to the near-duplicate search
    static let ends: UInt32 = 16384  // ends a sentence
    static let mark: UInt32 = 32768  // category Mn
    static let digit: UInt32 = 65536  // category Nd
    static let composed: UInt32 = 1 << 17  // changes where marks are taken off
}

/// The classes of every character of the first plane in a table; the rest are worked out when asked for.
final class ScalarTable: @unchecked Sendable {
    // Sendable: the tables are never written to once they are made.
    static let shared = ScalarTable()

    /// 65,536 entries, never freed.
    let flags: UnsafePointer<UInt32>
    /// Lower case of a character where that is one character, else 0; 65,536 entries.
    let lowered: UnsafePointer<UInt16>

    private init() {
        let flags = UnsafeMutablePointer<UInt32>.allocate(capacity: 1 << 16)
        let lowered = UnsafeMutablePointer<UInt16>.allocate(capacity: 1 << 16)
        for value in 0..<UInt32(1 << 16) {
            flags[Int(value)] = Self.computed(value)
            lowered[Int(value)] = Self.lowerCase(value)
        }
        self.flags = UnsafePointer(flags)
        self.lowered = UnsafePointer(lowered)
    }

    @inline(__always)
    func classes(_ value: UInt32) -> UInt32 { value < 1 << 16 ? flags[Int(value)] : Self.computed(value) }

    private static func lowerCase(_ value: UInt32) -> UInt16 {
        guard let scalar = Unicode.Scalar(value) else { return UInt16(value) }
        if value < 128 { return value >= 65 && value <= 90 ? UInt16(value + 32) : UInt16(value) }
        let mapped = scalar.properties.lowercaseMapping.unicodeScalars
        guard mapped.count == 1, let first = mapped.first else { return 0 }
        return UInt16(exactly: first.value) ?? 0
    }

    private static func computed(_ value: UInt32) -> UInt32 {
        guard let scalar = Unicode.Scalar(value) else { return 0 }
        let properties = scalar.properties
        let category = properties.generalCategory
        var bits: UInt32 = 0
        func set(_ bit: UInt32, _ condition: Bool) { if condition { bits |= bit } }
        let isLetter = [.uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter].contains(category)
        set(ScalarClass.space, isSpace(value, properties))
        set(ScalarClass.letter, isLetter)
        let uncased = contains(uncasedBlocks, value)
        let lower = uncased || isLower(value, category)
        set(ScalarClass.lower, lower)
        set(ScalarClass.upper, uncased || isUpper(value, category))
        set(ScalarClass.alpha, uncased || contains(casedBlocks, value) || lettersApart.contains(scalar))
        let icon = category == .otherSymbol && (properties.age.map { $0.major < 11 || $0.major == 11 && $0.minor == 0 } ?? false)
        let isQuote = quotes.contains(scalar)
        set(ScalarClass.icon, icon)
        set(ScalarClass.quote, isQuote)
        set(ScalarClass.opens, icon || isQuote || stops.contains(scalar) || openers.contains(scalar) || currencies.contains(scalar))
        set(ScalarClass.closes, icon || isQuote || stops.contains(scalar) || "—–".unicodeScalars.contains(scalar))
        set(ScalarClass.beforeStop, lower || isQuote || stops.contains(scalar) || "0123456789%²-+|".unicodeScalars.contains(scalar))
        let terminal = terminals.contains(scalar)
        set(ScalarClass.terminal, terminal)
        let blank = blanks.contains(scalar) || value < 9 || (13..<32).contains(value) || (127..<160).contains(value) || value == 11 || value == 12
        set(ScalarClass.blanked, blank && value != 10)
        set(ScalarClass.punctuation, terminal || blank && value != 10)
        set(ScalarClass.ends, sentenceEnds.contains(scalar))
        switch category {
        case .connectorPunctuation, .dashPunctuation, .openPunctuation, .closePunctuation, .initialPunctuation, .finalPunctuation,
            .otherPunctuation: bits |= ScalarClass.category
        case .nonspacingMark: bits |= ScalarClass.mark | ScalarClass.composed
        case .decimalNumber: bits |= ScalarClass.digit
        default: break
        }
        if value >= 0xC0, baseLetters(value) != [value] { bits |= ScalarClass.composed }
        return bits
    }

    /// White space with the file, group, record and unit separators, which Python counts.
    private static func isSpace(_ value: UInt32, _ properties: Unicode.Scalar.Properties) -> Bool {
        properties.isWhitespace || (28...31).contains(value)
    }

    private static func contains(_ ranges: [ClosedRange<UInt32>], _ value: UInt32) -> Bool { ranges.contains { $0.contains(value) } }

    private static func isLower(_ value: UInt32, _ category: Unicode.GeneralCategory) -> Bool {
        if lowerApart.contains(value) { return true }
        return category == .lowercaseLetter && contains(casedLatin, value) && !notLower.contains(value)
            || (0x430...0x44F).contains(value) || "ёәөүҗңһіїєґѓѕјљњќѐѝ".unicodeScalars.contains { $0.value == value }
            || (0x3B1...0x3C9).contains(value) || "άέίόώήύ".unicodeScalars.contains { $0.value == value }
    }

    private static func isUpper(_ value: UInt32, _ category: Unicode.GeneralCategory) -> Bool {
        category == .uppercaseLetter && contains(casedLatin, value) && !notUpper.contains(value)
            || (0x410...0x42F).contains(value) || "ЁӘӨҮҖҢҺІЇЄҐЃЅЈЉЊЌЀЍ".unicodeScalars.contains { $0.value == value }
            || (0x391...0x3A9).contains(value) || "ΆΈΊΌΏΉΎ".unicodeScalars.contains { $0.value == value }
    }

    private static let casedLatin: [ClosedRange<UInt32>] = [
        0x41...0x5A, 0x61...0x7A, 0xFF21...0xFF3A, 0xFF41...0xFF5A, 0xC0...0xD6, 0xD8...0xF6, 0xF8...0x24F, 0x2C60...0x2C7F,
        0xA722...0xA787, 0xA78B...0xA7B9, 0xA7FA...0xA7FA, 0xAB30...0xAB5A, 0xAB60...0xAB64, 0x250...0x2AF, 0x1D00...0x1D25,
        0x1D6B...0x1D77, 0x1D79...0x1D9A, 0x1E00...0x1EFF,
    ]
    private static let casedBlocks: [ClosedRange<UInt32>] = [
        0x41...0x5A, 0x61...0x7A, 0xFF21...0xFF3A, 0xFF41...0xFF5A, 0xC0...0xD6, 0xD8...0xF6, 0xF8...0x1BF, 0x1C4...0x24F,
        0x2C60...0x2C7B, 0x2C7E...0x2C7F, 0xA722...0xA76F, 0xA771...0xA787, 0xA78B...0xA78E, 0xA790...0xA7B9, 0xA7FA...0xA7FA,
        0xAB30...0xAB5A, 0xAB60...0xAB64, 0x250...0x2AF, 0x1D00...0x1D25, 0x1D6B...0x1D77, 0x1D79...0x1D9A, 0x1E00...0x1EFF,
        0x410...0x44F, 0x391...0x3A9, 0x3B1...0x3C9,
    ]
    private static let lettersApart = Set("ёЁәөүҗңһӘӨҮҖҢҺάέίόώήύΆΈΊΌΏΉΎіїєґІЇЄҐѓѕјљњќѐѝЃЅЈЉЊЌЀЍ".unicodeScalars)
    private static let uncasedBlocks: [ClosedRange<UInt32>] = [
        0x1200...0x137F, 0x980...0x9FF, 0x591...0x5F4, 0xFB1D...0xFB4F, 0x620...0x64A, 0x66E...0x6D5, 0x6E5...0x6FF, 0x750...0x77F,
        0x8A0...0x8BD, 0xFB50...0xFBB1, 0xFBD3...0xFD3D, 0xFD50...0xFDC7, 0xFDF0...0xFDFB, 0xFE70...0xFEFC, 0x1EE00...0x1EEBB,
        0xD80...0xDFF, 0x900...0x97F, 0xC80...0xCFF, 0xB80...0xBFF, 0xC00...0xC7F, 0xAC00...0xD7AF, 0x1100...0x11FF, 0x3040...0x30FF,
        0x4E00...0x62FF, 0x6300...0x77FF, 0x7800...0x8CFF, 0x8D00...0x9FFF, 0x3400...0x4DBF, 0x20000...0x2A6DF, 0x2A700...0x2B73F,
        0x2B740...0x2B81F, 0x2B820...0x2CEAF, 0x2CEB0...0x2EBEF, 0x2E80...0x2FDF, 0x2FF0...0x303F, 0x31C0...0x31EF, 0x3200...0x33FF,
        0xF900...0xFAFF, 0xFE30...0xFE4F, 0x1F200...0x1F2FF, 0x2F800...0x2FA1F,
    ]
    /// Where the published lists of Latin letters part from the categories.
    private static let lowerApart: Set<UInt32> = []
    private static let notLower: Set<UInt32> = []
    private static let notUpper: Set<UInt32> = []

    private static let quotes = Set("'\"”“`‘´’‚,„»«「」『』（）〔〕【】《》〈〉〈〉\u{27E6}\u{27E7}".unicodeScalars)
    private static let stops = Set("…,:;!?¿؟¡()[]{}<>_#*&。？！，、；：～·।،۔؛٪".unicodeScalars)
    private static let openers = Set("§%=—–$".unicodeScalars)
    static let currencies = Set("£€¥฿₽﷼₴₠₡₢₣₤₥₦₧₨₩₪₫₭₮₯₰₱₲₳₵₶₷₸₹₺₻₼₾₿".unicodeScalars)
    private static let blanks = Set("!/—”:％１〈&(、━\\【#%「」，】；+^]~“《„';’{|∶´[=-`*．（–？！：$～«〉,><》)?）。…@_.\"}►»".unicodeScalars)

    /// Sentence-ending marks of all scripts (Unicode's Sentence_Terminal, as far as datatrove lists it).
    private static let terminals: Set<Unicode.Scalar> = {
        var all = Set<Unicode.Scalar>()
        for text in terminalCodes.split(separator: " ") { if let code = UInt32(text, radix: 16), let s = Unicode.Scalar(code) { all.insert(s) } }
        return all
    }()
    private static let sentenceEnds: Set<Unicode.Scalar> = {
        var all = terminals
        for text in notSentenceEnds.split(separator: " ") { if let code = UInt32(text, radix: 16), let s = Unicode.Scalar(code) { all.remove(s) } }
        return all
    }()
    private static let terminalCodes = """
        21 2E 3F 589 61D 61E 61F 6D4 700 701 702 7F9 837 839 83D 83E 964 965 104A 104B 1362 1367 1368 166E 1735 1736 \
        17D4 17D5 17D6 17D9 17DA 1803 1809 1944 1945 1AA8 1AA9 1AAA 1AAB 1B5A 1B5B 1B5E 1B5F 1B7D 1B7E 1C3B 1C3C 1C7E \
        1C7F 203C 203D 2047 2048 2049 2E2E 2E3C 2E53 2E54 3002 A4FF A60E A60F A6F3 A6F7 A876 A877 A8CE A8CF A92F A9C8 \
        A9C9 AA5D AA5E AA5F AAF0 AAF1 ABEB FE52 FE56 FE57 FF01 FF0E FF1F FF61 10A56 10A57 10F55 10F56 10F57 10F58 \
        10F59 10F86 10F87 10F88 10F89 11047 11048 110BE 110BF 110C0 110C1 11141 11142 11143 111C5 111C6 111CD 111DE \
        111DF 11238 11239 1123B 1123C 112A9 1144B 1144C 115C2 115C3 115C9 115CA 115CB 115CC 115CD 115CE 115CF 115D0 \
        115D1 115D2 115D3 115D4 115D5 115D6 115D7 11641 11642 1173C 1173D 1173E 11944 11946 11A42 11A43 11A9B 11A9C \
        11C41 11C42 11EF7 11EF8 11F43 11F44 16A6E 16A6F 16AF5 16B37 16B38 16B44 16E98 1BC9F 1DA88
        """
    private static let notSentenceEnds = """
        61D 61E 837 839 83D 83E 17D4 17D5 17D6 17D9 17DA 1B7D 1B7E 2E53 2E54 10F55 10F56 10F57 10F58 10F59 10F86 10F87 \
        10F88 10F89 11944 11946 11EF7 11EF8 11F43 11F44 16E98
        """
}
