import CoreMetrics
import QuintetFiles

/// swift-metrics' figures in memory, and as the text that Prometheus reads (format version 0.0.4).
///
/// Whatever in the process reports through swift-metrics can report here: a counter is a counter, a meter a gauge, recorders and timers
/// are histograms. Labels keep their names as far as Prometheus allows them.
final class PrometheusRegistry: MetricsFactory {
    /// What a family of figures is.
    struct Family: Sendable {
        let help: String
        /// Upper bounds of a histogram's buckets.
        var bounds: [Double] = []
    }

    /// Which figure: a family's name and its labels, as they are written.
    private struct Key: Hashable {
        let name: String
        let labels: String
    }

    private let families: [String: Family]
    private let figures = Guarded<[Key: Figure]>([:])

    init(_ families: [String: Family]) { self.families = families }

    /// One figure. Making the same twice gives the same one.
    final class Figure: CounterHandler, FloatingPointCounterHandler, MeterHandler, RecorderHandler, TimerHandler {
        enum Kind: String { case counter, gauge, histogram }
        fileprivate struct State {
            var value = 0.0
            var count = 0
            var buckets: [Int]
        }
        fileprivate let kind: Kind
        fileprivate let bounds: [Double]
        private let state: Guarded<State>

        fileprivate init(_ kind: Kind, _ bounds: [Double]) {
            self.kind = kind
            self.bounds = bounds
            state = Guarded(State(buckets: Array(repeating: 0, count: bounds.count)))
        }

        func increment(by amount: Int64) { increment(by: Double(amount)) }
        func increment(by amount: Double) { state.withLock { $0.value += amount } }
        func decrement(by amount: Double) { increment(by: -amount) }
        func reset() { state.withLock { $0.value = 0 } }
        func set(_ value: Int64) { set(Double(value)) }
        func set(_ value: Double) { state.withLock { $0.value = value } }
        func record(_ value: Int64) { record(Double(value)) }

        /// Into the one bucket it falls in; they are added up when they are read.
        func record(_ value: Double) {
            if kind == .gauge { return set(value) }
            state.withLock { state in
                state.value += value
                state.count += 1
                if let bucket = bounds.firstIndex(where: { value <= $0 }) { state.buckets[bucket] += 1 }
            }
        }

        func recordNanoseconds(_ duration: Int64) { record(Double(duration) / 1e9) }

        fileprivate var read: State { state.withLock { $0 } }
    }

    private func figure(_ label: String, _ dimensions: [(String, String)], _ kind: Figure.Kind) -> Figure {
        let name = Self.name(label)
        let key = Key(name: name, labels: dimensions.map { "\(Self.name($0.0))=\"\(Self.escaped($0.1))\"" }.joined(separator: ","))
        return figures.withLock { figures in
            if let known = figures[key] { return known }
            let new = Figure(kind, kind == .histogram ? families[name]?.bounds ?? Self.bounds : [])
            figures[key] = new
            return new
        }
    }

    func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler { figure(label, dimensions, .counter) }
    func makeFloatingPointCounter(label: String, dimensions: [(String, String)]) -> any FloatingPointCounterHandler { figure(label, dimensions, .counter) }
    func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler { figure(label, dimensions, .gauge) }
    func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler { figure(label, dimensions, .histogram) }
    func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
        figure(label, dimensions, aggregate ? .histogram : .gauge)
    }

    func destroyCounter(_ handler: any CounterHandler) { forget(handler) }
    func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) { forget(handler) }
    func destroyMeter(_ handler: any MeterHandler) { forget(handler) }
    func destroyRecorder(_ handler: any RecorderHandler) { forget(handler) }
    func destroyTimer(_ handler: any TimerHandler) { forget(handler) }

    private func forget(_ handler: AnyObject) {
        figures.withLock { figures in
            for (key, figure) in figures where figure === handler { figures[key] = nil }
        }
    }

    /// Every figure, by family and label.
    var exposition: String {
        let all = figures.withLock { $0 }
        var text = ""
        for (name, figures) in Dictionary(grouping: all, by: { $0.key.name }).sorted(by: { $0.key < $1.key }) {
            guard let first = figures.first else { continue }
            if let help = families[name]?.help { text += "# HELP \(name) \(help)\n" }
            text += "# TYPE \(name) \(first.value.kind.rawValue)\n"
            for (key, figure) in figures.sorted(by: { $0.key.labels < $1.key.labels }) { text += Self.lines(key, figure) }
        }
        return text
    }

    private static func lines(_ key: Key, _ figure: Figure) -> String {
        let state = figure.read
        func line(_ suffix: String, _ labels: String, _ value: String) -> String { "\(key.name)\(suffix)\(labels.isEmpty ? "" : "{\(labels)}") \(value)\n" }
        guard figure.kind == .histogram else { return line("", key.labels, number(state.value)) }
        let before = key.labels.isEmpty ? "" : key.labels + ","
        var sum = 0
        var text = ""
        for (bound, count) in zip(figure.bounds, state.buckets) {
            sum += count
            text += line("_bucket", before + "le=\"\(bound)\"", "\(sum)")
        }
        return text + line("_bucket", before + "le=\"+Inf\"", "\(state.count)") + line("_sum", key.labels, "\(state.value)") + line("_count", key.labels, "\(state.count)")
    }

    /// Whole numbers without a fraction, as counters are read by people too.
    private static func number(_ value: Double) -> String { Int64(exactly: value).map { "\($0)" } ?? "\(value)" }

    private static func name(_ label: String) -> String {
        let bytes = label.utf8.enumerated().map { index, byte -> UInt8 in
            let isLetter = (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20) || byte == UInt8(ascii: "_") || byte == UInt8(ascii: ":")
            return isLetter || index > 0 && (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) ? byte : UInt8(ascii: "_")
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func escaped(_ text: String) -> String {
        text.reduce(into: "") { $0 += $1 == "\"" ? "\\\"" : $1 == "\\" ? "\\\\" : $1.isNewline ? "\\n" : String($1) }
    }

    /// Seconds, where nobody says more.
    private static let bounds = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 60]
}
