/// One HTML file with everything in it: styles, charts, facts. No request leaves the page.
public struct ReportPage {
    public struct Tile {
        var label, value, note: String
        public init(_ label: String, _ value: String, note: String = "") { (self.label, self.value, self.note) = (label, value, note) }
    }

    public struct Bar {
        var name: String
        var value: Double
        /// How the value is written.
        var text: String
        var isOurs: Bool
        public init(_ name: String, _ value: Double, text: String, isOurs: Bool = false) {
            (self.name, self.value, self.text, self.isOurs) = (name, value, text, isOurs)
        }
    }

    public static func html(title: String, badge: String = "", summary: String, body: String, footer: String) -> String {
        """
        <!doctype html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
        <title>\(escaped(title)) - Quintet</title>
        <style>\(ReportStyle.style)</style>
        </head>
        <body>
        <main>
        <header><h1>\(escaped(title)) \(badge)</h1><p class="summary">\(escaped(summary))</p></header>
        \(body)
        <footer>\(escaped(footer))</footer>
        </main>
        <script>\(ReportStyle.script)</script>
        </body>
        </html>

        """
    }

    /// Numbers at a glance, side by side.
    public static func tiles(_ tiles: [Tile]) -> String {
        guard !tiles.isEmpty else { return "" }
        let cards = tiles.map { tile in
            "<div class=\"tile card\"><span>\(escaped(tile.label))</span><b>\(escaped(tile.value))</b><small>\(escaped(tile.note))</small></div>"
        }
        return "<section class=\"tiles\">\(cards.joined())</section>\n"
    }

    /// Bars as long as their values, the longest all the way.
    public static func bars(_ title: String, _ bars: [Bar], note: String = "") -> String {
        guard let longest = bars.map(\.value).filter(\.isFinite).max(), longest > 0 else { return "" }
        let rows = bars.map { bar in
            let share = Number.short(max(0, min(1, bar.value / longest)) * 100, digits: 1)
            return """
                <div class="bar\(bar.isOurs ? " ours" : "")"><span>\(escaped(bar.name))</span>
                <div class="track"><i style="width:\(share)%"></i></div><b>\(escaped(bar.text))</b></div>
                """
        }
        let remark = note.isEmpty ? "" : "<p>\(escaped(note))</p>"
        return "<section class=\"card bars\"><h2>\(escaped(title))</h2>\n\(rows.joined(separator: "\n"))\(remark)</section>\n"
    }

    /// Names and values.
    public static func facts(_ title: String, _ rows: [(name: String, value: String)]) -> String {
        let rows = rows.map { "<tr><th>\(escaped($0.name))</th><td>\(escaped($0.value))</td></tr>" }
        return "<section class=\"card\"><h2>\(escaped(title))</h2><table>\(rows.joined())</table></section>\n"
    }
}

/// Text for HTML: nothing in it can become markup.
public func escaped(_ text: String) -> String {
    var out = ""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "&": out += "&amp;"
        case "<": out += "&lt;"
        case ">": out += "&gt;"
        case "\"": out += "&quot;"
        case "'": out += "&#39;"
        case "\n", "\t": out.unicodeScalars.append(scalar)
        case _ where scalar.value < 32 || scalar.value == 127: out += "\u{fffd}"
        default: out.unicodeScalars.append(scalar)
        }
    }
    return out
}
