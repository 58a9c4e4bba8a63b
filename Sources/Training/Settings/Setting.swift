import QuintetFiles

/// One knob: its name in `run.yaml`, what it means, how it is read and written.
public struct Setting: Sendable {
    public let name: String
    /// Other tools' names for the same thing, accepted on reading.
    public let aliases: [String]
    public let explanation: String
    /// What a value must be, for error messages.
    public let expected: String
    /// Whether a run with another value is another run.
    public let isIdentity: Bool
    /// The names that a value has to be one of; empty where it is a number, a flag or a text.
    private(set) var choices: [String] = []
    let read: @Sendable (TrainingConfig) -> JSON
    let write: @Sendable (inout TrainingConfig, JSON) -> Bool

    /// The same setting, free to change when a run is continued.
    func free() -> Setting {
        Setting(
            name: name, aliases: aliases, explanation: explanation, expected: expected, isIdentity: false, choices: choices, read: read, write: write)
    }

    /// The setting of this name or alias.
    public static func named(_ name: String) -> Setting? {
        let folded = name.replacing("-", with: "_")
        return all.first { $0.name == folded || $0.aliases.contains(folded) }
    }
}

extension Setting {
    typealias Path<Value> = WritableKeyPath<TrainingConfig, Value> & Sendable

    static func whole(
        _ name: String, _ path: any Path<Int?>, _ range: ClosedRange<Int> = 1...(1 << 40), _ explanation: String, _ aliases: [String] = []
    ) -> Setting {
        Setting(
            name: name, aliases: aliases, explanation: explanation, expected: span(range), isIdentity: true,
            read: { $0[keyPath: path].map { .integer(Int64($0)) } ?? .null },
            write: { config, value in
                if value == .null { config[keyPath: path] = nil; return true }
                guard let number = wholeNumber(value), range.contains(number) else { return false }
                config[keyPath: path] = number
                return true
            })
    }

    static func whole(
        _ name: String, _ path: any Path<Int>, _ range: ClosedRange<Int>, _ explanation: String, _ aliases: [String] = []
    ) -> Setting {
        Setting(
            name: name, aliases: aliases, explanation: explanation, expected: span(range), isIdentity: true,
            read: { .integer(Int64($0[keyPath: path])) },
            write: { config, value in
                guard let number = wholeNumber(value), range.contains(number) else { return false }
                config[keyPath: path] = number
                return true
            })
    }

    static func number(
        _ name: String, _ path: any Path<Double?>, _ range: ClosedRange<Double>, _ explanation: String, _ aliases: [String] = []
    ) -> Setting {
        Setting(
            name: name, aliases: aliases, explanation: explanation, expected: span(range), isIdentity: true,
            read: { $0[keyPath: path].map { .number($0) } ?? .null },
            write: { config, value in
                if value == .null { config[keyPath: path] = nil; return true }
                guard let number = value.double, range.contains(number) else { return false }
                config[keyPath: path] = number
                return true
            })
    }

    static func number(
        _ name: String, _ path: any Path<Double>, _ range: ClosedRange<Double>, _ explanation: String, _ aliases: [String] = []
    ) -> Setting {
        Setting(
            name: name, aliases: aliases, explanation: explanation, expected: span(range), isIdentity: true,
            read: { .number($0[keyPath: path]) },
            write: { config, value in
                guard let number = value.double, range.contains(number) else { return false }
                config[keyPath: path] = number
                return true
            })
    }

    static func choice<Value: RawRepresentable<String> & CaseIterable & Sendable>(
        _ name: String, _ path: any Path<Value>, _ explanation: String, _ aliases: [String] = [], also: [String: Value] = [:]
    ) -> Setting {
        Setting(
            name: name, aliases: aliases, explanation: explanation,
            expected: "one of " + Value.allCases.map(\.rawValue).joined(separator: ", "), isIdentity: true,
            choices: Value.allCases.map(\.rawValue),
            read: { .string($0[keyPath: path].rawValue) },
            write: { config, value in
                let typed = value.string ?? value.bool.map { $0 ? "true" : "false" } ?? ""
                guard let chosen = Value(rawValue: typed) ?? also[typed] else { return false }
                config[keyPath: path] = chosen
                return true
            })
    }

    static func flag(_ name: String, _ path: any Path<Bool>, _ explanation: String) -> Setting {
        Setting(
            name: name, aliases: [], explanation: explanation, expected: "true or false", isIdentity: true,
            read: { .bool($0[keyPath: path]) },
            write: { config, value in
                guard let flag = value.bool else { return false }
                config[keyPath: path] = flag
                return true
            })
    }

    static func text(_ name: String, _ path: any Path<String?>, _ explanation: String) -> Setting {
        Setting(
            name: name, aliases: [], explanation: explanation, expected: "a text", isIdentity: true,
            read: { $0[keyPath: path].map { .string($0) } ?? .null },
            write: { config, value in
                guard value == .null || value.string != nil else { return false }
                config[keyPath: path] = value.string
                return true
            })
    }

    static func text(_ name: String, _ path: any Path<String>, _ explanation: String) -> Setting {
        Setting(
            name: name, aliases: [], explanation: explanation, expected: "a text", isIdentity: true,
            read: { .string($0[keyPath: path]) },
            write: { config, value in
                guard let text = value.string else { return false }
                config[keyPath: path] = text
                return true
            })
    }

    /// Whole numbers may be written 1000, 1e3 or 1_000 in settings; the reader has turned them into numbers.
    private static func wholeNumber(_ value: JSON) -> Int? {
        value.int ?? value.double.flatMap { Int(exactly: $0) }
    }

    private static func span(_ range: ClosedRange<Int>) -> String { "a whole number from \(range.lowerBound) to \(range.upperBound)" }
    private static func span(_ range: ClosedRange<Double>) -> String { "a number from \(range.lowerBound) to \(range.upperBound)" }
}
