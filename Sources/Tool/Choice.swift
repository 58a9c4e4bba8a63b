import ArgumentParser
import QuintetFiles
import QuintetGeneration
import QuintetTensors

/// The case of this name, for an option that has one of several.
///
/// - Throws: `ValidationError` with the names there are, and the nearest.
func choice<Value: RawRepresentable<String> & CaseIterable>(_ option: String? = nil, _ text: String, of values: [Value] = Array(Value.allCases)) throws -> Value {
    if let value = values.first(where: { $0.rawValue == text }) { return value }
    let names = values.map(\.rawValue)
    throw ValidationError(
        (option.map { "--\($0): " } ?? "") + "expected \(names.joined(separator: ", ")), found \(text).\(nearestQuestion(text, names))")
}

/// What a cache holds, by its name.
func cacheType(_ name: String) throws -> CacheType { try choice(nil, name) }

/// How products take their numbers, by its name.
func arithmetic(_ name: String) throws -> FrozenArithmetic { try choice(nil, name) }
