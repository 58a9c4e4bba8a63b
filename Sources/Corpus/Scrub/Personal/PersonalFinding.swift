/// A piece of personal data in a text: what it is and where.
struct PersonalFinding: Equatable {
    /// Presidio's name of the kind: "EMAIL_ADDRESS".
    var entity: String
    var span: Range<Int>
}

/// Finds personal data by its form and its check digits; one walk over the bytes that looks closer only where something may begin.
struct PersonalFinder: Sendable {
    let entities: Set<String>

    /// Everything that can be found.
    static let all = [
        "EMAIL_ADDRESS", "PHONE_NUMBER", "IP_ADDRESS", "CREDIT_CARD", "IBAN_CODE", "US_SSN", "UK_NHS", "UK_NINO", "ES_NIF", "IT_FISCAL_CODE",
        "PL_PESEL", "SG_NRIC_FIN", "AU_TFN", "IN_AADHAAR", "IN_PAN", "FI_PERSONAL_IDENTITY_CODE",
    ]

    func find(_ text: UnsafeBufferPointer<UInt8>) -> [PersonalFinding] {
        guard let p = text.baseAddress else { return [] }
        var found: [PersonalFinding] = []
        let n = text.count
        var i = 0
        while i < n {
            let byte = p[i]
            let kind = Self.kinds[Int(byte)]
            if kind == 0 {
                i += 1
                continue
            }
            if let finding = kind == 1 ? Emails.find(p, i, n, after: found.last?.span.upperBound ?? 0) : begins(p, i) ? number(text, i) : nil,
                entities.contains(finding.entity) {
                while let last = found.last, last.span.upperBound > finding.span.lowerBound { found.removeLast() }
                found.append(finding)
                i = max(i + 1, finding.span.upperBound)
            } else {
                i += 1
            }
        }
        return found
    }

    /// 1: @; 2: what a number or code may begin with.
    private static let kinds: [UInt8] = (0..<256).map { byte in
        switch UInt8(byte) {
        case UInt8(ascii: "@"): 1
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "("), UInt8(ascii: ":"): 2
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"): 2
        default: 0
        }
    }

    private func begins(_ p: UnsafePointer<UInt8>, _ i: Int) -> Bool { i == 0 || !Self.isWord(p[i - 1]) }

    @inline(__always)
    static func isWord(_ byte: UInt8) -> Bool { byte &- 48 < 10 || (byte | 32) &- 97 < 26 || byte >= 0x80 || byte == 95 }

    private func number(_ text: UnsafeBufferPointer<UInt8>, _ i: Int) -> PersonalFinding? {
        let byte = text[i]
        if (byte | 32) &- 97 < 26 { return lettersFirst(text, i) }
        if byte == UInt8(ascii: ":") {
            return i + 1 < text.count && text[i + 1] == byte ? Addresses.version6(text, i).map { .init(entity: "IP_ADDRESS", span: $0) } : nil
        }
        if let span = Addresses.version4(text, i) ?? Addresses.version6(text, i) { return PersonalFinding(entity: "IP_ADDRESS", span: span) }
        let run = DigitRun(text, i)
        if run.digits.count >= 6, let entity = Identifiers.digits(run, text), entities.contains(entity) { return PersonalFinding(entity: entity, span: run.span) }
        if let finding = Identifiers.mixed(text, i), entities.contains(finding.entity) { return finding }
        return Phones.find(text, i).map { PersonalFinding(entity: "PHONE_NUMBER", span: $0) }
    }

    private func lettersFirst(_ text: UnsafeBufferPointer<UInt8>, _ i: Int) -> PersonalFinding? {
        // A code has a digit among its first letters; an address has a colon.
        var end = i
        var hasDigit = false
        while end < text.count, end - i < 6, Self.isWord(text[end]) || text[end] == UInt8(ascii: ":") {
            if text[end] &- 48 < 10 || text[end] == UInt8(ascii: ":") { hasDigit = true }
            end += 1
        }
        // "AB 12 34 56 C", "X-1234567-L"
        if !hasDigit, end - i <= 2, end + 1 < text.count, text[end] == 32 || text[end] == 45, text[end + 1] &- 48 < 10 { return Identifiers.mixed(text, i) }
        if !hasDigit, end - i < 6 { return nil }
        if let span = Identifiers.iban(text, i) { return PersonalFinding(entity: "IBAN_CODE", span: span) }
        if hasDigit, let span = Addresses.version6(text, i) { return PersonalFinding(entity: "IP_ADDRESS", span: span) }
        return Identifiers.mixed(text, i)
    }
}

/// Digits from a place on, with single separators between them.
struct DigitRun {
    private(set) var digits: [UInt8] = []
    private(set) var span: Range<Int>
    /// Digits between separators.
    private(set) var groups: [Int] = [0]
    private(set) var separators: Set<UInt8> = []

    init(_ text: UnsafeBufferPointer<UInt8>, _ start: Int, limit: Int = 24) {
        var (i, end) = (start, start)
        while i < text.count, digits.count < limit {
            let byte = text[i]
            if byte &- 48 < 10 {
                digits.append(byte - 48)
                groups[groups.count - 1] += 1
                i += 1
                end = i
            } else if byte == 45 || byte == 32, i + 1 < text.count, text[i + 1] &- 48 < 10, i > start {
                separators.insert(byte)
                groups.append(0)
                i += 1
            } else {
                break
            }
        }
        span = start..<end
        if end < text.count, PersonalFinder.isWord(text[end]) { (digits, span) = ([], start..<start) }
    }
}
