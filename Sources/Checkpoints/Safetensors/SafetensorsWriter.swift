public import QuintetFiles

/// Writes safetensors files: whole or not at all, and the same bytes for the same tensors.
public enum SafetensorsWriter {
    /// One tensor to be written: `body` hands its bytes to the writer when their turn comes, so nothing is held twice.
    public struct Item {
        public let name: String
        public let type: SafetensorsType
        public let shape: [Int]
        let body: (inout FileWriter) throws -> Void

        /// `body` writes exactly the bytes that type and shape ask for.
        public init(_ name: String, _ type: SafetensorsType, _ shape: [Int], _ body: @escaping (inout FileWriter) throws -> Void) {
            self.name = name
            self.type = type
            self.shape = shape
            self.body = body
        }

        public init(_ name: String, _ type: SafetensorsType, _ shape: [Int], bytes: [UInt8]) {
            self.init(name, type, shape) { writer in try bytes.withUnsafeBytes { try writer.write($0) } }
        }

        public init(_ name: String, floats: [Float], _ shape: [Int]) {
            self.init(name, .f32, shape) { writer in try floats.withUnsafeBytes { try writer.write($0) } }
        }

        public init(_ name: String, integers: [Int64], _ shape: [Int]) {
            self.init(name, .i64, shape) { writer in try integers.withUnsafeBytes { try writer.write($0) } }
        }

        var byteCount: Int { shape.reduce(1, *) * type.bits / 8 }
    }

    /// Writes `items` to `path` in the order and with the padding of the reference: byte for byte what it would write.
    ///
    /// Names have to differ, and at most one tensor may be empty: it would share its offset with another.
    public static func write(_ path: String, _ items: [Item], metadata: [(String, String)] = [("format", "pt")]) throws {
        let (sorted, header) = try plan(path, items, metadata)
        try AtomicFile.write(path) { writer in try write(sorted, header, &writer) }
    }

    /// The same into a writer that is already open (a file of a folder that appears whole).
    public static func write(
        _ items: [Item], metadata: [(String, String)] = [("format", "pt")], into writer: inout FileWriter, path: String
    ) throws {
        let (sorted, header) = try plan(path, items, metadata)
        try write(sorted, header, &writer)
    }

    private static func write(_ items: [Item], _ header: [UInt8], _ writer: inout FileWriter) throws {
        try header.withUnsafeBytes { try writer.write($0) }
        for item in items {
            let start = writer.position
            try item.body(&writer)
            precondition(writer.position - start == item.byteCount, "\(item.name) wrote \(writer.position - start) bytes")
        }
    }

    private static func plan(_ path: String, _ items: [Item], _ metadata: [(String, String)]) throws(FileError) -> ([Item], [UInt8]) {
        let sorted = items.sorted { a, b in
            if (a.byteCount == 0) != (b.byteCount == 0) { return b.byteCount == 0 }
            if a.type != b.type { return a.type.rank > b.type.rank }
            return Folder.precedes(a.name, b.name)
        }
        guard items.count(where: { $0.byteCount == 0 }) <= 1 else {
            throw FileError("more than one empty tensor cannot be written", path: path, field: sorted.last?.name)
        }
        return (sorted, try header(path, sorted, metadata))
    }

    private static func header(_ path: String, _ items: [Item], _ metadata: [(String, String)]) throws(FileError) -> [UInt8] {
        var members = JSONObject()
        if !metadata.isEmpty {
            var pairs = JSONObject()
            for (key, value) in metadata { pairs[key] = .string(value) }
            members["__metadata__"] = .object(pairs)
        }
        var offset = 0
        for item in items {
            guard members[item.name] == nil else {
                throw FileError("two tensors of one name cannot be written", path: path, field: item.name)
            }
            members[item.name] = [
                "dtype": .string(item.type.rawValue), "shape": .array(item.shape.map { JSON($0) }),
                "data_offsets": [JSON(offset), JSON(offset + item.byteCount)],
            ]
            offset += item.byteCount
        }
        var text = Array(JSON.object(members).serialized().utf8)
        while text.count % 8 != 0 { text.append(UInt8(ascii: " ")) }
        return withUnsafeBytes(of: UInt64(text.count).littleEndian) { Array($0) } + text
    }
}
