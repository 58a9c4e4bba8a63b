/// A string of a template: characters as Python counts them, each of which knows whether it came from the conversation.
///
/// The mark travels through every operation, so that in the end what a user wrote is told apart from what the template
/// wrote, and never becomes a control token.
struct TemplateText: Sendable {
    /// Code points in the low 21 bits; the origin, and whether the assistant says it, above.
    var units: [UInt32]
    /// The result of `safe` or `escape`: what is added to it is escaped for HTML, as Python's Markup does.
    var isMarkup = false

    static let valueMask: UInt32 = 1 << 21 - 1
    static let flags: UInt32 = ~valueMask
    /// What stands within `{% generation %}`.
    static let generated: UInt32 = 1 << 29

    init(units: [UInt32] = []) { self.units = units }

    init(_ text: String, origin: TextOrigin = .template) {
        units = text.unicodeScalars.map { $0.value | origin.bits }
    }

    var count: Int { units.count }
    var isEmpty: Bool { units.isEmpty }

    /// As a Swift string, the origins forgotten.
    var string: String {
        var out = String.UnicodeScalarView()
        for unit in units { if let scalar = Unicode.Scalar(unit & Self.valueMask) { out.append(scalar) } }
        return String(out)
    }

    static func + (a: TemplateText, b: TemplateText) -> TemplateText { TemplateText(units: a.units + b.units) }
    static func += (a: inout TemplateText, b: TemplateText) { a.units += b.units }

    /// Where `needle` lies at or after `start`.
    func firstIndex(of needle: TemplateText, from start: Int = 0) -> Int? {
        guard start >= 0, needle.count <= count, start <= count - needle.count else { return nil }
        if needle.isEmpty { return start }
        let first = needle.units[0] & Self.valueMask
        for at in start...(count - needle.count) where units[at] & Self.valueMask == first && matches(needle, at: at) { return at }
        return nil
    }

    func lastIndex(of needle: TemplateText) -> Int? {
        guard needle.count <= count else { return nil }
        return (0...(count - needle.count)).reversed().first { matches(needle, at: $0) }
    }

    func matches(_ other: TemplateText, at start: Int) -> Bool {
        guard start >= 0, other.count <= count, start <= count - other.count else { return false }
        for i in 0..<other.count where (units[start + i] ^ other.units[i]) & Self.valueMask != 0 { return false }
        return true
    }

    /// The part from `start` up to `end`.
    func slice(_ start: Int, _ end: Int) -> TemplateText { start < end ? TemplateText(units: Array(units[start..<end])) : TemplateText() }

    /// Each character through a mapping of Unicode that may give several; origins stay.
    func mapped(_ transform: (Unicode.Scalar) -> String) -> TemplateText {
        var out: [UInt32] = []
        out.reserveCapacity(units.count)
        for unit in units {
            guard let scalar = Unicode.Scalar(unit & Self.valueMask) else { continue }
            for result in transform(scalar).unicodeScalars { out.append(result.value | unit & Self.flags) }
        }
        return TemplateText(units: out)
    }

    /// In lower case; a sigma at the end of a word has a form of its own.
    var lowercased: TemplateText {
        var out = mapped { $0.properties.lowercaseMapping }
        guard out.count == count else { return out }
        for index in units.indices where units[index] & Self.valueMask == 0x3A3 && isFinal(index) { out.units[index] = 0x3C2 | units[index] & Self.flags }
        return out
    }

    private func isFinal(_ index: Int) -> Bool {
        func nextCased(_ indices: some Sequence<Int>) -> Bool {
            for place in indices {
                guard let properties = Unicode.Scalar(units[place] & Self.valueMask)?.properties else { return false }
                if properties.isCased { return true }
                if !properties.isCaseIgnorable { return false }
            }
            return false
        }
        return nextCased((0..<index).reversed()) && !nextCased(index + 1..<count)
    }

    static func isSpace(_ unit: UInt32) -> Bool {
        switch unit & valueMask {
        case 0x09...0x0D, 0x1C...0x20, 0x85, 0xA0, 0x1680, 0x2000...0x200A, 0x2028, 0x2029, 0x202F, 0x205F, 0x3000: true
        default: false
        }
    }
}

/// Who wrote a character.
enum TextOrigin: UInt32, Sendable {
    case template = 0
    /// An assistant message: a model's words, where its own markers such as `<think>` may come back.
    case assistant = 1
    /// Anything else from outside: users, tools, documents.
    case content = 2

    var bits: UInt32 { rawValue << 30 }
    init(of unit: UInt32) { self = TextOrigin(rawValue: unit >> 30) ?? .content }
}

extension TemplateText: Hashable {
    static func == (a: TemplateText, b: TemplateText) -> Bool { a.count == b.count && a.matches(b, at: 0) }

    func hash(into hasher: inout Hasher) { for unit in units { hasher.combine(unit & Self.valueMask) } }

    /// By code points, as Python orders strings.
    static func < (a: TemplateText, b: TemplateText) -> Bool {
        for (x, y) in zip(a.units, b.units) where (x ^ y) & valueMask != 0 { return x & valueMask < y & valueMask }
        return a.count < b.count
    }
}
