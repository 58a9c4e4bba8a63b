/// Tells web and mail addresses, which are kept whole, from other words (Diego Perini's pattern as spaCy uses it).
enum WebAddress {
    static func matches(_ p: UnsafePointer<UInt8>, _ low: Int, _ high: Int) -> Bool {
        var dots = 0
        for i in low..<high where p[i] == 46 { dots += 1 }
        guard dots > 0, high - low >= 4 else { return false }
        if let rest = afterScheme(p, low, high), matchesAfterScheme(p, rest, high) { return true }
        return matchesAfterScheme(p, low, high)
    }

    private static func afterScheme(_ p: UnsafePointer<UInt8>, _ low: Int, _ high: Int) -> Int? {
        var i = low
        while i < high {
            if p[i] == 58 { return i - low >= 2 && i + 2 < high && p[i + 1] == 47 && p[i + 2] == 47 ? i + 3 : nil }
            let (value, width) = scalar(p, i)
            let isWord = value == 43 || value == 45 || value == 46 || value == 95 || value &- 48 < 10
                || ScalarTable.shared.classes(value) & ScalarClass.letter != 0
            if !isWord { return nil }
            i += width
        }
        return nil
    }

    /// With or without a user before an @.
    private static func matchesAfterScheme(_ p: UnsafePointer<UInt8>, _ low: Int, _ high: Int) -> Bool {
        if host(p, low, high) { return true }
        guard low + 1 < high else { return false }
        for i in (low + 1)..<high where p[i] == 64 && host(p, i + 1, high) { return true }
        return false
    }

    private static func host(_ p: UnsafePointer<UInt8>, _ low: Int, _ high: Int) -> Bool {
        var end = low
        while end < high, p[end] != 47, p[end] != 63, p[end] != 35 { end += 1 }
        if let colon = (low..<end).first(where: { p[$0] == 58 }) {
            let digits = end - colon - 1
            guard (2...5).contains(digits), (colon + 1..<end).allSatisfy({ p[$0] &- 48 < 10 }) else { return false }
            end = colon
        }
        return end > low && (domain(p, low, end) || publicAddress(p, low, end))
    }

    private static func domain(_ p: UnsafePointer<UInt8>, _ low: Int, _ high: Int) -> Bool {
        var label = low
        var labels = 0
        for i in low..<high where p[i] == 46 {
            guard isLabel(p, label, i) else { return false }
            label = i + 1
            labels += 1
        }
        guard labels > 0, label < high else { return false }
        var (i, count) = (label, 0)
        while i < high {
            let (value, width) = scalar(p, i)
            if ScalarTable.shared.classes(value) & ScalarClass.lower == 0 { return false }
            i += width
            count += 1
        }
        return (2...63).contains(count)
    }

    /// 1 to 64 letters or digits (everything from U+00A1 to U+FFFF counts), with - and _ inside.
    private static func isLabel(_ p: UnsafePointer<UInt8>, _ low: Int, _ high: Int) -> Bool {
        var (i, count) = (low, 0)
        while i < high {
            let (value, width) = scalar(p, i)
            let isEnd = i == low || i + width == high
            let plain = value &- 48 < 10 || (value | 32) &- 97 < 26 && value < 128 || value >= 0xA1 && value <= 0xFFFF
            guard plain || !isEnd && (value == 45 || value == 95) else { return false }
            i += width
            count += 1
        }
        return (1...64).contains(count)
    }

    private static func publicAddress(_ p: UnsafePointer<UInt8>, _ low: Int, _ high: Int) -> Bool {
        var parts: [Int] = []
        var (value, digits) = (0, 0)
        for i in low...high {
            if i == high || p[i] == 46 {
                guard (1...3).contains(digits) else { return false }
                parts.append(value)
                (value, digits) = (0, 0)
            } else {
                guard p[i] &- 48 < 10, digits < 3 else { return false }
                value = value * 10 + Int(p[i] - 48)
                digits += 1
            }
        }
        guard parts.count == 4, parts.allSatisfy({ $0 < 256 }), (1...223).contains(parts[0]), (1...254).contains(parts[3]) else { return false }
        if parts[0] == 10 || parts[0] == 127 { return false }
        if parts[0] == 169, parts[1] == 254 { return false }
        if parts[0] == 192, parts[1] == 168 { return false }
        return !(parts[0] == 172 && (16...31).contains(parts[1]))
    }
}
