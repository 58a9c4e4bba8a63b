import QuintetFiles

/// The head of a GGUF file, read from untrusted bytes: metadata and tensor table, every number compared with the file's length
/// before it is used.
struct GGUFHeader {
    static let magic: [UInt8] = Array("GGUF".utf8)
    static let maximumPairs = 100_000
    static let maximumTensors = 1_000_000
    static let maximumKey = 256
    static let maximumName = 64
    static let maximumRank = 4
    static let maximumString = 64 << 20

    private(set) var version: UInt32 = 0
    private(set) var pairs: [GGUFPair] = []
    private(set) var entries: [GGUFEntry] = []
    private(set) var alignment = 32
    /// Where tensor data begins.
    private(set) var dataStart = 0
    private(set) var warnings: [String] = []
    private var reader: ByteReader

    init(_ bytes: UnsafeRawBufferPointer, source: String) throws(FileError) {
        reader = ByteReader(bytes, source: source)
        try readMagic()
        // A tensor takes at least 24 bytes of the table, a pair at least 13.
        let tensors = try reader.count("tensor count", limit: min(Self.maximumTensors, max(bytes.count - 24, 0) / 24))
        let count = try reader.count("metadata count", limit: min(Self.maximumPairs, max(bytes.count - 24, 0) / 13))
        try readPairs(count)
        try readAlignment()
        try readTable(tensors)
        try reader.align(tensors > 0 ? alignment : 1, "padding before the tensors")
        dataStart = reader.offset
        try place()
    }

    private mutating func readMagic() throws(FileError) {
        guard reader.remaining > 0 else {
            throw FileError("the file is empty", path: reader.source, field: "magic", offset: 0, expected: "GGUF", found: "0 bytes")
        }
        let magic = try reader.bytes(4, "magic")
        guard magic.elementsEqual(Self.magic) else {
            throw FileError(
                "not a GGUF file", path: reader.source, field: "magic", offset: 0, expected: "GGUF",
                found: String(decoding: magic, as: UTF8.self),
                hint: magic.elementsEqual(Self.magic.reversed()) ? "a big-endian file: these are not supported" : "a file of another format")
        }
        version = try reader.integer(UInt32.self, "version")
        guard version == 2 || version == 3 else {
            throw FileError(
                "this version of GGUF is not supported", path: reader.source, field: "version", offset: 4, expected: "3 or 2",
                found: "\(version)", hint: (2...3).contains(version.byteSwapped) ? "a big-endian file: these are not supported" : nil)
        }
    }

    // MARK: Metadata

    private mutating func readPairs(_ count: Int) throws(FileError) {
        var seen: Set<ExactName> = []
        while pairs.count < count {
            let start = reader.offset
            let key = try readName("metadata[\(pairs.count)].key", limit: Self.maximumKey)
            guard seen.insert(ExactName(key)).inserted else { throw wrong("a key is there twice", key, start) }
            let type = try readElement(key)
            let offset = reader.offset
            let value = try readValue(type, key)
            pairs.append(GGUFPair(key: key, value: value, offset: offset, range: start..<reader.offset))
        }
    }

    private mutating func readName(_ field: String, limit: Int) throws(FileError) -> String {
        let start = reader.offset
        let length = try reader.count(field, limit: min(limit, max(reader.remaining - 8, 0)))
        let text = try reader.string(length, field)
        guard !text.isEmpty, !text.utf8.contains(0) else {
            throw wrong("not a name", field, start, expected: "1 to \(limit) bytes without NUL", found: text.isEmpty ? "nothing" : "a NUL")
        }
        return text
    }

    private mutating func readElement(_ key: String) throws(FileError) -> GGUFArray.Element {
        let start = reader.offset
        let raw = try reader.integer(UInt32.self, key)
        guard let element = GGUFArray.Element(rawValue: raw) else {
            throw wrong("there is no such type of value", key, start, expected: "0 to 12", found: "\(raw)")
        }
        return element
    }

    private mutating func readValue(_ type: GGUFArray.Element, _ key: String) throws(FileError) -> GGUFValue {
        switch type {
        case .u8: .integer(Int64(try reader.integer(UInt8.self, key)))
        case .i8: .integer(Int64(try reader.integer(Int8.self, key)))
        case .u16: .integer(Int64(try reader.integer(UInt16.self, key)))
        case .i16: .integer(Int64(try reader.integer(Int16.self, key)))
        case .u32: .integer(Int64(try reader.integer(UInt32.self, key)))
        case .i32: .integer(Int64(try reader.integer(Int32.self, key)))
        case .i64: .integer(try reader.integer(Int64.self, key))
        case .u64: try readLarge(key)
        case .f32: .float(try reader.float(key))
        case .f64: .double(try reader.double(key))
        case .bool: .bool(try readBool(key))
        case .string: .string(try readString(key))
        case .array: .array(try readArray(key))
        }
    }

    private mutating func readLarge(_ key: String) throws(FileError) -> GGUFValue {
        let value = try reader.integer(UInt64.self, key)
        return Int64(exactly: value).map { .integer($0) } ?? .large(value)
    }

    private mutating func readBool(_ key: String) throws(FileError) -> Bool {
        let start = reader.offset
        let value = try reader.integer(UInt8.self, key)
        guard value < 2 else { throw wrong("not a boolean", key, start, expected: "0 or 1", found: "\(value)") }
        return value == 1
    }

    private mutating func readString(_ key: String) throws(FileError) -> String {
        try reader.string(try reader.count(key, limit: min(Self.maximumString, max(reader.remaining - 8, 0))), key)
    }

    /// Checks that the elements lie in the file; nothing is reserved for them. Arrays in arrays are refused.
    private mutating func readArray(_ key: String) throws(FileError) -> GGUFArray {
        let start = reader.offset
        let element = try readElement(key)
        guard element != .array else { throw wrong("an array of arrays is not supported", key, start) }
        let least = element.byteCount ?? 8
        let count = try reader.count(key, limit: max(reader.remaining - 8, 0) / least)
        let begin = reader.offset
        if let width = element.byteCount {
            let bytes = try reader.bytes(count * width, key)  // count is at most the file's length over the width
            if element == .bool, bytes.contains(where: { $0 > 1 }) { throw wrong("not booleans", key, begin, expected: "0 or 1") }
        } else {
            for _ in 0..<count {
                _ = try reader.bytes(try reader.count(key, limit: min(Self.maximumString, max(reader.remaining - 8, 0))), key)
            }
        }
        return GGUFArray(element: element, count: count, range: begin..<reader.offset)
    }

    private mutating func readAlignment() throws(FileError) {
        guard let pair = pairs.first(where: { $0.key == "general.alignment" }) else { return }
        guard case .integer(let value) = pair.value, (1...1 << 20).contains(value), value & (value - 1) == 0 else {
            throw wrong(
                "impossible alignment", pair.key, pair.offset, expected: "a power of two up to \(1 << 20)",
                found: pair.value.json?.serialized() ?? pair.value.kind)
        }
        alignment = Int(value)
    }

    // MARK: Tensors

    private mutating func readTable(_ count: Int) throws(FileError) {
        var seen: Set<ExactName> = []
        while entries.count < count {
            let start = reader.offset
            let name = try readName("tensors[\(entries.count)].name", limit: Self.maximumName)
            guard seen.insert(ExactName(name)).inserted else { throw wrong("a tensor is there twice", name, start) }
            let shapeOffset = reader.offset
            let shape = try readShape(name)
            let type = try readType(name)
            let bytes = try size(name, shape, type, shapeOffset)
            let offsetAt = reader.offset
            let offset = try reader.count("\(name).offset", limit: reader.bytes.count)
            guard offset % alignment == 0 else {
                throw wrong("the tensor is not aligned", "\(name).offset", offsetAt, expected: "a multiple of \(alignment)", found: "\(offset)")
            }
            entries.append(GGUFEntry(name: name, type: type, shape: shape, range: offset..<offset + bytes, tableOffset: start))
        }
    }

    /// The sizes, outermost first; the file has the row length first.
    private mutating func readShape(_ name: String) throws(FileError) -> [Int] {
        let start = reader.offset
        let rank = try reader.integer(UInt32.self, "\(name).rank")
        guard (1...UInt32(Self.maximumRank)).contains(rank) else {
            throw wrong("impossible number of axes", "\(name).rank", start, expected: "1 to \(Self.maximumRank)", found: "\(rank)")
        }
        var sizes: [Int] = []
        for _ in 0..<rank {
            let at = reader.offset
            let size = try reader.integer(UInt64.self, "\(name).shape")
            guard (1...UInt64(Int32.max)).contains(size) else {
                throw wrong("impossible size", "\(name).shape", at, expected: "1 to \(Int32.max)", found: "\(Int64(bitPattern: size))")
            }
            sizes.append(Int(size))
        }
        return sizes.reversed()
    }

    private mutating func readType(_ name: String) throws(FileError) -> GGUFType {
        let start = reader.offset
        let raw = try reader.integer(UInt32.self, "\(name).type")
        guard let type = GGUFType(rawValue: raw) else {
            throw wrong(
                "this type of tensor is not supported", "\(name).type", start,
                expected: GGUFType.allCases.map(\.name).joined(separator: " "), found: GGUFType.removedName(raw) ?? "type \(raw)")
        }
        return type
    }

    /// The bytes that shape and type ask for.
    private func size(_ name: String, _ shape: [Int], _ type: GGUFType, _ offset: Int) throws(FileError) -> Int {
        let (elements, width) = type.block
        guard let row = shape.last, row % elements == 0 else {
            throw wrong(
                "a row is no whole number of blocks", "\(name).shape", offset, expected: "a multiple of \(elements) for \(type.name)",
                found: "\(shape.last ?? 0)")
        }
        var bytes = row / elements * width
        for size in shape.dropLast() {
            let (product, overflow) = bytes.multipliedReportingOverflow(by: size)
            guard !overflow, product <= reader.bytes.count else {
                throw wrong("the tensor is larger than the file", "\(name).shape", offset, expected: "at most \(reader.bytes.count) bytes", found: "\(shape)")
            }
            bytes = product
        }
        return bytes
    }

    /// Moves the ranges to the data's start and checks them against the file and each other; gaps are said, not refused.
    private mutating func place() throws(FileError) {
        let length = reader.bytes.count
        for index in entries.indices {
            let entry = entries[index]
            let (end, overflow) = entry.range.upperBound.addingReportingOverflow(dataStart)
            guard !overflow, end <= length else {
                throw FileError(
                    "the tensor ends behind the end of the file", path: reader.source, field: "\(entry.name).offset", offset: entry.tableOffset,
                    expected: "at most \(length - dataStart) bytes of tensors", found: "\(entry.range.upperBound)",
                    hint: "the file is truncated or damaged; get it again")
            }
            entries[index].range = entry.range.lowerBound + dataStart..<end
        }
        entries.sort { ($0.range.lowerBound, $0.tableOffset) < ($1.range.lowerBound, $1.tableOffset) }
        var (end, unused) = (dataStart, 0)
        for entry in entries {
            guard entry.range.lowerBound >= end else {
                throw wrong("two tensors share bytes", "\(entry.name).offset", entry.tableOffset, expected: "\(end) or more", found: "\(entry.range.lowerBound)")
            }
            if entry.range.lowerBound - end >= alignment { unused += entry.range.lowerBound - end }
            end = entry.range.upperBound
        }
        if length - end >= alignment { unused += length - end }
        if unused > 0 { warnings.append("\(reader.source): \(unused) bytes belong to no tensor") }
    }

    private func wrong(_ what: String, _ field: String, _ offset: Int, expected: String? = nil, found: String? = nil) -> FileError {
        FileError(what, path: reader.source, field: field, offset: offset, expected: expected, found: found)
    }
}

/// One pair of the metadata, and where its value lies.
public struct GGUFPair: Sendable, Equatable {
    public let key: String
    public let value: GGUFValue
    /// Of the value, counted from the start of the file.
    public let offset: Int
    /// Key, type and value.
    let range: Range<Int>
}

/// One tensor of a GGUF file.
public struct GGUFEntry: Sendable, Equatable {
    public let name: String
    public let type: GGUFType
    /// Outermost axis first: the last one is the row, which blocks divide.
    public let shape: [Int]
    /// Where its bytes lie, counted from the start of the file.
    public internal(set) var range: Range<Int>
    /// Where the table speaks of it.
    let tableOffset: Int

    public var count: Int { shape.reduce(1, *) }
}
