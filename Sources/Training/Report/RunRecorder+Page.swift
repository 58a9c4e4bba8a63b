import QuintetFiles
import QuintetReports

extension RunRecorder {
    /// The page as it stands: figures, curves, and every setting and fact behind them.
    func report(_ facts: RunFacts, _ log: RunLog) -> RunReport {
        RunReport(
            title: title, status: status, summary: summary(facts), tiles: tiles(facts), comparison: comparison, rows: log.rows,
            samples: samples,
            sections: sections + [
                RunReport.Section("Model", facts.model), RunReport.Section("Data", data(facts)),
                RunReport.Section(
                    "Settings",
                    facts.settings.compactMap { key, value in
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
        return "\(Number.compact(Double(facts.parameters))) parameters, step \(Number.grouped(lastStep.step)) of \(Number.grouped(facts.steps)), "
            + "\(Number.compact(Double(lastStep.tokens))) tokens in \(ProgressLine.duration(lastStep.seconds)) on \(facts.threads) threads"
    }

    private func tiles(_ facts: RunFacts) -> [RunReport.Tile] {
        var tiles: [RunReport.Tile] = []
        if let lastStep {
            let start = firstLoss.map { "from \(Number.fixed($0, digits: 2))" } ?? ""
            tiles.append(.init("Loss", Number.fixed(lastStep.loss, digits: 3), note: start))
        }
        if let evaluation {
            if evaluation.bitsPerByte == nil { tiles.append(.init("Held-out loss", Number.fixed(evaluation.loss, digits: 3))) }
            if let bits = evaluation.bitsPerByte { tiles.append(.init("Bits per byte", Number.fixed(bits, digits: 3), note: "held-out text")) }
            if let perplexity = evaluation.perplexity { tiles.append(.init("Perplexity", Number.significant(perplexity), note: "held-out tokens")) }
            for score in evaluation.scores { tiles.append(.init(score.name, Number.fixed(score.value, digits: 3), note: "held-out data")) }
        }
        if let lastStep {
            tiles.append(.init("Tokens", Number.compact(Double(lastStep.tokens)), note: "\(Number.grouped(lastStep.step)) steps"))
            let speed = lastStep.seconds > 0 ? Double(lastStep.tokens) / lastStep.seconds : 0
            let share = speed * facts.flopsPerToken * 1e-9 / max(facts.peakGflops, 1e-9)
            tiles.append(.init("Speed", "\(Number.compact(speed))/s", note: "\(Number.short(share * 100, digits: 0)) % of the machine's peak"))
            tiles.append(.init("Time", ProgressLine.duration(lastStep.seconds), note: "of training"))
        }
        return tiles
    }

    private func data(_ facts: RunFacts) -> [(String, String)] {
        let epochs = Double(lastStep?.tokens ?? 0) / Double(max(1, facts.trainTokens))
        return facts.data + [("Times each token was seen", Number.short(epochs, digits: 2))] + facts.fingerprints
    }
}
