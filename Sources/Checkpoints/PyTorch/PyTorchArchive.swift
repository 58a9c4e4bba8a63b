import QuintetFiles

/// The two layouts of `torch.save`, brought to one: a pickle that was read, and storages by key.
struct PyTorchArchive {
    struct Storage: Sendable {
        let key: String
        let range: Range<Int>
        /// What the bytes' CRC-32 has to be; nil where the layout has none.
        let crc: UInt32?
    }

    let pickle: PickleInterpreter
    let root: PickleValue
    let storages: [Storage]
    let index: [ExactName: Int]
    /// Where the pickle begins in the file.
    let base: Int

    private static let legacyMagic: [UInt8] = [0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19]

    // MARK: Zip

    init(zip map: MappedFile) throws(FileError) {
        let (path, archive) = (map.path, try ZipArchive(map.bytes, source: map.path))
        let pickles = archive.entries.filter { $0.name == "data.pkl" || $0.name.hasSuffix("/data.pkl") }
        guard pickles.count == 1, let entry = pickles.first else {
            throw FileError(
                "a zip archive, but not one of torch.save", path: path, field: "data.pkl", expected: "one data.pkl",
                found: pickles.isEmpty ? archive.entries.prefix(4).map(\.name).joined(separator: ", ") : "\(pickles.count)")
        }
        let prefix = String(entry.name.dropLast("data.pkl".count))
        if archive.entries.contains(where: { $0.name.hasPrefix(prefix + "code/") }) {
            throw FileError(
                "a TorchScript program, not weights", path: path, field: prefix + "code", hint: "save the model's state_dict with torch.save")
        }
        if let order = archive[prefix + "byteorder"], !map.bytes[order.range].starts(with: Array("little".utf8)) {
            throw FileError(
                "the numbers lie in big-endian order", path: path, field: prefix + "byteorder", offset: order.range.lowerBound,
                expected: "little", found: "another order")
        }
        try Self.check(entry.range, entry.crc, entry.name, map)
        var pickle = try Self.interpreter(map, entry.range)
        root = try pickle.run()
        guard pickle.reader.remaining == 0 else {
            throw FileError(
                "bytes behind the end of the pickle", path: path, field: entry.name, offset: entry.range.lowerBound + pickle.reader.offset,
                expected: "the end", found: "\(pickle.reader.remaining) bytes")
        }
        self.pickle = pickle
        base = entry.range.lowerBound
        let data = prefix + "data/"
        storages = archive.entries.filter { $0.name.hasPrefix(data) }.map { entry in
            Storage(key: String(entry.name.dropFirst(data.count)), range: entry.range, crc: entry.crc)
        }
        index = Dictionary(storages.enumerated().map { (ExactName($1.key), $0) }, uniquingKeysWith: { first, _ in first })
    }

    private static func interpreter(_ map: MappedFile, _ range: Range<Int>) throws(FileError) -> PickleInterpreter {
        guard range.count <= PickleInterpreter.maximumLength else {
            throw FileError(
                "the pickle is too long", path: map.path, field: "data.pkl", offset: range.lowerBound,
                expected: "at most \(PickleInterpreter.maximumLength) bytes", found: "\(range.count)")
        }
        return PickleInterpreter(UnsafeRawBufferPointer(rebasing: map.bytes[range]), source: map.path, base: range.lowerBound)
    }

    static func check(_ range: Range<Int>, _ crc: UInt32, _ name: String, _ map: MappedFile) throws(FileError) {
        let found = CRC32.of(UnsafeRawBufferPointer(rebasing: map.bytes[range]))
        guard found == crc else {
            throw FileError(
                "the checksum is wrong: the file is damaged", path: map.path, field: name, offset: range.lowerBound,
                expected: "CRC-32 \(crc)", found: "\(found)", hint: "get the file again")
        }
    }

    // MARK: Pickles with raw storages

    /// Magic number, protocol, system, the object, the keys of the storages: five pickles; then each storage with its count before it.
    init(legacy map: MappedFile) throws(FileError) {
        let path = map.path
        guard Self.startsLegacy(map.bytes) else { throw Self.unknown(map) }
        // What the pickles may cost is bounded by the first part of the file alone.
        let limit = min(map.count, PickleInterpreter.maximumLength)
        var pickle = PickleInterpreter(UnsafeRawBufferPointer(rebasing: map.bytes[..<limit]), source: path)
        _ = try pickle.run()
        guard case .int(1001) = try pickle.run() else {
            throw FileError("an unknown version of the old layout", path: path, field: "protocol version", offset: pickle.position, expected: "1001")
        }
        guard Self.isLittle(try pickle.run(), pickle) else {
            throw FileError("the numbers lie in big-endian order", path: path, field: "little_endian", offset: pickle.position)
        }
        root = try pickle.run()
        let keys = try Self.keys(try pickle.run(), pickle)
        storages = try Self.rawStorages(map, keys, pickle, from: pickle.reader.offset)
        index = Dictionary(storages.enumerated().map { (ExactName($1.key), $0) }, uniquingKeysWith: { first, _ in first })
        self.pickle = pickle
        base = 0
    }

    static func startsLegacy(_ bytes: UnsafeRawBufferPointer) -> Bool {
        bytes.count > 15 && bytes[0] == 0x80 && bytes[1] <= 5 && bytes[2] == 0x8A && bytes[3] == 10
            && bytes[4..<14].elementsEqual(legacyMagic)
    }

    private static func unknown(_ map: MappedFile) -> FileError {
        let isTar = map.count > 262 && map.bytes[257..<262].elementsEqual(Array("ustar".utf8))
        return FileError(
            isTar ? "a tar archive of PyTorch before 0.2, which is not read" : "not a file of torch.save", path: map.path, field: "signature",
            offset: 0, expected: "a zip archive, or a pickle with PyTorch's magic number",
            found: map.count == 0 ? "an empty file" : "bytes \(map.bytes.prefix(4).map { String($0) }.joined(separator: " "))",
            hint: isTar ? "load and save it again with a PyTorch of today" : "the file is damaged or of another format")
    }

    private static func isLittle(_ value: PickleValue, _ pickle: PickleInterpreter) -> Bool {
        guard case .dictionary(let pairs)? = pickle.object(value) else { return false }
        for (key, value) in pairs {
            if case .text("little_endian")? = pickle.object(key), case .bool(let isLittle) = value { return isLittle }
        }
        return true
    }

    private static func keys(_ value: PickleValue, _ pickle: PickleInterpreter) throws(FileError) -> [String] {
        guard case .list(let values)? = pickle.object(value) else { throw pickle.wrong("no list of storages", "a list", pickle.describe(value)) }
        var keys: [String] = []
        for value in values {
            switch (pickle.object(value), value) {
            case (.text(let text)?, _): keys.append(text)
            case (_, .int(let number)): keys.append("\(number)")
            default: throw pickle.wrong("a storage without a key", "text", pickle.describe(value))
            }
        }
        return keys
    }

    /// The width of a storage's elements is known from the references to it alone.
    private static func rawStorages(
        _ map: MappedFile, _ keys: [String], _ pickle: PickleInterpreter, from start: Int
    ) throws(FileError) -> [Storage] {
        var widths: [ExactName: Int] = [:]
        for storage in pickle.storages { widths[ExactName(storage.key)] = storage.type?.byteCount ?? 1 }
        var reader = ByteReader(map.bytes, source: map.path)
        try reader.seek(start, "storages")
        var storages: [Storage] = [], taken: Set<ExactName> = []
        for key in keys {
            guard let width = widths[ExactName(key)], taken.insert(ExactName(key)).inserted else {
                throw FileError("a storage that no tensor names, or that comes twice", path: map.path, field: key, offset: reader.offset)
            }
            let count = try reader.count("count of storage \(key)", limit: reader.remaining)
            let (bytes, overflow) = count.multipliedReportingOverflow(by: width)
            guard !overflow else { throw FileError("impossible count", path: map.path, field: key, offset: reader.offset, found: "\(count)") }
            let from = reader.offset
            _ = try reader.bytes(bytes, "storage \(key)")
            storages.append(Storage(key: key, range: from..<from + bytes, crc: nil))
        }
        guard reader.remaining == 0 else {
            throw FileError(
                "bytes behind the last storage", path: map.path, field: "storages", offset: reader.offset, expected: "the end of the file",
                found: "\(reader.remaining) bytes")
        }
        return storages
    }
}

/// Storages whose checksums were compared; each once, when something of it is first read.
final class CheckedStorages: Sendable {
    private let storages: [PyTorchArchive.Storage]
    private let done: Guarded<Set<Int>>

    init(_ storages: [PyTorchArchive.Storage]) {
        self.storages = storages
        done = Guarded([])
    }

    func check(_ index: Int, _ map: MappedFile, _ path: String) throws(FileError) {
        let storage = storages[index]
        guard let crc = storage.crc, !done.withLock({ $0.contains(index) }) else { return }
        try PyTorchArchive.check(storage.range, crc, storage.key, map)
        done.withLock { _ = $0.insert(index) }
    }
}

/// Finds the tensors of a pickled object by their paths.
struct PickleWalk {
    static let maximumDepth = 64
    static let maximumNameLength = 1024
    private let pickle: PickleInterpreter
    private let path: String
    private(set) var tensors: [(name: String, tensor: PickledTensor)] = []
    private(set) var scalars = JSONObject()
    private var names: Set<ExactName> = []
    private var steps = 0

    init(_ pickle: PickleInterpreter, _ path: String) {
        self.pickle = pickle
        self.path = path
    }

    mutating func visit(_ root: PickleValue) throws(FileError) {
        try visit(root, "", 0)
        guard !tensors.isEmpty else { throw FileError("no tensors in this file", path: path, field: "pickle", found: pickle.describe(root)) }
    }

    private mutating func visit(_ value: PickleValue, _ name: String, _ depth: Int) throws(FileError) {
        steps += 1
        // A shared container is visited once for each path to it: the paths have to stay fewer than what is there.
        guard depth <= Self.maximumDepth, steps <= 4 * pickle.objects.count + 1024 else {
            throw FileError(
                "the object is nested too deeply, or holds itself", path: path, field: name, expected: "at most \(Self.maximumDepth) levels")
        }
        guard case .object(let index) = value else { return note(value, name) }
        switch pickle.objects[index] {
        case .tensor(let place): try add(pickle.tensors[place], name)
        case .dictionary(let pairs):
            for (key, value) in pairs { try visit(value, joined(name, try self.name(of: key)), depth + 1) }
        case .list(let values), .tuple(let values):
            for (place, value) in values.enumerated() { try visit(value, joined(name, "\(place)"), depth + 1) }
        case .text(let text): if scalars.count < 256 { scalars[name] = .string(text) }
        case .bytes, .set, .global, .storage: return
        }
    }

    private func joined(_ name: String, _ part: String) -> String { name.isEmpty ? part : "\(name).\(part)" }

    private func name(of key: PickleValue) throws(FileError) -> String {
        switch (pickle.object(key), key) {
        case (.text(let text)?, _): return text
        case (_, .int(let number)): return "\(number)"
        default: throw FileError("a key that is no name", path: path, field: "pickle", expected: "text or a whole number", found: pickle.describe(key))
        }
    }

    private mutating func add(_ tensor: PickledTensor, _ name: String) throws(FileError) {
        guard !name.isEmpty, name.utf8.count <= Self.maximumNameLength, names.insert(ExactName(name)).inserted else {
            throw FileError(
                "a tensor without a name of its own", path: path, field: name, expected: "a new name of 1 to \(Self.maximumNameLength) bytes",
                found: "\(name.utf8.count) bytes")
        }
        tensors.append((name, tensor))
    }

    private mutating func note(_ value: PickleValue, _ name: String) {
        guard !name.isEmpty, scalars.count < 256 else { return }
        switch value {
        case .int(let number): scalars[name] = .integer(number)
        case .float(let number) where number.isFinite: scalars[name] = .number(number)
        case .bool(let flag): scalars[name] = .bool(flag)
        default: return
        }
    }
}
