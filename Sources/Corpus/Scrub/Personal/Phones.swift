/// Telephone numbers: an international prefix, a national form, or digits in groups beside a word that speaks of telephones.
enum Phones {
    private struct Shape {
        var digits = 0
        var groups: [Int] = []
        var plus = false
        var parenthesis = false
        /// Digits before the parenthesis, within it, and after it.
        var parts = [0, 0, 0]
        var leadingZero = false
        var separators: Set<UInt8> = []
        var span = 0..<0
    }

    static func find(_ text: UnsafeBufferPointer<UInt8>, _ start: Int) -> Range<Int>? {
        // Not inside of a longer number, an amount, or a dotted name.
        if start > 0, ".,-/:=#$€£_+".utf8.contains(text[start - 1]), text[start] &- 48 < 10 {
            if text[start - 1] != UInt8(ascii: ":") && text[start - 1] != UInt8(ascii: "-") && text[start - 1] != UInt8(ascii: ",") { return nil }
            if start > 1, text[start - 2] &- 48 < 10 { return nil }
        }
        guard let shape = shape(text, start), accepts(shape, text) else { return nil }
        // The end of a longer row of numbers: thousands apart ("10 000 000 000"), cells of a table.
        let isTail = start > 1 && text[start - 1] == 32 && text[start - 2] &- 48 < 10
        if isTail, shape.separators == [32], !shape.plus, !shape.parenthesis { return nil }
        return shape.span
    }

    private static func shape(_ text: UnsafeBufferPointer<UInt8>, _ start: Int) -> Shape? {
        var shape = Shape()
        var (i, end, group, open) = (start, start, 0, false)
        if text[i] == UInt8(ascii: "+") {
            shape.plus = true
            i += 1
        }
        func closeGroup() {
            if group > 0 { shape.groups.append(group) }
            group = 0
        }
        scan: while i < text.count {
            let byte = text[i]
            switch byte {
            case 48...57:
                if shape.digits == 0 { shape.leadingZero = byte == 48 }
                shape.digits += 1
                shape.parts[open ? 1 : shape.parenthesis ? 2 : 0] += 1
                group += 1
                if shape.digits > 16 { return nil }
                end = i + 1
            case UInt8(ascii: "("):
                if open || shape.parenthesis { break scan }
                (open, shape.parenthesis) = (true, true)
                closeGroup()
            case UInt8(ascii: ")"):
                if !open { break scan }
                open = false
                closeGroup()
            case 32, 45, 46:
                guard i + 1 < text.count, i > start else { break scan }
                let next = text[i + 1]
                guard next &- 48 < 10 || next == UInt8(ascii: "(") && shape.digits <= 4 else { break scan }
                closeGroup()
                shape.separators.insert(byte)
            default: break scan
            }
            i += 1
        }
        closeGroup()
        // A parenthesis holds the number of an area, which is not last: "(1874-1936)" and "200 (2016)" belong to the sentence.
        if open || shape.digits < 7 || shape.parenthesis && shape.parts[2] == 0 { return nil }
        // An extension.
        if end < text.count, text[end] | 32 == UInt8(ascii: "x") {
            var tail = end + 1
            while tail < text.count, tail - end <= 6, text[tail] &- 48 < 10 { tail += 1 }
            if tail > end + 1 { end = tail }
        }
        if end < text.count, PersonalFinder.isWord(text[end]) || text[end] == UInt8(ascii: "%") { return nil }
        if end + 1 < text.count, ".,:/".utf8.contains(text[end]), text[end + 1] &- 48 < 10 { return nil }
        shape.span = start..<end
        return shape
    }

    private static func accepts(_ shape: Shape, _ text: UnsafeBufferPointer<UInt8>) -> Bool {
        let groups = shape.groups
        if shape.plus { return shape.digits >= 8 && shape.digits <= 15 }
        if isDate(groups) || groups == [3, 2, 4] || groups == [2, 7] && shape.separators == [45] || areYears(groups, shape.span, text) { return false }
        // North America, with or without the leading 1 or 001.
        let isRound = groups == [3, 3, 4] && text[shape.span.lowerBound] == UInt8(ascii: "1")  // no area's number begins so
        if groups == [3, 3, 4] && !isRound || groups == [1, 3, 3, 4] || groups == [3, 3, 3, 4] && shape.leadingZero, !shape.separators.isEmpty || shape.parenthesis { return true }
        if shape.parenthesis { return groups.count > 1 && shape.digits >= 7 && shape.digits <= 13 }
        let uniform = shape.separators.count == 1 && groups.count >= 2
        if shape.leadingZero, uniform, (9...12).contains(shape.digits), groups.allSatisfy({ $0 <= 7 }) { return true }
        guard Context.near(text, shape.span, Context.phone) else { return false }
        if groups.count == 1 { return (10...13).contains(shape.digits) || shape.digits >= 7 && shape.leadingZero }
        return uniform && (7...14).contains(shape.digits) && groups.allSatisfy { (1...8).contains($0) }
    }

    /// 2024-01-31, 31.01.2024
    private static func isDate(_ groups: [Int]) -> Bool { groups == [4, 2, 2] || groups == [2, 2, 4] || groups == [4, 1, 2] }

    /// "2023 2024", "1874-1936", "the 2008 400 richest": years of four digits, of a span or before a number.
    private static func areYears(_ groups: [Int], _ span: Range<Int>, _ text: UnsafeBufferPointer<UInt8>) -> Bool {
        func number(at start: Int) -> Int { text[start..<start + 4].reduce(0) { $0 * 10 + Int($1) - 48 } }
        guard groups == [4, 4] || groups == [4, 3], span.count == 5 + groups[1] else { return false }
        let first = number(at: span.lowerBound)
        if groups[1] == 3 { return (1900...2099).contains(first) }
        return (1000...2099).contains(first) && (first...2099).contains(number(at: span.lowerBound + 5))
    }
}
