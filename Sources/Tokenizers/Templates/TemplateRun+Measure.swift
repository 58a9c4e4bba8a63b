extension TemplateRun {
    /// Counts what a value holds, all levels of it, and charges for it: `[[x] * 1000] * 1000` is small to build and long to print.
    func measure(_ value: TemplateValue, _ line: Int) throws(TemplateError) {
        var count = 0
        try self.count(value, level: 0, &count, line)
        try meter.spend(count, line: line)
    }

    /// Values deeper than this cannot be kept in a name: nothing that walks them can run out of stack.
    private static let deepest = 64

    private func count(_ value: TemplateValue, level: Int, _ count: inout Int, _ line: Int) throws(TemplateError) {
        if level > Self.deepest { throw TemplateError(.limit, line: line, "a value nested deeper than \(Self.deepest)") }
        switch value {
        case .string(let text): count += text.count + 1
        case .list(let values), .tuple(let values):
            count += 1
            for value in values { try self.count(value, level: level + 1, &count, line) }
        case .dict(let dict):
            count += 1
            for (key, value) in dict.items {
                try self.count(key, level: level + 1, &count, line)
                try self.count(value, level: level + 1, &count, line)
            }
        case .function(.method(let box, _)): try self.count(box.value, level: level + 1, &count, line)
        case .function(.cycler(_, let values)): for value in values { try self.count(value, level: level + 1, &count, line) }
        default: count += 1
        }
        try meter.check(size: count, line: line)
    }
}
