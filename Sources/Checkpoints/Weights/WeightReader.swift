public import QuintetFiles
public import QuintetTensors

/// Reads a model's parameters from its files one by one, in our names and layouts.
///
/// Making one checks every name and shape against the files; no number is touched before `read`.
public struct WeightReader: Sendable {
    private let plans: [String: Plan]

    /// Where a parameter's numbers lie and what is done to them.
    private struct Plan: Sendable {
        let pattern: WeightPattern
        let shape: [Int]
        let parts: [StoredWeight]
    }

    /// - Throws: `FileError` where a tensor is missing, unknown, or of another shape; it lists the nearest names.
    public init(_ map: WeightMap, _ folder: WeightFolder, _ parameters: [(name: String, shape: [Int])]) throws(FileError) {
        var plans: [String: Plan] = [:]
        var taken: Set<ExactName> = []
        for (name, shape) in parameters {
            let plan = try Self.plan(name, shape, map, folder)
            for part in plan.parts { taken.insert(ExactName(part.entry.name)) }
            plans[name] = plan
        }
        self.plans = plans
        for name in folder.names where !taken.contains(ExactName(name)) && !map.ignores(name) {
            throw map.unknown(name, folder, parameters.map(\.name))
        }
    }

    /// The parameter: the file's own pages where nothing has to be done, else a copy.
    public func read(_ name: String) throws(FileError) -> Tensor {
        let parts = try parts(name)
        return parts.count == 1 ? parts[0] : Self.stack(parts, plans[name]?.shape ?? [])
    }

    /// The parameter as matrices whose rows, one after the other, are its own: the file's own pages, each in its own type.
    public func parts(_ name: String) throws(FileError) -> [Tensor] {
        guard let plan = plans[name] else { throw FileError("a parameter that was not asked for", field: name) }
        var parts: [Tensor] = []
        for part in plan.parts { parts.append(try part.tensor()) }
        switch plan.pattern {
        case .same, .stacked: return parts
        case .transposed: return [parts[0].transposed.contiguous()]
        case .shifted(_, let shift): return [parts[0].shifted(by: -shift)]
        case .negativeExponential: return [parts[0].negativeLogarithms.transposed.contiguous()]
        case .headwise(_, _, let heads, let keys, let values):
            return [Headwise(heads: heads, keyWidth: keys, valueWidth: values).whole(parts, plan.shape)]
        case .alternating(_, let shapes): return [Alternation(shapes).whole(parts, plan.shape)]
        case .shaped: return [parts[0].reshaped(Shape(plan.shape))]
        case .arranged(_, _, let view, let axes): return [parts[0].arranged(view, axes, into: plan.shape)]
        case .microscaled(_, let matrices, let rows, let order):
            guard plan.shape.last.map({ $0 % 32 == 0 }) == true, parts.allSatisfy({ $0.dtype == .u8 }) else {
                throw FileError(
                    "not MXFP4 weights", field: name, expected: "bytes, and rows of whole blocks of 32", found: "\(parts[0].dtype), \(plan.shape)")
            }
            return [
                Microscaled.tensor(
                    blocks: parts[0], scales: parts[1], matrices: matrices, rows: rows, columns: plan.shape.last ?? 0, order)
            ]
        case .grouped(_, let heads, let kvHeads, let width):
            return [HeadOrder(heads: heads, kvHeads: kvHeads, width: width).ours(parts[0])]
        case .orderedStack(_, _, let orders): return zip(parts, orders).map { $0.toOurs($1) }
        }
    }

    /// Where a parameter's numbers lie, part by part.
    public func stored(_ name: String) -> [StoredWeight] { plans[name]?.parts ?? [] }

    /// The type of a parameter's first part in its file's own words; pairs of blocks and scales have one together.
    public func storedType(_ name: String) -> String? {
        if case .microscaled? = plans[name]?.pattern { return "MXFP4" }
        return plans[name]?.parts.first?.entry.type
    }

    /// Bytes that the parameter takes in the files.
    public func storedByteCount(_ name: String) -> Int { plans[name]?.parts.reduce(0) { $0 + $1.entry.byteCount } ?? 0 }

    /// Tells the system that the parameter's pages in the files are not needed soon; reading them again is fine.
    public func release(_ name: String) {
        for part in plans[name]?.parts ?? [] { part.release() }
    }

    private static func plan(_ ours: String, _ shape: [Int], _ map: WeightMap, _ folder: WeightFolder) throws(FileError) -> Plan {
        let choices = map.choices(for: ours)
        // The first way whose tensors are all there; where none is, the usual one says what is missing.
        guard let (row, names) = choices.first(where: { $0.names.allSatisfy { map.find($0, folder) != nil } }) ?? choices.first else {
            throw FileError("the family's weight table has no row for this parameter", path: folder.path, field: ours)
        }
        var parts: [StoredWeight] = []
        for (index, name) in names.enumerated() {
            let wanted = row.theirs.shape(of: index, in: shape)
            guard let part = map.find(name, folder) else {
                throw FileError(
                    "a tensor is missing", path: folder.path, field: name, expected: "\(wanted)", found: "nothing",
                    hint: nearestHint(name, folder.names))
            }
            let entry = part.entry
            guard entry.shape == wanted else {
                throw FileError(
                    "a tensor does not fit the configuration", path: part.file.path, field: entry.name, offset: entry.offset,
                    expected: "\(wanted)", found: "\(entry.shape)", hint: "the configuration and the weights belong to different models")
            }
            parts.append(part)
        }
        return Plan(pattern: row.theirs, shape: shape, parts: parts)
    }

    /// Rows one after the other; parts of different types meet in f32.
    private static func stack(_ parts: [Tensor], _ shape: [Int]) -> Tensor {
        let same = parts.allSatisfy { $0.dtype == parts[0].dtype }
        let parts = same ? parts : parts.map { $0.cast(to: .f32) }
        let whole = Tensor(uninitialized: Shape(shape), dtype: parts[0].dtype)
        var offset = 0
        for part in parts {
            let bytes = part.byteCount
            (whole.data + offset).copyMemory(from: part.data, byteCount: bytes)
            offset += bytes
        }
        return whole
    }
}

extension WeightPattern {
    /// The shape of one of their tensors, where ours has `shape`.
    func shape(of index: Int, in shape: [Int]) -> [Int] {
        switch self {
        case .same, .shifted, .grouped: shape
        case .shaped(_, let theirs): theirs
        case .alternating(_, let shapes): shapes[index]
        case .transposed, .negativeExponential: shape.reversed()
        case .headwise(_, _, let heads, let keys, let values):
            index == 0 ? [heads, shape.last ?? 0, keys] : [heads, values, shape.last ?? 0]
        case .arranged(_, let stored, _, _): stored
        case .microscaled(_, let matrices, let rows, _):
            [matrices, rows, (shape.last ?? 0) / 32] + (index == 0 ? [16] : [])
        case .stacked(_, let rows), .orderedStack(_, let rows, _): [rows[index]] + shape.dropFirst()
        }
    }
}

extension WeightMap {
    /// Where a tensor of theirs lies, by its name, an older one, or the one without the prefix.
    public func find(_ name: String, _ folder: WeightFolder) -> StoredWeight? {
        if let found = folder.find(name) ?? aliases[name].flatMap(folder.find) { return found }
        guard !prefix.isEmpty, name.hasPrefix(prefix) else { return nil }
        return folder.find(String(name.dropFirst(prefix.count)))
    }

    func ignores(_ name: String) -> Bool {
        let (pattern, _) = NamePattern.split(name)
        if ignoredBelow.contains(where: name.hasPrefix) { return true }
        return ignored.contains { $0 == pattern || $0 == prefix + pattern || prefix + $0 == pattern }
    }

    /// A tensor that no parameter wants: one of a layer beyond the last, one that the configuration leaves out, or a name of another family.
    fileprivate func unknown(_ name: String, _ folder: WeightFolder, _ parameters: [String]) -> FileError {
        let (pattern, indices) = NamePattern.split(name)
        let names = rows.flatMap(\.theirs.names)
        if known.contains(pattern) || known.contains(prefix + pattern) { return unwanted(name, indices, folder, parameters) }
        let near = nearestNames(to: pattern, in: names).map { NamePattern.fill($0, indices) }
        return FileError(
            "a tensor that this model has no place for", path: folder.path, field: name,
            hint: near.isEmpty
                ? "the configuration and the weights belong to different models" : "nearest known names: \(near.joined(separator: ", "))")
    }

    /// The table knows the name, the model of this configuration does not.
    private func unwanted(_ name: String, _ indices: [String], _ folder: WeightFolder, _ parameters: [String]) -> FileError {
        let layers = (parameters.compactMap { NamePattern.split($0).indices.first.flatMap { Int($0) } }.max() ?? -1) + 1
        guard let layer = indices.first.flatMap({ Int($0) }), layer >= layers else {
            return FileError(
                "a tensor that this model has no place for", path: folder.path, field: name,
                hint: "the family has such tensors, the model that the configuration describes has not")
        }
        return FileError(
            "a tensor of layer \(layer) in a model of \(layers) layers", path: folder.path, field: name,
            expected: layers > 0 ? "layers 0 to \(layers - 1)" : "no layers", found: "layer \(layer)",
            hint: "the configuration says fewer layers than the weights have")
    }
}
