import QuintetFiles
import QuintetReports

/// Shows a run to the person in front of it: the progress line, and a line for what happens beside it.
public final class ProgressObserver: TrainingObserver {
    private let line: ProgressLine
    private var steps = 0
    private var first: (step: Int, time: ContinuousClock.Instant)?
    private var speed = 0.0
    /// Whether samples are printed, too.
    private let showsSamples: Bool

    public init(quiet: Bool = false, showsSamples: Bool = false) {
        line = ProgressLine(quiet: quiet)
        self.showsSamples = showsSamples
    }

    public func started(_ facts: RunFacts, resumed: Int?) {
        steps = facts.steps
        first = (resumed ?? 0, .now)
        line.say(facts.headline)
        if let resumed { line.say("continuing at step \(resumed)") }
    }

    public func stepped(_ record: StepRecord) {
        speed = speed == 0 ? record.tokensPerSecond : 0.9 * speed + 0.1 * record.tokensPerSecond
        line.show(
            ProgressLine.Moment(
                step: record.step, steps: steps, loss: record.loss, tokensPerSecond: speed, secondsLeft: secondsLeft(record.step)),
            force: record.step == steps)
    }

    public func evaluated(_ record: EvaluationRecord) {
        var text = "step \(record.step): held-out loss \(Number.fixed(record.loss, digits: 3))"
        if let perplexity = record.perplexity { text += ", perplexity \(Number.significant(perplexity))" }
        if let bits = record.bitsPerByte { text += ", \(Number.fixed(bits, digits: 3)) bits per byte" }
        for score in record.scores { text += ", \(score.name) \(Number.fixed(score.value, digits: 3))" }
        line.say(text)
    }

    public func sampled(_ record: SampleRecord) {
        guard showsSamples else { return }
        line.say("step \(record.step) writes:\n" + Self.indented(Self.end(of: record.prompt) + record.text))
    }

    public func noted(step: Int, _ text: String) { line.say("step \(step): \(text)") }

    public func finished(_ outcome: PretrainOutcome) {
        line.finish()
        if case .interrupted(let signal) = outcome.end { line.say("\(signal.name): saved at step \(outcome.step); continue with --resume") }
    }

    /// From the mean time of this session's steps, evaluations included.
    private func secondsLeft(_ step: Int) -> Double? {
        guard let first, step > first.step else { return nil }
        return (ContinuousClock.now - first.time).seconds / Double(step - first.step) * Double(steps - step)
    }

    /// What a continuation is read after: the last 200 characters of a long prompt.
    private static func end(of prompt: String) -> String { prompt.count > 200 ? "..." + prompt.suffix(200) : prompt }

    /// A sample for a terminal: at most 10 lines, control characters made visible.
    static func indented(_ text: String) -> String {
        let shown = text.unicodeScalars.map { $0.value >= 32 && $0.value != 127 || $0 == "\n" || $0 == "\t" ? String($0) : "\u{fffd}" }.joined()
        return shown.split(separator: "\n", omittingEmptySubsequences: false).prefix(10).map { "    | \($0)" }.joined(separator: "\n")
    }
}
