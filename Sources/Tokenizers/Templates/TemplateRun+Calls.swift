/// A macro and the names around it.
final class TemplateMacro: Sendable {
    let definition: TemplateMacroDefinition
    let scope: TemplateScope
    init(_ definition: TemplateMacroDefinition, _ scope: TemplateScope) {
        self.definition = definition
        self.scope = scope
    }
}

/// The values a call gives.
struct TemplateCall {
    var positional: [TemplateValue] = []
    var named: [(name: String, value: TemplateValue)] = []
    /// What `caller()` is in a macro that a call block calls.
    var caller: TemplateValue?
    let line: Int

    /// The argument at a place or of a name.
    func argument(_ index: Int, _ name: String) -> TemplateValue? {
        index < positional.count ? positional[index] : named.first { $0.name == name }?.value
    }

    func integer(_ index: Int, _ name: String, default fallback: Int) throws(TemplateError) -> Int {
        guard let value = argument(index, name) else { return fallback }
        guard let number = value.integer else { throw TemplateError(.type, line: line, "\(name) is \(value.kind), not an integer") }
        return number
    }

    func flag(_ index: Int, _ name: String, default fallback: Bool) -> Bool { argument(index, name)?.isTrue ?? fallback }

    func text(_ index: Int, _ name: String) throws(TemplateError) -> TemplateText? {
        guard let value = argument(index, name) else { return nil }
        if case .null = value { return nil }
        guard let text = value.string else { throw TemplateError(.type, line: line, "\(name) is \(value.kind), not a string") }
        return text
    }

    func required(_ index: Int, _ name: String) throws(TemplateError) -> TemplateValue {
        guard let value = argument(index, name) else { throw TemplateError(.type, line: line, "the argument \(name) is missing") }
        return value
    }
}

/// Names that are there from the start.
enum TemplateGlobal: String, Sendable {
    case range, dict, namespace, cycler, joiner
    case raiseException = "raise_exception"
    case strftimeNow = "strftime_now"
}

extension TemplateRun {
    func arguments(_ arguments: TemplateArguments, _ scope: TemplateScope, _ line: Int) throws(TemplateError) -> TemplateCall {
        var call = TemplateCall(line: line)
        for argument in arguments.positional { call.positional.append(try value(of: argument, scope)) }
        if let spread = arguments.spread { call.positional += try elements(of: try value(of: spread, scope), line) }
        for (name, argument) in arguments.named { call.named.append((name, try value(of: argument, scope))) }
        if let spread = arguments.spreadNamed {
            guard case .dict(let dict) = try value(of: spread, scope) else { throw TemplateError(.type, line: line, "'**' needs an object") }
            for (key, value) in dict.items { call.named.append((TemplatePrinter.str(key).string, value)) }
        }
        return call
    }

    func call(
        _ callee: TemplateExpression, _ arguments: TemplateArguments, _ scope: TemplateScope, _ line: Int
    ) throws(TemplateError) -> TemplateValue {
        let function = try value(of: callee, scope)
        return try call(function, try self.arguments(arguments, scope, line))
    }

    func call(_ function: TemplateValue, _ call: TemplateCall) throws(TemplateError) -> TemplateValue {
        switch function {
        case .function(.macro(let macro)): return .string(try run(macro, call))
        case .function(.global(let global)): return try self.global(global, call)
        case .function(.method(let box, let name)): return try method(name, of: box.value, call)
        case .function(.cycler(let counter, let values)):
            defer { counter.count += 1 }
            return values[counter.count % values.count]
        case .function(.joiner(let counter, let text)):
            defer { counter.count += 1 }
            return .string(counter.count == 0 ? TemplateText() : text)
        case .loop(let loop): return try recurse(loop, over: try elements(of: try call.required(0, "iterable"), call.line), call.line)
        case .undefined(let hint): throw TemplateError(.undefined, line: call.line, hint)
        default: throw TemplateError(.type, line: call.line, "\(function.kind) cannot be called")
        }
    }

    private func method(_ name: String, of value: TemplateValue, _ call: TemplateCall) throws(TemplateError) -> TemplateValue {
        try meter.spend(TemplateOperations.size(value), line: call.line)
        let result = try TemplateMethods.call(name, of: value, call) { size throws(TemplateError) in
            try self.meter.check(size: size, line: call.line)
            try self.meter.spend(size, line: call.line)
        }
        try meter.check(size: TemplateOperations.size(result), line: call.line)
        return result
    }

    /// The text of a macro's body, with parameters from the call, their defaults, or nothing.
    private func run(_ macro: TemplateMacro, _ call: TemplateCall) throws(TemplateError) -> TemplateText {
        try meter.enter(line: call.line)
        defer { meter.leave() }
        let scope = TemplateScope(within: macro.scope)
        let parameters = macro.definition.parameters
        for (index, parameter) in parameters.enumerated() {
            if let value = call.argument(index, parameter.name) {
                try assign(value, to: .name(parameter.name), scope, call.line)
            } else if let fallback = parameter.fallback {
                try assign(try value(of: fallback, scope), to: .name(parameter.name), scope, call.line)
            } else {
                scope.values[parameter.name] = .undefined("parameter '\(parameter.name)' was not given")
            }
        }
        scope.values["varargs"] = .tuple(Array(call.positional.dropFirst(parameters.count)))
        var rest = TemplateDict()
        for (name, value) in call.named where !parameters.contains(where: { $0.name == name }) { rest[name] = value }
        scope.values["kwargs"] = .dict(rest)
        if let caller = call.caller ?? call.named.first(where: { $0.name == "caller" })?.value { scope.values["caller"] = caller }
        var out = TemplateText()
        _ = try run(macro.definition.body, scope, &out)
        return out
    }

    private func global(_ global: TemplateGlobal, _ call: TemplateCall) throws(TemplateError) -> TemplateValue {
        switch global {
        case .range: return try range(call)
        case .dict, .namespace: return try members(global, call)
        case .raiseException:
            throw TemplateError(.raised, line: call.line, TemplatePrinter.str(try call.required(0, "message")).string)
        case .strftimeNow:
            let format = TemplatePrinter.str(try call.required(0, "format")).string
            guard let text = clock.formatted(format) else { throw TemplateError(.limit, line: call.line, "a date format that is too long") }
            return .text(text)
        case .cycler:
            if call.positional.isEmpty { throw TemplateError(.type, line: call.line, "a cycler without values") }
            return .function(.cycler(TemplateCounter(), call.positional))
        case .joiner: return .function(.joiner(TemplateCounter(), try call.text(0, "sep") ?? TemplateText(", ")))
        }
    }

    /// As long as the sandbox of the reference allows.
    private func range(_ call: TemplateCall) throws(TemplateError) -> TemplateValue {
        var bounds: [Int] = []
        for value in call.positional {
            guard let bound = value.integer else { throw TemplateError(.type, line: call.line, "a range of \(value.kind)") }
            bounds.append(bound)
        }
        guard (1...3).contains(bounds.count) else { throw TemplateError(.type, line: call.line, "a range of \(bounds.count) bounds") }
        let (start, stop, step) = (bounds.count == 1 ? 0 : bounds[0], bounds.count == 1 ? bounds[0] : bounds[1], bounds.count == 3 ? bounds[2] : 1)
        if step == 0 { throw TemplateError(.type, line: call.line, "a range with step 0") }
        let span = stop.subtractingReportingOverflow(start)
        guard !span.overflow, step != .min, span.partialValue / step < 100_000 else {
            throw TemplateError(.limit, line: call.line, "a range of more than 100000")
        }
        let values = Array(stride(from: start, to: stop, by: step))
        try meter.spend(values.count, line: call.line)
        return .list(values.map { .int($0) })
    }

    private func members(_ global: TemplateGlobal, _ call: TemplateCall) throws(TemplateError) -> TemplateValue {
        var dict = TemplateDict()
        if let first = call.positional.first {
            if case .dict(let given) = first {
                dict = given
            } else {
                for pair in try elements(of: first, call.line) {
                    guard let parts = TemplateOperations.elements(of: pair), parts.count == 2 else {
                        throw TemplateError(.type, line: call.line, "an object is made of pairs")
                    }
                    dict[parts[0]] = parts[1]
                }
            }
        }
        for (name, value) in call.named { dict[name] = value }
        if global == .dict { return .dict(dict) }
        var values: [String: TemplateValue] = [:]
        for (key, value) in dict.items { values[TemplatePrinter.str(key).string] = value }
        return .namespace(TemplateNamespace(values))
    }
}
