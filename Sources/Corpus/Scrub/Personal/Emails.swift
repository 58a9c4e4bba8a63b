/// Mail addresses: a local part, an @, and a domain with a dot in it.
enum Emails {
    static func find(_ p: UnsafePointer<UInt8>, _ at: Int, _ n: Int, after: Int) -> PersonalFinding? {
        var start = at
        while start > after, at - start < 64 {
            if isLocal(p[start - 1]) { start -= 1 } else if start - 1 > after, isLetter(p, start - 2, at) { start -= 2 } else { break }
        }
        while start < at, p[start] == 46 || !(PersonalFinder.isWord(p[start])) { start += 1 }
        guard start < at, p[at - 1] != 46 else { return nil }
        var (end, label, lastDot) = (at + 1, at + 1, -1)
        while end < n, end - at < 255 {
            if isWord(p[end]) || p[end] == 45 { end += 1 } else if isLetter(p, end, n) { end += 2 } else if p[end] == 46, end > label, end + 1 < n,
                isWord(p[end + 1]) || isLetter(p, end + 1, n) {
                lastDot = end
                end += 1
                label = end
            } else { break }
        }
        while end > label, p[end - 1] == 45 || p[end - 1] == 95 { end -= 1 }
        guard lastDot > at + 1, end - lastDot > 2, (lastDot + 1..<end).contains(where: { (p[$0] | 32) &- 97 < 26 || p[$0] >= 0x80 }) else { return nil }
        // "logo@2x.png" is a picture for fine screens.
        let last = String(decoding: (lastDot + 1..<end).map { p[$0] | 32 }, as: UTF8.self)
        if pictures.contains(last) { return nil }
        return PersonalFinding(entity: "EMAIL_ADDRESS", span: start..<end)
    }

    private static let pictures: Set<String> = ["png", "jpg", "jpeg", "gif", "webp", "svg", "avif"]

    private static func isLocal(_ byte: UInt8) -> Bool { isWord(byte) || "!#$%&'*+/=?^`{|}~.-".utf8.contains(byte) }

    private static func isWord(_ byte: UInt8) -> Bool { byte < 0x80 && PersonalFinder.isWord(byte) }

    /// Whether a letter of two bytes begins here: Latin with marks, Greek, Cyrillic. Scripts that set no spaces between words are not taken into
    /// addresses, the text around would go with them.
    private static func isLetter(_ p: UnsafePointer<UInt8>, _ i: Int, _ n: Int) -> Bool {
        guard i + 1 < n, p[i + 1] & 0xC0 == 0x80, (0xC3...0xC9).contains(p[i]) || (0xCC...0xD4).contains(p[i]) else { return false }
        return p[i] != 0xC3 || p[i + 1] != 0x97 && p[i + 1] != 0xB7  // × and ÷
    }
}

/// IP addresses, both versions.
enum Addresses {
    static func version4(_ text: UnsafeBufferPointer<UInt8>, _ start: Int) -> Range<Int>? {
        var (i, parts, value, digits) = (start, 0, 0, 0)
        while i < text.count {
            let byte = text[i]
            if byte &- 48 < 10 {
                value = value * 10 + Int(byte - 48)
                digits += 1
                if digits > 3 || value > 255 { return nil }
            } else if byte == 46, parts < 3, digits > 0 {
                (parts, value, digits) = (parts + 1, 0, 0)
            } else {
                break
            }
            i += 1
        }
        guard parts == 3, digits > 0 else { return nil }
        // 1.2.3.4.5 and 1.2.3.4-rc are versions of something.
        if i < text.count, PersonalFinder.isWord(text[i]) { return nil }
        if i + 1 < text.count, text[i] == 46 || text[i] == 45, PersonalFinder.isWord(text[i + 1]) { return nil }
        if start > 0, text[start - 1] == 46 || text[start - 1] == 45 { return nil }
        return DottedNumbers.isNoAddress(text, start..<i) ? nil : start..<i
    }

    static func version6(_ text: UnsafeBufferPointer<UInt8>, _ start: Int) -> Range<Int>? {
        var (i, groups, digits, gaps) = (start, 0, 0, 0)
        while i < text.count, i - start < 46 {
            let byte = text[i]
            if byte &- 48 < 10 || (byte | 32) &- 97 < 6 {
                digits += 1
                if digits > 4 { return nil }
            } else if byte == UInt8(ascii: ":") {
                if digits > 0 { groups += 1 }
                if digits == 0, i > start {
                    if gaps > 0 || text[i - 1] != byte { return nil }
                    gaps += 1
                }
                digits = 0
            } else {
                break
            }
            i += 1
        }
        if digits > 0 { groups += 1 } else if i > start, i - 2 < start || text[i - 2] != UInt8(ascii: ":") { return nil }
        if i < text.count, PersonalFinder.isWord(text[i]) || text[i] == 58 { return nil }
        // With a gap at least three groups, or two of which the first is one that addresses begin with: "a::b" is written by programmers, too.
        guard gaps == 1 ? (3...7).contains(groups) || groups == 2 && isPrefix(text[start..<i]) : groups == 8 else { return nil }
        return start..<i
    }

    /// Four digits that addresses in use begin with: link-local, local, multicast, and what the registries give out.
    private static func isPrefix(_ address: Slice<UnsafeBufferPointer<UInt8>>) -> Bool {
        let first = String(decoding: address.prefix { $0 != UInt8(ascii: ":") }, as: UTF8.self).lowercased()
        return first.utf8.count == 4 && ["fe8", "fe9", "fea", "feb", "fc", "fd", "ff0", "2001", "2002", "2003", "240", "260", "2620", "280", "2a0", "2a1", "2c0"]
            .contains { first.hasPrefix($0) }
    }
}
