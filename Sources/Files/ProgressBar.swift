#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// A line on standard error that shows how far long work is: share, rate, time left, and a detail.
///
/// On a terminal the line is redrawn at most ten times a second; elsewhere plain lines come at most every five seconds.
///
/// ```swift
/// let bar = ProgressBar(label: "gather", total: files.count, unit: "files")
/// for (i, file) in files.enumerated() { ...; bar.update(i + 1, detail: file) }
/// bar.finish()
/// ```
public final class ProgressBar: Sendable {
    private struct State {
        var done = 0
        var detail = ""
        var shown: ContinuousClock.Instant?
        var finished = false
    }
    private let label: String
    private let total: Int?
    private let unit: String
    private let start = ContinuousClock.now
    private let isTerminal: Bool
    private let isQuiet: Bool
    private let state = Guarded(State())

    /// `total` nil means unknown: a count and a rate are shown. The unit "bytes" is shown in kB, MB and GB.
    public init(label: String, total: Int?, unit: String, quiet: Bool = false) {
        self.label = label
        self.total = total
        self.unit = unit
        isQuiet = quiet
        let dumb = getenv("TERM").map { String(cString: $0) == "dumb" } ?? true
        isTerminal = isatty(2) == 1 && !dumb
    }

    /// Says that `done` of the total are done; cheap enough to be called for each item.
    public func update(_ done: Int, detail: String = "") {
        if isQuiet { return }
        state.withLock { state in
            state.done = done
            state.detail = detail
            let now = ContinuousClock.now
            let pause: Duration = isTerminal ? .milliseconds(100) : .seconds(5)
            if now - (state.shown ?? (isTerminal ? start - pause : start)) < pause { return }
            state.shown = now
            show(state, now)
        }
    }

    /// Shows the last state and ends the line; later calls do nothing.
    public func finish() {
        if isQuiet { return }
        state.withLock { state in
            if state.finished { return }
            state.finished = true
            show(state, .now)
            if isTerminal { Self.emit("\n") }
        }
    }

    /// Removes the line from the terminal so that other text can be printed.
    public func clear() { if isTerminal && !isQuiet { Self.emit("\r\u{1b}[K") } }

    private func show(_ state: State, _ now: ContinuousClock.Instant) {
        let text = Self.line(
            label: label, done: state.done, total: total, unit: unit, seconds: Self.seconds(now - start),
            finished: state.finished, detail: state.detail)
        Self.emit(isTerminal ? "\r\u{1b}[K" + text.prefix(Self.width() - 1) : text + "\n")
    }

    /// The text of one line: `gather  45 %  1,234 of 2,742 files  812 files/s  2 s left  detail`.
    static func line(
        label: String, done: Int, total: Int?, unit: String, seconds: Double, finished: Bool, detail: String
    ) -> String {
        var parts = [label]
        if let total, total > 0 { parts.append("\(min(done, total) * 100 / total) %") }
        let count = amount(Double(done), unit, whole: true)
        parts.append(total.map { "\(count) of \(amount(Double($0), unit, whole: true))" } ?? count)
        if unit != "bytes" { parts[parts.count - 1] += " " + unit }
        let rate = seconds > 0 ? Double(done) / seconds : 0
        if rate > 0 { parts.append(amount(rate, unit, whole: rate >= 100) + (unit == "bytes" ? "/s" : " \(unit)/s")) }
        if finished {
            parts.append(duration(seconds))
        } else if let total, rate > 0, done < total {
            parts.append(duration(Double(total - done) / rate) + " left")
        }
        if !detail.isEmpty { parts.append(detail) }
        return parts.joined(separator: "  ")
    }

    /// 1,234,567; with decimals for small rates; bytes as kB, MB, GB.
    static func amount(_ value: Double, _ unit: String, whole: Bool) -> String {
        guard unit == "bytes" else { return whole ? grouped(Int(value)) : decimal(value) }
        if value < 1000 { return "\(Int(value)) B" }
        for (size, name) in [(1e9, "GB"), (1e6, "MB")] where value >= size { return "\(decimal(value / size)) \(name)" }
        return "\(decimal(value / 1e3)) kB"
    }

    private static func decimal(_ value: Double) -> String { "\((value * 10).rounded() / 10)" }

    private static func grouped(_ value: Int) -> String {
        let digits = Array(String(value))
        var out = ""
        for (i, digit) in digits.enumerated() {
            if i > 0, (digits.count - i) % 3 == 0, digits[i - 1] != "-" { out.append(",") }
            out.append(digit)
        }
        return out
    }

    /// "12 s", "3 min 20 s", "2 h 5 min".
    public static func duration(_ seconds: Double) -> String {
        guard seconds.isFinite, seconds < 1e9 else { return "a long time" }
        if seconds < 10 { return "\(decimal(seconds)) s" }
        let s = Int(seconds.rounded())
        if s < 60 { return "\(s) s" }
        return s < 3600 ? "\(s / 60) min \(s % 60) s" : "\(s / 3600) h \(s % 3600 / 60) min"
    }

    private static func seconds(_ duration: Duration) -> Double {
        Double(duration.components.seconds) + Double(duration.components.attoseconds) * 1e-18
    }

    private static func width() -> Int {
        var size = winsize()
        return ioctl(2, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 10 ? Int(size.ws_col) : 80
    }

    /// A progress line that cannot be written is no reason to stop.
    private static func emit(_ text: String) {
        var text = text
        text.withUTF8 { try? System.write(2, UnsafeRawBufferPointer($0), "standard error") }
    }
}
