public import QuintetFiles
public import QuintetTensors

/// In what precision matrices are kept; vectors (norms, biases) are always f32.
public enum WeightPrecision: Sendable, Equatable {
    /// f16 and bf16 stay as they are in the file.
    case stored
    case f32
}

extension WeightMap {
    /// Gives every parameter of a model its numbers from the files, in our names and layouts.
    ///
    /// What needs no change is the file's own pages; what is transposed, stacked or converted is copied.
    /// - Throws: `FileError` where a tensor is missing, unknown, of another shape or of a type that holds no numbers.
    public func load(
        _ parameters: [(name: String, shape: [Int])], from folder: WeightFolder, precision: WeightPrecision = .stored
    ) throws(FileError) -> [String: Tensor] {
        var source = WeightSource(self, folder)
        var tensors: [String: Tensor] = [:]
        for (name, shape) in parameters {
            let tensor = try source.parameter(name, shape)
            tensors[name] = precision == .f32 || shape.count < 2 ? tensor.cast(to: .f32) : tensor
        }
        try source.checkNothingIsLeft()
        return tensors
    }
}

/// One pass over a folder's weights: what was taken, what is left.
private struct WeightSource {
    let map: WeightMap
    let folder: WeightFolder
    var taken: Set<ExactName> = []

    init(_ map: WeightMap, _ folder: WeightFolder) {
        self.map = map
        self.folder = folder
    }

    mutating func parameter(_ ours: String, _ shape: [Int]) throws(FileError) -> Tensor {
        guard let (row, names) = map.theirs(for: ours) else {
            throw FileError("the family's weight table has no row for this parameter", path: folder.path, field: ours)
        }
        switch row.theirs {
        case .same: return try take(names[0], shape)
        case .transposed: return try take(names[0], shape.reversed()).transposed.contiguous()
        case .stacked(_, let rows):
            var parts: [Tensor] = []
            for (name, count) in zip(names, rows) { parts.append(try take(name, [count] + shape.dropFirst())) }
            return stack(parts, shape)
        }
    }

    private mutating func take(_ name: String, _ shape: [Int]) throws(FileError) -> Tensor {
        guard let (file, entry) = find(name) else {
            throw FileError(
                "a tensor is missing", path: folder.path, field: name, expected: "\(shape)", found: "nothing",
                hint: nearestHint(name, folder.names))
        }
        guard entry.shape == shape else {
            throw FileError(
                "a tensor does not fit the configuration", path: file.path, field: entry.name, offset: entry.range.lowerBound,
                expected: "\(shape)", found: "\(entry.shape)", hint: "config.json and the weights belong to different models")
        }
        taken.insert(ExactName(entry.name))
        return try file.tensor(entry)
    }

    private func find(_ name: String) -> (file: SafetensorsFile, entry: SafetensorsEntry)? {
        if let found = folder.find(name) { return found }
        guard !map.prefix.isEmpty, name.hasPrefix(map.prefix) else { return nil }
        return folder.find(String(name.dropFirst(map.prefix.count)))
    }

    /// Rows one after the other; parts of different types meet in f32.
    private func stack(_ parts: [Tensor], _ shape: [Int]) -> Tensor {
        let same = parts.allSatisfy { $0.dtype == parts[0].dtype }
        let parts = same ? parts : parts.map { $0.cast(to: .f32) }
        let whole = Tensor(uninitialized: Shape(shape), dtype: parts[0].dtype)
        var offset = 0
        for part in parts {
            let bytes = part.count * part.dtype.byteCount
            (whole.data + offset).copyMemory(from: part.data, byteCount: bytes)
            offset += bytes
        }
        return whole
    }

    func checkNothingIsLeft() throws(FileError) {
        for name in folder.names where !taken.contains(ExactName(name)) && !isIgnored(name) {
            let known = map.rows.flatMap(\.theirs.names)
            let (pattern, indices) = NamePattern.split(name)
            let near = nearestNames(to: pattern, in: known).map { NamePattern.fill($0, indices) }
            throw FileError(
                "a tensor that this model has no place for", path: folder.path, field: name,
                hint: near.isEmpty ? "config.json and the weights belong to different models" : "nearest known names: \(near.joined(separator: ", "))")
        }
    }

    private func isIgnored(_ name: String) -> Bool {
        let (pattern, _) = NamePattern.split(name)
        return map.ignored.contains { $0 == pattern || $0 == map.prefix + pattern || map.prefix + $0 == pattern }
    }
}
