/// Numbers of cards, accounts and people, told by their check digits.
enum Identifiers {
    /// What a run of digits is, if it is something.
    static func digits(_ run: DigitRun, _ text: UnsafeBufferPointer<UInt8>) -> String? {
        let digits = run.digits
        if isCard(run) { return "CREDIT_CARD" }
        if run.groups == [3, 2, 4], run.separators == [45], isSocialSecurity(digits) { return "US_SSN" }
        if digits.count == 9, run.groups.count == 1 || run.groups == [3, 2, 4], isSocialSecurity(digits), Context.near(text, run.span, Context.socialSecurity) {
            return "US_SSN"
        }
        if digits.count == 10, run.groups == [3, 3, 4] || run.groups.count == 1, isHealthService(digits), Context.near(text, run.span, Context.healthService) {
            return "UK_NHS"
        }
        if digits.count == 11, run.groups.count == 1, isPesel(digits), Context.near(text, run.span, Context.pesel) { return "PL_PESEL" }
        if digits.count == 9, run.groups == [3, 3, 3] || run.groups.count == 1, isTaxFile(digits), Context.near(text, run.span, Context.taxFile) { return "AU_TFN" }
        if digits.count == 12, run.groups == [4, 4, 4] || run.groups.count == 1 && Context.near(text, run.span, Context.aadhaar), isAadhaar(digits) {
            return "IN_AADHAAR"
        }
        return nil
    }

    static func luhn(_ digits: [UInt8]) -> Bool {
        var sum = 0
        for (i, digit) in digits.reversed().enumerated() {
            let value = i % 2 == 0 ? Int(digit) : Int(digit) * 2
            sum += value > 9 ? value - 9 : value
        }
        return sum % 10 == 0
    }

    /// Lengths and first digits of the card schemes, groups as cards print them, and Luhn's check.
    private static func isCard(_ run: DigitRun) -> Bool {
        let d = run.digits
        guard (12...19).contains(d.count), run.separators.count <= 1, luhn(d), Set(d).count > 1 else { return false }
        let grouped = run.groups.count == 1 || run.groups.dropLast().allSatisfy { $0 == 4 } && run.groups.count <= 5 || run.groups == [4, 6, 5] || run.groups == [4, 6, 4]
        let prefix = Int(d[0]) * 1000 + Int(d[1]) * 100 + Int(d[2]) * 10 + Int(d[3])
        let scheme: Bool
        switch prefix {
        case 4000...4999: scheme = [13, 16, 19].contains(d.count)  // Visa
        case 5100...5599, 2221...2720: scheme = d.count == 16  // Mastercard
        case 3400...3499, 3700...3799: scheme = d.count == 15  // American Express
        case 3000...3059, 3600...3699, 3800...3999: scheme = d.count == 14 || d.count == 16  // Diners
        case 6011, 6440...6599, 6220...6229: scheme = d.count >= 16  // Discover
        case 3528...3589: scheme = d.count >= 16  // JCB
        case 1800, 2131: scheme = d.count == 15  // JCB, old
        case 5000...5099, 5600...5899, 6000...6999: scheme = true  // Maestro
        default: scheme = false
        }
        return grouped && scheme
    }

    private static func isSocialSecurity(_ d: [UInt8]) -> Bool {
        let area = Int(d[0]) * 100 + Int(d[1]) * 10 + Int(d[2])
        return area != 0 && area != 666 && area < 900 && !(d[3] == 0 && d[4] == 0) && d[5...].contains { $0 != 0 }
    }

    private static func weighted(_ d: [UInt8], _ weights: [Int]) -> Int { zip(d, weights).reduce(0) { $0 + Int($1.0) * $1.1 } }

    private static func isHealthService(_ d: [UInt8]) -> Bool { weighted(d, [10, 9, 8, 7, 6, 5, 4, 3, 2, 1]) % 11 == 0 && Set(d).count > 1 }
    private static func isPesel(_ d: [UInt8]) -> Bool {
        let month = (Int(d[2]) * 10 + Int(d[3])) % 20
        let day = Int(d[4]) * 10 + Int(d[5])
        return weighted(d, [1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1]) % 10 == 0 && (1...12).contains(month) && (1...31).contains(day)
    }
    private static func isTaxFile(_ d: [UInt8]) -> Bool { weighted(d, [1, 4, 3, 7, 5, 8, 6, 9, 10]) % 11 == 0 && Set(d).count > 1 }

    /// Verhoeff's check: permutations of the dihedral group.
    private static func isAadhaar(_ d: [UInt8]) -> Bool {
        guard d[0] > 1, Set(d).count > 1 else { return false }
        func times(_ a: Int, _ b: Int) -> Int {
            if a < 5 { return b < 5 ? (a + b) % 5 : (a + b - 5) % 5 + 5 }
            return b < 5 ? (a - b) %% 5 + 5 : (a - b) %% 5
        }
        let step = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4]
        var check = 0
        for (i, digit) in d.reversed().enumerated() {
            var value = Int(digit)
            for _ in 0..<(i % 8) { value = step[value] }
            check = times(check, value)
        }
        return check == 0
    }

    /// An international account number: two letters, two check digits, the country's length, modulo 97.
    static func iban(_ text: UnsafeBufferPointer<UInt8>, _ start: Int) -> Range<Int>? {
        var code: [UInt8] = []
        var (i, end) = (start, start)
        while i < text.count, code.count < 35 {
            let byte = text[i]
            if byte &- 48 < 10 { code.append(byte) } else if (byte | 32) &- 97 < 26 { code.append(byte & 0xDF) } else if byte == 32 || byte == 45, code.count >= 4,
                code.count % 4 == 0, i + 1 < text.count, text[i + 1] &- 48 < 10 || (text[i + 1] | 32) &- 97 < 26 {
                i += 1
                continue
            } else { break }
            i += 1
            end = i
            if code.count >= 2, let length = ibanLengths[String(decoding: code.prefix(2), as: UTF8.self)], code.count == length { break }
        }
        guard code.count >= 15, let length = ibanLengths[String(decoding: code.prefix(2), as: UTF8.self)], code.count == length,
            code[2] &- 48 < 10, code[3] &- 48 < 10, end == text.count || !PersonalFinder.isWord(text[end])
        else { return nil }
        var rest = 0
        for byte in code[4...] + code[..<4] {
            if byte &- 48 < 10 { rest = (rest * 10 + Int(byte - 48)) % 97 } else { rest = (rest * 100 + Int(byte - 55)) % 97 }
        }
        return rest == 1 ? start..<end : nil
    }

    private static let ibanLengths: [String: Int] = {
        let all = """
            AL28 AD24 AT20 AZ28 BH22 BE16 BA20 BR29 BG22 CR22 HR21 CY28 CZ24 DK18 DO28 EE20 FO18 FI18 FR27 GE22 DE22 GI23 GR27 GL18 GT28 HU28 \
            IS26 IE22 IL23 IT27 JO30 KZ20 KW30 LV21 LB28 LI21 LT20 LU20 MK19 MT31 MR27 MU30 MC27 MD24 ME22 NL18 NO15 PK24 PS29 PL28 PT25 QA29 \
            RO24 SM27 SA24 RS22 SK24 SI19 ES24 SE24 CH21 TN24 TR26 AE23 GB22 VG24 XK20 UA29 SC31 ST25 LC32 IQ23 BY28 SV28 EG29 VA22
            """
        var lengths: [String: Int] = [:]
        for item in all.split(separator: " ") { lengths[String(item.prefix(2))] = Int(item.dropFirst(2)) }
        return lengths
    }()

    /// Codes of letters and digits with a check letter or digit.
    static func mixed(_ text: UnsafeBufferPointer<UInt8>, _ start: Int) -> PersonalFinding? {
        if let span = spaced(text, start, ["AA 99 99 99 A", "AA 999999 A", "AA-99-99-99-A"], isNINO) { return PersonalFinding(entity: "UK_NINO", span: span) }
        if let span = spaced(text, start, ["99999999-A", "99.999.999-A", "A-9999999-A", "A9999999-A"], isNIF) { return PersonalFinding(entity: "ES_NIF", span: span) }
        var end = start
        while end < text.count, end - start < 64, PersonalFinder.isWord(text[end]) || text[end] == 45 && end - start == 6 || text[end] == 43 && end - start == 6 { end += 1 }
        let code = text[start..<end].map { $0 &- 97 < 26 ? $0 & 0xDF : $0 }
        func finding(_ entity: String) -> PersonalFinding { PersonalFinding(entity: entity, span: start..<end) }
        switch code.count {
        case 9 where isNIF(code): return finding("ES_NIF")
        case 9 where isNRIC(code): return finding("SG_NRIC_FIN")
        case 9 where isNINO(code): return finding("UK_NINO")
        case 10 where isPAN(code) && Context.near(text, start..<end, Context.pan): return finding("IN_PAN")
        case 11 where isFinnish(code): return finding("FI_PERSONAL_IDENTITY_CODE")
        case 16 where isFiscal(code): return finding("IT_FISCAL_CODE")
        default: return nil
        }
    }

    /// Whether a code in capitals is written here with what people put between its parts, and is one without that.
    private static func spaced(
        _ text: UnsafeBufferPointer<UInt8>, _ start: Int, _ patterns: [StaticString], _ isCode: ([UInt8]) -> Bool
    ) -> Range<Int>? {
        for pattern in patterns {
            let end = start + pattern.utf8CodeUnitCount
            guard end <= text.count, end == text.count || !PersonalFinder.isWord(text[end]) else { continue }
            let fits = (start..<end).allSatisfy { i in
                switch pattern.utf8Start[i - start] {
                case UInt8(ascii: "9"): isDigit(text[i])
                case UInt8(ascii: "A"): isLetter(text[i])
                case let mark: text[i] == mark
                }
            }
            if fits, isCode(text[start..<end].filter { isDigit($0) || isLetter($0) }) { return start..<end }
        }
        return nil
    }

    private static func isDigit(_ byte: UInt8) -> Bool { byte &- 48 < 10 }
    private static func isLetter(_ byte: UInt8) -> Bool { byte &- 65 < 26 }
    private static func matches(_ code: [UInt8], _ pattern: StaticString) -> Bool {
        code.count == pattern.utf8CodeUnitCount && code.indices.allSatisfy { pattern.utf8Start[$0] == 57 ? isDigit(code[$0]) : isLetter(code[$0]) }
    }

    private static func isNIF(_ c: [UInt8]) -> Bool {
        var c = c
        if "XYZ".utf8.contains(c[0]) { c[0] = c[0] - 88 + 48 }
        guard matches(c, "99999999A") else { return false }
        let number = c[..<8].reduce(0) { $0 * 10 + Int($1 - 48) }
        return Array("TRWAGMYFPDXBNJZSQVHLCKE".utf8)[number % 23] == c[8]
    }

    private static func isNRIC(_ c: [UInt8]) -> Bool {
        guard matches(c, "A9999999A"), "STFG".utf8.contains(c[0]) else { return false }
        var sum = zip(c[1..<8], [2, 7, 6, 5, 4, 3, 2]).reduce(0) { $0 + Int($1.0 - 48) * $1.1 }
        if c[0] == UInt8(ascii: "T") || c[0] == UInt8(ascii: "G") { sum += 4 }
        let letters = c[0] == UInt8(ascii: "S") || c[0] == UInt8(ascii: "T") ? "JZIHGFEDCBA" : "XWUTRQPNMLK"
        return Array(letters.utf8)[sum % 11] == c[8]
    }

    private static func isNINO(_ c: [UInt8]) -> Bool {
        guard matches(c, "AA999999A"), "ABCD".utf8.contains(c[8]) else { return false }
        let head = String(decoding: c[..<2], as: UTF8.self)
        return !"DFIQUV".utf8.contains(c[0]) && !"DFIOQUV".utf8.contains(c[1]) && !["BG", "GB", "KN", "NK", "NT", "TN", "ZZ"].contains(head)
    }

    private static func isPAN(_ c: [UInt8]) -> Bool { matches(c, "AAAAA9999A") && "ABCFGHJLPT".utf8.contains(c[3]) }

    private static func isFinnish(_ c: [UInt8]) -> Bool {
        guard c[..<6].allSatisfy(isDigit), "-+ABCDEFYXWVU".utf8.contains(c[6]), c[7..<10].allSatisfy(isDigit) else { return false }
        let number = (c[..<6] + c[7..<10]).reduce(0) { $0 * 10 + Int($1 - 48) }
        let day = Int(c[0] - 48) * 10 + Int(c[1] - 48)
        let month = Int(c[2] - 48) * 10 + Int(c[3] - 48)
        return (1...31).contains(day) && (1...12).contains(month) && Array("0123456789ABCDEFHJKLMNPRSTUVWXY".utf8)[number % 31] == c[10]
    }

    private static func isFiscal(_ c: [UInt8]) -> Bool {
        guard matches(c, "AAAAAA99A99A999A") else { return false }
        let odd = [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23]
        var sum = 0
        for (i, byte) in c[..<15].enumerated() {
            let value = isDigit(byte) ? Int(byte - 48) : Int(byte - 65)
            sum += i % 2 == 0 ? odd[value] : value
        }
        return UInt8(65 + sum % 26) == c[15]
    }
}

infix operator %% : MultiplicationPrecedence
/// The remainder that is never negative.
private func %% (a: Int, b: Int) -> Int { (a % b + b) % b }

/// Words around a number that say what it is.
enum Context {
    static let phone = [
        "phone", "call", "tel", "mobile", "cell", "fax", "desk", "office", "contact", "number", "dial", "text me", "sms", "whatsapp", "hotline", "reach",
        "messages to", "answering", "registered",
    ]
    static let socialSecurity = ["ssn", "social security", "ss#", "ss #"]
    static let healthService = ["nhs", "national health"]
    static let pesel = ["pesel"]
    static let taxFile = ["tfn", "tax file"]
    static let aadhaar = ["aadhaar", "aadhar", "uidai"]
    static let pan = ["pan", "permanent account", "income tax"]

    /// Whether one of the words (lower case) stands within 60 bytes before the span or 24 after it.
    static func near(_ text: UnsafeBufferPointer<UInt8>, _ span: Range<Int>, _ words: [String]) -> Bool {
        let before = max(0, span.lowerBound - 60)..<span.lowerBound
        let after = span.upperBound..<min(text.count, span.upperBound + 24)
        return words.contains { holds(text, before, $0) || holds(text, after, $0) }
    }

    private static func holds(_ text: UnsafeBufferPointer<UInt8>, _ range: Range<Int>, _ word: String) -> Bool {
        let word = Array(word.utf8)
        guard range.count >= word.count else { return false }
        for i in range.lowerBound...(range.upperBound - word.count) where text[i] | 32 == word[0] {
            if word.indices.allSatisfy({ text[i + $0] == word[$0] || text[i + $0] &- 65 < 26 && text[i + $0] | 32 == word[$0] }) { return true }
        }
        return false
    }
}
