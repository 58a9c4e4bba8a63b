extension TemplateRun {
    func loop(_ loop: TemplateForLoop, _ scope: TemplateScope, _ out: inout TemplateText, _ line: Int) throws(TemplateError) -> Flow {
        let values = try elements(of: try value(of: loop.sequence, scope), line)
        try iterate(loop, over: values, depth: 1, scope, &out, line)
        return .next
    }

    /// `loop(values)` within a recursive loop.
    func recurse(_ state: TemplateLoop, over values: [TemplateValue], _ line: Int) throws(TemplateError) -> TemplateValue {
        guard let loop = state.definition, loop.isRecursive else { throw TemplateError(.type, line: line, "the loop is not recursive") }
        try meter.enter(line: line)
        defer { meter.leave() }
        var text = TemplateText()
        try iterate(loop, over: values, depth: state.depth + 1, state.scope, &text, line)
        return .string(text)
    }

    private func iterate(
        _ loop: TemplateForLoop, over values: [TemplateValue], depth: Int, _ scope: TemplateScope, _ out: inout TemplateText, _ line: Int
    ) throws(TemplateError) {
        let kept = try filter(values, loop, scope, line)
        if kept.isEmpty {
            _ = try run(loop.otherwise, scope, &out)
            return
        }
        let state = TemplateLoop(kept, loop, scope, depth: depth)
        for (index, value) in kept.enumerated() {
            try meter.spend(line: line)
            state.index = index
            let inner = TemplateScope(within: scope)
            try assign(value, to: loop.target, inner, line)
            inner.values["loop"] = .loop(state)
            if try run(loop.body, inner, &out) == .breakLoop { break }
        }
    }

    private func filter(
        _ values: [TemplateValue], _ loop: TemplateForLoop, _ scope: TemplateScope, _ line: Int
    ) throws(TemplateError) -> [TemplateValue] {
        guard let condition = loop.condition else { return values }
        var kept: [TemplateValue] = []
        for value in values {
            let inner = TemplateScope(within: scope)
            try assign(value, to: loop.target, inner, line)
            if try self.value(of: condition, inner).isTrue { kept.append(value) }
        }
        return kept
    }
}

/// What `loop` is within a loop.
final class TemplateLoop: @unchecked Sendable {
    // Safe to share: it lives within one rendering, which one thread runs.
    let values: [TemplateValue]
    let definition: TemplateForLoop?
    let scope: TemplateScope
    let depth: Int
    var index = 0
    private var last: [TemplateValue]?

    init(_ values: [TemplateValue], _ definition: TemplateForLoop, _ scope: TemplateScope, depth: Int) {
        self.values = values
        self.definition = definition
        self.scope = scope
        self.depth = depth
    }

    subscript(name: String) -> TemplateValue? {
        switch name {
        case "index": .int(index + 1)
        case "index0": .int(index)
        case "revindex": .int(values.count - index)
        case "revindex0": .int(values.count - index - 1)
        case "first": .bool(index == 0)
        case "last": .bool(index == values.count - 1)
        case "length": .int(values.count)
        case "depth": .int(depth)
        case "depth0": .int(depth - 1)
        case "previtem": index > 0 ? values[index - 1] : .undefined("there is no previous item")
        case "nextitem": index + 1 < values.count ? values[index + 1] : .undefined("there is no next item")
        case "cycle", "changed": .function(.method(TemplateValueBox(.loop(self)), name))
        default: nil
        }
    }

    /// True where the values differ from those of the last call.
    func changed(_ values: [TemplateValue]) -> Bool {
        let same = last.map { TemplateOperations.equal(.list($0), .list(values)) } ?? false
        last = values
        return !same
    }
}
