/// What Python does with values: arithmetic, order, membership, parts. No state.
enum TemplateOperations {
    /// Characters or elements, for the budget.
    static func size(_ value: TemplateValue) -> Int {
        switch value {
        case .string(let text): text.count
        case .list(let values), .tuple(let values): values.count
        case .dict(let dict): dict.count
        default: 0
        }
    }

    static func elements(of value: TemplateValue) -> [TemplateValue]? {
        switch value {
        case .undefined: []
        case .string(let text): text.units.map { .string(TemplateText(units: [$0])) }
        case .list(let values), .tuple(let values): values
        case .dict(let dict): dict.keys
        default: nil
        }
    }
}

// Order and membership
extension TemplateOperations {
    static func equal(_ a: TemplateValue, _ b: TemplateValue) -> Bool {
        switch (a, b) {
        case (.undefined, .undefined), (.null, .null): return true
        case (.string(let a), .string(let b)): return a == b
        case (.list(let a), .list(let b)), (.tuple(let a), .tuple(let b)):
            return a.count == b.count && zip(a, b).allSatisfy { equal($0, $1) }
        case (.dict(let a), .dict(let b)):
            return a.count == b.count && a.items.allSatisfy { item in b[item.key].map { equal($0, item.value) } ?? false }
        case (.namespace(let a), .namespace(let b)): return a === b
        case (.int(let a), .int(let b)): return a == b
        default:
            guard let a = a.number, let b = b.number else { return false }
            return a == b
        }
    }

    /// Nil where the two have no order.
    static func less(_ a: TemplateValue, _ b: TemplateValue) -> Bool? {
        switch (a, b) {
        case (.string(let a), .string(let b)): return a < b
        case (.int(let a), .int(let b)): return a < b
        case (.list(let a), .list(let b)), (.tuple(let a), .tuple(let b)):
            for (x, y) in zip(a, b) where !equal(x, y) { return less(x, y) }
            return a.count < b.count
        default:
            guard let a = a.number, let b = b.number else { return nil }
            return a < b
        }
    }

    static func compare(_ a: TemplateValue, _ comparison: TemplateComparison, _ b: TemplateValue, line: Int) throws(TemplateError) -> Bool {
        switch comparison {
        case .equal: return equal(a, b)
        case .notEqual: return !equal(a, b)
        case .isIn: return try contains(b, a, line: line)
        case .isNotIn: return !(try contains(b, a, line: line))
        case .less, .greaterEqual:
            let result = try ordered(a, b, comparison, line: line)
            if comparison == .less { return result }
            return equal(a, b) || !result && !isNaN(a, b)
        case .greater, .lessEqual:
            let result = try ordered(b, a, comparison, line: line)
            if comparison == .greater { return result }
            return equal(a, b) || !result && !isNaN(a, b)
        }
    }

    private static func isNaN(_ a: TemplateValue, _ b: TemplateValue) -> Bool { (a.number?.isNaN ?? false) || (b.number?.isNaN ?? false) }

    private static func ordered(_ a: TemplateValue, _ b: TemplateValue, _ comparison: TemplateComparison, line: Int) throws(TemplateError) -> Bool {
        guard let result = less(a, b) else {
            throw TemplateError(.type, line: line, "'\(comparison.rawValue)' does not compare \(a.kind) and \(b.kind)")
        }
        return result
    }

    static func contains(_ container: TemplateValue, _ element: TemplateValue, line: Int) throws(TemplateError) -> Bool {
        switch container {
        case .undefined: return false
        case .string(let text):
            guard let part = element.string else { throw TemplateError(.type, line: line, "a string holds strings, not \(element.kind)") }
            return text.firstIndex(of: part) != nil
        case .list(let values), .tuple(let values): return values.contains { equal($0, element) }
        case .dict(let dict): return dict[element] != nil
        default: throw TemplateError(.type, line: line, "\(container.kind) has no elements")
        }
    }
}

// Arithmetic
extension TemplateOperations {
    typealias Allowance = (_ size: Int) throws(TemplateError) -> Void

    static func negated(_ value: TemplateValue, line: Int) throws(TemplateError) -> TemplateValue {
        if case .float(let number) = value { return .float(-number) }
        guard let number = value.integer else { throw TemplateError(.type, line: line, "'-' of \(value.kind)") }
        return .int(try exact(0.subtractingReportingOverflow(number), line))
    }

    static func arithmetic(
        _ operation: TemplateOperator, _ a: TemplateValue, _ b: TemplateValue, line: Int, allow: Allowance
    ) throws(TemplateError) -> TemplateValue {
        switch (operation, a, b) {
        case (.add, .string(let a), .string(let b)):
            try allow(a.count + b.count)
            return .string(added(a, b))
        case (.add, .list(let a), .list(let b)):
            try allow(a.count + b.count)
            return .list(a + b)
        case (.add, .tuple(let a), .tuple(let b)):
            try allow(a.count + b.count)
            return .tuple(a + b)
        case (.multiply, .string, _), (.multiply, .list, _), (.multiply, .tuple, _):
            guard let count = b.integer else { break }
            return try repeated(a, count, line: line, allow: allow)
        case (.multiply, _, .string), (.multiply, _, .list), (.multiply, _, .tuple):
            guard let count = a.integer else { break }
            return try repeated(b, count, line: line, allow: allow)
        case (.remainder, .string(let format), _):
            let values: [TemplateValue] = if case .tuple(let values) = b { values } else { [b] }
            return .string(try TemplateFormat.percent(format, values, line: line, allow: allow))
        default: break
        }
        if let a = a.integer, let b = b.integer, operation != .divide { return try whole(operation, a, b, line) }
        guard let x = a.number, let y = b.number else {
            if case .undefined(let hint) = a { throw TemplateError(.undefined, line: line, hint) }
            if case .undefined(let hint) = b { throw TemplateError(.undefined, line: line, hint) }
            throw TemplateError(.type, line: line, "'\(operation.rawValue)' of \(a.kind) and \(b.kind)")
        }
        return .float(try real(operation, x, y, line))
    }

    /// `a + b`: of which the other is escaped where one is markup.
    private static func added(_ a: TemplateText, _ b: TemplateText) -> TemplateText {
        if a.isMarkup == b.isMarkup {
            var sum = a + b
            sum.isMarkup = a.isMarkup
            return sum
        }
        var sum = a.isMarkup ? a + escaped(b) : escaped(a) + b
        sum.isMarkup = true
        return sum
    }

    static func escaped(_ text: TemplateText) -> TemplateText {
        text.mapped { scalar in
            switch scalar {
            case "&": "&amp;"
            case "<": "&lt;"
            case ">": "&gt;"
            case "\"": "&#34;"
            case "'": "&#39;"
            default: String(scalar)
            }
        }
    }

    private static func repeated(_ value: TemplateValue, _ count: Int, line: Int, allow: Allowance) throws(TemplateError) -> TemplateValue {
        let count = max(count, 0)
        let total = size(value).multipliedReportingOverflow(by: count)
        try allow(total.overflow ? Int.max >> 1 : total.partialValue)
        switch value {
        case .string(let text): return .string(TemplateText(units: Array(repeatElement(text.units, count: text.isEmpty ? 0 : count).joined())))
        case .list(let values): return .list(Array(repeatElement(values, count: values.isEmpty ? 0 : count).joined()))
        case .tuple(let values): return .tuple(Array(repeatElement(values, count: values.isEmpty ? 0 : count).joined()))
        default: return value
        }
    }

    private static func whole(_ operation: TemplateOperator, _ a: Int, _ b: Int, _ line: Int) throws(TemplateError) -> TemplateValue {
        switch operation {
        case .add: return .int(try exact(a.addingReportingOverflow(b), line))
        case .subtract: return .int(try exact(a.subtractingReportingOverflow(b), line))
        case .multiply: return .int(try exact(a.multipliedReportingOverflow(by: b), line))
        case .floorDivide, .remainder:
            if b == 0 { throw TemplateError(.type, line: line, "a division by zero") }
            let quotient = try exact(a.dividedReportingOverflow(by: b), line)
            let rest = a - quotient * b
            let adjusts = rest != 0 && (rest < 0) != (b < 0)
            return .int(operation == .remainder ? (adjusts ? rest + b : rest) : (adjusts ? quotient - 1 : quotient))
        case .power: return try power(a, b, line)
        case .divide: return .float(Double(a) / Double(b))
        }
    }

    private static func power(_ a: Int, _ b: Int, _ line: Int) throws(TemplateError) -> TemplateValue {
        if b < 0 { return .float(try real(.power, Double(a), Double(b), line)) }
        var (result, base, rest) = (1, a, b)
        while rest > 0 {
            if rest & 1 == 1 { result = try exact(result.multipliedReportingOverflow(by: base), line) }
            rest >>= 1
            if rest > 0 { base = try exact(base.multipliedReportingOverflow(by: base), line) }
        }
        return .int(result)
    }

    private static func real(_ operation: TemplateOperator, _ a: Double, _ b: Double, _ line: Int) throws(TemplateError) -> Double {
        switch operation {
        case .add: return a + b
        case .subtract: return a - b
        case .multiply: return a * b
        case .power: return TemplateMath.power(a, b)
        case .divide, .floorDivide, .remainder:
            if b == 0 { throw TemplateError(.type, line: line, "a division by zero") }
            if operation == .divide { return a / b }
            let rest = a.truncatingRemainder(dividingBy: b)
            let floored = rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest
            return operation == .remainder ? floored : ((a - floored) / b).rounded()
        }
    }

    private static func exact(_ result: (partialValue: Int, overflow: Bool), _ line: Int) throws(TemplateError) -> Int {
        if result.overflow { throw TemplateError(.unsupported, line: line, "a whole number beyond 64 bits") }
        return result.partialValue
    }
}
