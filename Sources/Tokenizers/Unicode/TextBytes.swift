/// Text as UTF-8 bytes with the class of each character; bytes that are no UTF-8 count as one unclassified character each.
struct TextBytes {
    let base: UnsafePointer<UInt8>
    let count: Int
    let classes: CharacterClasses

    init(_ base: UnsafePointer<UInt8>, _ count: Int) {
        self.base = base
        self.count = count
        classes = CharacterClasses.shared
    }

    /// The bytes as an array.
    var array: [UInt8] { Array(UnsafeBufferPointer(start: base, count: count)) }

    /// Flags and byte length of the character at `index`, which must be in range.
    @inline(__always)
    func character(at index: Int) -> (flags: UInt16, length: Int) {
        let flags = classes.bytes[Int(base[index])]
        return flags & CharacterFlags.multibyte == 0 ? (flags, 1) : longCharacter(at: index)
    }

    @inline(never)
    func longCharacter(at index: Int) -> (flags: UInt16, length: Int) {
        guard let (scalar, length) = scalar(at: index) else { return (0, 1) }
        return (classes.flags(of: scalar), length)
    }

    /// The scalar at `index` and its length, or nil where the bytes are not well-formed UTF-8.
    @inline(__always)
    func scalar(at index: Int) -> (UInt32, Int)? {
        decodeScalar(base + index, count - index)
    }

    /// Length of the run of characters from `index` that have one of `wanted` flags.
    @inline(__always)
    func end(of wanted: UInt16, from index: Int) -> Int {
        var index = index
        while index < count {
            let (flags, length) = character(at: index)
            if flags & wanted == 0 { break }
            index += length
        }
        return index
    }

    /// Length of the run of characters from `index` that have none of `unwanted` flags.
    @inline(__always)
    func end(ofNone unwanted: UInt16, from index: Int) -> Int {
        var index = index
        while index < count {
            let (flags, length) = character(at: index)
            if flags & unwanted != 0 { break }
            index += length
        }
        return index
    }

    /// Start of the character that ends at `index`: the word rules need it to give back one space.
    @inline(__always)
    func characterStart(before index: Int, notBefore first: Int) -> Int {
        var start = index - 1
        while start > first, base[start] & 0xC0 == 0x80 { start -= 1 }
        return start
    }
}

/// Decodes one scalar of `available` bytes; nil for an overlong, surrogate, truncated or otherwise ill-formed sequence.
@inline(__always)
func decodeScalar(_ p: UnsafePointer<UInt8>, _ available: Int) -> (UInt32, Int)? {
    let first = p[0]
    if first < 0x80 { return (UInt32(first), 1) }
    if first < 0xC2 || first > 0xF4 || available < 2 { return nil }
    let second = p[1]
    guard second & 0xC0 == 0x80 else { return nil }
    if first < 0xE0 { return (UInt32(first & 0x1F) << 6 | UInt32(second & 0x3F), 2) }
    guard available > 2, p[2] & 0xC0 == 0x80 else { return nil }
    if first < 0xF0 {
        if first == 0xE0 && second < 0xA0 || first == 0xED && second > 0x9F { return nil }
        return (UInt32(first & 0x0F) << 12 | UInt32(second & 0x3F) << 6 | UInt32(p[2] & 0x3F), 3)
    }
    guard available > 3, p[3] & 0xC0 == 0x80 else { return nil }
    if first == 0xF0 && second < 0x90 || first == 0xF4 && second > 0x8F { return nil }
    return (UInt32(first & 7) << 18 | UInt32(second & 0x3F) << 12 | UInt32(p[2] & 0x3F) << 6 | UInt32(p[3] & 0x3F), 4)
}

/// Appends the UTF-8 form of a scalar.
func appendScalar(_ scalar: UInt32, to bytes: inout [UInt8]) {
    guard let scalar = Unicode.Scalar(scalar) else { return }
    bytes.append(contentsOf: UTF8.encode(scalar).unsafelyUnwrapped)
}
