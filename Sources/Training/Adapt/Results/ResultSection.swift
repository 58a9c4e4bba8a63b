import QuintetReports

extension RunReport.Section {
    /// What a run led to, for the end of its report: which step was kept and why, how good it is, whether it passed the gate.
    init(_ outcome: AdaptOutcome, steps: Int, isTest: Bool) {
        let last = outcome.trained.step
        var rows = [
            ("End", last < steps ? "stopped at step \(last) of \(steps): evaluations brought nothing better for too long" : "all \(steps) steps were made"),
            ("Kept", outcome.bestStep.map { "step \($0)" + (outcome.best == nil ? ", the last one: nothing was held out" : ", with the lowest held-out loss") } ?? "nothing"),
        ]
        if let before = outcome.startLoss { rows.append(("Held-out loss before", Number.short(before, digits: 4))) }
        if let best = outcome.best {
            let place = isTest ? " on the test rows" : ""
            rows.append(("Loss of what was kept" + place, Number.short(best.loss, digits: 4)))
            rows += best.scores.map { ($0.name + place, Number.short($0.value, digits: 4)) }
        }
        if outcome.isBetter == false { rows.append(("Better", "no: no evaluation was better than before anything was learned")) }
        if let gate = outcome.gate { rows.append(("Equivalence gate", gate.skipped ? gate.summary : (gate.passed ? "passed: " : "failed: ") + gate.summary)) }
        self.init("Result", rows)
    }
}
