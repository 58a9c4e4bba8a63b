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

    private static let byName: [UInt128: HTMLTag] = {
        var table: [UInt128: HTMLTag] = [:]
        for tag in allCases where tag != .other { table[key(Array(tag.name.utf8)[...])] = tag }
        return table
    }()

    /// Up to 16 bytes as one number, capital letters made small; longer names are none of ours.
    private static func key(_ name: ArraySlice<UInt8>) -> UInt128 {
        if name.count > 16 { return 0 }
        return name.reduce(0) { $0 << 8 | UInt128($1 &- 65 < 26 ? $1 | 32 : $1) }
    }

    init(_ name: ArraySlice<UInt8>) { self = Self.byName[Self.key(name)] ?? .other }

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

    init?(_ name: ArraySlice<UInt8>) {
        switch String(decoding: name.prefix(12), as: UTF8.self).lowercased() {
        case "id": self = .id
        case "class": self = .class
        case "itemprop": self = .itemprop
        case "role": self = .role
        case "style": self = .style
        case "hidden": self = .hidden
        case "aria-hidden": self = .ariaHidden
        case "lang", "xml:lang": self = .lang
        case "href": self = .href
        case "content": self = .content
        case "name": self = .name
        case "property": self = .property
        case "http-equiv": self = .httpEquiv
        case "charset": self = .charset
        case "rel": self = .rel
        case "datetime": self = .datetime
        case "type": self = .type
        default: return nil
        }
    }
}
