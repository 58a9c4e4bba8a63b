internal import QuintetFiles
internal import QuintetReports

extension GatherReport {
    /// The page: what came in, what it was, what was left out and why.
    func html() -> String {
        ReportPage.html(
            title: "Gather", badge: "<span class=\"badge done\">in = out + dropped</span>", summary: lead,
            body: [
                tiles(), funnel(), "<section class=\"charts\">", bars("Kept, by language or format", languages), bars("Encodings", encodings),
                bars("Not readable, by reason", quarantined), bars("Passed over", passedOver), bars("Flagged", flagged), bars("Files passed over", skipped),
                "</section>",
            ].joined(separator: "\n"), footer: "Written by quintet. What was removed is in audit/, what could not be read in quarantine/.")
    }

    private var lead: String {
        "\(Number.grouped(documentsOut)) documents of \(Number.grouped(documentsIn)) from \(Number.grouped(files)) files, in \(ProgressBar.duration(seconds))"
    }

    private func tiles() -> String {
        func size(_ bytes: Int) -> String { Number.short(Double(bytes) / 1e6, digits: 1) + " MB" }
        return ReportPage.tiles([
            .init("documents in", Number.grouped(documentsIn), note: size(bytesIn)), .init("documents out", Number.grouped(documentsOut), note: size(bytesOut)),
            .init("dropped", Number.grouped(documentsDropped - documentsQuarantined), note: "in audit/"),
            .init("not readable", Number.grouped(documentsQuarantined), note: "in quarantine/"),
            .init("speed", seconds > 0 ? Number.short(Double(bytesIn) / seconds / 1e6, digits: 1) + " MB/s" : "-", note: "of what was read"),
        ])
    }

    private func funnel() -> String {
        var left = documentsIn
        var bars = [ReportPage.Bar("in", Double(left), text: Number.grouped(left))]
        for (name, count) in [("readable", documentsQuarantined)] + steps.map({ ($0.name, $0.dropped) }) where count > 0 {
            left -= count
            bars.append(.init(name, Double(left), text: Number.grouped(left)))
        }
        bars.append(.init("out", Double(documentsOut), text: Number.grouped(documentsOut), isOurs: true))
        return ReportPage.bars("Documents left after each step", bars, note: "Steps that dropped nothing are left out.")
    }

    private func bars(_ title: String, _ counts: [String: Int]) -> String {
        let ranked = counts.sorted { $0.value != $1.value ? $0.value > $1.value : Folder.precedes($0.key, $1.key) }.prefix(16)
        return ReportPage.bars(title, ranked.map { .init($0.key, Double($0.value), text: Number.grouped($0.value)) })
    }
}
