internal import QuintetFiles

/// Flags text that a reader does not see: zero-width and direction-changing characters, tag characters, HTML comments.
///
/// With `remove` the characters and comments are cut as well.
struct HiddenText: ScrubStep {
    static let name = "hidden_text"
    static let settings: [(key: String, value: JSON)] = [("remove", false)]
    let kinds = DocumentKinds.prose
    private let removes: Bool

    init(_ values: StepValues) throws { removes = try values.flag("remove") }

    func judge(_ page: Page) -> Judgement {
        let found = page.text.withUnsafeBufferPointer { Self.find($0) }
        if found.isEmpty { return .keep }
        if removes { return .change(found.map { Edit(start: $0.span.lowerBound, end: $0.span.upperBound, with: [], rule: $0.entity) }) }
        var counts: [String: Double] = [:]
        for finding in found { counts[finding.entity, default: 0] += 1 }
        return .flag(counts.sorted { $0.key < $1.key }.map { ($0.key, $0.value) })
    }

    /// Where such text is, and of which kind.
    static func find(_ text: UnsafeBufferPointer<UInt8>) -> [PersonalFinding] {
        guard let p = text.baseAddress else { return [] }
        var found: [PersonalFinding] = []
        var i = 0
        /// Whether the end of a comment may follow: looked for once in vain, it is not looked for again.
        var mayEnd = true
        while i < text.count {
            let byte = p[i]
            if byte == 60, mayEnd, Lines.starts(text, i..<text.count, "<!--") {
                if let end = commentEnd(text, i + 4) {
                    found.append(PersonalFinding(entity: "hidden_comment", span: i..<end))
                    i = end
                    continue
                }
                mayEnd = false
            }
            guard byte == 0xE2 || byte == 0xEF || byte == 0xF3 || byte == 0xC2 else {
                i += 1
                continue
            }
            let (value, width) = scalar(p, i)
            if let name = name(value), !(value == 0x200D && joins(p, i, text.count)) {
                found.append(PersonalFinding(entity: name, span: i..<(i + width)))
            }
            i += width
        }
        return found
    }

    private static func commentEnd(_ text: UnsafeBufferPointer<UInt8>, _ start: Int) -> Int? {
        var i = start
        while i + 3 <= text.count {
            if text[i] == 45, text[i + 1] == 45, text[i + 2] == 62 { return i + 3 }
            i += 1
        }
        return nil
    }

    private static func name(_ value: UInt32) -> String? {
        switch value {
        case 0x200B, 0x2060, 0xFEFF, 0x180E, 0x200D: "zero_width"
        case 0x202A...0x202E, 0x2066...0x2069: "direction_override"
        case 0xE0001...0xE007F: "tag_characters"
        default: nil
        }
    }

    /// A zero-width joiner has work to do in emoji and in Arabic and Indic scripts.
    private static func joins(_ p: UnsafePointer<UInt8>, _ i: Int, _ n: Int) -> Bool {
        guard i > 0, i + 3 < n else { return false }
        let left = scalar(p, before(p, i)).value
        return left >= 0x1F000 || left == 0xFE0F || (0x600...0x1FFF).contains(left) || (0x2600...0x27BF).contains(left)
    }
}
