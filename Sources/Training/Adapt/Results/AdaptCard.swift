import QuintetFiles
import QuintetLayers
import QuintetModels
import QuintetReports
import QuintetTensors

/// The model card of an adaptation: base, data, settings, scores, licence, lineage.
struct AdaptCard {
    private let input: AdaptInput
    private let settings: AdaptSettings
    private let lineage: Lineage
    private let trainable: String

    init(_ input: AdaptInput, _ settings: AdaptSettings, _ lineage: Lineage, _ trainable: String) {
        self.input = input
        self.settings = settings
        self.lineage = lineage
        self.trainable = trainable
    }

    /// Of a checkpoint, which has no scores yet.
    var checkpoint: ModelCard {
        var card = ModelCard(
            title: "\(lineage.name), adapted", summary: "\(lineage.name) adapted with Quintet (\(settings.method.rawValue), \(input.entry.name)).",
            facts: [("Base model", lineage.name), ("Method", settings.method.rawValue), ("Objective", input.entry.name)],
            license: lineage.card.license)
        card.base = lineage.name
        card.use = use
        if let head = input.objective.head, !settings.method.isAdapter {
            let spec = input.base.spec
            card.parameters = (spec.bodyParameters + head.parameters(width: spec.width)).reduce(0) { $0 + $1.count }
        }
        if input.objective.head?.pooling == .mean {
            card.caution = "The scores are of the mean of all tokens' states; `transformers` would take the last token's."
        }
        return card
    }

    private var use: ModelCard.Use {
        if let head = input.objective.head, settings.method.isAdapter { return .adaptsAndScores(head.layerKind, labels: head.outputs) }
        return switch input.objective.head?.kind {
        case nil: settings.method.isAdapter ? .adapts : .writes
        case .tokens: .scoresTokens
        case .classification, .regression: .scoresTexts
        }
    }

    /// `state` is that of the run's end.
    func result(_ state: TrainerState, best: Int, scores: EvaluationRecord?, gate: GateReport?, plan: AdaptPlan) -> ModelCard {
        var card = checkpoint
        card.facts += [("Parameters in training", trainable), ("Steps", "\(best) of \(plan.pace.steps)")]
        if let before = state.startLoss, let after = state.bestLoss {
            card.facts.append(("Held-out loss", "\(Number.short(before, digits: 4)) before, \(Number.short(after, digits: 4)) after"))
        }
        if state.isBetter == false {
            card.caution = [card.caution, "No evaluation was better than before anything was learned."].compactMap { $0 }.joined(separator: " ")
        }
        card.sections = [
            ("Scores", scored(scores)), ("Data", described), ("Settings", set(plan)), ("Equivalence", gate.map(checked) ?? ""), ("Lineage", descended),
        ]
        return card
    }

    private func scored(_ scores: EvaluationRecord?) -> String {
        guard let scores else { return "Nothing was held out, so nothing was measured." }
        var rows = [("loss", scores.loss)]
        if let perplexity = scores.perplexity { rows.append(("perplexity", perplexity)) }
        rows += scores.scores.map { ($0.name, $0.value) }
        let where_ = input.test.isEmpty ? "held-out rows (\(input.data.heldOut))" : "the test rows"
        return "On \(where_), at the step that was kept:\n\n| score | value |\n|---|---|\n"
            + rows.map { "| \($0.0) | \(Number.short($0.1, digits: 4)) |" }.joined(separator: "\n")
    }

    private var described: String {
        let files = input.data.files.map { "| `\($0.name)` | `\($0.sha256)` |" }.joined(separator: "\n")
        return "\(input.data.format) rows. \(LengthStatistics(input.train).summary). Skipped rows: \(input.skipped.count).\n\n| file | SHA-256 |\n|---|---|\n\(files)"
    }

    private func set(_ plan: AdaptPlan) -> String {
        var rows = settings.inUse(for: input.objective).map { "| \($0.key) | \($0.value.string ?? $0.value.serialized()) |" }
        rows.append("| learning rate used | \(Number.significant(plan.rate)) |")
        return "| setting | value |\n|---|---|\n" + rows.joined(separator: "\n")
    }

    private func checked(_ gate: GateReport) -> String {
        if gate.skipped { return "The equivalence gate was skipped (`--skip-gate`): nobody has checked that this is what was trained." }
        return "\(gate.prompts) \(input.validation.isEmpty ? "training" : "held-out") prompts through the model as it was trained and as it is loaded from here: \(gate.summary)."
    }

    private var descended: String {
        var lines = [
            "* base model: \(lineage.name)", "* its configuration: sha256 `\(lineage.config)`", "* its weights: sha256 `\(lineage.weights)`",
            "* licence: \(lineage.card.license ?? "the base's card names none; it is that of the base and of the data")",
        ]
        if !lineage.card.bases.isEmpty { lines.append("* made from: \(lineage.card.bases.joined(separator: ", "))") }
        return lines.joined(separator: "\n")
    }
}

extension AdaptSettings {
    /// Those that played a part, for people to read.
    func inUse(for objective: any Objective) -> JSONObject {
        var given = identity
        let idle = (method.isAdapter ? [] : ["lora_r", "lora_alpha", "lora_dropout", "use_rslora", "target_modules"])
            + (objective.comparesWithStart ? [] : ["beta", "label_smoothing"]) + (objective.head == nil ? ["pooling"] : ["mask_prompt", "packing"])
        for name in idle { given[name] = nil }
        if targets.isEmpty, method.isAdapter { given["target_modules"] = .string("all-linear") }
        for (name, value) in given where value.isNull { given[name] = nil }
        return given
    }
}
