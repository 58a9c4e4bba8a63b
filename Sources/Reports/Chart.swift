#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif
internal import QuintetFiles

/// One curve of a chart.
public struct ChartSeries {
    public enum Style: String { case line, faint, dots }
    public var name: String
    public var style: Style
    /// Which of the page's series colors.
    public var color: Int
    public var points: [(x: Double, y: Double)]

    public init(name: String, style: Style, color: Int, points: [(x: Double, y: Double)]) {
        (self.name, self.style, self.color, self.points) = (name, style, color, points)
    }
}

/// A line chart as SVG, readable without scripts; a script adds the values under the pointer.
public struct Chart {
    public var id: String
    public var title: String
    public var series: [ChartSeries]
    /// Whether the y axis is logarithmic; asked for, and done where all values are positive and span a factor of 30.
    public var logarithmic: Bool
    /// Whether the y axis begins at zero.
    public var fromZero: Bool
    public var width: Double
    public var height: Double

    public init(
        id: String, title: String, series: [ChartSeries], logarithmic: Bool = false, fromZero: Bool = false, width: Double = 640,
        height: Double = 260
    ) {
        (self.id, self.title, self.series) = (id, title, series)
        (self.logarithmic, self.fromZero, self.width, self.height) = (logarithmic, fromZero, width, height)
    }

    private static let margin = (left: 56.0, right: 14.0, top: 12.0, bottom: 30.0)

    /// The chart's figure, or nothing where there are no points.
    public func html() -> String {
        let points = series.flatMap(\.points).filter { $0.x.isFinite && $0.y.isFinite }
        guard let first = points.first else { return "" }
        var x = Axis(points.reduce((first.x, first.x)) { (min($0.0, $1.x), max($0.1, $1.x)) }, logarithmic: false, padded: false)
        if x.low == x.high { x.high = x.low + 1 }
        let range = points.reduce((fromZero ? min(0, first.y) : first.y, first.y)) { (min($0.0, $1.y), max($0.1, $1.y)) }
        let y = Axis(range, logarithmic: logarithmic && range.0 > 0 && range.1 / range.0 > 30, padded: true)
        return """
            <figure class="chart card" id="chart-\(id)" data-x0="\(x.low)" data-x1="\(x.high)" data-width="\(width)">
            <figcaption>\(escaped(title))\(legend())</figcaption>
            <svg viewBox="0 0 \(width) \(height)" role="img" aria-label="\(escaped(title)) over steps">
            \(grid(x, y))\(series.map { curve($0, x, y) }.joined(separator: "\n"))
            <line class="cross" y1="\(Self.margin.top)" y2="\(height - Self.margin.bottom)" visibility="hidden"/>
            </svg>
            <div class="tip" hidden></div>
            <script type="application/json">\(data())</script>
            </figure>

            """
    }

    private func legend() -> String {
        guard series.count > 1 else { return "" }
        let keys = series.map { "<span class=\"key\"><i class=\"c\($0.color) \($0.style.rawValue)\"></i>\(escaped($0.name))</span>" }
        return "<span class=\"legend\">\(keys.joined())</span>"
    }

    private func grid(_ x: Axis, _ y: Axis) -> String {
        let (left, right) = (Self.margin.left, width - Self.margin.right)
        let bottom = height - Self.margin.bottom
        var out = ""
        for tick in y.ticks(5) {
            let at = Number.short(position(tick, y, vertical: true), digits: 1)
            out += "<line class=\"grid\" x1=\"\(left)\" x2=\"\(right)\" y1=\"\(at)\" y2=\"\(at)\"/>"
            out += "<text x=\"\(left - 8)\" y=\"\(at)\" dy=\"4\" text-anchor=\"end\">\(Number.significant(tick))</text>\n"
        }
        for tick in x.ticks(6) where tick == tick.rounded() {
            let at = Number.short(position(tick, x, vertical: false), digits: 1)
            out += "<text x=\"\(at)\" y=\"\(bottom + 20)\" text-anchor=\"middle\">\(Number.grouped(Int(max(-1e15, min(1e15, tick)))))</text>\n"
        }
        return out + "<line class=\"axis\" x1=\"\(left)\" x2=\"\(right)\" y1=\"\(bottom)\" y2=\"\(bottom)\"/>\n"
    }

    private func curve(_ series: ChartSeries, _ x: Axis, _ y: Axis) -> String {
        let places = thinned(series.points).map { point in
            (Number.short(position(point.x, x, vertical: false), digits: 1), Number.short(position(point.y, y, vertical: true), digits: 1))
        }
        if series.style == .dots {
            return places.map { "<circle class=\"c\(series.color)\" cx=\"\($0.0)\" cy=\"\($0.1)\" r=\"4\"/>" }.joined()
        }
        // A single point has no line; a short dash shows it.
        let tail = places.count == 1 ? "h1" : ""
        let path = places.enumerated().map { ($0.offset == 0 ? "M" : "L") + $0.element.0 + " " + $0.element.1 }.joined()
        return "<path class=\"c\(series.color) \(series.style.rawValue)\" d=\"\(path)\(tail)\"/>"
    }

    /// The values for the pointer: per series its name and rounded points.
    private func data() -> String {
        let all: [JSON] = series.map { series in
            let points = thinned(series.points)
            return [
                "name": .string(series.name), "color": JSON(series.color), "x": .array(points.map { .number($0.x) }),
                "y": .array(points.map { .string(Number.significant($0.y)) }),
            ]
        }
        return JSON.array(all).serialized().replacing("<", with: "\\u003c")
    }

    /// At most 800 points: of each bucket of neighbours the lowest and the highest, in their order.
    private func thinned(_ points: [(x: Double, y: Double)]) -> [(x: Double, y: Double)] {
        let finite = points.filter { $0.x.isFinite && $0.y.isFinite }
        guard finite.count > 800 else { return finite }
        let bucket = (finite.count + 399) / 400
        return stride(from: 0, to: finite.count, by: bucket).flatMap { start in
            let part = start..<min(finite.count, start + bucket)
            let low = part.min { finite[$0].y < finite[$1].y } ?? start
            let high = part.max { finite[$0].y < finite[$1].y } ?? start
            return low == high ? [finite[low]] : [finite[min(low, high)], finite[max(low, high)]]
        }
    }

    private func position(_ value: Double, _ axis: Axis, vertical: Bool) -> Double {
        let share = axis.share(value)
        return vertical
            ? height - Self.margin.bottom - share * (height - Self.margin.top - Self.margin.bottom)
            : Self.margin.left + share * (width - Self.margin.left - Self.margin.right)
    }
}

/// An interval of numbers on screen.
private struct Axis {
    var low: Double
    var high: Double
    let logarithmic: Bool

    init(_ range: (Double, Double), logarithmic: Bool, padded: Bool) {
        (low, high) = range
        self.logarithmic = logarithmic
        guard padded else { return }
        if logarithmic { (low, high) = (low / 1.15, high * 1.15) } else {
            let pad = high > low ? (high - low) * 0.06 : max(abs(high) * 0.1, 1e-12)
            // What is never negative keeps its zero.
            low = low >= 0 ? max(0, low - pad) : low - pad
            high += pad
        }
    }

    func share(_ value: Double) -> Double {
        let share = logarithmic ? log(value / low) / log(high / low) : (value - low) / (high - low)
        return share.isFinite ? min(1, max(0, share)) : 0
    }

    /// About `count` round values inside.
    func ticks(_ count: Int) -> [Double] {
        logarithmic ? decades() : linear(count)
    }

    private func linear(_ count: Int) -> [Double] {
        let raw = (high - low) / Double(count)
        guard raw > 0, raw.isFinite else { return [low] }
        let power = pow(10, log10(raw).rounded(.down))
        let step = [1, 2, 2.5, 5, 10].map { $0 * power }.first { $0 >= raw * 0.999 } ?? raw
        let first = (low / step).rounded(.up)
        return (0...count * 2).map { (first + Double($0)) * step }.filter { $0 <= high + step * 1e-9 }
    }

    private func decades() -> [Double] {
        let powers = Int(log10(low).rounded(.down))...Int(log10(high).rounded(.up))
        let steps: [Double] = powers.count > 4 ? [1] : [1, 3]
        return powers.flatMap { power in steps.map { $0 * pow(10, Double(power)) } }.filter { $0 >= low && $0 <= high }
    }
}
