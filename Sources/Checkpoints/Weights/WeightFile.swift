public import QuintetFiles
public import QuintetTensors

/// A file that holds named tensors, whatever its format: safetensors, GGUF, a PyTorch archive.
public protocol WeightFile: Sendable {
    var path: String { get }
    /// What lies in the file, in the order of the bytes.
    var tensors: [StoredTensor] { get }
    /// What the file says about itself, as an object.
    var metadataJSON: JSON { get }
    /// The tensor at a place of `tensors`: over the file's own pages where they can be used as they are.
    func tensor(at index: Int) throws(FileError) -> Tensor
    /// Tells the system that a tensor's pages are not needed soon; reading them again is fine.
    func release(at index: Int)
    /// The SHA-256 of a tensor's bytes in row-major order.
    func digest(at index: Int) throws(FileError) -> String
    /// - Throws: `FileError` where the file was cut short since it was opened, so that numbers that were read may have been zeros.
    func checkIntact() throws(FileError)
}

extension WeightFile {
    public func digest(at index: Int) throws(FileError) -> String {
        let tensor = try tensor(at: index).contiguous()
        return sha256(UnsafeRawBufferPointer(start: tensor.data, count: tensor.byteCount))
    }
}

/// What a file says about one of its tensors.
public struct StoredTensor: Sendable, Equatable {
    public let name: String
    /// The type's name in the file's own words: F32, BF16, Q4_K.
    public let type: String
    /// Outermost axis first.
    public let shape: [Int]
    /// Where its bytes begin, counted from the start of the file.
    public let offset: Int
    public let byteCount: Int

    public init(name: String, type: String, shape: [Int], offset: Int, byteCount: Int) {
        self.name = name
        self.type = type
        self.shape = shape
        self.offset = offset
        self.byteCount = byteCount
    }

    public var count: Int { shape.reduce(1, *) }
}

/// A tensor found in one of a model's files.
public struct StoredWeight: Sendable {
    public let file: any WeightFile
    public let index: Int

    public init(file: any WeightFile, index: Int) {
        self.file = file
        self.index = index
    }

    public var entry: StoredTensor { file.tensors[index] }
    public func tensor() throws(FileError) -> Tensor { try file.tensor(at: index) }
    public func release() { file.release(at: index) }
}

extension SafetensorsEntry {
    var stored: StoredTensor {
        StoredTensor(name: name, type: type.rawValue, shape: shape, offset: range.lowerBound, byteCount: range.count)
    }
}

extension SafetensorsFile: WeightFile {
    public var metadataJSON: JSON {
        var members = JSONObject()
        for (key, value) in metadata { members[key] = .string(value) }
        return .object(members)
    }

    public func tensor(at index: Int) throws(FileError) -> Tensor { try tensor(entries[index]) }
    public func release(at index: Int) { release(entries[index]) }
    public func digest(at index: Int) throws(FileError) -> String { sha256(bytes(of: entries[index])) }
}
