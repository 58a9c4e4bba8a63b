public import QuintetFiles
public import QuintetTensors

/// A GGUF file (version 3 or 2), mapped: metadata and tensor table are validated when the file is opened, tensors are its own pages.
///
/// ```swift
/// let file = try GGUFFile.open("model.gguf")
/// file["general.architecture"]       // .string("llama")
/// try file.strings("tokenizer.ggml.tokens").count
/// file.tensors.map(\.name)           // "token_embd.weight", ...
/// ```
/// Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
public struct GGUFFile: Sendable {
    public let path: String
    public let version: Int
    public let alignment: Int
    /// The metadata in its written order.
    public let pairs: [GGUFPair]
    /// In the order of the bytes.
    public let entries: [GGUFEntry]
    public let tensors: [StoredTensor]
    /// What is odd about the file but no reason to refuse it.
    public let warnings: [String]
    private let index: [ExactName: Int]
    private let map: MappedFile

    /// True of the name of a file that is to be one.
    public static func isName(_ path: String) -> Bool { path.lowercased().hasSuffix(".gguf") }

    /// True if the file begins like one.
    public static func isGGUF(_ path: String) -> Bool {
        guard Folder.isFile(path), let reader = try? FileReader(path) else { return false }
        return withUnsafeTemporaryAllocation(byteCount: 4, alignment: 4) { buffer in
            ((try? reader.read(into: buffer)) ?? 0) == 4 && buffer.elementsEqual(GGUFHeader.magic)
        }
    }

    /// Maps a file and checks its head against its length; a lie is a `FileError` naming field and offset.
    public static func open(_ path: String) throws(FileError) -> GGUFFile {
        try GGUFFile(try MappedFile(path))
    }

    /// The same for a file that lies in memory.
    public init(holding content: [UInt8], path: String) throws(FileError) {
        try self.init(holding: content, path: path, length: content.count)
    }

    /// The same where the file is longer than its content so far: the rest is zeros.
    init(holding content: [UInt8], path: String, length: Int) throws(FileError) {
        try self.init(try MappedFile(holding: content, path: path, length: length))
    }

    private init(_ map: MappedFile) throws(FileError) {
        let header = try GGUFHeader(map.bytes, source: map.path)
        self.map = map
        path = map.path
        version = Int(header.version)
        alignment = header.alignment
        pairs = header.pairs
        entries = header.entries
        warnings = header.warnings
        tensors = header.entries.map {
            StoredTensor(name: $0.name, type: $0.type.name, shape: $0.shape, offset: $0.range.lowerBound, byteCount: $0.range.count)
        }
        index = Dictionary(header.pairs.enumerated().map { (ExactName($1.key), $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// A pair of the metadata; nil where there is none of this key.
    public func pair(_ key: String) -> GGUFPair? { index[ExactName(key)].map { pairs[$0] } }

    public subscript(key: String) -> GGUFValue? { pair(key)?.value }

    /// The bytes of a tensor, valid while the file is held.
    public func bytes(of entry: GGUFEntry) -> UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: map.bytes[entry.range]) }

    /// A pair as it stands in the file: key, type, value.
    func rawBytes(of pair: GGUFPair) -> UnsafeRawBufferPointer { bytes(in: pair.range) }

    func bytes(in range: Range<Int>) -> UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: map.bytes[range]) }

    public func checkIntact() throws(FileError) { try map.checkIntact() }

    /// Keeps the pages alive: whoever holds a view of the bytes holds this.
    public var owner: AnyObject { map }
}

extension GGUFFile {
    /// Reads every tensor and refuses numbers that are not finite: a scale that is NaN makes a whole block so.
    /// - Throws: `FileError` naming the tensor and the first element.
    public func checkTensors() throws(FileError) {
        for (index, entry) in entries.enumerated() where entry.type.dtype != nil && entry.type.dtype != .i32 && entry.type.dtype != .i8 {
            let numbers = try tensor(at: index).floats
            if let bad = numbers.firstIndex(where: { !$0.isFinite }) {
                throw FileError(
                    "a number is not finite", path: path, field: "\(entry.name)[\(bad)]", offset: entry.range.lowerBound, expected: "finite numbers",
                    found: "\(numbers[bad])", hint: "the file is damaged, or the model was broken before it was written")
            }
            release(at: index)
        }
    }
}

extension GGUFFile: WeightFile {
    /// A tensor over the file's own pages; copied only where its bytes are not aligned.
    public func tensor(at index: Int) throws(FileError) -> Tensor {
        let entry = entries[index]
        guard let dtype = entry.type.dtype else {
            throw FileError(
                "tensors of this type cannot be computed with", path: path, field: entry.name, offset: entry.range.lowerBound,
                expected: GGUFType.allCases.filter { $0.dtype != nil }.map(\.name).joined(separator: " "), found: entry.type.name)
        }
        let bytes = bytes(of: entry)
        guard let base = bytes.baseAddress, dtype.isBlockFormat || Int(bitPattern: base) % dtype.byteCount == 0 else {
            let copy = Tensor(uninitialized: Shape(entry.shape), dtype: dtype)
            if let base = bytes.baseAddress { copy.data.copyMemory(from: base, byteCount: bytes.count) }
            return copy
        }
        let storage = Storage(base: UnsafeMutableRawPointer(mutating: base), byteCount: bytes.count, owner: owner)
        return Tensor(storage: storage, shape: Shape(entry.shape), dtype: dtype)
    }

    public func release(at index: Int) { map.advise(.doNotNeed, entries[index].range) }

    /// The pairs, long arrays as "array of N".
    public var metadataJSON: JSON {
        var members = JSONObject()
        for pair in pairs {
            if case .array(let array) = pair.value {
                members[pair.key] = .string("array of \(array.count)")
            } else if case .string(let text) = pair.value, text.utf8.count > 200 {
                members[pair.key] = .string(String(decoding: text.utf8.prefix(200), as: UTF8.self) + "…")
            } else {
                members[pair.key] = pair.value.json ?? .null
            }
        }
        return .object(members)
    }
}
