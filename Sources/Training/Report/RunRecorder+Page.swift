import QuintetFiles
import QuintetReports

extension RunRecorder {
    /// The page as it stands: figures, curves, and every setting and fact behind them.
    func report(_ facts: RunFacts, _ log: RunLog) -> RunReport {
        let plan = facts.plan
        return RunReport(
            title: title, status: status, summary: summary(facts), tiles: tiles(facts), comparison: comparison, rows: log.rows,
            samples: samples,
            sections: sections + [
                RunReport.Section("Model", model(facts)), RunReport.Section("Data", data(facts)),
                RunReport.Section(
                    "Settings",
                    plan.settings.values.compactMap { key, value in
                        value.isNull || value == .string("") ? nil : (key, value.string ?? value.serialized())
                    }),
                RunReport.Section(
                    "Machine",
                    MachineFacts.current(version: quintetVersion, instructionSet: facts.instructionSet, threads: facts.threads).rows
                        + [("Measured peak", "\(Number.significant(facts.peakGflops)) GFLOP/s")]),
            ], nextSteps: nextSteps)
    }

    private func summary(_ facts: RunFacts) -> String {
        guard let lastStep else { return "" }
        return "\(Number.compact(Double(facts.parameters))) parameters, step \(Number.grouped(lastStep.step)) of \(Number.grouped(facts.plan.steps)), "
            + "\(Number.compact(Double(lastStep.tokens))) tokens in \(ProgressLine.duration(lastStep.seconds)) on \(facts.threads) threads"
    }

    private func tiles(_ facts: RunFacts) -> [RunReport.Tile] {
        var tiles: [RunReport.Tile] = []
        if let lastStep {
            let start = firstLoss.map { "from \(Number.fixed($0, digits: 2))" } ?? ""
            tiles.append(.init("Loss", Number.fixed(lastStep.loss, digits: 3), note: start))
        }
        if let evaluation {
            tiles.append(.init("Bits per byte", Number.fixed(evaluation.bitsPerByte, digits: 3), note: "held-out text"))
            tiles.append(.init("Perplexity", Number.significant(evaluation.perplexity), note: "held-out tokens"))
        }
        if let lastStep {
            tiles.append(.init("Tokens", Number.compact(Double(lastStep.tokens)), note: "\(Number.grouped(lastStep.step)) steps"))
            let speed = lastStep.seconds > 0 ? Double(lastStep.tokens) / lastStep.seconds : 0
            let share = speed / Double(facts.plan.tokensPerStep) * facts.flopsPerStep * 1e-9 / max(facts.peakGflops, 1e-9)
            tiles.append(.init("Speed", "\(Number.compact(speed))/s", note: "\(Number.short(share * 100, digits: 0)) % of the machine's peak"))
            tiles.append(.init("Time", ProgressLine.duration(lastStep.seconds), note: "of training"))
        }
        return tiles
    }

    private func model(_ facts: RunFacts) -> [(String, String)] {
        let shape = facts.plan.shape
        return [
            ("Family", shape.family.rawValue), ("Parameters", Number.grouped(facts.parameters)), ("Layers", "\(shape.layers)"),
            ("Width", "\(shape.width)"), ("Heads", shape.kvHeads == shape.heads ? "\(shape.heads)" : "\(shape.heads), \(shape.kvHeads) for keys and values"),
            ("Feed-forward width", "\(shape.feedForward)"), ("Context", Number.grouped(shape.context)), ("Vocabulary", Number.grouped(shape.vocabulary)),
            ("Work in a step", "\(Number.compact(facts.flopsPerStep))FLOP"),
        ]
    }

    private func data(_ facts: RunFacts) -> [(String, String)] {
        let epochs = Double(lastStep?.tokens ?? 0) / Double(max(1, facts.trainTokens))
        return [
            ("Training documents", Number.grouped(facts.trainDocuments)), ("Training tokens", Number.grouped(facts.trainTokens)),
            ("Held-out documents", Number.grouped(facts.validationDocuments)), ("Held-out tokens", Number.grouped(facts.validationTokens)),
            ("Times each token was seen", Number.short(epochs, digits: 2)), ("Data SHA-256", String(facts.dataFingerprint.prefix(16))),
            ("Tokenizer SHA-256", String(facts.tokenizerFingerprint.prefix(16))),
        ]
    }
}
