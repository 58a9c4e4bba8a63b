internal import QuintetFiles
internal import QuintetReports

extension ScrubReport {
    /// The page: how much went where and why, with examples.
    public func html() -> String {
        ReportPage.html(
            title: "Scrub", badge: "<span class=\"badge done\">in = out + dropped</span>", summary: lead,
            body: [
                tiles(), funnel(), "<section class=\"charts\">", lengths(), languageBars(), personalBars(), clusterBars(), "</section>", stepTable(),
                exampleCards(), "<section class=\"facts\">", facts(), "</section>",
            ].joined(separator: "\n"), footer: "Written by quintet. Everything removed is in audit/; quintet scrub why DIR ID says what happened to a document.")
    }

    private var lead: String {
        "\(Number.grouped(documentsOut)) of \(Number.grouped(documentsIn)) documents kept, \(Self.megabytes(bytesOut)) of \(Self.megabytes(bytesIn)), "
            + "in \(ProgressBar.duration(seconds))"
    }

    private static func percent(_ part: Int, _ whole: Int) -> String {
        whole == 0 ? "0 %" : Number.short(Double(part) / Double(whole) * 100, digits: 1) + " %"
    }

    private func tiles() -> String {
        let edits = steps.flatMap { $0.edits.values }.reduce(0, +)
        let changed = steps.reduce(0) { $0 + $1.changed }
        return ReportPage.tiles([
            .init("documents in", Number.grouped(documentsIn), note: Self.megabytes(bytesIn)),
            .init("documents out", Number.grouped(documentsOut), note: Self.percent(documentsOut, documentsIn)),
            .init("dropped", Number.grouped(documentsDropped), note: Self.percent(documentsDropped, documentsIn)),
            .init("changes", Number.grouped(edits), note: "in \(Number.grouped(changed)) documents, counted by step"),
            .init("not readable", Number.grouped(documentsQuarantined), note: "in quarantine/"),
            .init("speed", seconds > 0 ? Number.short(Double(bytesIn) / seconds / 1e6, digits: 1) + " MB/s" : "-", note: "of text, this process"),
        ])
    }

    /// Documents left after each step.
    private func funnel() -> String {
        var left = documentsIn
        var bars = [ReportPage.Bar("in", Double(left), text: Number.grouped(left))]
        if documentsQuarantined > 0 {
            left -= documentsQuarantined
            bars.append(.init("readable", Double(left), text: Number.grouped(left)))
        }
        for step in steps where step.dropped > 0 {
            left -= step.dropped
            bars.append(.init(Self.words(step.name), Double(left), text: Number.grouped(left)))
        }
        bars.append(.init("out", Double(documentsOut), text: Number.grouped(documentsOut), isOurs: true))
        return ReportPage.bars("Documents left after each step", bars, note: "Steps that dropped nothing are left out.")
    }

    private static func words(_ name: String) -> String { name.replacing("_", with: " ") }

    private func lengths() -> String {
        let all = Set(lengthsIn.keys).union(lengthsOut.keys)
        guard let low = all.min(), let high = all.max() else { return "" }
        let most = Double(max(lengthsIn.values.max() ?? 1, lengthsOut.values.max() ?? 1, 1))
        var (columns, labels) = ("", "")
        for magnitude in low...high {
            let (before, after) = (lengthsIn[magnitude] ?? 0, lengthsOut[magnitude] ?? 0)
            func height(_ count: Int) -> String { Number.short(Double(count) / most * 100, digits: 1) }
            let name = Self.size(1 << magnitude)
            columns += "<div title=\"from \(name): \(before) in, \(after) out\"><i style=\"height:\(height(before))%\"></i><i class=\"out\" style=\"height:\(height(after))%\"></i></div>"
            labels += "<span>\((magnitude - low) % 2 == 0 ? name : "")</span>"
        }
        return "<section class=\"card\"><h2>Length of documents, in (gray) and out (blue)</h2><div class=\"columns\">\(columns)</div><div class=\"labels\">\(labels)</div></section>"
    }

    private static func size(_ bytes: Int) -> String {
        bytes >= 1 << 20 ? "\(bytes >> 20)M" : bytes >= 1 << 10 ? "\(bytes >> 10)K" : "\(bytes)"
    }

    private static func ranked(_ counts: [String: Int], _ limit: Int) -> [(String, Int)] {
        Array(counts.sorted { $0.value != $1.value ? $0.value > $1.value : Folder.precedes($0.key, $1.key) }.prefix(limit)).map { ($0.key, $0.value) }
    }

    private func languageBars() -> String {
        ReportPage.bars("Languages kept", Self.ranked(languages, 12).map { .init($0.0, Double($0.1), text: Number.grouped($0.1)) })
    }

    private func personalBars() -> String {
        var found = steps.first { $0.name == PersonalData.name }?.edits ?? [:]
        for (name, count) in steps.first(where: { $0.name == SecretKeys.name })?.edits ?? [:] { found[name, default: 0] += count }
        return ReportPage.bars("Personal data and secrets redacted", Self.ranked(found, 16).map { .init($0.0, Double($0.1), text: Number.grouped($0.1)) })
    }

    private func clusterBars() -> String {
        let bars = clusters.sorted { $0.key < $1.key }.prefix(16).map { size, count in
            ReportPage.Bar("\(size) documents", Double(count), text: Number.grouped(count))
        }
        return ReportPage.bars("Clusters of near-duplicates, by size", bars, note: "One document of each stays.")
    }

    private func stepTable() -> String {
        let rows = steps.map { step in
            let rules = Self.ranked(step.rules, 6) + Self.ranked(step.edits, 6)
            let text = rules.map { "\($0.0) \(Number.grouped($0.1))" }.joined(separator: ", ")
            let cells = [step.dropped, step.changed, step.flagged].map { "<td class=\"n\">\($0 == 0 ? "" : Number.grouped($0))</td>" }.joined()
            return "<tr><th>\(escaped(Self.words(step.name)))</th>\(cells)<td class=\"n\">\(Number.fixed(step.seconds, digits: 2))</td><td>\(escaped(text))</td></tr>"
        }
        return """
            <section class="card scroll"><h2>Steps, in their order</h2><table class="list"><tr><th></th><td class="n">dropped</td><td class="n">changed</td>\
            <td class="n">flagged</td><td class="n">seconds</td><td>by rule</td></tr>\(rows.joined())</table></section>
            """
    }

    private func exampleCards() -> String {
        guard !examples.isEmpty else { return "" }
        let order = Dictionary(uniqueKeysWithValues: steps.enumerated().map { ($0.element.name, $0.offset) })
        func rank(_ name: String) -> (Int, String) { (order[String(name.prefix { $0 != "/" })] ?? 99, name) }
        let cards = examples.sorted { rank($0.key) < rank($1.key) }.map { name, rows in
            let items = rows.map { row -> String in
                let value = row["value"]?.double.map { " · " + Number.significant($0) } ?? ""
                let detail = row["detail"]?.string.map { " · " + $0 } ?? ""
                return "<div class=\"sample\"><figcaption>\(escaped((row["source"]?.string ?? "") + value + detail))</figcaption><pre>\(escaped(row["text"]?.string ?? ""))</pre></div>"
            }
            return "<details class=\"card\"><summary>\(escaped(Self.words(name).replacing("/", with: ": ")))</summary>\(items.joined())</details>"
        }
        return "<section class=\"samples\"><h2>Examples of what was removed or changed</h2>\(cards.joined())</section>"
    }

    private func facts() -> String {
        var out = ReportPage.facts("Not readable", Self.ranked(quarantined, 20).map { (name: $0.0, value: Number.grouped($0.1)) })
        if quarantined.isEmpty { out = "" }
        if !flags.isEmpty { out += ReportPage.facts("Flags", Self.ranked(flags, 20).map { (name: $0.0, value: Number.grouped($0.1)) }) }
        for (name, value) in config.object ?? [:] {
            guard let members = value.object else { continue }
            out += ReportPage.facts(Self.words(name), members.map { (name: $0.key, value: String($0.value.serialized().prefix(160))) })
        }
        return out
    }
}
