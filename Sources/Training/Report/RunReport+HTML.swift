import QuintetFiles
import QuintetReports

extension RunReport {
    /// The page: styles, curves, samples and facts in one file; no request leaves it.
    public func html() -> String {
        ReportPage.html(
            title: title, badge: badge(), summary: summary,
            body: """
                \(tileRow())\(comparisonCard())<section class="charts">
                \(charts())</section>
                \(sampleCards())\(nextCard())<section class="facts">
                \(sections.map(table).joined())</section>
                """, footer: "Written by quintet. Hover a curve for its values.")
    }

    private func badge() -> String {
        switch status {
        case .running: "<span class=\"badge running\">running</span>"
        case .finished: "<span class=\"badge done\">finished</span>"
        case .stopped(let why): "<span class=\"badge stopped\" title=\"\(escaped(why))\">stopped</span>"
        }
    }

    private func tileRow() -> String { ReportPage.tiles(tiles.map { ReportPage.Tile($0.label, $0.value, note: $0.note) }) }

    private func comparisonCard() -> String {
        guard let comparison else { return "" }
        let bars = comparison.bars.map { ReportPage.Bar($0.name, $0.value, text: Number.fixed($0.value, digits: 2), isOurs: $0.isOurs) }
        return ReportPage.bars(comparison.title, bars, note: comparison.note)
    }

    /// Extra samples first, then the newest one written while training; older ones fold away.
    private func sampleCards() -> String {
        let written = rows.compactMap { row in
            row["sample"]?.string.map { Sample("after step \(row["step"]?.int ?? 0)", prompt: row["prompt"]?.string ?? "", text: $0) }
        }
        guard !samples.isEmpty || !written.isEmpty else { return "" }
        var out = "<section class=\"samples\"><h2>What it writes</h2>\n"
        out += (samples + written.suffix(1)).map(figure).joined()
        if written.count > 1 {
            out += "<details class=\"card\"><summary>How it got there: \(written.count - 1) earlier samples</summary>\n"
            out += written.dropLast().map(figure).joined() + "</details>\n"
        }
        return out + "</section>\n"
    }

    private func figure(_ sample: Sample) -> String {
        let prompt = sample.prompt.isEmpty ? "" : "<mark>\(escaped(sample.prompt))</mark>"
        return "<figure class=\"sample card\"><figcaption>\(escaped(sample.title))</figcaption><pre>\(prompt)\(escaped(sample.text))</pre></figure>\n"
    }

    private func nextCard() -> String {
        guard !nextSteps.isEmpty else { return "" }
        return "<section class=\"card next\"><h2>What next</h2><pre>\(nextSteps.map(escaped).joined(separator: "\n"))</pre></section>\n"
    }

    private func table(_ section: Section) -> String {
        ReportPage.facts(section.title, section.rows.map { (name: $0.name, value: $0.value) })
    }
}
