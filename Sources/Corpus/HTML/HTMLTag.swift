/// The elements that the reading of HTML tells apart; every other one is a container without a meaning.
enum HTMLTag: UInt8, CaseIterable {
    case other
    // What a page consists of.
    case html, head, body, title, base, link, meta, style, script, noscript, template
    // Sections and blocks.
    case article, section, main, div, nav, aside, header, footer, address, p, pre, blockquote, figure, figcaption, hr, center, details, summary, dialog
    case h1, h2, h3, h4, h5, h6, hgroup, fieldset, legend, form, ul, ol, menu, li, dl, dt, dd
    // Tables.
    case table, caption, colgroup, col, thead, tbody, tfoot, tr, td, th
    // Within lines.
    case a, abbr, b, big, cite, code, del, dfn, em, font, i, ins, kbd, mark, q, s, samp, small, span, strike, strong, sub, sup, time, tt, u, `var`, label, br, wbr
    // What is embedded or asked for.
    case img, svg, math, iframe, object, embed, param, video, audio, source, track, canvas, map, area, picture, button, input, select, option, optgroup, textarea, noembed, noframes, xmp

    /// The name as it stands in pages.
    private var name: String { self == .var ? "var" : "\(self)" }

    private static let byName = NameTable(allCases.filter { $0 != .other }.map { ($0.name, $0) })

    init(_ name: ArraySlice<UInt8>) { self = Self.byName[name] ?? .other }

    /// Without content and end tag.
    var isVoid: Bool {
        switch self {
        case .area, .base, .br, .col, .embed, .hr, .img, .input, .link, .meta, .param, .source, .track, .wbr: true
        default: false
        }
    }

    /// Its content is text up to its end tag.
    var isRawText: Bool {
        switch self {
        case .script, .style, .xmp, .iframe, .noembed, .noframes, .textarea, .title: true
        default: false
        }
    }

    /// Stands within a line of text.
    var isInline: Bool { rawValue >= HTMLTag.a.rawValue && rawValue <= HTMLTag.wbr.rawValue || self == .img || self == .picture || self == .map }

    /// Ends an open paragraph.
    var closesParagraph: Bool {
        rawValue >= HTMLTag.article.rawValue && rawValue <= HTMLTag.dd.rawValue && self != .legend && self != .summary || self == .table
    }

    var isHeading: Bool { rawValue >= HTMLTag.h1.rawValue && rawValue <= HTMLTag.h6.rawValue }

    /// May stand in the head.
    var belongsToHead: Bool {
        switch self {
        case .title, .base, .link, .meta, .style, .script, .noscript, .template: true
        default: false
        }
    }

    /// Its text is never the page's.
    var isNeverText: Bool {
        switch self {
        case .head, .title, .style, .script, .noscript, .template, .svg, .math, .iframe, .object, .embed, .video, .audio, .canvas, .map, .button, .input,
            .select, .option, .optgroup, .textarea, .noembed, .noframes, .nav, .dialog, .menu:
            true
        default: false
        }
    }
}

/// The attributes that are kept.
enum HTMLAttribute: UInt8 {
    case id, `class`, itemprop, role, style, hidden, ariaHidden, lang, href, content, name, property, httpEquiv, charset, rel, datetime, type

    private static let byName = NameTable<HTMLAttribute>([
        ("id", .id), ("class", .class), ("itemprop", .itemprop), ("role", .role), ("style", .style), ("hidden", .hidden), ("aria-hidden", .ariaHidden),
        ("lang", .lang), ("xml:lang", .lang), ("href", .href), ("content", .content), ("name", .name), ("property", .property),
        ("http-equiv", .httpEquiv), ("charset", .charset), ("rel", .rel), ("datetime", .datetime), ("type", .type),
    ])

    init?(_ name: ArraySlice<UInt8>) {
        guard let known = Self.byName[name] else { return nil }
        self = known
    }
}

/// Names of at most 16 bytes, looked up without regard to case; each is one number.
struct NameTable<Value: Sendable>: Sendable {
    private let keys: [UInt128]
    private let values: [Value]

    init(_ names: [(String, Value)]) {
        let rows = names.map { (Self.key(Array($0.0.utf8)[...]), $0.1) }.sorted { $0.0 < $1.0 }
        (keys, values) = (rows.map { $0.0 }, rows.map { $0.1 })
    }

    private static func key(_ name: ArraySlice<UInt8>) -> UInt128 {
        if name.count > 16 { return 0 }
        return name.reduce(0) { $0 << 8 | UInt128($1 &- 65 < 26 ? $1 | 32 : $1) }
    }

    subscript(name: ArraySlice<UInt8>) -> Value? {
        let key = Self.key(name)
        var (low, high) = (0, keys.count)
        while low < high {
            let middle = (low + high) / 2
            if keys[middle] < key { low = middle + 1 } else { high = middle }
        }
        return low < keys.count && keys[low] == key ? values[low] : nil
    }
}
