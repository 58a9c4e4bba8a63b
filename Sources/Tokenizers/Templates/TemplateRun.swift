/// One rendering of a template: runs statements, writes text, and stops when the budget is used up.
final class TemplateRun {
    var meter: TemplateMeter
    let clock: TemplateClock

    init(budget: TemplateBudget, clock: TemplateClock) {
        meter = TemplateMeter(budget)
        self.clock = clock
    }

    /// What comes after a statement.
    enum Flow { case next, breakLoop, continueLoop }

    func run(_ statements: [TemplateStatement], _ scope: TemplateScope, _ out: inout TemplateText) throws(TemplateError) -> Flow {
        for statement in statements {
            let flow = try run(statement, scope, &out)
            if flow != .next { return flow }
        }
        return .next
    }

    private func run(_ statement: TemplateStatement, _ scope: TemplateScope, _ out: inout TemplateText) throws(TemplateError) -> Flow {
        let line = statement.line
        try meter.spend(line: line)
        try meter.enter(line: line)
        defer { meter.leave() }
        switch statement.node {
        case .text(let text): try write(text, &out, line)
        case .output(let expression):
            let value = try value(of: expression, scope)
            try measure(value, line)
            try write(TemplatePrinter.str(value), &out, line)
        case .branch(let branches, let otherwise): return try branch(branches, otherwise, scope, &out)
        case .loop(let loop): return try self.loop(loop, scope, &out, line)
        case .set(let target, let expression): try assign(try value(of: expression, scope), to: target, scope, line)
        case .setBlock(let target, let filter, let body): try setBlock(target, filter, body, scope, line)
        case .macro(let definition): scope.values[definition.name] = .function(.macro(TemplateMacro(definition, scope)))
        case .call(let definition, let expression): try callBlock(definition, expression, scope, &out)
        case .filterBlock(let filter, let body): try filterBlock(filter, body, scope, &out, line)
        case .with(let values, let body): return try with(values, body, scope, &out, line)
        case .generation(let body): try generation(body, scope, &out)
        case .breakLoop: return .breakLoop
        case .continueLoop: return .continueLoop
        }
        return .next
    }

    private func write(_ text: TemplateText, _ out: inout TemplateText, _ line: Int) throws(TemplateError) {
        try meter.spend(text.count, line: line)
        try meter.check(size: out.count + text.count, line: line)
        out += text
    }

    private func branch(
        _ branches: [(condition: TemplateExpression, body: [TemplateStatement])], _ otherwise: [TemplateStatement], _ scope: TemplateScope,
        _ out: inout TemplateText
    ) throws(TemplateError) -> Flow {
        for branch in branches where try value(of: branch.condition, scope).isTrue { return try run(branch.body, scope, &out) }
        return try run(otherwise, scope, &out)
    }

    private func setBlock(
        _ target: TemplateTarget, _ filter: TemplateExpression?, _ body: [TemplateStatement], _ scope: TemplateScope, _ line: Int
    ) throws(TemplateError) {
        var text = TemplateText()
        _ = try run(body, TemplateScope(within: scope), &text)
        guard let filter else { return try assign(.string(text), to: target, scope, line) }
        try assign(try filtered(text, filter, scope), to: target, scope, line)
    }

    private func filterBlock(
        _ filter: TemplateExpression, _ body: [TemplateStatement], _ scope: TemplateScope, _ out: inout TemplateText, _ line: Int
    ) throws(TemplateError) {
        var text = TemplateText()
        _ = try run(body, TemplateScope(within: scope), &text)
        try write(TemplatePrinter.str(try filtered(text, filter, scope)), &out, line)
    }

    /// A filter expression whose innermost value is the text of a block.
    private func filtered(_ text: TemplateText, _ filter: TemplateExpression, _ scope: TemplateScope) throws(TemplateError) -> TemplateValue {
        let inner = TemplateScope(within: scope)
        inner.block = .string(text)
        return try value(of: filter, inner)
    }

    private func with(
        _ values: [(target: TemplateTarget, value: TemplateExpression)], _ body: [TemplateStatement], _ scope: TemplateScope,
        _ out: inout TemplateText, _ line: Int
    ) throws(TemplateError) -> Flow {
        let inner = TemplateScope(within: scope)
        for (target, expression) in values { try assign(try value(of: expression, scope), to: target, inner, line) }
        return try run(body, inner, &out)
    }

    private func generation(_ body: [TemplateStatement], _ scope: TemplateScope, _ out: inout TemplateText) throws(TemplateError) {
        let start = out.count
        _ = try run(body, TemplateScope(within: scope), &out)
        for index in start..<out.count { out.units[index] |= TemplateText.generated }
    }

    private func callBlock(
        _ definition: TemplateMacroDefinition, _ expression: TemplateExpression, _ scope: TemplateScope, _ out: inout TemplateText
    ) throws(TemplateError) {
        guard case .call(let callee, let arguments) = expression.node else { return }
        var call = try self.arguments(arguments, scope, expression.line)
        call.caller = .function(.macro(TemplateMacro(definition, scope)))
        let result = try self.call(try value(of: callee, scope), call)
        try write(TemplatePrinter.str(result), &out, expression.line)
    }

    func assign(_ value: TemplateValue, to target: TemplateTarget, _ scope: TemplateScope, _ line: Int) throws(TemplateError) {
        try measure(value, line)
        switch target {
        case .name(let name): scope.values[name] = value
        case .attribute(let name, let attribute):
            guard case .namespace(let namespace)? = scope.find(name) else {
                throw TemplateError(.type, line: line, "'\(name)' is no namespace")
            }
            namespace.values[attribute] = value
        case .tuple(let targets):
            let values = try elements(of: value, line)
            guard values.count == targets.count else {
                throw TemplateError(.type, line: line, "\(values.count) values for \(targets.count) names")
            }
            for (target, value) in zip(targets, values) { try assign(value, to: target, scope, line) }
        }
    }
}

/// Names and their values within a block; what is not there is looked for outside.
final class TemplateScope: @unchecked Sendable {
    // Safe to share: it lives within one rendering, which one thread runs.
    var values: [String: TemplateValue] = [:]
    /// The text a filter of a block works on.
    var block: TemplateValue?
    private let outer: TemplateScope?

    init(within outer: TemplateScope?) { self.outer = outer }

    func find(_ name: String) -> TemplateValue? {
        var scope: TemplateScope? = self
        while let here = scope {
            if let value = here.values[name] { return value }
            scope = here.outer
        }
        return nil
    }

    var innermostBlock: TemplateValue? { block ?? outer?.innermostBlock }
}
