public import QuintetCheckpoints
import QuintetFiles
public import QuintetLayers
import QuintetTensors

/// Runs the inputs found in a file of expected outputs through a model and compares, output by output.
///
/// Inputs: `input_ids` [batch, time], `attention_mask` (missing means all ones), `position_ids` (missing: places from the left, or, where the
/// family counts so, tokens that are not masked), `greedy_prompt` [batch, time].
/// Outputs: `logits`, `last_hidden_state`, `greedy` (the prompt and what follows, ends of text ignored).
public struct Verification {
    /// How far an output is from the expected one.
    public struct Output: Sendable, Equatable {
        public let name: String
        public let shape: [Int]
        /// max |ours - expected|; for ids the number of different ones.
        public let maxDifference: Double
        /// max |expected|.
        public let maxReference: Double
        public let passed: Bool
        /// Row-major index of the first element that is too far away.
        public let firstDifference: Int?
    }

    public let outputs: [Output]
    /// Our outputs under the file's names, ready to be written.
    public let items: [SafetensorsWriter.Item]
    public var passed: Bool { outputs.allSatisfy(\.passed) }

    /// Largest difference allowed, as a share of the largest expected value.
    public static let tolerance = 1e-4

    /// - Throws: `FileError` where the file holds no inputs, ids outside the vocabulary, or outputs this model does not have.
    public init(_ model: Transformer, expected path: String, tolerance: Double = tolerance) throws {
        let file = try ExpectedFile(path, vocabulary: model.spec.vocabulary)
        var outputs: [Output] = []
        var items: [SafetensorsWriter.Item] = []
        for name in file.wantedOutputs {
            switch name {
            case "greedy":
                let (ids, shape) = try file.greedy(model)
                items.append(SafetensorsWriter.Item(name, integers: ids, shape))
                if let entry = file.file[name] { outputs.append(Self.compare(name, ids, try file.file.integers(entry), entry.shape)) }
            default:
                let tensor = try file.forward(model, name)
                items.append(SafetensorsWriter.Item(name, floats: tensor.floats, tensor.shape.extents))
                if let entry = file.file[name] { outputs.append(try file.compare(name, tensor, entry, tolerance)) }
            }
        }
        self.outputs = outputs
        self.items = items
    }

    private static func compare(_ name: String, _ ours: [Int64], _ expected: [Int64], _ shape: [Int]) -> Output {
        let different = zip(ours, expected).enumerated().filter { $1.0 != $1.1 }.map(\.offset)
        let count = different.count + abs(ours.count - expected.count)
        return Output(
            name: name, shape: shape, maxDifference: Double(count), maxReference: Double(expected.max() ?? 0), passed: count == 0,
            firstDifference: different.first)
    }
}

/// The file of inputs and expected outputs, checked.
private struct ExpectedFile {
    let file: SafetensorsFile
    let vocabulary: Int

    static let outputs = ["logits", "last_hidden_state", "greedy"]
    static let inputs = ["input_ids", "attention_mask", "position_ids", "greedy_prompt"]

    init(_ path: String, vocabulary: Int) throws(FileError) {
        file = try SafetensorsFile.open(path)
        self.vocabulary = vocabulary
        for name in file.names where !Self.outputs.contains(name) && !Self.inputs.contains(name) {
            throw FileError(
                "this model has no such input or output", path: path, field: name,
                expected: (Self.inputs + Self.outputs).joined(separator: ", "))
        }
        guard file["input_ids"] != nil || file["greedy_prompt"] != nil else {
            throw FileError("no inputs to run", path: path, field: "input_ids", expected: "input_ids or greedy_prompt", found: "nothing")
        }
    }

    /// The outputs in the file; the logits where it holds inputs alone.
    var wantedOutputs: [String] {
        let wanted = Self.outputs.filter { file[$0] != nil }
        return wanted.isEmpty ? ["logits"] : wanted
    }

    func forward(_ model: Transformer, _ name: String) throws(FileError) -> Tensor {
        let (ids, shape) = try ids("input_ids")
        if case .learned = model.spec.embedding.positions, shape[1] > model.spec.context {
            throw FileError(
                "more tokens than the model has positions", path: file.path, field: "input_ids", expected: "at most \(model.spec.context)",
                found: "\(shape[1])")
        }
        var pass = Pass.sequences(batch: shape[0], time: shape[1])
        pass.keyMask = try mask(shape)
        if let positions = try positions(model.spec, shape, pass.keyMask) {
            pass.positions = positions
            pass.length = max(shape[1], Int(positions.integers.max() ?? 0) + 1)
        }
        let hidden = model(Tensor(ids, [ids.count]), &pass)
        let result = name == "logits" ? model.logits(hidden) : hidden
        return result.contiguous().reshaped(Shape(shape + [result.shape.columns]))
    }

    func greedy(_ model: Transformer) throws -> ([Int64], [Int]) {
        let (prompts, shape) = try ids("greedy_prompt")
        let entry = try file.require("greedy")
        guard entry.shape.count == 2, entry.shape[0] == shape[0], entry.shape[1] > shape[1] else {
            throw wrongShape(entry, "[\(shape[0]), more than \(shape[1])]")
        }
        let session = try GenerationSession(model, capacity: entry.shape[1])
        var all: [Int64] = []
        for row in 0..<shape[0] {
            let prompt = Array(prompts[row * shape[1]..<(row + 1) * shape[1]])
            all += (prompt + (try session.greedy(prompt, count: entry.shape[1] - shape[1]))).map(Int64.init)
        }
        return (all, entry.shape)
    }

    /// Differences count where the mask is 1 alone.
    func compare(_ name: String, _ ours: Tensor, _ entry: SafetensorsEntry, _ tolerance: Double) throws(FileError) -> Verification.Output {
        guard entry.shape == ours.shape.extents else { throw wrongShape(entry, "\(ours.shape)") }
        let (ours, expected) = (ours.floats, try file.floats(entry))
        let mask = try mask(Array(entry.shape.prefix(2)))
        let columns = max(entry.shape.last ?? 1, 1)
        let (rows, shown) = (mask?.data, { (index: Int) in index / columns })
        let counts = { (index: Int) in rows.map { $0.load(fromByteOffset: shown(index), as: UInt8.self) != 0 } ?? true }
        var (difference, reference) = (0.0, 0.0)
        for index in expected.indices where counts(index) {
            reference = max(reference, Double(abs(expected[index])))
            let distance = Double(abs(ours[index] - expected[index]))
            difference = distance.isNaN ? .infinity : max(difference, distance)
        }
        let limit = tolerance * reference
        let first = expected.indices.first { counts($0) && !(Double(abs(ours[$0] - expected[$0])) <= limit) }
        return Verification.Output(
            name: name, shape: entry.shape, maxDifference: difference, maxReference: reference, passed: first == nil, firstDifference: first)
    }

    private func ids(_ name: String) throws(FileError) -> ([Int32], [Int]) {
        let entry = try file.require(name)
        guard entry.shape.count == 2, entry.count > 0 else { throw wrongShape(entry, "[batch, time]") }
        var ids: [Int32] = []
        for id in try file.integers(entry) {
            guard id >= 0, id < Int64(vocabulary) else {
                throw FileError(
                    "an id outside the vocabulary", path: file.path, field: name, expected: "0 to \(vocabulary - 1)", found: "\(id)")
            }
            ids.append(Int32(id))
        }
        return (ids, entry.shape)
    }

    /// i32 [batch * time]; nil where they are the places from the left.
    private func positions(_ spec: TransformerSpec, _ shape: [Int], _ mask: Tensor?) throws(FileError) -> Tensor? {
        if let entry = file["position_ids"] {
            guard entry.shape == shape else { throw wrongShape(entry, "\(shape)") }
            let limit = Int64(spec.context)
            let values = try file.integers(entry)
            if let wrong = values.first(where: { $0 < 0 || $0 >= limit }) {
                throw FileError(
                    "a position outside the context", path: file.path, field: entry.name, expected: "0 to \(limit - 1)", found: "\(wrong)")
            }
            return Tensor(values.map { Int32($0) }, [values.count])
        }
        guard case .learned(_, .tokens) = spec.embedding.positions, let mask else { return nil }
        var positions: [Int32] = []
        for row in 0..<shape[0] {
            var next: Int32 = 0
            for column in 0..<shape[1] {
                positions.append(next)
                if mask.data.load(fromByteOffset: row * shape[1] + column, as: UInt8.self) != 0 { next += 1 }
            }
        }
        return Tensor(positions, [positions.count])
    }

    /// u8 [batch, time]; nil where nothing is masked.
    private func mask(_ shape: [Int]) throws(FileError) -> Tensor? {
        guard let entry = file["attention_mask"] else { return nil }
        guard entry.shape == shape else { throw wrongShape(entry, "\(shape)") }
        let seen = try seen(entry)
        guard seen.contains(true) else {
            throw FileError(
                "the mask hides every position: nothing would be compared", path: file.path, field: entry.name, offset: entry.range.lowerBound,
                expected: "1 where there is a token", found: "zeros alone")
        }
        if seen.allSatisfy({ $0 }) { return nil }
        let mask = Tensor(uninitialized: Shape(shape), dtype: .u8)
        for (index, isSeen) in seen.enumerated() { mask.data.storeBytes(of: isSeen ? 1 : 0, toByteOffset: index, as: UInt8.self) }
        return mask
    }

    /// Which positions count; a mask of real numbers may hold 0 and 1.
    private func seen(_ entry: SafetensorsEntry) throws(FileError) -> [Bool] {
        guard [.f32, .f16, .bf16, .f64].contains(entry.type) else { return try file.integers(entry).map { $0 != 0 } }
        let values = try file.floats(entry)
        if let other = values.first(where: { $0 != 0 && $0 != 1 }) {
            throw FileError(
                "a mask of real numbers holds 0 and 1", path: file.path, field: entry.name, offset: entry.range.lowerBound, expected: "0 or 1",
                found: "\(other)")
        }
        return values.map { $0 == 1 }
    }

    private func wrongShape(_ entry: SafetensorsEntry, _ expected: String) -> FileError {
        FileError("wrong shape", path: file.path, field: entry.name, offset: entry.range.lowerBound, expected: expected, found: "\(entry.shape)")
    }
}
