extension TemplateRun {
    func value(of expression: TemplateExpression, _ scope: TemplateScope) throws(TemplateError) -> TemplateValue {
        let line = expression.line
        try meter.spend(line: line)
        try meter.enter(line: line)
        defer { meter.leave() }
        switch expression.node {
        case .literal(let value): return value
        case .block: return scope.innermostBlock ?? .undefined("the block")
        case .name(let name): return lookUp(name, scope)
        case .list(let parts): return .list(try values(of: parts, scope))
        case .tuple(let parts): return .tuple(try values(of: parts, scope))
        case .dict(let members): return try dict(members, scope)
        case .attribute(let object, let name):
            return try TemplateOperations.attribute(of: try value(of: object, scope), name, line: line)
        case .item(let object, let key):
            return try TemplateOperations.item(of: try value(of: object, scope), try value(of: key, scope), line: line)
        case .slice(let object, let start, let stop, let step): return try slice(object, start, stop, step, scope, line)
        case .call(let callee, let arguments): return try call(callee, arguments, scope, line)
        case .filter(let input, let name, let arguments): return try filter(input, name, arguments, scope, line)
        case .test(let input, let name, let arguments): return try test(input, name, arguments, scope, line)
        case .not(let inner): return .bool(!(try value(of: inner, scope).isTrue))
        case .negative(let inner): return try TemplateOperations.negated(try value(of: inner, scope), line: line)
        case .positive(let inner): return try value(of: inner, scope)
        case .arithmetic(let first, let rest): return try arithmetic(first, rest, scope, line)
        case .concatenation(let parts): return try concatenate(parts, scope, line)
        case .comparison(let first, let rest): return try compare(first, rest, scope, line)
        case .all(let parts): return try decide(parts, stopsAt: false, scope)
        case .any(let parts): return try decide(parts, stopsAt: true, scope)
        case .conditional(let condition, let then, let otherwise):
            if try value(of: condition, scope).isTrue { return try value(of: then, scope) }
            guard let otherwise else { return .undefined("the other side of a condition") }
            return try value(of: otherwise, scope)
        }
    }

    private func lookUp(_ name: String, _ scope: TemplateScope) -> TemplateValue {
        if let value = scope.find(name) { return value }
        if let global = TemplateGlobal(rawValue: name) { return .function(.global(global)) }
        return .undefined("'\(name)' is undefined")
    }

    private func values(of parts: [TemplateExpression], _ scope: TemplateScope) throws(TemplateError) -> [TemplateValue] {
        var values: [TemplateValue] = []
        for part in parts { values.append(try value(of: part, scope)) }
        return values
    }

    private func dict(
        _ members: [(key: TemplateExpression, value: TemplateExpression)], _ scope: TemplateScope
    ) throws(TemplateError) -> TemplateValue {
        var dict = TemplateDict()
        for (key, value) in members {
            let key = try self.value(of: key, scope)
            try measure(key, value.line)
            dict[key] = try self.value(of: value, scope)
        }
        return .dict(dict)
    }

    /// The first part whose truth decides, else the last one.
    private func decide(_ parts: [TemplateExpression], stopsAt truth: Bool, _ scope: TemplateScope) throws(TemplateError) -> TemplateValue {
        var value = TemplateValue.null
        for part in parts {
            value = try self.value(of: part, scope)
            if value.isTrue == truth { break }
        }
        return value
    }

    private func arithmetic(
        _ first: TemplateExpression, _ rest: [(operation: TemplateOperator, value: TemplateExpression)], _ scope: TemplateScope, _ line: Int
    ) throws(TemplateError) -> TemplateValue {
        var value = try value(of: first, scope)
        for (operation, expression) in rest {
            let right = try self.value(of: expression, scope)
            value = try TemplateOperations.arithmetic(operation, value, right, line: line) { size throws(TemplateError) in
                try self.meter.check(size: size, line: line)
                try self.meter.spend(size, line: line)
            }
        }
        return value
    }

    private func concatenate(_ parts: [TemplateExpression], _ scope: TemplateScope, _ line: Int) throws(TemplateError) -> TemplateValue {
        var text = TemplateText()
        for part in parts {
            let value = try value(of: part, scope)
            try measure(value, line)
            text += TemplatePrinter.str(value)
            try meter.check(size: text.count, line: line)
        }
        return .string(text)
    }

    private func compare(
        _ first: TemplateExpression, _ rest: [(TemplateComparison, TemplateExpression)], _ scope: TemplateScope, _ line: Int
    ) throws(TemplateError) -> TemplateValue {
        var left = try value(of: first, scope)
        for (comparison, expression) in rest {
            let right = try value(of: expression, scope)
            try measure(left, line)
            try measure(right, line)
            guard try TemplateOperations.compare(left, comparison, right, line: line) else { return .bool(false) }
            left = right
        }
        return .bool(true)
    }

    private func slice(
        _ object: TemplateExpression, _ start: TemplateExpression?, _ stop: TemplateExpression?, _ step: TemplateExpression?,
        _ scope: TemplateScope, _ line: Int
    ) throws(TemplateError) -> TemplateValue {
        let value = try value(of: object, scope)
        let bounds = try [bound(start, scope), bound(stop, scope), bound(step, scope)]
        try meter.spend(TemplateOperations.size(value), line: line)
        return try TemplateOperations.slice(value, bounds[0], bounds[1], bounds[2], line: line)
    }

    private func bound(_ expression: TemplateExpression?, _ scope: TemplateScope) throws(TemplateError) -> Int? {
        guard let expression else { return nil }
        let value = try value(of: expression, scope)
        if case .null = value { return nil }
        guard let bound = value.integer else { throw TemplateError(.type, line: expression.line, "a bound that is \(value.kind)") }
        return bound
    }

    private func filter(
        _ input: TemplateExpression, _ name: String, _ arguments: TemplateArguments, _ scope: TemplateScope, _ line: Int
    ) throws(TemplateError) -> TemplateValue {
        try filter(name, try value(of: input, scope), try self.arguments(arguments, scope, line))
    }

    /// Filters that do not look at what is within elements.
    private static let shallowFilters: Set<String> = ["length", "count", "first", "last", "default", "d", "list", "safe"]

    /// Applies a filter by name.
    func filter(_ name: String, _ value: TemplateValue, _ call: TemplateCall) throws(TemplateError) -> TemplateValue {
        guard let filter = TemplateFilters.all[name] else { throw TemplateError(.unsupported, line: call.line, "there is no filter '\(name)'") }
        if !Self.shallowFilters.contains(name) { try measure(value, call.line) }
        let result = try filter(self, value, call)
        let size = TemplateOperations.size(result)
        try meter.check(size: size, line: call.line)
        try meter.spend(size, line: call.line)
        return result
    }

    private func test(
        _ input: TemplateExpression, _ name: String, _ arguments: TemplateArguments, _ scope: TemplateScope, _ line: Int
    ) throws(TemplateError) -> TemplateValue {
        .bool(try test(name, try value(of: input, scope), try self.arguments(arguments, scope, line)))
    }

    /// Applies a test by name.
    func test(_ name: String, _ value: TemplateValue, _ call: TemplateCall) throws(TemplateError) -> Bool {
        guard let test = TemplateTests.all[name] else { throw TemplateError(.unsupported, line: call.line, "there is no test '\(name)'") }
        return try test(value, call)
    }

    /// What a loop goes over.
    func elements(of value: TemplateValue, _ line: Int) throws(TemplateError) -> [TemplateValue] {
        guard let elements = TemplateOperations.elements(of: value) else { throw TemplateError(.type, line: line, "\(value.kind) has no elements") }
        try meter.spend(elements.count, line: line)
        return elements
    }
}
