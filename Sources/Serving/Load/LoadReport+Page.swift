import QuintetReports

extension LoadReport {
    /// What was seen as one page: figures, and how long the fastest and the slowest percent waited.
    public func html(title: String) -> String {
        func seconds(_ list: [Double], _ p: Double) -> String { Number.significant(Quantile.of(list, p)) + " s" }
        let tiles = [
            ReportPage.Tile("generated", Number.significant(tokensPerSecond) + " tokens/s", note: "\(tokens) tokens in \(Number.significant(self.seconds)) s"),
            ReportPage.Tile("goodput", Number.significant(goodput) + "/s", note: "whole answers"),
            ReportPage.Tile("first token", seconds(firstTokens, 0.5), note: "99 %: " + seconds(firstTokens, 0.99)),
            ReportPage.Tile("between tokens", seconds(gaps, 0.5), note: "99 %: " + seconds(gaps, 0.99)),
            ReportPage.Tile("whole answer", seconds(ends, 0.5), note: "99 %: " + seconds(ends, 0.99)),
        ]
        let charts = [("first", "seconds to the first token", firstTokens), ("gap", "seconds between tokens", gaps), ("end", "seconds to the end", ends)]
            .map { Self.chart($0.0, $0.1, $0.2) }
        let facts = ReportPage.facts("requests", outcomes.sorted { $0.key < $1.key }.map { ($0.key, "\($0.value)") })
        return ReportPage.html(
            title: title, summary: "How long the users of a server waited.", body: ReportPage.tiles(tiles) + charts.joined() + facts,
            footer: "x: percent of the users who waited no longer")
    }

    private static func chart(_ id: String, _ title: String, _ sorted: [Double]) -> String {
        if sorted.isEmpty { return "" }
        let points = (1...100).map { (x: Double($0), y: Quantile.of(sorted, Double($0) / 100)) }
        return Chart(id: id, title: title, series: [ChartSeries(name: title, style: .line, color: 1, points: points)], fromZero: true).html()
    }
}
