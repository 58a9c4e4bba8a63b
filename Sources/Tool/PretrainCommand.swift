import ArgumentParser
import QuintetFiles
import QuintetTraining

struct PretrainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pretrain", abstract: "Train a language model on token shards, from scratch and without labels.",
        discussion: """
            Example:
              quintet pretrain --data shards --into run --preset nano --steps 2000
              quintet pretrain --data shards --into run --resume

            Ctrl-C saves and stops; --resume goes on with the same bits. The run folder is a model folder (config.json, \
            model.safetensors, tokenizer.json) and holds checkpoints, metrics.jsonl, TensorBoard events and report.html.
            Presets: \(Preset.all.map(\.name).joined(separator: ", ")). \
            Every other setting goes into a run.yaml or behind --set: \(Setting.all.map(\.name).joined(separator: ", ")).
            """)

    @Option(help: "A folder of token shards, from quintet tokenize.") var data: String
    @Option(help: "The run folder: new or empty, or with --resume the one to continue.") var into: String
    @Option(help: "Settings in a YAML file; the options here win over it.") var config: String?
    @Option(help: "A named size.") var preset: String?
    @Option(help: "A size by its number of layers alone; the rest follows from scaling rules.") var depth: Int?
    @Option(help: "Optimizer steps.") var steps: Int?
    @Option(help: "Tokens to learn from, in place of --steps.") var tokens: Int?
    @Option(help: "Sequences in one pass.") var batch: Int?
    @Option(help: "Tokens in a sequence.") var sequence: Int?
    @Option(help: "AdamW's peak learning rate.") var learningRate: String?
    @Option(help: "Steps between two checkpoints.") var saveEvery: Int?
    @Option(help: "The same seed gives the same model, bit for bit.") var seed: Int?
    @Option(name: .customLong("set"), help: ArgumentHelp("Any other setting.", valueName: "name=value")) var more: [String] = []
    @Option(help: "Threads; all processors by default. The result does not depend on it.") var threads: Int?
    @Flag(help: "Continue the run in this folder.") var resume = false
    @Flag(help: "No progress line.") var quiet = false
    @Flag(help: "Print one JSON object at the end.") var json = false

    func run() throws {
        StopSignal.install()
        try useThreads(threads)
        let settings = try TrainingConfig.forRun(into, resume: resume, file: config, given: given())
        let pretrainer = try Pretrainer(data: data, run: into, config: settings, resume: resume) { warn($0) }
        let outcome = try pretrainer.train([ProgressObserver(quiet: quiet, showsSamples: true), RunRecorder()])
        try say(outcome)
        if case .interrupted(let signal) = outcome.end { throw signal }
    }

    private func given() throws -> [GivenSetting] {
        var out: [GivenSetting] = []
        for (name, value) in [
            ("depth", depth), ("max_steps", steps), ("max_tokens", tokens), ("per_device_train_batch_size", batch),
            ("max_seq_len", sequence), ("save_every", saveEvery), ("seed", seed),
        ] {
            if let value { out.append(GivenSetting(name, JSON(value))) }
        }
        if let preset { out.append(GivenSetting("preset", .string(preset))) }
        if let learningRate { out.append(try TrainingConfig.typed("learning_rate=\(learningRate)")) }
        return try out + more.map { try TrainingConfig.typed($0) }
    }

    private func say(_ outcome: PretrainOutcome) throws {
        if json {
            print(outcome.json(run: into).serialized())
        } else if outcome.end == .alreadyFinished {
            print("\(into) is finished: step \(outcome.step).")
        } else if outcome.end == .finished {
            print("Done. The model and everything about it: \(into); the report: \(Folder.join(into, RunReport.fileName))")
        }
    }
}
