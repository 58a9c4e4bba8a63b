/// What class and id names, roles and styles say about an element's part in a page.
struct HTMLHints {
    enum Part {
        case unknown
        /// Never shown: hidden, scripts.
        case hidden
        /// Around the text: menus, related links, comments, advertisements.
        case around
        /// Around it where little text is in it: bylines, captions, dates.
        case minor
        /// Says that it is the text.
        case main
    }

    /// Judgements of names, which repeat from element to element.
    private var known: [HTMLAttribute: [ByteKey: Part]] = [:]

    mutating func part(_ tree: HTMLTree, _ node: Int) -> Part {
        let tag = tree.nodes[node].tag
        if tag.isNeverText { return .hidden }
        if tag == .html || tag == .body { return .unknown }
        if Self.isHidden(tree, node) { return .hidden }
        if let role = tree.string(.role, of: node)?.lowercased(), Self.aroundRoles.contains(role) { return .around }
        if let property = tree.string(.itemprop, of: node)?.lowercased(), property.split(separator: " ").contains("articlebody") { return .main }
        if tag == .footer || tag == .aside || tag == .figcaption { return .around }
        // Names within a line tell of looks; in code, "comment" is one of the language.
        if tag.isInline { return .unknown }
        var part = Part.unknown
        for attribute in [HTMLAttribute.class, .id] {
            guard let value = tree.attribute(attribute, of: node) else { continue }
            switch judged(value, attribute) {
            case .around where tag != .main && tag != .article: part = part == .main ? part : .around
            case .main: part = .main
            case .minor where part == .unknown: part = .minor
            default: break
            }
        }
        return part
    }

    private mutating func judged(_ value: ArraySlice<UInt8>, _ attribute: HTMLAttribute) -> Part {
        let key = ByteKey(value)
        if let part = known[attribute]?[key] { return part }
        // An id of many words is made of a heading: "sharing-with-a-single-developer".
        let part = attribute == .id && value.count(where: { $0 == 0x2D || $0 == 0x5F }) >= 4 ? .unknown : Self.names(value)
        known[attribute, default: [:]][key] = part
        return part
    }

    private static let aroundRoles: Set<String> = [
        "navigation", "banner", "complementary", "contentinfo", "search", "dialog", "alertdialog", "menu", "menubar", "toolbar", "tablist", "alert", "tooltip",
    ]

    private static func isHidden(_ tree: HTMLTree, _ node: Int) -> Bool {
        if tree.attribute(.hidden, of: node) != nil { return true }
        if let value = tree.string(.ariaHidden, of: node), value.lowercased() == "true" { return true }
        guard let value = tree.attribute(.style, of: node) else { return false }
        let style = value.compactMap { $0 <= 32 ? nil : $0 &- 65 < 26 ? $0 | 32 : $0 }
        return hidingStyles.contains { holds(style, $0) }
    }

    private static func holds(_ style: [UInt8], _ words: [UInt8]) -> Bool {
        var at = 0
        while at + words.count <= style.count {
            if style[at] == words[0], style[at..<(at + words.count)].elementsEqual(words) { return true }
            at += 1
        }
        return false
    }

    private static let hidingStyles = ["display:none", "visibility:hidden"].map { Array($0.utf8) }

    /// Judges a list of names by the words in them ("entry-content", "relatedLinks").
    private static func names(_ value: ArraySlice<UInt8>) -> Part {
        var part = Part.unknown
        var joined: [UInt8] = []
        for name in value.split(whereSeparator: { $0 <= 32 }).prefix(16) {
            switch judged(name, &joined) {
            case .main: return .main
            case .around: part = .around
            case .minor where part == .unknown: part = .minor
            default: break
            }
        }
        return part
    }

    /// What a word tells wherever it stands.
    private struct Meaning: OptionSet {
        let rawValue: UInt8
        static let qualifier = Meaning(rawValue: 1)
        static let whole = Meaning(rawValue: 2)
        static let content = Meaning(rawValue: 4)
        static let around = Meaning(rawValue: 8)
        static let minor = Meaning(rawValue: 16)
    }

    /// One name: words in small letters, cut at everything but letters and where a capital follows a small letter, are put into `joined` with
    /// dashes between them.
    private static func judged(_ name: ArraySlice<UInt8>, _ joined: inout [UInt8]) -> Part {
        joined.removeAll(keepingCapacity: true)
        var first: Meaning?
        var (all, last): (Meaning, Meaning) = ([], [])
        var (start, wasSmall, isMain) = (0, false, false)
        func endWord(_ joined: inout [UInt8]) {
            guard joined.count > start else { return }
            let meaning = meanings[joined[start...]] ?? []
            first = first ?? meaning
            // A word for the whole before one for its content ("c-article__body").
            if last.contains(.whole), meaning.contains(.content) { isMain = true }
            (all, last) = (all.union(meaning), meaning)
            joined.append(0x2D)
            start = joined.count
        }
        for byte in name.prefix(64) {
            let isLetter = (byte | 32) &- 97 < 26
            let isCapital = byte &- 65 < 26
            if !isLetter || isCapital && wasSmall { endWord(&joined) }
            if isLetter { joined.append(byte | 32) }
            wasSmall = isLetter && !isCapital
        }
        endWord(&joined)
        guard let first, !first.contains(.qualifier) else { return .unknown }
        joined.removeLast()
        let whole = wholeNames[ByteKey(joined[...])]
        if isMain || whole == .main { return .main }
        return whole == .around || all.contains(.around) ? .around : all.contains(.minor) ? .minor : .unknown
    }

    private static let meanings: NameTable<Meaning> = {
        var all: [String: Meaning] = [:]
        for (words, meaning) in [(qualifiers, Meaning.qualifier), (wholes, .whole), (contents, .content), (aroundWords, .around), (minorWords, .minor)] {
            for word in words { all[word, default: []].formUnion(meaning) }
        }
        return NameTable(all.map { ($0.key, $0.value) })
    }()

    private static let wholeNames: [ByteKey: Part] = {
        let all = aroundNames.map { (ByteKey($0), Part.around) } + mainNames.map { (ByteKey($0), Part.main) }
        return Dictionary(all, uniquingKeysWith: { $1 })
    }()

    private static let wholes: Set<String> = ["article", "story", "post", "entry", "news", "blog"]
    private static let contents: Set<String> = ["body", "content", "text", "copy", "bodytext"]

    /// Names that begin so speak of something else ("has-sidebar").
    private static let qualifiers: Set<String> = ["has", "no", "with", "without", "is", "not", "hide", "js"]

    private static let mainNames: Set<String> = [
        "articlebody", "articlecontent", "articletext", "storybody", "storytext", "storycontent", "entrycontent", "postcontent", "postbody", "newsbody", "body-copy", "bodycopy", "body-text", "bodytext", "content-body",
        "mw-content-text", "field-name-body", "field-body", "node-body", "text-body", "the-content", "thecontent", "single-content", "rich-text", "richtext",
    ]

    private static let aroundNames: Set<String> = [
        "most-read", "most-popular", "most-viewed", "more-stories", "more-from", "read-more", "read-next", "readmore", "see-also", "also-read", "you-may-like",
        "up-next", "sign-up", "log-in", "tag-list", "post-tags", "entry-tags", "article-tags", "tags", "tag-links", "sr-only", "screen-reader-text", "visually-hidden", "author-bio",
        "about-author", "author-box", "author-info", "jump-to", "skip-link", "site-header", "page-header-nav", "mini-nav", "inline-ad", "ad", "ads", "follow-us", "post-navigation",
        "print-only", "print", "printonly", "next-article", "prev-article", "next-post", "prev-post", "edit-section", "editsection", "mw-editsection", "navbox", "hatnote", "catlinks",
    ]

    private static let aroundWords: Set<String> = [
        "nav", "navbar", "navigation", "menu", "submenu", "breadcrumb", "breadcrumbs", "sidebar", "footer", "masthead", "pager", "pagination", "paging", "toolbar",
        "comment", "comments", "commenting", "disqus", "respond", "share", "sharing", "shares", "sharebar", "sharedaddy", "social", "socials", "addthis", "addtoany", "related", "relatedposts",
        "relatedarticles", "recommend", "recommended", "recommendation", "recommendations", "recirc", "recirculation", "promo", "promos", "promotion", "promoted", "advert", "advertisement",
        "advertising", "adsense", "adslot", "adbox", "sponsor", "sponsored", "outbrain", "taboola", "newsletter", "newsletters", "subscribe", "subscription", "signup", "signin",
        "login", "cookie", "cookies", "consent", "gdpr", "popup", "modal", "lightbox", "widget", "widgets", "trending", "teaser", "teasers", "upsell", "skiplink", "dropdown", "tooltip",
        "mostread", "mostpopular", "copyright", "feedback", "poll", "survey", "donate", "donation", "slideshow", "carousel", "livefyre", "caption", "captions", "figcaption", "wp-caption-text", "viafoura", "jetpack", "crosslinks",
    ]

    private static let minorWords: Set<String> = [
        "byline", "author", "authors", "meta", "date", "dateline", "timestamp", "published", "updated", "credit", "credits", "gallery", "tag", "tagged",
        "topics", "banner", "header", "kicker", "eyebrow", "label", "button", "btn", "icon", "rating", "ratings", "tools", "actions", "disclaimer", "attribution", "photo", "image", "img", "video", "player", "media",
        "correction", "info", "print", "email", "follow", "link", "links", "more", "overlay", "category", "categories", "section", "contact", "search", "toc", "references",
    ]
}
