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

    init(_ units: [Unit]) throws(FileError) {
        self.units = units
        var (first, total) = ([Int](), 0)
        for unit in units {
            first.append(total)
            total += unit.documents
        }
        (self.first, documents) = (first, total)
        guard total < Clusters.documentLimit else {
            throw FileError("too many documents for one scrub", expected: "fewer than \(Clusters.documentLimit)", found: "\(total)", hint: "scrub parts of them")
        }
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

    /// Part of a file.
    static func slice(_ path: String, _ range: Range<Int>) throws -> [UInt8] { try slice(try FileReader(path), range) }

    static func slice(_ reader: FileReader, _ range: Range<Int>) throws -> [UInt8] {
        try reader.seek(to: range.lowerBound)
        var bytes = [UInt8](repeating: 0, count: range.count)
        let n = try bytes.withUnsafeMutableBytes { raw throws(FileError) in try reader.read(into: raw) }
        guard n == range.count else {
            throw FileError("the file is shorter than it should be", path: reader.path, offset: range.lowerBound, expected: "\(range.count) bytes", found: "\(n)")
        }
        return bytes
    }
}

extension Census.Unit {
    /// The rows that fall into a part: those of a range of hashes, in a file whose rows are in the order of their hashes.
    func rows(_ size: Int, part: Int, of parts: Int) throws -> [UInt8] {
        let reader = try FileReader(records)
        let count = reader.size / size
        func first(from part: Int) throws -> Int {
            var (low, high) = (0, count)
            while low < high {
                let middle = (low + high) / 2
                let hash = try Census.slice(reader, (middle * size)..<(middle * size + 8)).withUnsafeBytes { $0.u64(0) }
                if hash.multipliedFullWidth(by: UInt64(parts)).high < UInt64(part) { low = middle + 1 } else { high = middle }
            }
            return low
        }
        let start = part == 0 ? 0 : try first(from: part)
        let end = part == parts - 1 ? count : try first(from: part + 1)
        return try Census.slice(reader, (start * size)..<(end * size))
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
