internal import QuintetFiles

/// Replaces personal data that is told by its form: mail addresses, telephone numbers, IP addresses, cards, accounts, national numbers.
///
/// Names are Presidio's. `replace` puts the name in angle brackets, `mask` stars, `hash` 16 digits of a hash of the value, `remove` nothing.
struct PersonalData: ScrubStep {
    static let name = "personal_data"
    static let settings: [(key: String, value: JSON)] = [
        ("action", "replace"), ("entities", .array(PersonalFinder.all.map { .string($0) })), ("salt", ""),
    ]
    let kinds = DocumentKinds.prose
    private let finder: PersonalFinder
    private let action: Redaction

    init(_ values: StepValues) throws {
        let names = try values.texts("entities")
        if let unknown = names.first(where: { !PersonalFinder.all.contains($0) }) {
            throw FileError(
                "unknown entity", field: "personal_data.entities", expected: PersonalFinder.all.joined(separator: " "), found: unknown)
        }
        finder = PersonalFinder(entities: Set(names))
        action = try Redaction(values)
    }

    func judge(_ page: Page) -> Judgement {
        let edits = page.text.withUnsafeBufferPointer { text in
            finder.find(text).map { action.edit($0.entity, $0.span, text) }
        }
        return edits.isEmpty ? .keep : .change(edits)
    }
}

/// What takes the place of something private.
enum Redaction: Sendable {
    case replace, mask, remove
    case hash(salt: String)

    init(_ values: StepValues) throws {
        switch try values.text("action") ?? "replace" {
        case "replace": self = .replace
        case "mask": self = .mask
        case "remove": self = .remove
        case "hash": self = .hash(salt: try values.text("salt") ?? "")
        case let other:
            throw FileError("bad setting", field: "\(values.step).action", expected: "replace, mask, hash or remove", found: other)
        }
    }

    func edit(_ entity: String, _ span: Range<Int>, _ text: UnsafeBufferPointer<UInt8>) -> Edit {
        let with: [UInt8]
        switch self {
        case .replace: with = Array("<\(entity)>".utf8)
        case .mask: with = [UInt8](repeating: UInt8(ascii: "*"), count: text[span].reduce(0) { $0 + ($1 & 0xC0 != 0x80 ? 1 : 0) })
        case .remove: with = []
        case .hash(let salt): with = Array(sha256(salt + String(decoding: text[span], as: UTF8.self)).prefix(16).utf8)
        }
        return Edit(start: span.lowerBound, end: span.upperBound, with: with, rule: entity)
    }
}
