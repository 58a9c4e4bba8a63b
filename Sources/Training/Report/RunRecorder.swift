import QuintetFiles

/// Writes down a run: `metrics.jsonl`, TensorBoard events, and the report, rewritten at every evaluation and at the end.
public final class RunRecorder: TrainingObserver {
    /// The page's title; what a caller adds to the page follows.
    public var title: String
    public var comparison: RunReport.Comparison?
    public var samples: [RunReport.Sample] = []
    public var sections: [RunReport.Section] = []
    public var nextSteps: [String] = []

    var facts: RunFacts?
    private var log: RunLog?
    var lastStep: StepRecord?
    var firstLoss: Double?
    var evaluation: EvaluationRecord?
    var status = RunReport.Status.running
    private var warned = false

    public init(title: String? = nil) { self.title = title ?? "" }

    public func started(_ facts: RunFacts, resumed: Int?) throws {
        self.facts = facts
        if title.isEmpty { title = Folder.name(of: facts.run) }
        let log = try RunLog(run: facts.run, keepThrough: resumed ?? 0)
        firstLoss = log.rows.lazy.compactMap { $0["train/loss"]?.double }.first
        self.log = log
    }

    public func stepped(_ record: StepRecord) throws {
        lastStep = record
        if firstLoss == nil { firstLoss = record.loss }
        guard let facts, record.step % facts.logEvery == 0 || record.step == facts.steps else { return }
        var row: JSONObject = [
            "train/loss": .number(record.loss), "lr": .number(record.learningRate), "grad_norm": .number(record.gradientNorm),
            "tokens": JSON(record.tokens),
        ]
        if !record.applied { row["skipped"] = true }
        for score in record.scores { row["train/\(score.name)"] = .number(score.value) }
        row["tok/sec"] = .number(record.tokensPerSecond.rounded())
        row["mfu"] = .number((record.utilization * 1e4).rounded() / 1e4)
        row["seconds"] = .number((record.seconds * 1e3).rounded() / 1e3)
        log?.write(step: record.step, row)
    }

    public func evaluated(_ record: EvaluationRecord) throws {
        evaluation = record
        var row: JSONObject = ["val/loss": .number(record.loss)]
        if let perplexity = record.perplexity { row["val/perplexity"] = .number(perplexity) }
        if let bits = record.bitsPerByte { row["val/bpb"] = .number(bits) }
        for score in record.scores { row["val/\(score.name)"] = .number(score.value) }
        row["val/tokens"] = JSON(record.tokens)
        log?.write(step: record.step, row)
        try writeReport()
    }

    public func sampled(_ record: SampleRecord) throws {
        log?.write(step: record.step, ["prompt": .string(record.prompt), "sample": .string(record.text)])
    }

    public func noted(step: Int, _ text: String) throws { log?.write(step: step, ["note": .string(text)]) }

    public func finished(_ outcome: PretrainOutcome) throws {
        switch outcome.end {
        case .finished, .alreadyFinished: status = .finished
        case .interrupted(let signal): status = .stopped("\(signal.name) at step \(outcome.step)")
        }
        try writeReport()
    }

    /// Writes the page; a disk too full for it does not stop the run.
    public func writeReport() throws {
        guard let facts, let log else { return }
        do { try report(facts, log).write(into: facts.run) } catch { warn("report.html: \(error)") }
        if let problem = log.problem { warn("\(problem)") }
    }

    private func warn(_ text: String) {
        if !warned { ProgressLine().say("warning: \(text)") }
        warned = true
    }
}
