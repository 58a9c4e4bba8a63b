import QuintetCheckpoints
public import QuintetFiles
import QuintetLayers
public import QuintetModels
import QuintetTensors
import QuintetTokenizers

/// A model written in another format or in other types: folder to GGUF, GGUF to folder, each to its own kind.
public struct ModelConversion {
    /// What was written.
    public struct Report: Sendable {
        public var path: String
        public var bytes = 0
        public var types: [(name: String, tensors: Int, bytes: Int)] = []
        /// Tensors that got another type than was wanted, because rows have to be whole blocks.
        public var replaced: [(name: String, wanted: String, type: String)] = []
        public var warnings: [String] = []
    }

    private let path: String
    private let quantization: GGUFQuantization
    private let adapters: [AdapterChoice]

    /// `adapters` are added to the weights in f32, before these get their type.
    public init(_ path: String, _ quantization: GGUFQuantization, merging adapters: [AdapterChoice] = []) throws {
        self.path = path
        self.quantization = quantization
        self.adapters = adapters
    }

    /// Writes a GGUF file where `out` ends in .gguf, else a folder; `onProgress` hears bytes done and in all.
    public func write(to out: String, onProgress: (_ done: Int, _ of: Int) throws -> Void = { _, _ in }) throws -> Report {
        let isFile = GGUFFile.isName(out)
        guard Folder.resolved(out) != Folder.resolved(path) else { throw FileError("the model cannot be written over itself", path: out) }
        if isFile { try AtomicFile.checkFree(out) }
        if isFile, adapters.isEmpty, GGUFFile.isGGUF(path) {
            return Report(try GGUFRequantization.write(try GGUFSet.open(path), quantization, to: out, onProgress: onProgress))
        }
        let folder = try ModelFolder.open(path).adapted(by: adapters)
        var report = isFile ? try writeFile(folder, out, onProgress) : try writeFolder(folder, out)
        report.warnings = folder.warnings + report.warnings
        return report
    }

    /// - Throws: what would keep the model from being a GGUF file, without writing one.
    public func checkFile() throws {
        var warnings: [String] = []
        _ = try export(try ModelFolder.open(path).adapted(by: adapters), &warnings)
    }

    private func export(_ folder: ModelFolder, _ warnings: inout [String]) throws -> GGUFExport {
        guard try folder.scoreLayer() == nil else { throw Self.noScores(path) }
        var pairs: [(key: String, value: GGUFWriter.Value)] = []
        if let tokenizer = try optionalTokenizer(folder, &warnings) {
            let special = try Self.special(folder)
            pairs = try tokenizer.ggufVocabulary.pairs(rows: folder.spec.vocabulary, special, template: Self.template(folder))
            let unsaid = special.eos.dropFirst(GGUFVocabulary.endNames.count)
            if !unsaid.isEmpty { warnings.append("\(folder.path): a GGUF file names three ends of a text; \(unsaid.map(String.init).joined(separator: ", ")) only end one where llama.cpp knows their names") }
        } else {
            pairs = [("tokenizer.ggml.model", .string("none"))]
        }
        return try GGUFExport(folder, quantization, general: try Self.general(folder), tokenizer: pairs)
    }

    private func writeFile(_ folder: ModelFolder, _ out: String, _ onProgress: (Int, Int) throws -> Void) throws -> Report {
        var warnings: [String] = []
        let export = try export(folder, &warnings)
        let total = export.byteCount
        var report = Report(try export.write(out) { try onProgress($0, total) })
        report.warnings += warnings
        return report
    }

    /// GGUF has no place for a layer that scores beside a decoder.
    public static func noScores(_ path: String) -> FileError {
        FileError(
            "a model that scores texts cannot be written as GGUF", path: path, expected: "a model that writes", found: "a scoring layer in place of the vocabulary's",
            hint: "write a folder; quintet adapt predict and transformers open that")
    }

    /// A folder without a tokenizer is converted without one; a tokenizer that cannot be said is an error.
    private func optionalTokenizer(_ folder: ModelFolder, _ warnings: inout [String]) throws -> Tokenizer? {
        if case .gguf = folder.source, let own = try? folder.tokenizer() { return own }
        let files = ["tokenizer.json", "tokenizer.model", "vocab.json", "tokenizer.tiktoken"]
        if files.contains(where: { Folder.isFile(Folder.join(folder.path, $0)) }) { return try folder.tokenizer() }
        warnings.append("\(folder.path): there is no tokenizer; the file will have none")
        return nil
    }

    /// The chat template of a folder: its own file, or a field of the tokenizer's settings.
    private static func template(_ folder: ModelFolder) -> String? {
        let file = Folder.join(folder.path, "chat_template.jinja")
        if Folder.isFile(file), let bytes = try? readFile(file, limit: 1 << 20) { return String(validating: bytes, as: UTF8.self) }
        return nil
    }

    /// The ends that count in making text: those of generation_config.json where it has some.
    private static func special(_ folder: ModelFolder) throws(FileError) -> SpecialTokens {
        let config = try folder.generationConfig()
        return SpecialTokens(bos: folder.tokens.bos ?? config.bos, eos: config.eos, pad: folder.tokens.pad)
    }

    private static func general(_ folder: ModelFolder) throws(FileError) -> [(key: String, value: GGUFWriter.Value)] {
        let name = Folder.name(of: Folder.resolved(folder.path))
        var pairs: [(key: String, value: GGUFWriter.Value)] = [("general.name", .string(name.isEmpty ? folder.family.name : name))]
        if let license = CardFacts(folder: folder.path).license { pairs.append(("general.license", .string(license))) }
        if case .folder = folder.source, Folder.isFile(Folder.join(folder.path, GenerationConfig.fileName)) { pairs += try folder.generationConfig().sampling.ggufPairs }
        return pairs
    }

    private func writeFolder(_ folder: ModelFolder, _ out: String) throws -> Report {
        let dtype = try folderType(folder)
        let card = ModelCard(
            title: Folder.name(of: out), summary: "Converted from \(Folder.name(of: folder.path)).", facts: [], license: CardFacts(folder: folder.path).license)
        var export = try ModelExport(folder.spec, family: folder.family, tokens: folder.tokens, dtype: dtype, card: card)
        export.score = try folder.scoreLayer()
        export.generation = try folder.generationFields()
        let directory = try AtomicDirectory(final: out)
        try export.write(from: folder, into: directory)
        for (name, bytes) in try folder.tokenizerFiles() { try directory.file(name) { writer in try writer.write(bytes) } }
        try directory.commit()
        let written = try SafetensorsFile.open(Folder.join(out, "model.safetensors"))
        let bytes = written.tensors.reduce(0) { $0 + $1.byteCount }
        return Report(path: out, bytes: bytes, types: [(SafetensorsType(dtype).rawValue, written.tensors.count, bytes)])
    }

    private func folderType(_ folder: ModelFolder) throws(FileError) -> DType {
        switch quantization {
        case .f32: return .f32
        case .f16: return .f16
        case .bf16: return .bf16
        case .none where folder.hasBlocks: return .f32
        case .none: return ["F16": DType.f16, "BF16": .bf16][folder.storedType] ?? .f32
        default: throw FileError("a folder holds f32, f16 or bf16", path: path, field: "quantize", found: quantization.rawValue, hint: "write a .gguf file")
        }
    }
}

extension ModelConversion.Report {
    fileprivate init(_ report: GGUFExport.Report) {
        path = report.path
        bytes = report.bytes
        types = report.types.map { ($0.type.name, $0.tensors, $0.bytes) }
        replaced = report.replaced.map { ($0.name, $0.wanted.name, $0.type.name) }
        warnings = report.warnings
    }

    public var json: JSON {
        [
            "path": .string(path), "bytes": JSON(bytes),
            "types": .array(types.map { ["type": .string($0.name), "tensors": JSON($0.tensors), "bytes": JSON($0.bytes)] }),
            "replaced": .array(replaced.map { ["name": .string($0.name), "wanted": .string($0.wanted), "type": .string($0.type)] }),
            "warnings": .array(warnings.map { .string($0) }),
        ]
    }
}

extension SamplingOptions {
    /// `general.sampling.*`: nothing where the likeliest token is taken, which is what a file that says nothing asks for.
    fileprivate var ggufPairs: [(key: String, value: GGUFWriter.Value)] {
        var pairs: [(key: String, value: GGUFWriter.Value)] = []
        if temperature > 0 {
            pairs = [("temp", .f32(temperature)), ("top_k", .i32(Int32(clamping: topK))), ("top_p", .f32(topP)), ("min_p", .f32(minP))]
        }
        if repetitionPenalty != 1 { pairs.append(("penalty_repeat", .f32(repetitionPenalty))) }
        return pairs.map { ("general.sampling.\($0.key)", $0.value) }
    }
}

extension GGUFVocabulary {
    /// What a file calls the ends of a text, of a turn and of a message.
    fileprivate static let endNames = ["eos", "eot", "eom"]

    /// The `tokenizer.*` pairs for a model with so many rows in its embedding: unused tokens fill up.
    fileprivate func pairs(rows: Int, _ special: SpecialTokens, template: String?) throws(FileError) -> [(key: String, value: GGUFWriter.Value)] {
        guard tokens.count <= rows else {
            throw FileError("the tokenizer has more tokens than the model", path: source, field: "vocab_size", expected: "at most \(rows)", found: "\(tokens.count)")
        }
        let padding = (tokens.count..<rows).map { "[PAD\($0)]" }
        let filled = kinds + padding.map { _ in Kind.unused.rawValue }
        var pairs: [(key: String, value: GGUFWriter.Value)] = [("tokenizer.ggml.model", .string(model))]
        if let pre { pairs.append(("tokenizer.ggml.pre", .string(pre))) }
        pairs += [
            ("tokenizer.ggml.tokens", .strings(tokens + padding)), ("tokenizer.ggml.token_type", .integers(filled.map { Int32($0) })),
        ]
        if !scores.isEmpty { pairs.append(("tokenizer.ggml.scores", .floats(scores + padding.map { _ in -1e6 }))) }
        if !merges.isEmpty { pairs.append(("tokenizer.ggml.merges", .strings(merges))) }
        let ends = special.eos.isEmpty ? [eos].compactMap { $0 } : special.eos
        let ids = [("bos", special.bos ?? bos), ("unknown", unknown), ("padding", special.pad ?? self.padding)] + zip(Self.endNames, ends).map { ($0, $1) }
        for (name, id) in ids {
            if let id, id < rows { pairs.append(("tokenizer.ggml.\(name)_token_id", .u32(UInt32(id)))) }
        }
        for (name, flag) in [("add_bos_token", addsBOS), ("add_eos_token", addsEOS), ("add_space_prefix", addsSpacePrefix)] {
            if let flag { pairs.append(("tokenizer.ggml.\(name)", .bool(flag))) }
        }
        if let template = template ?? chatTemplate { pairs.append(("tokenizer.chat_template", .string(template))) }
        return pairs
    }
}
