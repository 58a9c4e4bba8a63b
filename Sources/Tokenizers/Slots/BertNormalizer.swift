import QuintetFiles

/// BERT's clean-up: control characters go, spaces become plain, ideographs stand alone, accents and case go.
struct BertNormalizer: Sendable {
    private let cleansText: Bool
    private let separatesIdeographs: Bool
    private let stripsAccents: Bool
    private let lowercases: Bool
    /// What becomes of each ASCII byte; 0 is dropped.
    private let ascii: [UInt8]

    init(_ json: JSON) {
        cleansText = json["clean_text"]?.bool ?? true
        separatesIdeographs = json["handle_chinese_chars"]?.bool ?? true
        lowercases = json["lowercase"]?.bool ?? true
        stripsAccents = json["strip_accents"]?.bool ?? lowercases
        var ascii = (0..<128).map { UInt8($0) }
        if cleansText {
            for byte in 0..<128 where byte < 0x20 || byte == 0x7F { ascii[byte] = 0 }
            for byte in [9, 10, 13] { ascii[byte] = 0x20 }
        }
        if lowercases { for byte in 0x41...0x5A { ascii[byte] = UInt8(byte | 0x20) } }
        self.ascii = ascii
    }

    func apply(to bytes: [UInt8]) -> [UInt8] {
        bytes.withUnsafeBufferPointer { text in
            var out: [UInt8] = []
            out.reserveCapacity(text.count + text.count / 16)
            var index = 0
            while index < text.count {
                let start = index
                let isASCII = text[index] < 0x80
                repeat { index += 1 } while index < text.count && (text[index] < 0x80) == isASCII
                let run = UnsafeBufferPointer(rebasing: text[start..<index])
                if isASCII { appendMapped(run, to: &out) } else { out += applySlowly(to: Array(run)) }
            }
            return out
        }
    }

    /// Characters beyond ASCII, step by step; none of the steps reaches over an ASCII character.
    private func applySlowly(to bytes: [UInt8]) -> [UInt8] {
        var text = cleansText || separatesIdeographs ? mapScalars(bytes, ascii: nil, clean) : bytes
        if stripsAccents { text = mapScalars(CanonicalForm.shared.apply(.nfd, to: text), ascii: { $0 }, Self.appendUnlessAccent) }
        if lowercases { text = Normalizer.lowercase.apply(to: text) }
        return text
    }

    private func appendMapped(_ bytes: UnsafeBufferPointer<UInt8>, to out: inout [UInt8]) {
        ascii.withUnsafeBufferPointer { ascii in
            for byte in bytes {
                let mapped = ascii[Int(byte & 0x7F)]
                if mapped != 0 || !cleansText { out.append(mapped) }
            }
        }
    }

    private func clean(_ code: UInt32, _ out: inout [UInt8]) {
        if cleansText {
            if code == 0 || code == 0xFFFD || Self.isControl(code) { return }
            if ScalarBitmap.space.contains(code) { return out.append(0x20) }
        }
        guard separatesIdeographs, Self.isIdeograph(code) else { return appendScalar(code, to: &out) }
        out.append(0x20)
        appendScalar(code, to: &out)
        out.append(0x20)
    }

    private static func isControl(_ code: UInt32) -> Bool {
        if code == 9 || code == 10 || code == 13 { return false }
        return controls.contains(code)
    }

    /// Control, private and format characters as the peer's table has them, which stands at Unicode 8.
    private static let controls = ScalarBitmap(
        ScalarSet(
            categoryRanges.flatMap { run -> [ClosedRange<UInt32>] in
                switch CharacterClasses.categoryNames[Int(run.category)] {
                case "Cc", "Co": [run.range]
                case "Cf": run.range.filter(isOld).map { $0...$0 }
                default: []
                }
            }))

    private static func isOld(_ code: UInt32) -> Bool { isKnown(code, before: 9) }

    private static func isIdeograph(_ code: UInt32) -> Bool {
        switch code {
        case 0x4E00...0x9FFF, 0x3400...0x4DBF, 0x20000...0x2A6DF, 0x2A700...0x2B73F, 0x2B740...0x2B81F, 0x2B920...0x2CEAF,
            0xF900...0xFAFF, 0x2F800...0x2FA1F:
            true
        default: false
        }
    }

    private static func appendUnlessAccent(_ code: UInt32, _ out: inout [UInt8]) {
        if !accents.contains(code) { appendScalar(code, to: &out) }
    }

    private static let accents = ScalarBitmap(
        ScalarSet(
            categoryRanges.filter { CharacterClasses.categoryNames[Int($0.category)] == "Mn" }
                .flatMap { $0.range.filter(isOld).map { $0...$0 } } + [0x1734...0x1734]))
}
