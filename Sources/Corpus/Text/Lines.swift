/// Lines and white space of a text as Python has them.
enum Lines {
    @inline(__always)
    static func isSpace(_ value: UInt32) -> Bool { ScalarTable.shared.classes(value) & ScalarClass.space != 0 }

    /// The range without white space at both ends.
    static func trimmed(_ text: UnsafeBufferPointer<UInt8>, _ range: Range<Int>) -> Range<Int> {
        guard let p = text.baseAddress else { return range }
        var (start, end) = (range.lowerBound, range.upperBound)
        while start < end {
            let (value, width) = scalar(p, start)
            if !isSpace(value) { break }
            start += width
        }
        while end > start {
            let at = before(p, end)
            if !isSpace(scalar(p, at).value) { break }
            end = at
        }
        return start..<end
    }

    /// The lines of `str.splitlines()`: each without its end; `next` is where the following one begins.
    static func forEach(_ text: UnsafeBufferPointer<UInt8>, _ body: (_ line: Range<Int>, _ next: Int) -> Void) {
        guard let p = text.baseAddress else { return }
        let n = text.count
        var (start, i) = (0, 0)
        while i < n {
            let size = breakLength(p, i, n)
            if size == 0 {
                i += 1
                continue
            }
            body(start..<i, i + size)
            i += size
            start = i
        }
        if start < n { body(start..<n, n) }
    }

    /// Bytes of a line break at `i`, or 0.
    @inline(__always)
    private static func breakLength(_ p: UnsafePointer<UInt8>, _ i: Int, _ n: Int) -> Int {
        switch p[i] {
        case 13: i + 1 < n && p[i + 1] == 10 ? 2 : 1
        case 10, 11, 12, 28, 29, 30: 1
        case 0xC2: p[i + 1] == 0x85 ? 2 : 0
        case 0xE2: p[i + 1] == 0x80 && (p[i + 2] == 0xA8 || p[i + 2] == 0xA9) ? 3 : 0
        default: 0
        }
    }

    /// Occurrences of a short ASCII text, apart from one another, up to letter case where `folded`.
    static func count(_ needle: StaticString, in text: UnsafeBufferPointer<UInt8>, _ range: Range<Int>, folded: Bool = false) -> Int {
        let n = needle.utf8CodeUnitCount
        guard let p = text.baseAddress, range.count >= n else { return 0 }
        let q = needle.utf8Start
        var (i, found) = (range.lowerBound, 0)
        let last = range.upperBound - n
        while i <= last {
            var k = 0
            while k < n, p[i + k] == q[k] || folded && p[i + k] &- 65 < 26 && p[i + k] | 32 == q[k] { k += 1 }
            if k == n {
                found += 1
                i += n
            } else {
                i += 1
            }
        }
        return found
    }

    static func starts(_ text: UnsafeBufferPointer<UInt8>, _ range: Range<Int>, _ with: StaticString) -> Bool {
        let n = with.utf8CodeUnitCount
        return range.count >= n && (0..<n).allSatisfy { text[range.lowerBound + $0] == with.utf8Start[$0] }
    }

    static func ends(_ text: UnsafeBufferPointer<UInt8>, _ range: Range<Int>, _ with: StaticString) -> Bool {
        let n = with.utf8CodeUnitCount
        return range.count >= n && (0..<n).allSatisfy { text[range.upperBound - n + $0] == with.utf8Start[$0] }
    }
}
