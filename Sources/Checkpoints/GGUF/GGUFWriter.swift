public import QuintetFiles

/// Writes GGUF version 3: whole or not at all, and the same bytes for the same content.
public enum GGUFWriter {
    static let alignment = 32

    /// A value of the metadata with the type it is written in.
    public enum Value: Sendable, Equatable {
        case u32(UInt32), i32(Int32), f32(Float), bool(Bool), string(String)
        case strings([String]), floats([Float]), integers([Int32])
    }

    /// One pair of the metadata: new, or as it stands in another file.
    public enum Pair {
        case new(String, Value)
        case copied(GGUFPair, GGUFFile)

        public var key: String {
            switch self {
            case .new(let key, _): key
            case .copied(let pair, _): pair.key
            }
        }
    }

    /// One tensor: `body` hands its bytes to the writer when their turn comes, so nothing is held twice.
    public struct Item {
        public let name: String
        public let type: GGUFType
        /// Outermost axis first.
        public let shape: [Int]
        let body: (inout FileWriter) throws -> Void
        /// The bytes where they are short and known.
        private(set) var known: [UInt8] = []

        public init(_ name: String, _ type: GGUFType, _ shape: [Int], _ body: @escaping (inout FileWriter) throws -> Void) {
            self.name = name
            self.type = type
            self.shape = shape
            self.body = body
        }

        /// A short tensor in f32.
        public init(_ name: String, floats: [Float]) {
            self.init(name, .f32, [floats.count]) { writer in try floats.withUnsafeBytes { try writer.write($0) } }
            known = floats.withUnsafeBytes { Array($0) }
        }

        public var byteCount: Int { shape.reduce(1, *) / type.block.elements * type.block.bytes }
    }

    /// Writes a file; `onProgress` hears how many bytes of tensors are done.
    /// - Throws: `FileError` where a name is too long or there twice, or a row is no whole number of blocks.
    public static func write(
        _ path: String, pairs: [(key: String, value: Value)], _ items: [Item], onProgress: (Int) throws -> Void = { _ in }
    ) throws {
        try write(path, copying: pairs.map { .new($0.key, $0.value) }, items, onProgress: onProgress)
    }

    /// The same with pairs of another file among the metadata.
    public static func write(
        _ path: String, copying pairs: [Pair], _ items: [Item], onProgress: (Int) throws -> Void = { _ in }
    ) throws {
        try check(path, pairs.map(\.key), items)
        let head = self.head(pairs, items)
        try AtomicFile.write(path) { writer in
            try writer.write(head)
            try writer.writeZeros(padding(head.count))
            var done = 0
            for item in items {
                let start = writer.position
                try item.body(&writer)
                precondition(writer.position - start == item.byteCount, "\(item.name) wrote \(writer.position - start) bytes")
                try writer.writeZeros(padding(item.byteCount))
                done += item.byteCount
                try onProgress(done)
            }
        }
    }

    /// The file as it would be read back, with zeros in place of all tensors but the short known ones.
    public static func preview(_ path: String, pairs: [(key: String, value: Value)], _ items: [Item]) throws(FileError) -> GGUFFile {
        try check(path, pairs.map(\.key), items)
        var head = self.head(pairs.map { .new($0.key, $0.value) }, items)
        head += [UInt8](repeating: 0, count: padding(head.count))
        let length = items.reduce(head.count) { $0 + $1.byteCount + padding($1.byteCount) }
        for item in items.prefix(while: { !$0.known.isEmpty }) { head += item.known + [UInt8](repeating: 0, count: padding(item.byteCount)) }
        return try GGUFFile(holding: head, path: path, length: length)
    }

    private static func padding(_ count: Int) -> Int { (alignment - count % alignment) % alignment }

    private static func check(_ path: String, _ keys: [String], _ items: [Item]) throws(FileError) {
        for list in [keys, items.map(\.name)] where Set(list).count != list.count {
            throw FileError("two things of one name cannot be written", path: path, field: list.first { name in list.count { $0 == name } > 1 })
        }
        for item in items {
            guard item.name.utf8.count < GGUFHeader.maximumName, (1...GGUFHeader.maximumRank).contains(item.shape.count) else {
                throw FileError("the format cannot hold this tensor", path: path, field: item.name, expected: "a name below 64 bytes and 1 to 4 axes")
            }
            guard let row = item.shape.last, row % item.type.block.elements == 0 else {
                throw FileError(
                    "a row is no whole number of blocks", path: path, field: item.name,
                    expected: "a multiple of \(item.type.block.elements) for \(item.type.name)", found: "\(item.shape)")
            }
        }
    }

    private static func head(_ pairs: [Pair], _ items: [Item]) -> [UInt8] {
        var out = Bytes()
        out.raw += GGUFHeader.magic
        out.add(UInt32(3))
        out.add(UInt64(items.count))
        out.add(UInt64(pairs.count))
        for pair in pairs {
            switch pair {
            case .new(let key, let value):
                out.add(key)
                out.add(value)
            case .copied(let pair, let file): out.raw += file.rawBytes(of: pair)
            }
        }
        var offset = 0
        for item in items {
            out.add(item.name)
            out.add(UInt32(item.shape.count))
            for size in item.shape.reversed() { out.add(UInt64(size)) }
            out.add(item.type.rawValue)
            out.add(UInt64(offset))
            offset += item.byteCount + padding(item.byteCount)
        }
        return out.raw
    }

    private struct Bytes {
        var raw: [UInt8] = []

        mutating func add(_ value: some FixedWidthInteger) { withUnsafeBytes(of: value.littleEndian) { raw += $0 } }

        mutating func add(_ text: String) {
            add(UInt64(text.utf8.count))
            raw += text.utf8
        }

        mutating func add(_ value: Value) {
            switch value {
            case .u32(let value): addTyped(.u32) { $0.add(value) }
            case .i32(let value): addTyped(.i32) { $0.add(value) }
            case .f32(let value): addTyped(.f32) { $0.add(value.bitPattern) }
            case .bool(let value): addTyped(.bool) { $0.add(UInt8(value ? 1 : 0)) }
            case .string(let text): addTyped(.string) { $0.add(text) }
            case .strings(let texts): addArray(.string, texts) { $0.add($1) }
            case .floats(let numbers): addArray(.f32, numbers) { $0.add($1.bitPattern) }
            case .integers(let numbers): addArray(.i32, numbers) { $0.add($1) }
            }
        }

        private mutating func addTyped(_ type: GGUFArray.Element, _ body: (inout Bytes) -> Void) {
            add(type.rawValue)
            body(&self)
        }

        private mutating func addArray<T>(_ type: GGUFArray.Element, _ values: [T], _ body: (inout Bytes, T) -> Void) {
            add(GGUFArray.Element.array.rawValue)
            add(type.rawValue)
            add(UInt64(values.count))
            for value in values { body(&self, value) }
        }
    }
}
