import QuintetFiles

/// A value while a template runs. Lists and objects are values that nothing changes; only a namespace is shared.
enum TemplateValue: Sendable {
    /// Not there; the text says what was asked for.
    case undefined(String)
    case null
    case bool(Bool)
    case int(Int)
    case float(Double)
    case string(TemplateText)
    case list([TemplateValue])
    case tuple([TemplateValue])
    case dict(TemplateDict)
    case namespace(TemplateNamespace)
    case loop(TemplateLoop)
    case function(TemplateFunction)

    static func text(_ text: String) -> TemplateValue { .string(TemplateText(text)) }
}

/// Names that `{% set ns.name = ... %}` changes.
final class TemplateNamespace: @unchecked Sendable {
    // Safe to share: it lives within one rendering, which one thread runs.
    var values: [String: TemplateValue]
    init(_ values: [String: TemplateValue]) { self.values = values }
}

/// Something that can be called.
enum TemplateFunction: Sendable {
    case global(TemplateGlobal)
    case method(TemplateValueBox, String)
    case macro(TemplateMacro)
    case cycler(TemplateCounter, [TemplateValue])
    case joiner(TemplateCounter, TemplateText)
}

/// A value behind a reference, so that `TemplateValue` can hold a function that holds a value.
final class TemplateValueBox: Sendable {
    let value: TemplateValue
    init(_ value: TemplateValue) { self.value = value }
}

final class TemplateCounter: @unchecked Sendable {
    // Safe to share: it lives within one rendering, which one thread runs.
    var count = 0
}

/// An object: keys in the order they came.
struct TemplateDict: Sendable {
    private(set) var keys: [TemplateValue] = []
    private(set) var values: [TemplateValue] = []
    private var places: [Key: Int] = [:]

    /// What Python calls equal keys is equal here: 1, 1.0 and True.
    private enum Key: Hashable {
        case text(TemplateText)
        case number(Double)
        case null
        case other(String)

        init(_ value: TemplateValue) {
            switch value {
            case .string(let text): self = .text(text)
            case .int(let number): self = .number(Double(number))
            case .float(let number): self = .number(number)
            case .bool(let flag): self = .number(flag ? 1 : 0)
            case .null: self = .null
            default: self = .other(TemplatePrinter.repr(value).string)
            }
        }
    }

    var count: Int { keys.count }

    subscript(key: TemplateValue) -> TemplateValue? {
        get { places[Key(key)].map { values[$0] } }
        set {
            guard let newValue else { return }
            let place = Key(key)
            if let index = places[place] {
                values[index] = newValue
            } else {
                places[place] = keys.count
                keys.append(key)
                values.append(newValue)
            }
        }
    }

    subscript(name: String) -> TemplateValue? {
        get { self[.text(name)] }
        set { self[.text(name)] = newValue }
    }

    var items: [(key: TemplateValue, value: TemplateValue)] { Array(zip(keys, values)).map { (key: $0.0, value: $0.1) } }
}

extension TemplateValue {
    /// JSON from outside; `origin` marks its texts. Keys are the template's own words more often than not, and stay unmarked
    /// only where they are plain names: an odd key could carry a control token.
    init(_ json: JSON, origin: TextOrigin) {
        switch json {
        case .null: self = .null
        case .bool(let flag): self = .bool(flag)
        case .integer(let number): self = Int(exactly: number).map { .int($0) } ?? .float(Double(number))
        case .number(let number): self = .float(number)
        case .string(let text): self = .string(TemplateText(text, origin: origin))
        case .array(let values): self = .list(values.map { TemplateValue($0, origin: origin) })
        case .object(let members):
            var dict = TemplateDict()
            for (key, value) in members {
                dict[.string(TemplateText(key, origin: Self.isName(key) ? .template : origin))] = TemplateValue(value, origin: origin)
            }
            self = .dict(dict)
        }
    }

    /// Letters, digits, `_` and `-`: what cannot be part of a control token's brackets.
    static func isName(_ text: String) -> Bool {
        text.utf8.allSatisfy { byte in
            (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte) || byte == 0x5F || byte == 0x2D
        }
    }

    /// What an error calls it.
    var kind: String {
        switch self {
        case .undefined: "an undefined value"
        case .null: "none"
        case .bool: "a boolean"
        case .int: "an integer"
        case .float: "a number"
        case .string: "a string"
        case .list: "a list"
        case .tuple: "a tuple"
        case .dict: "an object"
        case .namespace: "a namespace"
        case .loop: "a loop"
        case .function: "a function"
        }
    }

    var isTrue: Bool {
        switch self {
        case .undefined, .null: false
        case .bool(let flag): flag
        case .int(let number): number != 0
        case .float(let number): number != 0
        case .string(let text): !text.isEmpty
        case .list(let values), .tuple(let values): !values.isEmpty
        case .dict(let dict): dict.count > 0
        case .namespace, .loop, .function: true
        }
    }

    /// A number as Python sees it: booleans count.
    var number: Double? {
        switch self {
        case .bool(let flag): flag ? 1 : 0
        case .int(let number): Double(number)
        case .float(let number): number
        default: nil
        }
    }

    /// A whole number as Python sees it: booleans count.
    var integer: Int? {
        switch self {
        case .bool(let flag): flag ? 1 : 0
        case .int(let number): number
        default: nil
        }
    }

    var string: TemplateText? { if case .string(let text) = self { text } else { nil } }
}
