internal import QuintetFiles

/// What the units of a pass left for a step that compares documents: the records' files, and how many documents each unit has.
struct Census: Sendable {
    struct Unit: Sendable {
        var records: String
        var documents: Int
    }
    let units: [Unit]
    /// Number of the first document of each unit, counted through all.
    let first: [Int]
    var documents: Int

    init(_ units: [Unit]) {
        self.units = units
        var (first, total) = ([Int](), 0)
        for unit in units {
            first.append(total)
            total += unit.documents
        }
        (self.first, documents) = (first, total)
    }

    /// The unit and the place in it of a document.
    func place(_ document: Int) -> (unit: Int, index: UInt32) {
        var (low, high) = (0, units.count)
        while high - low > 1 {
            let middle = (low + high) / 2
            if first[middle] <= document { low = middle } else { high = middle }
        }
        return (low, UInt32(truncatingIfNeeded: document - first[low]))
    }

    func bytes() throws -> Int { try units.reduce(0) { $0 + (try Folder.size(of: $1.records)) } }

    /// Streams the fixed-size rows of every unit's records, in order, with the number of the unit's first document.
    func forEachRow(_ size: Int, _ body: (_ first: Int, _ row: UnsafeRawBufferPointer) -> Void) throws {
        for (index, unit) in units.enumerated() {
            var rest: [UInt8] = []
            try readPieces(unit.records) { piece in
                var piece = piece
                if !rest.isEmpty {
                    let taken = min(size - rest.count, piece.count)
                    rest.append(contentsOf: piece.prefix(taken))
                    piece = UnsafeRawBufferPointer(rebasing: piece.dropFirst(taken))
                    if rest.count < size { return }
                    rest.withUnsafeBytes { body(first[index], $0) }
                    rest.removeAll()
                }
                var at = 0
                while at + size <= piece.count {
                    body(first[index], UnsafeRawBufferPointer(rebasing: piece[at..<(at + size)]))
                    at += size
                }
                rest.append(contentsOf: piece[at...])
            }
        }
    }

    /// Part of a file.
    static func slice(_ path: String, _ range: Range<Int>) throws -> [UInt8] {
        let reader = try FileReader(path)
        try reader.seek(to: range.lowerBound)
        var bytes = [UInt8](repeating: 0, count: range.count)
        let n = try bytes.withUnsafeMutableBytes { raw throws(FileError) in try reader.read(into: raw) }
        guard n == range.count else {
            throw FileError("the file is shorter than it should be", path: path, offset: range.lowerBound, expected: "\(range.count) bytes", found: "\(n)")
        }
        return bytes
    }
}

extension [UInt8] {
    mutating func append(number: UInt64) { Swift.withUnsafeBytes(of: number.littleEndian) { append(contentsOf: $0) } }
    mutating func append(number: UInt32) { Swift.withUnsafeBytes(of: number.littleEndian) { append(contentsOf: $0) } }
}

extension UnsafeRawBufferPointer {
    @inline(__always)
    func u64(_ offset: Int) -> UInt64 { UInt64(littleEndian: loadUnaligned(fromByteOffset: offset, as: UInt64.self)) }
    @inline(__always)
    func u32(_ offset: Int) -> UInt32 { UInt32(littleEndian: loadUnaligned(fromByteOffset: offset, as: UInt32.self)) }
}

/// Which of equal documents stays: the longest; of equally long ones the one with the smallest key, which depends on the document alone.
struct Precedence: Comparable {
    var length: UInt32
    var key: UInt64
    var document: Int

    static func < (a: Precedence, b: Precedence) -> Bool {
        if a.length != b.length { return a.length > b.length }
        return a.key != b.key ? a.key < b.key : a.document < b.document
    }

    /// The key of a page: a hash of its id, source and text.
    static func key(_ page: Page) -> UInt64 {
        var bytes = Array(page.id.utf8)
        bytes.append(0)
        bytes += page.source.utf8
        let head = bytes.withUnsafeBufferPointer { XXHash64.hash($0) }
        return head ^ page.text.withUnsafeBufferPointer { XXHash64.hash($0) } &* 0x9E37_79B9_7F4A_7C15
    }

    static func length(_ page: Page) -> UInt32 { UInt32(clamping: page.text.count) }
}
