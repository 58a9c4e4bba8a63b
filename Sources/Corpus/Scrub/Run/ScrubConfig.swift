public import QuintetFiles

/// How a collection is scrubbed: which steps, in which order, with which thresholds.
///
/// As YAML, every key optional:
///
/// ```yaml
/// steps: [language, gopher_repetition, gopher_quality, near_duplicates]
/// language: {languages: [en, fr], min_score: 0.5}
/// gopher_quality:
///   min_doc_words: 20
///   max_doc_words: null     # no limit
/// ```
public struct ScrubConfig: Sendable {
    /// Names of the steps in the order they are taken.
    public private(set) var steps: [String]
    private var values: [String: [String: JSON]] = [:]
    /// Bytes of input that make a unit of work, and a file of documents.
    public private(set) var unitBytes = 16 << 20
    /// Largest document in bytes; larger ones go to quarantine.
    public private(set) var documentLimit = 64 << 20
    /// From how many bytes on a text without a web address counts as a book, which rules for web pages pass over; nil for never.
    public private(set) var bookBytes: Int? = 100_000
    /// Keep what was removed in the audit, so that it can be restored.
    public private(set) var keepsRemoved = true

    /// The default steps with their published thresholds, in FineWeb's order.
    public init() { steps = ScrubSteps.chosen }

    public init(yamlFile path: String) throws {
        try self.init(yaml: try YAML.read(path), source: path)
    }

    public init(yaml text: String) throws { try self.init(yaml: try YAML.parse(text, source: "configuration"), source: "configuration") }

    private init(yaml: JSON, source: String) throws {
        self.init()
        if yaml.isNull { return }
        guard let members = yaml.object else { throw FileError("bad configuration", path: source, expected: "lines of the form name: value") }
        for (key, value) in members {
            do { try set(key, value) } catch var error as FileError {
                error.path = source
                throw error
            }
        }
    }

    private mutating func set(_ key: String, _ value: JSON) throws {
        switch key {
        case "steps":
            guard let names = value.array?.map({ $0.string ?? "" }) else { throw FileError("bad setting", field: key, expected: "a list of steps") }
            if let unknown = names.first(where: { ScrubSteps.named($0) == nil }) { throw Self.unknown(unknown, "steps", ScrubSteps.all.map { $0.name }) }
            if Set(names).count < names.count { throw FileError("bad setting", field: key, expected: "each step once", found: names.joined(separator: " ")) }
            steps = names
        case "unit_bytes": unitBytes = try Self.size(key, value, 1 << 10)
        case "document_limit": documentLimit = try Self.size(key, value, 1 << 10)
        case "book_bytes": bookBytes = value.isNull ? nil : try Self.size(key, value, 0)
        case "keep_removed":
            guard let flag = value.bool else { throw FileError("bad setting", field: key, expected: "true or false") }
            keepsRemoved = flag
        default: try setStep(key, value)
        }
    }

    private static func size(_ key: String, _ value: JSON, _ least: Int) throws -> Int {
        guard let size = value.int, size >= least, size <= 1 << 32 else { throw FileError("bad setting", field: key, expected: "bytes, \(least) to 2^32") }
        return size
    }

    private mutating func setStep(_ name: String, _ value: JSON) throws {
        guard let step = ScrubSteps.named(name) else {
            throw Self.unknown(name, "configuration", ScrubSteps.all.map { $0.name } + ["steps", "unit_bytes", "document_limit", "book_bytes", "keep_removed"])
        }
        guard let members = value.object else { throw FileError("bad setting", field: name, expected: "a mapping of settings") }
        let known = step.settings.map { $0.key }
        for (key, item) in members {
            guard known.contains(key) else { throw Self.unknown(key, name, known) }
            values[name, default: [:]][key] = item
        }
    }

    private static func unknown(_ name: String, _ place: String, _ known: [String]) -> FileError {
        FileError("unknown name", field: place, expected: known.joined(separator: " "), found: name)
    }

    func make() throws -> [any ScrubStep] {
        try steps.compactMap { name in
            guard let type = ScrubSteps.named(name) else { return nil }
            var all: [String: JSON] = [:]
            for setting in type.settings { all[setting.key] = values[name]?[setting.key] ?? setting.value }
            return try type.init(StepValues(step: name, values: all))
        }
    }

    /// Every setting with its value: what `plan.json` and `--print-config` hold.
    public var json: JSON {
        var out: JSONObject = [
            "steps": .array(steps.map { .string($0) }), "unit_bytes": JSON(unitBytes), "document_limit": JSON(documentLimit),
            "book_bytes": bookBytes.map { JSON($0) } ?? .null,
            "keep_removed": JSON(keepsRemoved),
        ]
        for type in ScrubSteps.all where !type.settings.isEmpty {
            var members = JSONObject()
            for setting in type.settings { members[setting.key] = values[type.name]?[setting.key] ?? setting.value }
            out[type.name] = .object(members)
        }
        return .object(out)
    }
}
