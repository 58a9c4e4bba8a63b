public import QuintetFiles

/// The weights of a model: one `model.safetensors`, shards (listed by `model.safetensors.index.json`, or all
/// there by their names), or the files of another format.
public struct WeightFolder: Sendable {
    public let path: String
    public let files: [any WeightFile]
    /// What stood before every name, as `module.`; nil where nothing did.
    public let wrapping: String?
    private let places: [ExactName: StoredWeight]

    static let single = "model.safetensors"
    static let indexName = "model.safetensors.index.json"
    static let archive = "pytorch_model.bin"
    static let archiveIndexName = "pytorch_model.bin.index.json"

    /// Opens the weights in `folder`; a file path opens that file alone.
    public static func open(_ folder: String) throws(FileError) -> WeightFolder {
        if !Folder.isFolder(folder) { return try WeightFolder(folder, [file(folder)]) }
        let names = try Folder.names(in: folder)
        if let name = [single, archive].first(where: names.contains), name == single || !names.contains(indexName) {
            return try WeightFolder(folder, [file(Folder.join(folder, name))])
        }
        for name in [indexName, archiveIndexName] where names.contains(name) { return try ShardIndex(folder, name).open() }
        if let paths = try LooseWeights(folder: folder, names: names).paths() {
            var files: [any WeightFile] = []
            for path in paths { files.append(try file(path)) }
            return try WeightFolder(folder, files)
        }
        throw FileError(
            "no weights here", path: folder,
            expected: [single, indexName, archive, archiveIndexName].joined(separator: ", ") + ", or one file of tensors",
            found: names.isEmpty ? "an empty folder" : names.prefix(8).joined(separator: ", "))
    }

    /// A file of tensors by itself: a PyTorch archive by its name's ending or its first bytes, else a safetensors file.
    public static func file(_ path: String) throws(FileError) -> any WeightFile {
        if path.hasSuffix(".safetensors") { return try SafetensorsFile.open(path) }
        let isArchive = [".bin", ".pt", ".pth", ".th", ".ckpt"].contains(where: path.hasSuffix)
        if isArchive { return try PyTorchFile.open(path) }
        if try PyTorchFile.isOne(path) { return try PyTorchFile.open(path) }
        return try SafetensorsFile.open(path)
    }

    /// - Throws: `FileError` where two files hold a tensor of the same name.
    public init(_ path: String, _ files: [any WeightFile], wrapping: String? = nil) throws(FileError) {
        self.path = path
        self.files = files
        self.wrapping = wrapping
        var places: [ExactName: StoredWeight] = [:]
        for file in files {
            for (index, entry) in file.tensors.enumerated()
            where places.updateValue(StoredWeight(file: file, index: index), forKey: ExactName(entry.name)) != nil {
                throw FileError("a tensor lies in two shards", path: file.path, field: entry.name)
            }
        }
        self.places = places
    }

    /// Every tensor, file by file in the order of the bytes.
    public var names: [String] { files.flatMap { $0.tensors.map(\.name) } }

    /// Where a tensor lies and what its file says about it; nil where no file holds it.
    public func find(_ name: String) -> StoredWeight? { places[ExactName(name)] }

    /// Bytes of all tensors.
    public var byteCount: Int { files.reduce(0) { $0 + $1.tensors.reduce(0) { $0 + $1.byteCount } } }
}

/// `model.safetensors.index.json` or `pytorch_model.bin.index.json`: which tensor lies in which shard. Shards are plain names inside the folder.
struct ShardIndex {
    let folder: String
    let path: String
    let totalSize: Int?
    let weights: JSONObject

    init(_ folder: String, _ name: String) throws(FileError) {
        self.folder = folder
        path = Folder.join(folder, name)
        let json = try JSON.read(path)
        guard let weights = json["weight_map"]?.object, !weights.isEmpty else {
            throw FileError(
                "not an index of shards", path: path, field: "weight_map", expected: "an object of names and files",
                found: json["weight_map"]?.kind ?? "nothing")
        }
        self.weights = weights
        let size = json["metadata"]?["total_size"]
        totalSize = size?.int
        if let size, totalSize == nil {
            throw FileError("wrong total size", path: path, field: "total_size", expected: "a whole number", found: size.serialized())
        }
    }

    func open() throws(FileError) -> WeightFolder {
        let shards = try shardNames()
        var files: [any WeightFile] = []
        for shard in shards { files.append(try WeightFolder.file(shardPath(shard))) }
        let folder = try WeightFolder(folder, files)
        for (file, shard) in zip(files, shards) { try compare(file, shard) }
        for (name, _) in weights where folder.find(name) == nil {
            throw FileError("a tensor of the index lies in no shard", path: path, field: name)
        }
        // Archives may hold a tensor under two names, which their writers count once.
        if let totalSize, ending == ".safetensors", totalSize != folder.byteCount {
            throw FileError("wrong total size", path: path, field: "total_size", expected: "\(folder.byteCount)", found: "\(totalSize)")
        }
        return folder
    }

    private func shardNames() throws(FileError) -> [String] {
        var names: Set<String> = []
        for (tensor, value) in weights {
            guard let name = value.string, isPlain(name) else {
                throw FileError(
                    "a shard has to be a \(ending) file inside the folder", path: path, field: tensor,
                    found: value.string ?? value.kind)
            }
            names.insert(name)
        }
        return names.sorted(by: Folder.precedes)
    }

    private var ending: String { Folder.name(of: path) == WeightFolder.archiveIndexName ? ".bin" : ".safetensors" }

    private func isPlain(_ name: String) -> Bool {
        name.hasSuffix(ending) && !name.hasPrefix(".") && !name.utf8.contains { $0 == UInt8(ascii: "/") || $0 == 0 || $0 == 0x5C }
    }

    /// The shard's path, refused where a link leads out of the folder (the hub cache's links into its own blobs may).
    private func shardPath(_ name: String) throws(FileError) -> String {
        let shard = Folder.join(folder, name)
        let target = Folder.parent(of: Folder.resolved(shard))
        let home = Folder.resolved(folder)
        let snapshots = Folder.parent(of: home)
        let isCache = Folder.name(of: snapshots) == "snapshots" && target == Folder.join(Folder.parent(of: snapshots), "blobs")
        guard target == home || isCache else {
            throw FileError("the shard is a link that leads out of the folder", path: shard, expected: "a file in \(home)", found: target)
        }
        return shard
    }

    private func compare(_ file: any WeightFile, _ shard: String) throws(FileError) {
        for name in file.tensors.map(\.name) where weights[name]?.string != shard {
            throw FileError(
                "the shard holds a tensor that the index puts elsewhere", path: file.path, field: name, expected: shard,
                found: weights[name]?.string ?? "not in the index")
        }
    }
}
