public import QuintetFiles
import QuintetTensors

extension WeightFolder {
    /// Names that savers put around a model: `{"state_dict": {...}}`, `{"model": {...}}`, `module.` of data-parallel training, and
    /// `_orig_mod.` of `torch.compile`.
    private static let wrappers: Set<String> = ["state_dict", "model_state_dict", "model", "module", "_orig_mod"]

    /// The same weights without what a training loop wrapped around them, where exactly one reading makes every name one of the map's.
    ///
    /// Tensors outside the wrapper (an optimizer's) are left out. Weights that the map knows as they are stay as they are.
    public func unwrapped(for map: WeightMap) throws(FileError) -> WeightFolder {
        let names = names
        guard !names.contains(where: map.knows) else { return self }
        let readings = Set(names.flatMap(Self.wrappings)).filter { wrapping in
            let inside = names.filter { $0.hasPrefix(wrapping) }
            return !inside.isEmpty && inside.allSatisfy { map.knows(String($0.dropFirst(wrapping.count))) }
        }
        // `model.` and `model.model.` may both read a model without a head: the outer one is meant.
        let outer = readings.filter { reading in !readings.contains { $0 != reading && reading.hasPrefix($0) } }
        guard outer.count == 1, let wrapping = outer.first else { return self }
        let inside = try renamed { $0.hasPrefix(wrapping) ? String($0.dropFirst(wrapping.count)) : nil }
        return try WeightFolder(path, inside.files, wrapping: wrapping)
    }

    /// The same weights under other names; those that get none are left out.
    public func renamed(_ name: (String) -> String?) throws(FileError) -> WeightFolder {
        try WeightFolder(path, files.map { RenamedFile($0, name) })
    }

    /// `state_dict.module.` of `state_dict.module.h.0.weight`, and `state_dict.`.
    private static func wrappings(_ name: String) -> [String] {
        let parts = name.split(separator: ".", maxSplits: 4, omittingEmptySubsequences: false).dropLast()
        let count = parts.prefix { wrappers.contains(String($0)) }.count
        return (0..<min(count, 3)).map { parts.prefix($0 + 1).joined(separator: ".") + "." }
    }
}

extension WeightMap {
    /// Whether the table has this name of theirs, or sets it aside.
    func knows(_ name: String) -> Bool {
        let (pattern, _) = NamePattern.split(name)
        return known.contains(pattern) || known.contains(prefix + pattern) || ignores(name)
    }
}

/// A file of which only some tensors are seen, under other names.
private struct RenamedFile: WeightFile {
    let base: any WeightFile
    let tensors: [StoredTensor]
    /// Where each lies in the file's own list.
    private let places: [Int]

    init(_ base: any WeightFile, _ name: (String) -> String?) {
        self.base = base
        let named = base.tensors.indices.compactMap { place in name(base.tensors[place].name).map { (place, $0) } }
        places = named.map(\.0)
        tensors = named.map { place, name in
            let stored = base.tensors[place]
            return StoredTensor(name: name, type: stored.type, shape: stored.shape, offset: stored.offset, byteCount: stored.byteCount)
        }
    }

    var path: String { base.path }
    var metadataJSON: JSON { base.metadataJSON }
    func tensor(at index: Int) throws(FileError) -> Tensor { try base.tensor(at: places[index]) }
    func release(at index: Int) { base.release(at: places[index]) }
    func digest(at index: Int) throws(FileError) -> String { try base.digest(at: places[index]) }
    func checkIntact() throws(FileError) { try base.checkIntact() }
}
