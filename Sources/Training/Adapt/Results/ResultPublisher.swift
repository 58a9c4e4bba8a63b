import QuintetCheckpoints
import QuintetFiles
import QuintetGeneration
import QuintetModels
import QuintetTensors
import QuintetLayers

/// Writes the result beside the run, brings it through the gate, and makes it the run's folder.
struct ResultPublisher {
    private let run: Adaptation
    private let state: TrainerState
    private let best: Int
    private let scores: EvaluationRecord?

    init(_ run: Adaptation, _ state: TrainerState, best: Int, scores: EvaluationRecord?) {
        self.run = run
        self.state = state
        self.best = best
        self.scores = scores
    }

    /// - Throws: `TrainingError.gateFailed`; gate.json is written in any case, everything else only where the gate passes or is skipped.
    func publish() throws -> GateReport {
        // A name that the next session removes where this one is killed.
        let candidate = run.folder.file(".tmp-candidate")
        try Folder.remove(candidate)
        defer { try? Folder.remove(candidate) }
        try write(candidate, report: nil)
        try run.beforeGate(candidate)
        var exported: ModelConversion.Report?
        if let name = run.settings.export { exported = try export(candidate, name) }
        defer { if let exported { try? Folder.remove(exported.path) } }
        let report = run.settings.skipsGate ? GateReport(comparisons: [], prompts: 0, skipped: true) : try gate(candidate, exported)
        guard report.passed else {
            try AtomicFile.write(run.folder.file(GateReport.fileName), report.json.serialized(pretty: true) + "\n")
            throw TrainingError.gateFailed(folder: run.into, cause: report.worst?.cause ?? "unknown", summary: report.summary)
        }
        let card = finalCard(report).text(family: run.input.base.family, spec: run.input.base.spec)
        try AtomicFile.write(Folder.join(candidate, "README.md"), card)
        try run.folder.checkpoints.publish(CheckpointStore.Checkpoint(step: best, path: candidate))
        if let exported, let name = run.settings.export { try Folder.move(exported.path, to: name) }
        try AtomicFile.write(run.folder.file(GateReport.fileName), report.json.serialized(pretty: true) + "\n")
        return report
    }

    private func write(_ path: String, report: GateReport?) throws {
        let directory = try AtomicDirectory(final: path)
        try run.trainee.adapted.writeResult(into: directory, finalCard(report), run.settings.dtype)
        try directory.commit()
    }

    private func finalCard(_ report: GateReport?) -> ModelCard {
        AdaptCard(run.input, run.settings, run.lineage, run.trainableLine).result(state, best: best, scores: scores, gate: report, plan: run.plan)
    }

    /// The further file, under a name beside its own until the gate has passed.
    private func export(_ candidate: String, _ name: String) throws -> ModelConversion.Report {
        try AdaptSettings.checkIsNew(name)
        let ending = GGUFFile.isName(name) ? ".gguf" : ""
        let temporary = Folder.join(Folder.parent(of: name), ".tmp-\(Folder.name(of: name))\(ending)")
        try Folder.remove(temporary)
        if run.settings.method.isAdapter {
            return try ModelConversion(run.input.base.path, try run.settings.exportQuantization(), merging: [AdapterChoice(candidate)]).write(to: temporary)
        }
        return try ModelConversion(candidate, try run.settings.exportQuantization()).write(to: temporary)
    }

    private func gate(_ candidate: String, _ exported: ModelConversion.Report?) throws -> GateReport {
        let prompts = run.input.gatePrompts(run.settings.gatePrompts)
        let gate = EquivalenceGate(prompts, ends: run.input.encoder.ends)
        let model = run.trainee.adapted.model
        let trained = EquivalenceGate.Side(model.transformer, score: model.score)
        let base = run.input.base, choosesExperts = base.spec.firstExperts != nil
        var types = [run.settings.dtype.rawValue]
        // A base in blocks is served with activations in bytes; what learned beside it saw the numbers that the blocks stand for.
        if run.settings.method != .full, base.hasBlocks { types.append("q8_0") }
        // So is one that is served with activations rounded another way than in training.
        if run.settings.method.isAdapter, run.settings.arithmetic(base) != base.arithmetic { types.append("bf16") }
        var comparisons = [try compare(gate, trained, candidate, "library", bounds(types, choosesExperts))]
        if let exported, let name = run.settings.export {
            let bounds = bounds(exported.types.map(\.name), choosesExperts)
            // A layer that scores has no counterpart in the base.
            let start = model.score == nil && bounds != .exact ? EquivalenceGate.Side(try base.transformer()) : nil
            comparisons.append(try compare(gate, trained, exported.path, Folder.name(of: name), bounds, start: start))
        }
        return GateReport(comparisons: comparisons, prompts: prompts.count)
    }

    private func bounds(_ types: [String], _ choosesExperts: Bool) -> GateReport.Bounds {
        var bounds = GateReport.Bounds.of(types, choosesExperts: choosesExperts)
        if let bound = run.settings.gateBound { bounds.maxDifference = bound }
        return bounds
    }

    private func compare(
        _ gate: EquivalenceGate, _ trained: EquivalenceGate.Side, _ path: String, _ name: String, _ bounds: GateReport.Bounds,
        start: EquivalenceGate.Side? = nil
    ) throws -> GateReport.Comparison {
        let (folder, side) = try run.trainee.adapted.opened(path)
        var encoder = try TextEncoder(folder, run.settings)
        encoder.limit = run.input.encoder.limit
        var result = try gate.compare(trained, side, name: name, bounds: bounds, encoder: encoder)
        if result.passed, let start { result.cause = gate.staysBehind(trained, side, start: start, kl: result.kl) }
        return result
    }
}

extension AdaptSettings {
    static func checkIsNew(_ name: String) throws {
        guard try !Folder.exists(name) || Folder.isFolder(name) && Folder.isEmpty(name) else {
            throw FileError("something is there already", path: name, hint: "choose another name for --export")
        }
    }

    /// - Throws: what would keep the further result from being written, before anything is trained for it.
    func checkExport(_ name: String, of base: ModelFolder, scores: Bool, isNew: Bool) throws {
        let isFile = GGUFFile.isName(name), type = try exportQuantization(), parent = Folder.parent(of: name)
        if isNew { try Self.checkIsNew(name) }
        guard Folder.isFolder(parent) else {
            throw FileError("the further result has no folder to lie in", path: name, expected: "a folder \(parent)", found: Folder.kind(of: parent), hint: "make it first")
        }
        if isFile, scores { throw ModelConversion.noScores(name) }
        if isFile, !GGUFFile.isGGUF(base.path) { try ModelConversion(base.path, type).checkFile() }
        if !isFile, ![.none, .f32, .f16, .bf16].contains(type) {
            throw TrainingError.impossible(["quantize: a folder holds f32, f16 or bf16, found \(exportType); give --export a name that ends in .gguf"])
        }
    }

    /// - Throws: `TrainingError` for an unknown name.
    func exportQuantization() throws -> GGUFQuantization {
        guard let quantization = GGUFQuantization(rawValue: exportType) else {
            throw TrainingError.badSetting("quantize", source: "command line", line: nil, expected: "a type that quintet convert knows", found: quoted(exportType))
        }
        return quantization
    }
}
