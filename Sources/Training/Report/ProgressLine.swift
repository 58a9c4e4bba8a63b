import QuintetFiles
import QuintetReports

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// The line a person watches while a model learns: step, loss, tokens a second, time left. On standard error.
///
/// On a terminal it is redrawn at most ten times a second; elsewhere a plain line comes every few seconds.
public final class ProgressLine: Sendable {
    /// One moment of a run.
    public struct Moment: Sendable, Equatable {
        public var step: Int
        public var steps: Int
        public var loss: Double
        public var tokensPerSecond: Double
        /// Seconds until the end, as far as one can tell; nil while one cannot.
        public var secondsLeft: Double?

        public init(step: Int, steps: Int, loss: Double, tokensPerSecond: Double, secondsLeft: Double?) {
            self.step = step
            self.steps = steps
            self.loss = loss
            self.tokensPerSecond = tokensPerSecond
            self.secondsLeft = secondsLeft
        }
    }

    private let isTerminal: Bool
    private let isQuiet: Bool
    private let shown = Guarded<ContinuousClock.Instant?>(nil)

    public init(quiet: Bool = false) {
        let dumb = getenv("TERM").map { String(cString: $0) == "dumb" } ?? true
        isTerminal = isatty(2) == 1 && !dumb
        isQuiet = quiet
    }

    /// Shows a moment, unless another was shown just before; `force` shows it in any case.
    public func show(_ moment: Moment, force: Bool = false) {
        guard !isQuiet else { return }
        shown.withLock { last in
            let now = ContinuousClock.now
            let pause: Duration = isTerminal ? .milliseconds(100) : .seconds(5)
            if !force, let last, now - last < pause { return }
            last = now
            Self.emit(isTerminal ? "\r\u{1b}[K" + Self.text(moment, bar: 24) : Self.text(moment, bar: 0) + "\n")
        }
    }

    /// Prints a line of its own (an evaluation, a sample, a warning) without garbling the progress line.
    public func say(_ text: String) {
        guard !isQuiet else { return }
        shown.withLock { last in
            Self.emit((isTerminal && last != nil ? "\r\u{1b}[K" : "") + text + "\n")
        }
    }

    /// Leaves the last state on the screen.
    public func finish() {
        shown.withLock { last in
            if isTerminal, !isQuiet, last != nil { Self.emit("\n") }
            last = nil
        }
    }

    /// `[#####.....] step 120/500  loss 2.314  38,112 tok/s  12 s left`; `bar` is the bar's width, 0 for none.
    public static func text(_ moment: Moment, bar: Int) -> String {
        var out = ""
        if bar > 0 {
            let share = moment.steps > 0 ? min(1, max(0, Double(moment.step) / Double(moment.steps))) : 0
            let filled = Int((share * Double(bar)).rounded(.down))
            out += "[" + String(repeating: "#", count: filled) + String(repeating: ".", count: bar - filled) + "] "
        }
        out += "step \(moment.step)/\(moment.steps)  loss \(moment.loss.isFinite ? Number.fixed(moment.loss, digits: 3) : "\(moment.loss)")"
        if moment.tokensPerSecond.isFinite, moment.tokensPerSecond > 0 {
            out += "  \(Number.grouped(Int(min(1e15, moment.tokensPerSecond)))) tok/s"
        }
        if let left = moment.secondsLeft { out += "  \(duration(left)) left" }
        return out
    }

    /// "9 s", "3 min 20 s", "2 h 5 min", "3 d 4 h".
    public static func duration(_ seconds: Double) -> String {
        guard seconds.isFinite, seconds >= 0, seconds < 1e10 else { return "a long time" }
        let s = Int(seconds.rounded())
        if s < 60 { return "\(s) s" }
        if s < 3600 { return "\(s / 60) min \(s % 60) s" }
        return s < 86_400 ? "\(s / 3600) h \(s % 3600 / 60) min" : "\(s / 86_400) d \(s % 86_400 / 3600) h"
    }

    private static func emit(_ text: String) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { write(2, $0.baseAddress, $0.count) }
            // A line that cannot be shown is no reason to stop learning.
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }
}
