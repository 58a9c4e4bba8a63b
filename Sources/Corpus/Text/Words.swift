/// The words of a text as spans of its bytes, with what the filters ask of each.
struct Words {
    struct Word {
        /// First byte, and the byte after the last.
        var start: Int32
        var end: Int32
        /// Characters (Unicode scalars).
        var length: Int32
        /// All characters are white space; such tokens only matter to the sentence count.
        var isSpace: Bool
    }

    private(set) var words: [Word] = []

    var count: Int { words.count }

    mutating func removeAll() { words.removeAll(keepingCapacity: true) }

    @inline(__always)
    mutating func append(_ start: Int, _ end: Int, _ length: Int, isSpace: Bool = false) {
        words.append(Word(start: Int32(truncatingIfNeeded: start), end: Int32(truncatingIfNeeded: end),
            length: Int32(truncatingIfNeeded: length), isSpace: isSpace))
    }

    mutating func truncate(to count: Int) { words.removeSubrange(count...) }
}

/// One character of valid UTF-8 at `i` and its length in bytes.
@inline(__always)
func scalar(_ p: UnsafePointer<UInt8>, _ i: Int) -> (value: UInt32, length: Int) {
    let lead = UInt32(p[i])
    if lead < 0x80 { return (lead, 1) }
    if lead < 0xE0 { return ((lead & 0x1F) << 6 | UInt32(p[i + 1] & 0x3F), 2) }
    if lead < 0xF0 { return ((lead & 0x0F) << 12 | UInt32(p[i + 1] & 0x3F) << 6 | UInt32(p[i + 2] & 0x3F), 3) }
    return ((lead & 0x07) << 18 | UInt32(p[i + 1] & 0x3F) << 12 | UInt32(p[i + 2] & 0x3F) << 6 | UInt32(p[i + 3] & 0x3F), 4)
}

/// Where the character that ends before `end` begins.
@inline(__always)
func before(_ p: UnsafePointer<UInt8>, _ end: Int) -> Int {
    var i = end - 1
    while p[i] & 0xC0 == 0x80 { i -= 1 }
    return i
}

/// Characters in a stretch of valid UTF-8.
@inline(__always)
func characters(_ p: UnsafePointer<UInt8>, _ start: Int, _ end: Int) -> Int {
    var count = 0
    for i in start..<end where p[i] & 0xC0 != 0x80 { count += 1 }
    return count
}
