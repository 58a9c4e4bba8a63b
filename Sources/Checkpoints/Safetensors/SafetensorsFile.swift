public import QuintetFiles

/// A safetensors file, mapped: the header is validated when the file is opened, the tensors are the file's own pages.
///
/// ```swift
/// let file = try SafetensorsFile.open("model.safetensors")
/// file.names                       // in the order of their bytes
/// file["model.norm.weight"]?.shape // [2048]
/// ```
/// Format: https://huggingface.co/docs/safetensors (8 bytes length, JSON header, tensors without holes).
public struct SafetensorsFile: Sendable {
    public let path: String
    /// The header's `__metadata__`, in its written order.
    public let metadata: [(key: String, value: String)]
    /// What lies in the file, in the order of the bytes.
    public let entries: [SafetensorsEntry]
    public let tensors: [StoredTensor]
    private let index: [ExactName: Int]
    private let map: MappedFile

    /// Maps a file and checks its header against its length; a lie is a `FileError` naming tensor, offset and sizes.
    public static func open(_ path: String) throws(FileError) -> SafetensorsFile {
        try read(MappedFile(path))
    }

    /// The same over bytes in memory; `path` is what errors call them.
    public static func open(holding bytes: [UInt8], path: String) throws(FileError) -> SafetensorsFile {
        try read(MappedFile(holding: bytes, path: path))
    }

    private static func read(_ map: MappedFile) throws(FileError) -> SafetensorsFile {
        SafetensorsFile(path: map.path, header: try SafetensorsHeader(map.bytes, source: map.path), map: map)
    }

    private init(path: String, header: SafetensorsHeader, map: MappedFile) {
        self.path = path
        metadata = header.metadata
        entries = header.entries
        tensors = header.entries.map(\.stored)
        self.map = map
        var index: [ExactName: Int] = [:]
        for (position, entry) in header.entries.enumerated() { index[ExactName(entry.name)] = position }
        self.index = index
    }

    public var names: [String] { entries.map(\.name) }

    /// What the file says about a tensor; nil where there is none of this name. Names are compared byte for byte.
    public subscript(name: String) -> SafetensorsEntry? { index[ExactName(name)].map { entries[$0] } }

    /// The bytes of a tensor, valid while the file is held.
    public func bytes(of entry: SafetensorsEntry) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: map.bytes[entry.range])
    }

    /// Tells the system that a tensor's pages are not needed soon; reading them again is fine.
    public func release(_ entry: SafetensorsEntry) { map.advise(.doNotNeed, entry.range) }

    public func checkIntact() throws(FileError) { try map.checkIntact() }

    /// Keeps the pages alive: whoever holds a view of the bytes holds this.
    public var owner: AnyObject { map }

    /// The entry of a tensor that has to be there; the error lists the nearest names.
    public func require(_ name: String) throws(FileError) -> SafetensorsEntry {
        if let entry = self[name] { return entry }
        throw FileError("no such tensor", path: path, field: name, hint: nearestHint(name, names))
    }
}

/// One tensor of a safetensors file.
public struct SafetensorsEntry: Sendable, Equatable {
    public let name: String
    public let type: SafetensorsType
    public let shape: [Int]
    /// Where its bytes lie, counted from the start of the file.
    public let range: Range<Int>

    public var count: Int { shape.reduce(1, *) }
}

/// A name compared byte for byte: Swift calls "é" and "e\u{301}" equal, files may hold both.
struct ExactName: Hashable {
    let text: String
    init(_ text: String) { self.text = text }
    static func == (a: ExactName, b: ExactName) -> Bool { a.text.utf8.elementsEqual(b.text.utf8) }
    func hash(into hasher: inout Hasher) { for byte in text.utf8 { hasher.combine(byte) } }
}
