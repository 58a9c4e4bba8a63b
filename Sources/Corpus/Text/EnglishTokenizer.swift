/// Splits English text into words exactly as spaCy's rule-based tokenizer does, on UTF-8 bytes.
///
/// White space parts the text into chunks. From a chunk, marks are split off the front and the end until nothing changes or an
/// exception (`EnglishExceptions`) is left; addresses stay whole; what remains is split at hyphens, slashes and the like inside.
/// Most chunks are plain lower-case words and take the first branch.
struct EnglishTokenizer {
    private let flags = ScalarTable.shared.flags
    private let table = ScalarTable.shared
    private let exceptions = ExceptionTable.shared
    private var suffixes: [(start: Int, end: Int)] = []
    /// Keep white space beyond single spaces as tokens.
    private let keepsSpace: Bool

    init(keepsSpace: Bool = false) { self.keepsSpace = keepsSpace }

    /// Appends the words of `text`, valid UTF-8; positions are relative to its start.
    mutating func split(_ text: UnsafeBufferPointer<UInt8>, into words: inout Words) {
        guard let p = text.baseAddress else { return }
        let n = text.count
        var i = 0
        while i < n {
            let spaceStart = i
            var width = 0
            i = skipSpace(p, i, n, &width)
            if keepsSpace { spaceToken(p, spaceStart, i, width, &words) }
            if i == n { break }
            let start = i
            var plain = true
            var length = 0
            while i < n {
                let byte = p[i]
                if byte < 0x80 {
                    if flags[Int(byte)] & ScalarClass.space != 0 { break }
                    if (byte | 32) &- 97 >= 26 { plain = false }
                    i += 1
                } else {
                    let (value, width) = scalar(p, i)
                    if table.classes(value) & ScalarClass.space != 0 { break }
                    plain = false
                    i += width
                }
                length += 1
            }
            if plain, !exceptions.mayHold(p, start, i) { words.append(start, i, length) } else { chunk(p, start, i, &words) }
        }
    }

    @inline(__always)
    private func skipSpace(_ p: UnsafePointer<UInt8>, _ start: Int, _ n: Int, _ width: inout Int) -> Int {
        var i = start
        while i < n {
            if p[i] < 0x80 {
                if flags[Int(p[i])] & ScalarClass.space == 0 { break }
                i += 1
            } else {
                let (value, size) = scalar(p, i)
                if table.classes(value) & ScalarClass.space == 0 { break }
                i += size
            }
            width += 1
        }
        return i
    }

    /// A single space parts words; more of it, or other white space, is a token. A space before the text's first word is one, too.
    private func spaceToken(_ p: UnsafePointer<UInt8>, _ start: Int, _ end: Int, _ width: Int, _ words: inout Words) {
        guard end > start else { return }
        let from = p[start] == 32 && start > 0 ? start + 1 : start
        if end > from { words.append(from, end, width - (from - start), isSpace: true) }
    }

    private mutating func chunk(_ p: UnsafePointer<UInt8>, _ start: Int, _ end: Int, _ words: inout Words) {
        if exceptions.split(p, start, end, &words) { return }
        let first = words.count
        var (low, high) = (start, end)
        suffixes.removeAll(keepingCapacity: true)
        strip(p, &low, &high, &words)
        if low < high, !exceptions.split(p, low, high, &words) {
            if WebAddress.matches(p, low, high) { add(p, low, high, &words) } else { inside(p, low, high, &words) }
        }
        for suffix in suffixes.reversed() { add(p, suffix.start, suffix.end, &words) }
        if words.count - first > 1 { rejoin(p, first, &words) }
    }

    /// Takes marks off both ends until nothing changes or an exception is left.
    private mutating func strip(_ p: UnsafePointer<UInt8>, _ low: inout Int, _ high: inout Int, _ words: inout Words) {
        while low < high {
            if exceptions.holds(p, low, high) { return }
            let prefix = prefixEnd(p, low, high)
            if prefix > low, prefix < high, exceptions.holds(p, prefix, high) {
                add(p, low, prefix, &words)
                low = prefix
                return
            }
            let suffix = suffixStart(p, prefix, high)
            if suffix < high, suffix > low, exceptions.holds(p, low, suffix) {
                suffixes.append((suffix, high))
                high = suffix
                return
            }
            if prefix == low, suffix == high { return }
            if prefix > low {
                add(p, low, prefix, &words)
                low = prefix
            }
            if suffix < high {
                suffixes.append((suffix, high))
                high = suffix
            }
        }
    }

    @inline(__always)
    private func add(_ p: UnsafePointer<UInt8>, _ start: Int, _ end: Int, _ words: inout Words) {
        words.append(start, end, characters(p, start, end))
    }

    /// The end of what is split off the front; `low` for nothing.
    private func prefixEnd(_ p: UnsafePointer<UInt8>, _ low: Int, _ high: Int) -> Int {
        let (value, width) = scalar(p, low)
        if table.classes(value) & ScalarClass.opens != 0 { return low + width }
        switch value {
        case 43:  // + unless a digit follows
            return low + 1 < high && p[low + 1] &- 48 < 10 ? low : low + 1
        case 46:  // two stops or more
            var end = low
            while end < high, p[end] == 46 { end += 1 }
            return end - low > 1 ? end : low
        case 65, 67:  // A$, C$
            return low + 1 < high && p[low + 1] == 36 ? low + 2 : low
        case 85:  // US$
            return low + 2 < high && p[low + 1] == 83 && p[low + 2] == 36 ? low + 3 : low
        default: return low
        }
    }

    /// The start of what is split off the end, the longest that fits; `high` for nothing. Nothing before `low` is looked at.
    private func suffixStart(_ p: UnsafePointer<UInt8>, _ low: Int, _ high: Int) -> Int {
        guard low < high else { return high }
        let last = before(p, high)
        let (value, _) = scalar(p, last)
        if value == 46 { return stopStart(p, low, high) }
        var start = high
        let classes = table.classes(value)
        if classes & ScalarClass.closes != 0 {
            start = last
            if value == 0x2026 {  // ……
                let previous = last > low ? before(p, last) : last
                if previous < last, scalar(p, previous).value == 0x2026 { start = previous }
            }
        } else if value == 115 || value == 83, last > low {  // 's
            let quote = before(p, last)
            let mark = scalar(p, quote).value
            if mark == 39 || mark == 0x2019 { start = quote }
        } else if value == 43, last > low, p[last - 1] &- 48 < 10 {
            start = last
        }
        return min(start, unitStart(p, low, high))
    }

    /// A stop at the end: two or more, or one after a letter, digit or mark that does not make an abbreviation.
    private func stopStart(_ p: UnsafePointer<UInt8>, _ low: Int, _ high: Int) -> Int {
        var start = high
        while start > low, p[start - 1] == 46 { start -= 1 }
        if high - start > 1 { return start }
        guard start > low else { return high }
        let previous = before(p, start)
        let (value, _) = scalar(p, previous)
        let classes = table.classes(value)
        if classes & ScalarClass.beforeStop != 0 { return start }
        guard previous > low else { return high }
        let one = scalar(p, before(p, previous)).value
        if one == 0xB0, "FfCcKk".utf8.contains(UInt8(truncatingIfNeeded: value)), value < 128 { return start }
        return classes & ScalarClass.upper != 0 && table.classes(one) & ScalarClass.upper != 0 ? start : high
    }

    /// The start of a unit or currency at the end that follows a digit.
    private func unitStart(_ p: UnsafePointer<UInt8>, _ low: Int, _ high: Int) -> Int {
        var digit = high - 1
        let limit = max(low, high - 14)
        while digit >= limit, p[digit] &- 48 >= 10 { digit -= 1 }
        guard digit >= limit, digit < high - 1 else { return high }
        return Units.holds(p, digit + 1, high) ? digit + 1 : high
    }

    /// Splits at marks between letters or digits.
    private func inside(_ p: UnsafePointer<UInt8>, _ low: Int, _ high: Int, _ words: inout Words) {
        var start = low
        var i = low
        var previous: (value: UInt32, classes: UInt32) = (0, 0)
        while i < high {
            let (value, width) = scalar(p, i)
            let end = infixEnd(p, i, high, value, width, i > low ? previous : nil)
            if end > i {
                if i != low {
                    if i > start { add(p, start, i, &words) }
                    add(p, i, end, &words)
                    start = end
                }
                let last = before(p, end)
                let value = scalar(p, last).value
                previous = (value, table.classes(value))
                i = end
            } else {
                previous = (value, table.classes(value))
                i += width
            }
        }
        if start < high { add(p, start, high, &words) }
    }

    /// The end of an infix that begins at `i`; `i` where none does.
    private func infixEnd(
        _ p: UnsafePointer<UInt8>, _ i: Int, _ high: Int, _ value: UInt32, _ width: Int, _ previous: (value: UInt32, classes: UInt32)?
    ) -> Int {
        let end = i + width
        if value < 128, (value | 32) &- 97 < 26 { return i }
        if value == 46, end < high, p[end] == 46 {
            var end = end
            while end < high, p[end] == 46 { end += 1 }
            return end
        }
        if value == 0x2026 { return end }
        if value >= 128, table.classes(value) & ScalarClass.icon != 0 { return end }
        guard let previous, end < high else { return i }
        let afterLetter = previous.classes & ScalarClass.alpha != 0
        let afterDigit = previous.value &- 48 < 10
        func next(_ at: Int) -> (value: UInt32, classes: UInt32) {
            guard at < high else { return (0, 0) }
            let value = scalar(p, at).value
            return (value, table.classes(value))
        }
        let following = next(end)
        let beforeLetter = following.classes & ScalarClass.alpha != 0
        switch value {
        case 43, 42, 94:  // + * ^
            return afterDigit && (following.value &- 48 < 10 || following.value == 45) ? end : i
        case 46:
            let left = previous.classes & (ScalarClass.lower | ScalarClass.quote) != 0
            return left && following.classes & (ScalarClass.upper | ScalarClass.quote) != 0 ? end : i
        case 44: return afterLetter && beforeLetter ? end : i
        case 45:  // hyphens: one, two or three
            if afterDigit, following.value &- 48 < 10 || following.value == 45 { return end }
            guard afterLetter || afterDigit else { return i }
            if beforeLetter { return end }
            for more in 1...2 where end + more < high {
                guard p[end + more - 1] == 45 else { break }
                if next(end + more).classes & ScalarClass.alpha != 0 { return end + more }
            }
            return i
        case 0x2013, 126: return (afterLetter || afterDigit) && beforeLetter ? end : i
        case 0x2014:
            guard afterLetter || afterDigit else { return i }
            if beforeLetter { return end }
            return following.value == 0x2014 && next(end + 3).classes & ScalarClass.alpha != 0 ? end + 3 : i
        case 58, 60, 62, 61, 47:  // : < > = /
            return (afterLetter || afterDigit) && beforeLetter ? end : i
        default: return i
        }
    }

    /// Exceptions with marks in them, found again across the pieces of a chunk; the longest first.
    private func rejoin(_ p: UnsafePointer<UInt8>, _ first: Int, _ words: inout Words) {
        var at = first
        while at < words.count {
            var end = min(words.count, at + 8)
            while end > at + 1 {
                let (start, stop) = (Int(words.words[at].start), Int(words.words[end - 1].end))
                if exceptions.holds(p, start, stop), exceptions.hasMarks(p, start, stop) {
                    var tail = Words()
                    for word in words.words[end...] { tail.append(Int(word.start), Int(word.end), Int(word.length)) }
                    words.truncate(to: at)
                    _ = exceptions.split(p, start, stop, &words)
                    at = words.count - 1
                    for word in tail.words { words.append(Int(word.start), Int(word.end), Int(word.length)) }
                    break
                }
                end -= 1
            }
            at += 1
        }
    }
}
