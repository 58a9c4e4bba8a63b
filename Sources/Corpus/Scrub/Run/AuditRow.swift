internal import QuintetFiles

/// A row of `audit/`: what happened to a document, by which rule, and what it takes to undo it.
enum AuditRow {
    private static func head(_ page: Page, _ step: String, _ place: String, _ action: String) -> JSON {
        ["id": .string(page.id), "source": .string(page.source), "place": .string(place), "step": .string(step), "action": .string(action)]
    }

    static func drop(
        _ page: Page, _ step: String, _ place: String, _ rule: String, _ value: Double, _ threshold: Double, _ detail: String?, _ keeps: Bool
    ) -> JSON {
        var row = head(page, step, place, "drop")
        row["rule"] = .string(rule)
        row["value"] = number(value)
        row["threshold"] = number(threshold)
        if let detail { row["detail"] = .string(detail) }
        row["span"] = [0, JSON(page.text.count)]
        if keeps { row["document"] = page.document.json }
        return row
    }

    static func change(_ page: Page, _ step: String, _ place: String, _ edits: [Edit], _ keeps: Bool) -> JSON {
        var row = head(page, step, place, "change")
        row["spans"] = .array(edits.map { edit in
            var span: JSON = ["start": JSON(edit.start), "end": JSON(edit.end), "rule": .string(edit.rule)]
            if keeps { span["text"] = .string(String(decoding: page.text[edit.start..<edit.end], as: UTF8.self)) }
            span["with"] = .string(String(decoding: edit.with, as: UTF8.self))
            return span
        })
        return row
    }

    static func flag(_ page: Page, _ step: String, _ place: String, _ flags: [(rule: String, value: Double)], before: JSON?) -> JSON {
        var row = head(page, step, place, "flag")
        var all = JSONObject()
        for flag in flags { all[flag.rule] = number(flag.value) }
        row["flags"] = .object(all)
        if let before { row["before"] = before }
        return row
    }

    /// A whole number as one, others to six digits; not a number as null.
    static func number(_ value: Double) -> JSON {
        guard value.isFinite else { return .null }
        if value == value.rounded(), abs(value) < 1e15 { return JSON(Int(value)) }
        return .number((value * 1e6).rounded() / 1e6)
    }
}

/// Changes to a text, made and undone.
enum EditList {
    static func applied(_ edits: [Edit], to text: [UInt8]) -> [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(text.count)
        var at = 0
        for edit in edits {
            out += text[at..<edit.start]
            out += edit.with
            at = edit.end
        }
        return out + text[at...]
    }

    /// Undoes the `spans` of an audit row; nil where the text does not fit them.
    static func undone(_ spans: [JSON], in text: [UInt8]) -> [UInt8]? {
        var out: [UInt8] = []
        var (at, original) = (0, 0)
        for span in spans {
            guard let start = span["start"]?.int, let end = span["end"]?.int, let old = span["text"]?.string,
                let new = span["with"].map(\.string) ?? "", start >= original, end - start == old.utf8.count, at + (start - original) + new.utf8.count <= text.count
            else { return nil }
            let next = at + start - original
            guard text[next..<(next + new.utf8.count)].elementsEqual(new.utf8) else { return nil }
            out += text[at..<next]
            out += old.utf8
            (at, original) = (next + new.utf8.count, end)
        }
        return out + text[at...]
    }
}
