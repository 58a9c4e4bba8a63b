import QuintetFiles

extension RunReport {
    /// The page: styles, curves, samples and facts in one file; no request leaves it.
    public func html() -> String {
        """
        <!doctype html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
        <title>\(escaped(title)) - Quintet</title>
        <style>\(Self.style)</style>
        </head>
        <body>
        <main>
        <header><h1>\(escaped(title)) \(badge())</h1><p class="summary">\(escaped(summary))</p></header>
        \(tileRow())\(comparisonCard())<section class="charts">
        \(charts())</section>
        \(sampleCards())\(nextCard())<section class="facts">
        \(sections.map(table).joined())</section>
        <footer>Written by quintet. Hover a curve for its values.</footer>
        </main>
        <script>\(Self.script)</script>
        </body>
        </html>

        """
    }

    private func badge() -> String {
        switch status {
        case .running: "<span class=\"badge running\">running</span>"
        case .finished: "<span class=\"badge done\">finished</span>"
        case .stopped(let why): "<span class=\"badge stopped\" title=\"\(escaped(why))\">stopped</span>"
        }
    }

    private func tileRow() -> String {
        guard !tiles.isEmpty else { return "" }
        let cards = tiles.map { tile in
            "<div class=\"tile card\"><span>\(escaped(tile.label))</span><b>\(escaped(tile.value))</b><small>\(escaped(tile.note))</small></div>"
        }
        return "<section class=\"tiles\">\(cards.joined())</section>\n"
    }

    private func comparisonCard() -> String {
        guard let comparison, let longest = comparison.bars.map(\.value).filter(\.isFinite).max(), longest > 0 else { return "" }
        let bars = comparison.bars.map { bar in
            let share = Number.short(max(0, min(1, bar.value / longest)) * 100, digits: 1)
            return """
                <div class="bar\(bar.isOurs ? " ours" : "")"><span>\(escaped(bar.name))</span>
                <div class="track"><i style="width:\(share)%"></i></div><b>\(Number.fixed(bar.value, digits: 2))</b></div>
                """
        }
        return "<section class=\"card bars\"><h2>\(escaped(comparison.title))</h2>\n\(bars.joined(separator: "\n"))<p>\(escaped(comparison.note))</p></section>\n"
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
        let rows = section.rows.map { "<tr><th>\(escaped($0.name))</th><td>\(escaped($0.value))</td></tr>" }
        return "<section class=\"card\"><h2>\(escaped(section.title))</h2><table>\(rows.joined())</table></section>\n"
    }
}
