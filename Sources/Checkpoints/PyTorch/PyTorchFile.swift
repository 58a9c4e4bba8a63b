public import QuintetFiles
public import QuintetTensors

/// A file of `torch.save` (.bin, .pt, .pth, .th), mapped: the pickle in it is read as data, nothing of it is executed.
///
/// Both layouts are read: the zip archive of PyTorch 1.6 and later, and the pickles with raw storages of the versions before. Tensors in
/// nested dictionaries are named by their path: `state_dict.conv1.weight`.
///
/// ```swift
/// let file = try PyTorchFile.open("pytorch_model.bin")
/// file.tensors.map(\.name)
/// ```
public final class PyTorchFile: Sendable {
    public let path: String
    public let tensors: [StoredTensor]
    /// Numbers and text that lie beside the tensors (an epoch, a version), by their path.
    public let scalars: JSONObject
    private let plans: [Plan]
    private let map: MappedFile
    private let checked: CheckedStorages

    /// Where a tensor's numbers lie, proved to be inside its storage.
    fileprivate struct Plan: Sendable {
        let type: PyTorchType
        let shape: [Int], strides: [Int]
        /// Bytes of the element of index 0, from the start of the file.
        let start: Int
        let storage: Int
    }

    /// - Throws: `FileError` where the file is no such archive, names code, or where a tensor leaves its storage.
    public static func open(_ path: String) throws(FileError) -> PyTorchFile { try read(MappedFile(path)) }

    /// The same over bytes in memory; `path` is what errors call them.
    public static func open(holding bytes: [UInt8], path: String) throws(FileError) -> PyTorchFile {
        try read(MappedFile(holding: bytes, path: path))
    }

    private static func read(_ map: MappedFile) throws(FileError) -> PyTorchFile {
        let archive = ZipArchive.isOne(map.bytes) ? try PyTorchArchive(zip: map) : try PyTorchArchive(legacy: map)
        return try PyTorchFile(map.path, map, archive)
    }

    /// Whether a file's first bytes are those of a zip archive or of a pickle with PyTorch's magic number.
    public static func isOne(_ path: String) throws(FileError) -> Bool {
        let map = try MappedFile(path)
        return ZipArchive.isOne(map.bytes) || PyTorchArchive.startsLegacy(map.bytes)
    }

    private init(_ path: String, _ map: MappedFile, _ archive: PyTorchArchive) throws(FileError) {
        self.path = path
        self.map = map
        var walk = PickleWalk(archive.pickle, path)
        try walk.visit(archive.root)
        var tensors: [StoredTensor] = [], plans: [Plan] = []
        for (name, tensor) in walk.tensors {
            let plan = try Self.plan(name, tensor, archive, path)
            plans.append(plan)
            tensors.append(
                StoredTensor(
                    name: name, type: plan.type.safetensorsType?.rawValue ?? plan.type.rawValue, shape: plan.shape, offset: plan.start,
                    byteCount: plan.shape.reduce(plan.type.byteCount, *)))
        }
        self.tensors = tensors
        self.plans = plans
        scalars = walk.scalars
        checked = CheckedStorages(archive.storages)
        try map.checkIntact()
    }

    private static func plan(_ name: String, _ tensor: PickledTensor, _ archive: PyTorchArchive, _ path: String) throws(FileError) -> Plan {
        func wrong(_ what: String, _ expected: String, _ found: String) -> FileError {
            FileError(what, path: path, field: name, offset: archive.base + tensor.position, expected: expected, found: found)
        }
        guard let index = archive.index[ExactName(tensor.storage.key)] else {
            throw wrong("the storage of the tensor is missing", "storage \(tensor.storage.key)", "\(archive.storages.count) others")
        }
        let bytes = archive.storages[index].range
        let width = tensor.type.byteCount, held = tensor.storage.type?.byteCount ?? 1
        let (start, overflow) = tensor.storage.start.multipliedReportingOverflow(by: held)
        let (length, overflow2) = tensor.storage.count.multipliedReportingOverflow(by: held)
        guard !overflow, !overflow2, start <= bytes.count, length <= bytes.count - start else {
            throw wrong("the storage is shorter than the file says", "\(bytes.count) bytes", "\(tensor.storage.count) elements of \(held) bytes")
        }
        guard let count = elements(tensor.shape), let last = lastElement(tensor), count == 0 || last < length / width, count <= length / width else {
            throw wrong(
                "the tensor leaves its storage", "elements inside the \(length / width) of its storage",
                "shape \(tensor.shape), strides \(tensor.strides), offset \(tensor.offset)")
        }
        return Plan(
            type: tensor.type, shape: tensor.shape, strides: tensor.strides,
            start: bytes.lowerBound + start + (count == 0 ? 0 : tensor.offset * width), storage: index)
    }

    private static func elements(_ shape: [Int]) -> Int? {
        var product = 1
        for size in shape {
            guard size <= Int(Int32.max) else { return nil }
            let (next, overflow) = product.multipliedReportingOverflow(by: size)
            if overflow { return nil }
            product = next
        }
        return product
    }

    /// The highest index that the tensor reads.
    private static func lastElement(_ tensor: PickledTensor) -> Int? {
        var last = tensor.offset
        for (size, stride) in zip(tensor.shape, tensor.strides) where size > 0 {
            let (way, overflow) = (size - 1).multipliedReportingOverflow(by: stride)
            let (next, overflow2) = last.addingReportingOverflow(way)
            if overflow || overflow2 { return nil }
            last = next
        }
        return last
    }

    /// The tensor's bytes in row-major order, whatever its type; the file's own where they lie so.
    public func bytes(at index: Int) throws(FileError) -> PyTorchBytes {
        let plan = plans[index], stored = tensors[index]
        try checked.check(plan.storage, map, path)
        let whole = UnsafeRawBufferPointer(rebasing: map.bytes[plan.start...])
        if plan.isContiguous { return PyTorchBytes(UnsafeRawBufferPointer(rebasing: whole.prefix(stored.byteCount)), map) }
        return PyTorchBytes(gathered: whole, plan.shape, plan.strides, plan.type.byteCount, count: stored.byteCount)
    }
}

extension PyTorchFile.Plan {
    var isContiguous: Bool {
        var step = 1
        for (size, stride) in zip(shape, strides).reversed() {
            if size != 1 && stride != step { return shape.contains(0) }
            step *= size
        }
        return true
    }
}

/// The bytes of one tensor, with what keeps them alive.
// Sendable: nobody writes the bytes after init.
public final class PyTorchBytes: @unchecked Sendable {
    public let bytes: UnsafeRawBufferPointer
    private let owner: AnyObject?
    private let own: UnsafeMutableRawBufferPointer?

    init(_ bytes: UnsafeRawBufferPointer, _ owner: AnyObject) {
        self.bytes = bytes
        self.owner = owner
        own = nil
    }

    /// Copies a strided view row by row; its elements are proved to lie inside `source`.
    init(gathered source: UnsafeRawBufferPointer, _ shape: [Int], _ strides: [Int], _ width: Int, count: Int) {
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: max(count, 1), alignment: 64)
        var index = [Int](repeating: 0, count: shape.count)
        var from = 0, to = 0
        while to < count {
            for byte in 0..<width { memory[to + byte] = source[from * width + byte] }
            to += width
            var axis = shape.count - 1
            while axis >= 0 {
                index[axis] += 1
                from += strides[axis]
                if index[axis] < shape[axis] { break }
                from -= strides[axis] * shape[axis]
                index[axis] = 0
                axis -= 1
            }
        }
        own = memory
        owner = nil
        bytes = UnsafeRawBufferPointer(rebasing: memory.prefix(count))
    }

    deinit { own?.deallocate() }
}

extension PyTorchFile: WeightFile {
    public var metadataJSON: JSON { .object(scalars) }

    public func tensor(at index: Int) throws(FileError) -> Tensor {
        let stored = tensors[index], plan = plans[index]
        let bytes = try bytes(at: index)
        guard let type = plan.type.safetensorsType else { throw uncomputable(stored) }
        if type == .f64 {
            let values = (0..<stored.count).map { Float(Double(bitPattern: bytes.bytes.loadUnaligned(fromByteOffset: 8 * $0, as: UInt64.self))) }
            return Tensor(values, Shape(stored.shape))
        }
        guard let dtype = type.dtype else { throw uncomputable(stored) }
        guard let base = bytes.bytes.baseAddress, Int(bitPattern: base) % dtype.byteCount == 0 else {
            let copy = Tensor(uninitialized: Shape(stored.shape), dtype: dtype)
            if let base = bytes.bytes.baseAddress { copy.data.copyMemory(from: base, byteCount: bytes.bytes.count) }
            return copy
        }
        let storage = Storage(base: UnsafeMutableRawPointer(mutating: base), byteCount: bytes.bytes.count, owner: bytes)
        return Tensor(storage: storage, shape: Shape(stored.shape), dtype: dtype)
    }

    public func digest(at index: Int) throws(FileError) -> String {
        let held = try bytes(at: index)
        return withExtendedLifetime(held) { sha256(held.bytes) }
    }

    public func release(at index: Int) {
        let start = plans[index].start
        map.advise(.doNotNeed, start..<min(start + tensors[index].byteCount, map.count))
    }

    public func checkIntact() throws(FileError) { try map.checkIntact() }

    private func uncomputable(_ stored: StoredTensor) -> FileError {
        FileError(
            "tensors of this type cannot be computed with", path: path, field: stored.name, offset: stored.offset,
            expected: "F32 F16 BF16 F64 I32 U8 I8 BOOL", found: stored.type)
    }
}
