import QuintetFiles
import QuintetReports

extension RunReport {
    /// The curves every run has, in reading order; a chart without points is left out.
    func charts() -> String {
        let loss = points("train/loss")
        let speed = points("tok/sec")
        return [
            Chart(
                id: "loss", title: "Loss",
                series: [
                    ChartSeries(name: "each step", style: .faint, color: 1, points: loss),
                    ChartSeries(name: "smoothed", style: .line, color: 1, points: smoothed(loss)),
                    ChartSeries(name: "held-out text", style: .dots, color: 2, points: points("val/loss")),
                ].filter { !$0.points.isEmpty }, width: 1300, height: 380),
            Chart(
                id: "bpb", title: "Bits per byte of held-out text",
                series: [ChartSeries(name: "bits per byte", style: .line, color: 2, points: points("val/bpb"))]),
            Chart(id: "lr", title: "Learning rate", series: [ChartSeries(name: "learning rate", style: .line, color: 3, points: points("lr"))]),
            Chart(
                id: "norm", title: "Gradient norm",
                series: [ChartSeries(name: "gradient norm", style: .line, color: 4, points: points("grad_norm"))], logarithmic: true),
            Chart(
                id: "speed", title: "Tokens per second",
                series: [
                    ChartSeries(name: "each step", style: .faint, color: 5, points: speed),
                    ChartSeries(name: "smoothed", style: .line, color: 5, points: smoothed(speed)),
                ].filter { !$0.points.isEmpty }, fromZero: true),
        ].map { $0.html() }.joined()
    }

    private func points(_ key: String) -> [(x: Double, y: Double)] {
        rows.compactMap { row in
            guard let step = row["step"]?.double, let value = row[key]?.double else { return nil }
            return (step, value)
        }
    }

    /// Exponential mean without the pull of its start (Adam's bias correction), its memory a sixtieth of the run.
    private func smoothed(_ points: [(x: Double, y: Double)]) -> [(x: Double, y: Double)] {
        guard points.count > 10 else { return [] }
        let keep = 1 - 1 / max(3, Double(points.count) / 60)
        var (mean, weight) = (0.0, 0.0)
        return points.map { point in
            guard point.y.isFinite else { return (point.x, weight > 0 ? mean / weight : .nan) }
            mean = keep * mean + (1 - keep) * point.y
            weight = keep * weight + (1 - keep)
            return (point.x, mean / weight)
        }
    }
}
