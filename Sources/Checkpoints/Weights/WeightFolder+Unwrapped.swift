public import QuintetFiles
import QuintetTensors

extension WeightFolder {
    /// Names that savers put around a model: `{"state_dict": {...}}`, `{"model": {...}}`, and `module.` of data-parallel training.
    private static let wrappers: Set<String> = ["state_dict", "model_state_dict", "model", "module"]

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
        return try WeightFolder(path, files.map { UnwrappedFile($0, wrapping) })
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

/// A file of which only the tensors below a prefix are seen, under the rest of their names.
private struct UnwrappedFile: WeightFile {
    let base: any WeightFile
    let tensors: [StoredTensor]
    /// Where each lies in the file's own list.
    private let places: [Int]

    init(_ base: any WeightFile, _ wrapping: String) {
        self.base = base
        places = base.tensors.indices.filter { base.tensors[$0].name.hasPrefix(wrapping) }
        tensors = places.map { place in
            let stored = base.tensors[place]
            return StoredTensor(
                name: String(stored.name.dropFirst(wrapping.count)), type: stored.type, shape: stored.shape, offset: stored.offset,
                byteCount: stored.byteCount)
        }
    }

    var path: String { base.path }
    var metadataJSON: JSON { base.metadataJSON }
    func tensor(at index: Int) throws(FileError) -> Tensor { try base.tensor(at: places[index]) }
    func release(at index: Int) { base.release(at: places[index]) }
    func digest(at index: Int) throws(FileError) -> String { try base.digest(at: places[index]) }
    func checkIntact() throws(FileError) { try base.checkIntact() }
}
