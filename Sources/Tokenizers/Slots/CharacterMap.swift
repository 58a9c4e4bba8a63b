import QuintetFiles

/// SentencePiece's precompiled character map: a double-array trie of byte strings and what each becomes.
struct CharacterMap: Sendable {
    private let units: [UInt32]
    private let texts: [UInt8]
    let bytes: [UInt8]
    /// Bytes that begin some key.
    private let begins: [Bool]
    /// ASCII bytes that stay as they are where another ASCII byte follows.
    private let isPlain: [Bool]

    init(_ bytes: [UInt8], _ place: SlotPlace) throws(FileError) {
        self.bytes = bytes
        let size = bytes.count < 4 ? -1 : Self.unit(bytes, 0)
        guard size >= 4, size % 4 == 0, size <= bytes.count - 4 else {
            throw FileError(
                "not a character map", path: place.source, field: place.field, expected: "a trie within \(bytes.count) bytes",
                found: "\(size) bytes of trie")
        }
        var units: [UInt32] = []
        for index in 1...size / 4 { units.append(UInt32(Self.unit(bytes, index * 4))) }
        self.units = units
        texts = Array(bytes[(4 + size)...])
        var begins = [Bool](repeating: false, count: 256)
        for byte in 0..<256 { begins[byte] = Self.child(of: Self.offset(units[0]), UInt8(byte), units) != nil }
        self.begins = begins
        isPlain = (0..<128).map { byte in Self.isPlain(UInt8(byte), units) }
    }

    private static func isPlain(_ byte: UInt8, _ units: [UInt32]) -> Bool {
        guard let at = child(of: offset(units[0]), byte, units) else { return true }
        if units[at] >> 8 & 1 != 0 { return false }
        let children = at ^ offset(units[at])
        return (1..<128).allSatisfy { child(of: children, UInt8($0), units) == nil }
    }

    /// True if the character at `p` stays as it is, seen from it and the next byte alone.
    @inline(__always)
    func leavesAlone(_ p: UnsafePointer<UInt8>, _ count: Int) -> Bool {
        p[0] < 0x80 && (count < 2 || p[1] < 0x80) && isPlain[Int(p[0])]
    }

    init(base64 json: JSON?, _ place: SlotPlace) throws(FileError) {
        guard let text = json?.string, let bytes = Base64.decode(text.utf8) else {
            throw place.error("not a character map", "precompiled_charsmap", expected: "Base64", json.map { .string($0.kind) })
        }
        try self.init(bytes, place)
    }

    private static func unit(_ bytes: [UInt8], _ at: Int) -> Int {
        (0..<4).reduce(0) { $0 | Int(bytes[at + $1]) << ($1 * 8) }
    }

    /// Darts' encoding of where a node's children lie.
    @inline(__always)
    private static func offset(_ unit: UInt32) -> Int { Int(unit >> 10) << (unit & 1 << 9 == 0 ? 0 : 8) }

    /// The node under `byte`, given where the node's children lie (xor of the node's place and offset).
    @inline(__always)
    private static func child(of base: Int, _ byte: UInt8, _ units: [UInt32]) -> Int? {
        let at = base ^ Int(byte)
        guard at < units.count, units[at] & (1 << 31 | 0xFF) == UInt32(byte) else { return nil }
        return at
    }

    /// Calls `body(length, place of the text)` for every key that the bytes begin with, shortest first.
    private func forEachPrefix(_ p: UnsafePointer<UInt8>, _ count: Int, _ body: (Int, Int) -> Void) {
        var node = Self.offset(units[0])
        for index in 0..<count {
            guard p[index] != 0, let at = Self.child(of: node, p[index], units) else { return }
            let unit = units[at]
            node = at ^ Self.offset(unit)
            if unit >> 8 & 1 != 0, node < units.count { body(index + 1, Int(units[node] & 0x7FFF_FFFF)) }
        }
    }

    private func text(at place: Int) -> ArraySlice<UInt8> {
        guard place < texts.count else { return [] }
        return texts[place...].prefix { $0 != 0 }
    }

    /// What the longest key becomes, and its length; nil if no key begins here.
    func longest(_ p: UnsafePointer<UInt8>, _ count: Int) -> (text: ArraySlice<UInt8>, length: Int)? {
        guard begins[Int(p[0])] else { return nil }
        var found: (Int, Int)?
        forEachPrefix(p, count) { found = ($1, $0) }
        return found.map { (text(at: $0.0), $0.1) }
    }

    /// What the shortest key becomes: the `tokenizers` library takes that, for all of a chunk.
    private func shortest(_ p: UnsafePointer<UInt8>, _ count: Int) -> ArraySlice<UInt8>? {
        guard count > 0, begins[Int(p[0])] else { return nil }
        var found: Int?
        forEachPrefix(p, count) { if found == nil { found = $1 } }
        return found.map { text(at: $0) }
    }

    /// As the `tokenizers` library applies it: to short grapheme clusters as a whole, else to each character.
    func applyByGraphemes(to bytes: [UInt8]) -> [UInt8] {
        bytes.withUnsafeBufferPointer { text in
            guard let base = text.baseAddress else { return [] }
            var out: [UInt8] = []
            out.reserveCapacity(text.count)
            var index = 0
            while index < text.count {
                if leavesAlone(base + index, text.count - index), base[index] != 13 {
                    let start = index
                    repeat { index += 1 } while index < text.count && leavesAlone(base + index, text.count - index) && base[index] != 13
                    out.append(contentsOf: UnsafeBufferPointer(start: base + start, count: index - start))
                    continue
                }
                // An ASCII character before another one is a cluster by itself, CR LF aside.
                let next = index + 1 < text.count ? base[index + 1] : 0
                if base[index] < 0x80, next < 0x80, !(base[index] == 13 && next == 10) {
                    if let mapped = shortest(base + index, 1) { out += mapped } else { out.append(base[index]) }
                    index += 1
                    continue
                }
                let end = Self.end(ofMixed: text, from: index)
                appendClusters(String(decoding: UnsafeBufferPointer(rebasing: text[index..<end]), as: UTF8.self), &out)
                index = end
            }
            return out
        }
    }

    /// Up to the next place between two ASCII characters, CR LF aside.
    private static func end(ofMixed text: UnsafeBufferPointer<UInt8>, from start: Int) -> Int {
        var index = start + 1
        while index < text.count {
            if text[index - 1] < 0x80, text[index] < 0x80, !(text[index - 1] == 13 && text[index] == 10) { return index }
            index += 1
        }
        return index
    }

    private func appendClusters(_ text: String, _ out: inout [UInt8]) {
        for cluster in text {
            var cluster = String(cluster)
            cluster.withUTF8 { bytes in
                guard let base = bytes.baseAddress else { return }
                if bytes.count < 6, let mapped = shortest(base, bytes.count) {
                    out += mapped
                    return
                }
                var index = 0
                while index < bytes.count {
                    let length = decodeScalar(base + index, bytes.count - index)?.1 ?? 1
                    if let mapped = shortest(base + index, length) {
                        out += mapped
                    } else {
                        out.append(contentsOf: UnsafeBufferPointer(start: base + index, count: length))
                    }
                    index += length
                }
            }
        }
    }
}
