import ArgumentParser
import QuintetFiles
import QuintetTensors
import QuintetTraining

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// What is adapted, and on what.
struct AdaptWhat: ParsableArguments {
    @Argument(help: "A model folder in Hugging Face layout, a .gguf file, or a run folder.") var model: String
    @Option(help: ArgumentHelp("Rows to learn from: a file, or a folder with train, valid and test.", valueName: "file")) var data: String
    @Option(help: ArgumentHelp("Rows to measure on; by default some of the others are held out.", valueName: "file")) var validation: String?
    @OptionGroup var fields: FieldOptions
    @Option(help: "full, lora, dora, qlora or head.") var method = "full"
    @Option(help: "By default what goes with the data: supervised (sft), continued, dpo, classification, regression, tokens.") var objective: String?
}

/// What a file calls its text and its label.
struct FieldOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The field or column that holds the text, where it is not text or sentence.", valueName: "name")) var textField: String?
    @Option(help: ArgumentHelp("The field or column that holds the label, where it is not label.", valueName: "name")) var labelField: String?

    var names: FieldNames { FieldNames(text: textField, label: labelField) }
}

/// How it learns.
struct AdaptHow: ParsableArguments {
    @Option(help: "Optimizer steps (default: 3 epochs).") var steps: Int?
    @Option(help: "Times through the data, in place of --steps.") var epochs: Double?
    @Option(help: "Samples in one pass.") var batch: Int?
    @Option(help: "Passes whose gradients make one step.") var accumulation: Int?
    @Option(help: "Tokens of one text at most.") var maxLength: Int?
    @Flag(help: "Fill each place of a batch with short texts; none sees another.") var pack = false
    @Option(help: "The peak; by default one that goes with method and size.") var learningRate: String?
    @Option(help: "constant, linear, cosine or warmup_stable_decay.") var schedule: String?
    @Option(help: "Share of the steps in which the rate rises.") var warmup: Double?
    @Option(help: "AdamW's weight decay.") var weightDecay: Double?
    @Option(help: "LoRA's rank.") var rank: Int?
    @Option(help: "LoRA's alpha (default: twice the rank).") var alpha: Double?
    @Option(help: "Dropout before LoRA's matrices.") var loraDropout: Double?
    @Flag(help: "Scale LoRA by alpha / sqrt(rank).") var rslora = false
    @Option(help: ArgumentHelp("Modules that get LoRA: names separated by commas, or a pattern (default: all linear ones).", valueName: "names")) var targets: String?
    @Option(help: ArgumentHelp("Modules that learn as a whole beside the adapter: embed_tokens, lm_head, norm, ...", valueName: "names")) var modulesToSave: String?
    @Flag(help: "Learn prompts, too.") var trainPrompts = false
    @Option(help: "DPO's beta.") var beta: Double?
    @Option(help: "DPO's label smoothing.") var labelSmoothing: Double?
    @Option(help: "What a head reads: last or mean.") var pooling: String?
    @Option(help: "What backward computes again: none, activations or block.") var recompute: String?
    @Option(help: "What products with frozen weights round to: f32 (nothing), bf16, stored (the weights' type); default: bf16 for a base in bf16 or blocks, else as it is served.") var arithmetic: String?
    @Option(help: "Steps between two evaluations.") var evalEvery: Int?
    @Option(help: "Steps between two checkpoints.") var saveEvery: Int?
    @Option(help: "Evaluations without a better one after which it ends; 0: never.") var patience: Int?
    @Option(help: "The same seed gives the same result, bit for bit.") var seed: Int?

    func settings(_ what: AdaptWhat) throws -> AdaptSettings {
        var settings = AdaptSettings()
        settings.method = try choice("method", what.method)
        settings.objective = what.objective
        settings.fields = what.fields.names
        (settings.steps, settings.epochs, settings.maxLength) = (steps, epochs, maxLength)
        if let batch { settings.batch = batch }
        if let accumulation { settings.accumulation = accumulation }
        settings.packs = pack
        if let learningRate { settings.learningRate = try number("learning-rate", learningRate) }
        if let schedule { settings.schedule = try choice("schedule", schedule) }
        if let warmup { settings.warmupRatio = warmup }
        if let weightDecay { settings.weightDecay = weightDecay }
        if let rank { settings.rank = rank }
        settings.alpha = alpha
        if let loraDropout { settings.adapterDropout = loraDropout }
        settings.rankStabilized = rslora
        settings.targets = targets.map { $0.split(separator: ",").map { String($0) } } ?? []
        settings.savedModules = modulesToSave.map { $0.split(separator: ",").map { String($0) } } ?? []
        settings.masksPrompts = !trainPrompts
        (settings.beta, settings.labelSmoothing) = (beta, labelSmoothing)
        let adapters = [("rank", rank != nil), ("alpha", alpha != nil), ("lora-dropout", loraDropout != nil), ("rslora", rslora), ("targets", targets != nil)]
        if !settings.method.isAdapter, let name = adapters.first(where: \.1)?.0 {
            throw ValidationError("--\(name): goes with an adapter (lora, dora, qlora); the method \(settings.method.rawValue) has none")
        }
        if let pooling { settings.pooling = try choice("pooling", pooling) }
        if let recompute { settings.recompute = try choice("recompute", recompute) }
        if let arithmetic { settings.arithmetic = try choice("arithmetic", arithmetic) }
        (settings.evalEvery, settings.saveEvery) = (evalEvery, saveEvery)
        if let patience { settings.patience = patience }
        if let seed { settings.seed = seed }
        return settings
    }

    private func number(_ name: String, _ text: String) throws -> Double {
        guard let value = Double(text) else { throw ValidationError("--\(name): expected a number, found \(text)") }
        return value
    }
}

/// Whether somebody looks at this stream in color.
func isTerminal(_ descriptor: Int32) -> Bool {
    isatty(descriptor) == 1 && getenv("NO_COLOR") == nil && getenv("TERM").map { String(cString: $0) != "dumb" } == true
}

/// One line on standard error, not a warning.
func note(_ text: String) {
    let line = Array("\(text)\n".utf8)
    _ = write(2, line, line.count)
}
