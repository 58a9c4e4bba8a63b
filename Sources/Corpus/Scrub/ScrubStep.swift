internal import QuintetFiles

/// A change to a text: the bytes of a span (positions in the text before the step) give way to others.
struct Edit: Equatable {
    var start: Int
    var end: Int
    var with: [UInt8]
    /// Which rule asked for it.
    var rule: String
}

/// What a step says of a document.
enum Judgement {
    case keep
    /// The document goes: by which rule, what was measured, and where the line is. `detail` names what was found, such as the document kept instead.
    case drop(rule: String, value: Double, threshold: Double, detail: String? = nil)
    /// These spans (ascending, apart) change.
    case change([Edit])
    /// The document stays and is marked: flag and measure.
    case flag([(rule: String, value: Double)])
}

/// One step of scrubbing: a file of its own and a line in `ScrubSteps`.
protocol ScrubStep: Sendable {
    /// The name in the configuration, the report and the audit.
    static var name: String { get }
    /// Whether it is taken where no configuration names the steps.
    static var isDefault: Bool { get }
    /// What can be set, with its default; null switches a threshold off.
    static var settings: [(key: String, value: JSON)] { get }
    init(_ values: StepValues) throws
    var kinds: DocumentKinds { get }
    func judge(_ page: Page) -> Judgement
}

extension ScrubStep {
    static var isDefault: Bool { true }
}

/// What was found about a document by comparing it with others: its place in its unit, and what its step makes of it.
typealias CorpusVerdict = (index: UInt32, payload: [UInt8])

/// A step that has to see the whole collection before it can judge a document.
///
/// While a pass writes its documents, `collect` takes a few numbers from each. When every unit is there, the numbers are
/// compared in independent parts, `combine` turns the parts' findings into a verdict for each document that is touched, and the
/// next pass applies them. None of it holds in memory more than a part, a unit, or a few bytes a document.
protocol CorpusStep: ScrubStep {
    /// Appends what is to be known of the page, the `index`th of its unit.
    func collect(_ page: Page, _ index: UInt32, into records: inout [UInt8])
    /// The records of a unit as they are written.
    func arranged(_ records: [UInt8], documents: Int) -> [UInt8]
    /// Stands for a document that the step does not look at.
    func skip(_ index: UInt32, into records: inout [UInt8])
    /// Whether a verdict of 12 bytes names another document whose id is to be added to it.
    var namesKeepers: Bool { get }
    /// Into how many parts the comparison falls, given the records' bytes and the documents of all units; a part may take as much memory
    /// as a unit, twice or so.
    func parts(bytes: Int, documents: Int, unitBytes: Int) -> Int
    /// Compares one part; the result is handed to `combine`.
    func compare(part: Int, of parts: Int, _ census: Census) throws -> [UInt8]
    /// Gives the verdicts, unit by unit, those of a unit in the order of its documents; `parts` are the files of what was found.
    func combine(_ parts: [String], _ census: Census, _ give: (_ unit: Int, _ verdicts: [CorpusVerdict]) throws -> Void) throws
    /// What a verdict's payload means for the page.
    func apply(_ payload: [UInt8], to page: Page) -> Judgement
}

extension CorpusStep {
    func judge(_ page: Page) -> Judgement { .keep }
    func skip(_ index: UInt32, into records: inout [UInt8]) {}
    var namesKeepers: Bool { true }
    func arranged(_ records: [UInt8], documents: Int) -> [UInt8] { records }
    func parts(bytes: Int, documents: Int, unitBytes: Int) -> Int { max(1, min(4096, (bytes + unitBytes - 1) / unitBytes)) }
}

/// What a step was set to: defaults, with the configuration's values in their place.
struct StepValues: Sendable {
    let step: String
    let values: [String: JSON]

    private func wrong(_ key: String, _ expected: String) -> FileError {
        FileError(
            "bad setting", field: "\(step).\(key)", expected: expected, found: values[key]?.serialized() ?? "nothing",
            hint: "see `quintet scrub --help`")
    }

    /// A number from 0 on, or nil where the setting is null.
    func number(_ key: String) throws -> Double? { try number(key, "a number from 0 or null") { $0 >= 0 } }

    /// A number from 0 to 1, or nil where the setting is null.
    func share(_ key: String) throws -> Double? { try number(key, "a number from 0 to 1 or null") { (0...1).contains($0) } }

    private func number(_ key: String, _ expected: String, _ fits: (Double) -> Bool) throws -> Double? {
        guard let value = values[key], !value.isNull else { return nil }
        guard let number = value.double, number.isFinite, fits(number) else { throw wrong(key, expected) }
        return number
    }

    /// Throws where both are numbers and the first is larger than the second.
    func ordered(_ low: String, _ high: String) throws {
        guard let least = values[low]?.double, let most = values[high]?.double, least > most else { return }
        throw wrong(low, "at most \(high), \(values[high]?.serialized() ?? "")")
    }

    func count(_ key: String, from least: Int = 0, to most: Int = 1 << 40) throws -> Int {
        guard let value = values[key]?.int, (least...most).contains(value) else {
            throw wrong(key, most == 1 << 40 ? "a whole number from \(least)" : "a whole number from \(least) to \(most)")
        }
        return value
    }

    func flag(_ key: String) throws -> Bool {
        guard let value = values[key]?.bool else { throw wrong(key, "true or false") }
        return value
    }

    func text(_ key: String) throws -> String? {
        guard let value = values[key], !value.isNull else { return nil }
        guard let text = value.string else { throw wrong(key, "a text or null") }
        return text
    }

    /// One of the names of a type's cases.
    func choice<Case: RawRepresentable & CaseIterable>(_ key: String) throws -> Case where Case.RawValue == String {
        guard let found = values[key]?.string.flatMap(Case.init) else { throw wrong(key, Case.allCases.map(\.rawValue).joined(separator: " or ")) }
        return found
    }

    func texts(_ key: String) throws -> [String] {
        guard let list = values[key]?.array else { throw wrong(key, "a list of texts") }
        return try list.map { item in
            guard let text = item.string else { throw wrong(key, "a list of texts") }
            return text
        }
    }

    /// Pairs such as `{2: 0.2, 3: 0.18}`, ascending.
    func numbers(_ key: String) throws -> [(Int, Double)] {
        guard let members = values[key]?.object else { throw wrong(key, "a mapping from n to a number") }
        var pairs: [(Int, Double)] = []
        for (name, value) in members {
            guard let n = Int(name), n > 0, n <= 64, let number = value.double, (0...1).contains(number) else {
                throw wrong(key, "a mapping from n (1 to 64) to a number from 0 to 1")
            }
            pairs.append((n, number))
        }
        return pairs.sorted { $0.0 < $1.0 }
    }
}
