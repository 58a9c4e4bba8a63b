import QuintetFiles

/// The header of a safetensors file, read from untrusted bytes: every number is compared with the file before it is used.
struct SafetensorsHeader {
    /// The reference accepts 100 MB; a model with 100,000 tensors needs 15.
    static let limit = 32 << 20
    static let maximumRank = 8
    static let maximumNameLength = 1024

    var metadata: [(key: String, value: String)] = []
    var entries: [SafetensorsEntry] = []
    private let source: String
    private let fileLength: Int
    private var dataStart = 0

    init(_ bytes: UnsafeRawBufferPointer, source: String) throws(FileError) {
        self.source = source
        fileLength = bytes.count
        let members = try readHeader(bytes)
        for (name, value) in members {
            if name == "__metadata__" { metadata = try readMetadata(value) } else { entries.append(try readEntry(name, value)) }
        }
        try checkCoverage()
    }

    private mutating func readHeader(_ bytes: UnsafeRawBufferPointer) throws(FileError) -> JSONObject {
        var reader = ByteReader(bytes, source: source)
        let length = try reader.integer(UInt64.self, "header length")
        guard length >= 2, length <= UInt64(Self.limit), length <= UInt64(reader.remaining) else {
            throw FileError(
                "not a safetensors file: impossible header length", path: source, field: "header length", offset: 0,
                expected: "2 to \(min(Self.limit, reader.remaining))", found: "\(length)",
                hint: "the file is truncated, damaged, or of another format")
        }
        let text = try reader.bytes(Int(length), "header")
        dataStart = reader.offset
        guard text.first == UInt8(ascii: "{") else {
            throw FileError(
                "the header is not a JSON object", path: source, field: "header", offset: 8, expected: "{",
                found: "byte \(text.first ?? 0)")
        }
        let json = try JSON.parse(text, source: source, depth: 8)
        guard let members = json.object else {
            throw FileError("the header is not a JSON object", path: source, field: "header", offset: 8, found: json.kind)
        }
        return members
    }

    private func readMetadata(_ value: JSON) throws(FileError) -> [(key: String, value: String)] {
        guard let members = value.object else { throw wrong("__metadata__", "an object of strings", value.kind) }
        var metadata: [(key: String, value: String)] = []
        for (key, value) in members {
            guard let text = value.string else { throw wrong("__metadata__.\(key)", "a string", value.kind) }
            metadata.append((key, text))
        }
        return metadata
    }

    private func readEntry(_ name: String, _ value: JSON) throws(FileError) -> SafetensorsEntry {
        guard !name.isEmpty, name.utf8.count <= Self.maximumNameLength else {
            throw wrong(name, "a name of 1 to \(Self.maximumNameLength) bytes", "\(name.utf8.count) bytes")
        }
        guard let members = value.object else { throw wrong(name, "an object", value.kind) }
        for key in members.keys where !["dtype", "shape", "data_offsets"].contains(key) {
            throw wrong("\(name).\(key)", "only dtype, shape and data_offsets", "an unknown key")
        }
        let type = try readType(name, members["dtype"])
        let (shape, bytes) = try readShape(name, members["shape"], type)
        let range = try readRange(name, members["data_offsets"])
        guard range.count == bytes else {
            throw wrong(
                "\(name).data_offsets", "\(bytes) bytes for \(type.rawValue) \(shape)", "\(range.count) bytes", offset: range.lowerBound)
        }
        return SafetensorsEntry(name: name, type: type, shape: shape, range: range)
    }

    private func readType(_ name: String, _ value: JSON?) throws(FileError) -> SafetensorsType {
        guard let text = value?.string else { throw wrong("\(name).dtype", "the name of a type", value?.kind ?? "nothing") }
        guard let type = SafetensorsType(rawValue: text) else {
            throw wrong("\(name).dtype", SafetensorsType.allCases.map(\.rawValue).joined(separator: " "), text)
        }
        return type
    }

    /// The shape, and the bytes that it and the type ask for.
    private func readShape(_ name: String, _ value: JSON?, _ type: SafetensorsType) throws(FileError) -> ([Int], Int) {
        guard let list = value?.array else { throw wrong("\(name).shape", "a list of sizes", value?.kind ?? "nothing") }
        guard list.count <= Self.maximumRank else { throw wrong("\(name).shape", "at most \(Self.maximumRank) axes", "\(list.count)") }
        var shape: [Int] = []
        var bits = type.bits
        for size in list {
            guard case .integer(let number) = size, number >= 0, number <= Int64(Int32.max) else {
                throw wrong("\(name).shape", "whole numbers from 0 to \(Int32.max)", size.serialized())
            }
            let (product, overflow) = bits.multipliedReportingOverflow(by: Int(number))
            if overflow { throw wrong("\(name).shape", "a size that fits the file", "\(shape) times \(number) and more") }
            bits = product
            shape.append(Int(number))
        }
        guard bits % 8 == 0 else { throw wrong("\(name).shape", "whole bytes", "\(bits) bits") }
        return (shape, bits / 8)
    }

    private func readRange(_ name: String, _ value: JSON?) throws(FileError) -> Range<Int> {
        let field = "\(name).data_offsets"
        guard let pair = value?.array, pair.count == 2, case .integer(let begin) = pair[0], case .integer(let end) = pair[1] else {
            throw wrong(field, "two whole numbers", value.map { $0.serialized() } ?? "nothing")
        }
        let room = fileLength - dataStart
        guard begin >= 0, begin <= end, end <= Int64(room) else {
            throw wrong(field, "0 <= begin <= end <= \(room)", "[\(begin), \(end)]")
        }
        return dataStart + Int(begin)..<dataStart + Int(end)
    }

    /// Tensors lie one after the other from the end of the header to the end of the file: no overlap, no hole, no stowaway.
    private mutating func checkCoverage() throws(FileError) {
        entries.sort {
            ($0.range.lowerBound, $0.range.upperBound) != ($1.range.lowerBound, $1.range.upperBound)
                ? ($0.range.lowerBound, $0.range.upperBound) < ($1.range.lowerBound, $1.range.upperBound)
                : Folder.precedes($0.name, $1.name)
        }
        var end = dataStart
        var previous: SafetensorsEntry?
        for entry in entries {
            guard entry.range.lowerBound == end else {
                let kind = entry.range.lowerBound < end ? "overlaps the tensor before it" : "leaves a hole before it"
                throw FileError(
                    "the tensor \(kind)", path: source, field: "\(entry.name).data_offsets", offset: entry.range.lowerBound,
                    expected: "its bytes from \(end)", found: "from \(entry.range.lowerBound)")
            }
            if let previous, previous.range.isEmpty {
                throw FileError(
                    "the tensor reuses the offset of an empty one", path: source, field: "\(entry.name).data_offsets", offset: end,
                    expected: "an offset of its own", found: "that of \(previous.name)")
            }
            end = entry.range.upperBound
            previous = entry
        }
        guard end == fileLength else {
            throw FileError(
                "the file holds bytes that belong to no tensor", path: source, field: "data", offset: end,
                expected: "the end of the file at \(end)", found: "\(fileLength) bytes")
        }
    }

    private func wrong(_ field: String, _ expected: String, _ found: String, offset: Int = 8) -> FileError {
        FileError("the header is wrong", path: source, field: field, offset: offset, expected: expected, found: found)
    }
}
