/// What a character is to the word rules, as bits that can be combined.
struct CharacterFlags {
    static let letter: UInt16 = 1  // \p{L}
    static let number: UInt16 = 2  // \p{N}
    static let space: UInt16 = 4  // \s, the White_Space property
    static let newline: UInt16 = 8  // \r and \n alone
    static let upper: UInt16 = 16  // Lu, Lt
    static let lower: UInt16 = 32  // Ll
    static let uncased: UInt16 = 64  // Lm, Lo
    static let mark: UInt16 = 128  // \p{M}
    static let punctuation: UInt16 = 256  // \p{P}
    static let symbol: UInt16 = 512  // \p{S}
    static let connector: UInt16 = 1024  // Pc
    static let control: UInt16 = 2048  // \p{C}
    /// The byte starts a longer UTF-8 sequence: decode it and ask again. Only in the byte table.
    static let multibyte: UInt16 = 0x8000
}

/// Flags of every code point, in pages of 256 expanded once from the run-length table.
struct CharacterClasses: @unchecked Sendable {
    // Safe to share: written once by `build`, only read afterwards, never freed.
    let bytes: UnsafePointer<UInt16>  // [256] ASCII flags, `multibyte` from 0x80
    private let pageOfBlock: UnsafePointer<UInt16>  // [0x1100]
    private let pages: UnsafePointer<UInt8>  // [pages, 256] category codes
    private let flagsOfCategory: UnsafePointer<UInt16>  // [32]

    static let shared = CharacterClasses()

    @inline(__always)
    func flags(of scalar: UInt32) -> UInt16 {
        if scalar < 0x80 { return bytes[Int(scalar)] }
        if scalar == 0x85 { return CharacterFlags.space | CharacterFlags.control }
        return flagsOfCategory[Int(category(of: scalar))]
    }

    /// Flags that all characters of a category have.
    func flags(ofCategory category: UInt8) -> UInt16 { flagsOfCategory[Int(category)] }

    /// Names of the categories, by number.
    static let categoryNames = [
        "Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl", "No", "Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po", "Sm", "Sc",
        "Sk", "So", "Zs", "Zl", "Zp", "Cc", "Cf", "Cs", "Co", "Cn",
    ]

    /// Index into Lu Ll Lt Lm Lo Mn Mc Me Nd Nl No Pc Pd Ps Pe Pi Pf Po Sm Sc Sk So Zs Zl Zp Cc Cf Cs Co Cn.
    @inline(__always)
    func category(of scalar: UInt32) -> UInt8 {
        pages[Int(pageOfBlock[Int(scalar >> 8)]) << 8 | Int(scalar & 255)]
    }

    private init() {
        let codes = Self.expandedRuns()
        (pageOfBlock, pages) = Self.paged(codes)
        let categories = Self.categoryFlags()
        flagsOfCategory = Self.frozen(categories)
        var ascii = [UInt16](repeating: CharacterFlags.multibyte, count: 256)
        for code in 0..<128 { ascii[code] = categories[Int(codes[code])] }
        for code in 9...13 { ascii[code] |= CharacterFlags.space }
        ascii[10] |= CharacterFlags.newline
        ascii[13] |= CharacterFlags.newline
        bytes = Self.frozen(ascii)
    }

    private static func categoryFlags() -> [UInt16] {
        typealias F = CharacterFlags
        var flags = [UInt16](repeating: 0, count: 32)
        for category in 0...4 { flags[category] = F.letter }
        for category in [0, 2] { flags[category] |= F.upper }
        flags[1] |= F.lower
        for category in [3, 4] { flags[category] |= F.uncased }
        for category in 5...7 { flags[category] = F.mark }
        for category in 8...10 { flags[category] = F.number }
        for category in 11...17 { flags[category] = F.punctuation }
        flags[11] |= F.connector
        for category in 18...21 { flags[category] = F.symbol }
        for category in 22...24 { flags[category] = F.space }
        for category in 25...29 { flags[category] = F.control }
        return flags
    }

    private static func frozen<T>(_ values: [T]) -> UnsafePointer<T> {
        let memory = UnsafeMutablePointer<T>.allocate(capacity: values.count)
        memory.initialize(from: values, count: values.count)
        return UnsafePointer(memory)
    }

    /// One category code per code point, from the text of runs.
    private static func expandedRuns() -> [UInt8] {
        let text = UnsafeBufferPointer(start: categoryRuns.utf8Start, count: categoryRuns.utf8CodeUnitCount)
        return [UInt8](unsafeUninitializedCapacity: 0x110000) { codes, count in
            var next = 0
            var index = 0
            while index < text.count {
                let letter = text[index]
                index += 1
                var length = 0
                while index < text.count, text[index] <= 0x39 {
                    length = length * 10 + Int(text[index] - 0x30)
                    index += 1
                }
                length = min(max(length, 1), codes.count - next)
                codes[next..<next + length].update(repeating: letter < 0x5B ? letter - 65 : letter - 71)
                next += length
            }
            count = next
        }
    }

    /// Blocks of one category share a page, so 4,352 blocks need some 400 pages.
    private static func paged(_ codes: [UInt8]) -> (UnsafePointer<UInt16>, UnsafePointer<UInt8>) {
        var uniform = [UInt16?](repeating: nil, count: 32)
        var blocks: [UInt16] = []
        var pages: [UInt8] = []
        for start in stride(from: 0, to: codes.count, by: 256) {
            let block = codes[start..<start + 256]
            let first = codes[start]
            let isUniform = block.allSatisfy { $0 == first }
            if isUniform, let page = uniform[Int(first)] {
                blocks.append(page)
                continue
            }
            let page = UInt16(pages.count / 256)
            if isUniform { uniform[Int(first)] = page }
            blocks.append(page)
            pages.append(contentsOf: block)
        }
        return (frozen(blocks), frozen(pages))
    }
}
