/// The tests of chat templates: what follows `is`.
enum TemplateTests {
    typealias Test = @Sendable (TemplateValue, TemplateCall) throws(TemplateError) -> Bool

    static let names = Set(all.keys)

    static let all: [String: Test] = [
        "boolean": { v, _ in if case .bool = v { true } else { false } },
        "callable": { v, _ in if case .function = v { true } else { false } },
        "defined": { v, _ in !isUndefined(v) }, "undefined": { v, _ in isUndefined(v) },
        "divisibleby": { v, c throws(TemplateError) in try remainder(v, try integer(c, "num"), c) == 0 },
        "even": { v, c throws(TemplateError) in try remainder(v, 2, c) == 0 }, "odd": { v, c throws(TemplateError) in try remainder(v, 2, c) == 1 },
        "false": { v, _ in if case .bool(false) = v { true } else { false } }, "true": { v, _ in if case .bool(true) = v { true } else { false } },
        "filter": { v, _ in TemplateFilters.names.contains(TemplatePrinter.str(v).string) }, "test": { v, _ in isTest(v) },
        "float": { v, _ in if case .float = v { true } else { false } }, "integer": { v, _ in if case .int = v { true } else { false } },
        "number": { v, _ in v.number != nil }, "string": { v, _ in v.string != nil },
        "iterable": { v, _ in TemplateOperations.elements(of: v) != nil }, "sequence": { v, _ in TemplateOperations.elements(of: v) != nil },
        "mapping": { v, _ in if case .dict = v { true } else { false } }, "none": { v, _ in if case .null = v { true } else { false } },
        "lower": { v, _ in isCased(v, TemplatePrinter.str(v).mapped { $0.properties.lowercaseMapping }) },
        "upper": { v, _ in isCased(v, TemplatePrinter.str(v).mapped { $0.properties.uppercaseMapping }) },
        "escaped": { _, _ in false }, "sameas": { v, c throws(TemplateError) in same(v, try c.required(0, "other")) },
        "in": { v, c throws(TemplateError) in try TemplateOperations.contains(try c.required(0, "seq"), v, line: c.line) },
        "eq": compare(.equal), "equalto": compare(.equal), "==": compare(.equal), "ne": compare(.notEqual), "!=": compare(.notEqual),
        "lt": compare(.less), "lessthan": compare(.less), "<": compare(.less), "le": compare(.lessEqual), "<=": compare(.lessEqual),
        "gt": compare(.greater), "greaterthan": compare(.greater), ">": compare(.greater), "ge": compare(.greaterEqual), ">=": compare(.greaterEqual),
    ]

    private static func isUndefined(_ value: TemplateValue) -> Bool { if case .undefined = value { true } else { false } }

    private static func isTest(_ value: TemplateValue) -> Bool { names.contains(TemplatePrinter.str(value).string) }

    private static func compare(_ comparison: TemplateComparison) -> Test {
        { value, call throws(TemplateError) in
            try TemplateOperations.compare(value, comparison, try call.required(0, "other"), line: call.line)
        }
    }

    private static func integer(_ call: TemplateCall, _ name: String) throws(TemplateError) -> Int {
        guard let number = try call.required(0, name).integer else { throw TemplateError(.type, line: call.line, "\(name) is not an integer") }
        return number
    }

    private static func remainder(_ value: TemplateValue, _ divisor: Int, _ call: TemplateCall) throws(TemplateError) -> Int {
        guard let number = value.integer, divisor != 0 else { throw TemplateError(.type, line: call.line, "no remainder of \(value.kind)") }
        if divisor == -1 { return 0 }
        return abs(number % divisor)
    }

    private static func isCased(_ value: TemplateValue, _ mapped: TemplateText) -> Bool {
        let text = TemplatePrinter.str(value)
        let hasCase = text.units.contains { Unicode.Scalar($0 & TemplateText.valueMask)?.properties.isCased ?? false }
        return hasCase && text == mapped
    }

    /// The same object: what two literals of one value are for the values that are alone of their kind.
    private static func same(_ a: TemplateValue, _ b: TemplateValue) -> Bool {
        switch (a, b) {
        case (.bool(let a), .bool(let b)): a == b
        case (.bool, _), (_, .bool): false
        case (.int, .float), (.float, .int): false
        default: TemplateOperations.equal(a, b)
        }
    }
}
