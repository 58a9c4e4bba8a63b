internal import QuintetFiles

/// What a page says about itself.
struct HTMLHead {
    var title: String?
    var language: String?
    var date: String?
    var author: String?
    var licence: String?
    var robots: String?
    var url: String?

    init(_ tree: HTMLTree) {
        var meta: [String: String] = [:]
        for (index, node) in tree.nodes.enumerated() where !node.isText {
            switch node.tag {
            case .html: language = language ?? tree.string(.lang, of: index).flatMap(Self.language)
            case .title: title = title ?? Self.text(tree.content(of: index))
            case .meta: Self.take(tree, index, &meta)
            case .link, .a: takeLink(tree, index, node.tag)
            case .time: if date == nil, let text = tree.string(.datetime, of: index) { meta["time"] = meta["time"] ?? text }
            case .script: Self.takeData(tree, index, node, &meta)
            default: break
            }
            guard node.tag != .meta, let name = tree.string(.itemprop, of: index)?.lowercased(), name == "datepublished" || name == "author" else { continue }
            if meta["itemprop:" + name] == nil {
                meta["itemprop:" + name] = tree.string(.datetime, of: index) ?? tree.string(.content, of: index) ?? tree.content(of: index)
            }
        }
        func first(_ names: [String]) -> String? { names.lazy.compactMap { meta[$0].flatMap(Self.text) }.first }
        title = first(["og:title", "data:headline", "twitter:title"]) ?? title
        language = language ?? first(["content-language", "og:locale", "dc.language"]).flatMap(Self.language)
        date = [
            "article:published_time", "data:datepublished", "datepublished", "itemprop:datepublished", "og:published_time", "dc.date", "dc.date.issued",
            "dcterms.created", "date", "pubdate", "publishdate", "publish-date", "sailthru.date", "parsely-pub-date", "time",
        ].lazy.compactMap { meta[$0].flatMap(Self.date) }.first
        author = first(["author", "data:author", "article:author_name", "dc.creator", "parsely-author", "itemprop:author"]).flatMap { $0.hasPrefix("http") ? nil : $0 }
        licence = licence ?? first(["dc.rights", "dcterms.license", "copyright", "license"])
        robots = first(["robots", "tdm-reservation", "googlebot"])
        url = url ?? first(["og:url"])
    }

    private static func text(_ text: String) -> String? {
        let words = text.prefix(1000).split(whereSeparator: { $0.isWhitespace })
        return words.isEmpty ? nil : words.joined(separator: " ")
    }

    private static func take(_ tree: HTMLTree, _ node: Int, _ meta: inout [String: String]) {
        guard let content = tree.string(.content, of: node) else { return }
        for attribute in [HTMLAttribute.property, .name, .httpEquiv, .itemprop] {
            guard let name = tree.string(attribute, of: node)?.lowercased() else { continue }
            if meta[name] == nil { meta[name] = content }
        }
    }

    private mutating func takeLink(_ tree: HTMLTree, _ node: Int, _ tag: HTMLTag) {
        guard let rel = tree.attribute(.rel, of: node) else { return }
        let (isLicence, isCanonical) = (Self.lists(rel, "license"), tag == .link && Self.lists(rel, "canonical"))
        guard isLicence || isCanonical, let target = tree.string(.href, of: node), !target.isEmpty else { return }
        if isLicence { licence = licence ?? String(target.prefix(500)) }
        if isCanonical { url = url ?? String(target.prefix(2000)) }
    }

    /// Whether a list of names holds one that is given in small letters.
    private static func lists(_ names: ArraySlice<UInt8>, _ name: StaticString) -> Bool {
        names.count >= name.utf8CodeUnitCount
            && names.split(whereSeparator: { $0 <= 32 }).contains { $0.count == name.utf8CodeUnitCount && holds($0, name, at: $0.startIndex) }
    }

    private static func holds(_ text: ArraySlice<UInt8>, _ word: StaticString, at start: Int) -> Bool {
        (0..<word.utf8CodeUnitCount).allSatisfy { i in
            let byte = text[start + i]
            return (byte &- 65 < 26 ? byte | 32 : byte) == word.utf8Start[i]
        }
    }

    private static func holds(_ text: ArraySlice<UInt8>, _ word: StaticString) -> Bool {
        text.count >= word.utf8CodeUnitCount && (text.startIndex...(text.endIndex - word.utf8CodeUnitCount)).contains { holds(text, word, at: $0) }
    }

    /// Of structured data (JSON-LD) the date, the headline and the author.
    private static func takeData(_ tree: HTMLTree, _ index: Int, _ node: HTMLTree.Node, _ meta: inout [String: String]) {
        guard node.firstChild >= 0, let type = tree.attribute(.type, of: index), holds(type, "ld+json") else { return }
        let range = tree.nodes[Int(node.firstChild)].range
        guard range.count < 1 << 20, let data = try? JSON.parse(String(decoding: tree.text[Int(range.lowerBound)..<Int(range.upperBound)], as: UTF8.self)) else { return }
        var waiting = [data]
        while let next = waiting.popLast() {
            waiting += (next.array ?? next["@graph"]?.array ?? []).prefix(100)
            guard next["datePublished"] != nil || next["headline"] != nil else { continue }
            for key in ["datePublished", "headline", "description"] where meta["data:" + key.lowercased()] == nil { meta["data:" + key.lowercased()] = next[key]?.string }
            let author = next["author"]?[0] ?? next["author"]
            if meta["data:author"] == nil { meta["data:author"] = author?["name"]?.string ?? author?.string }
        }
    }

    /// "en" of "en-US"; nil for what is no language tag.
    private static func language(_ tag: String) -> String? {
        let first = tag.lowercased().prefix { $0 != "-" && $0 != "_" }
        return (2...3).contains(first.utf8.count) && first.utf8.allSatisfy { $0 &- 97 < 26 } ? String(first) : nil
    }

    /// A date in ISO 8601's order, as it stands there: "2019-11-19T10:00:00Z"; nil for other forms.
    private static func date(_ text: String) -> String? {
        let text = text.filter { !$0.isWhitespace || $0 == " " }.prefix(40)
        let bytes = Array(text.utf8)
        func digits(_ range: Range<Int>) -> Int? {
            guard bytes.count >= range.upperBound, bytes[range].allSatisfy({ $0 &- 48 < 10 }) else { return nil }
            return bytes[range].reduce(0) { $0 * 10 + Int($1 - 48) }
        }
        guard let year = digits(0..<4), (1000...2999).contains(year), bytes.count >= 10, bytes[4] == 0x2D || bytes[4] == 0x2F, let month = digits(5..<7), (1...12).contains(month),
            bytes[7] == bytes[4], let day = digits(8..<10), (1...31).contains(day)
        else { return nil }
        let rest = bytes.dropFirst(10).map { $0 == 32 ? 0x54 : $0 }
        let isTime = rest.count >= 6 && rest[0] == 0x54 && rest.allSatisfy { $0 &- 48 < 10 || [0x54, 0x3A, 0x2E, 0x5A, 0x2B, 0x2D].contains($0) }
        let head = String(decoding: bytes[0..<4], as: UTF8.self) + "-" + String(decoding: bytes[5..<7], as: UTF8.self) + "-" + String(decoding: bytes[8..<10], as: UTF8.self)
        return isTime ? head + String(decoding: rest, as: UTF8.self) : head
    }

    // MARK: Encoding

    /// The encoding that the first 4,096 bytes declare, in a meta element or an XML declaration.
    static func charset(_ source: [UInt8]) -> String? {
        let head = source.prefix(4096).map { $0 &- 65 < 26 ? $0 | 32 : $0 }
        var at = 0
        while let mark = head[at...].firstIndex(of: 0x3C) {
            at = mark + 1
            let rest = head[at...]
            let isMeta = rest.starts(with: Array("meta".utf8))
            guard isMeta || rest.starts(with: Array("?xml".utf8)) else { continue }
            let tag = rest.prefix { $0 != 0x3E }
            if let value = value(after: isMeta ? "charset" : "encoding", in: Array(tag)) { return value }
        }
        return nil
    }

    private static func value(after name: String, in tag: [UInt8]) -> String? {
        let name = Array(name.utf8)
        guard tag.count > name.count else { return nil }
        for start in 0...(tag.count - name.count) where tag[start..<start + name.count].elementsEqual(name) {
            let rest = tag[(start + name.count)...].drop { $0 <= 32 }
            guard rest.first == 0x3D else { continue }
            let value = rest.dropFirst().drop { $0 <= 32 || $0 == 0x22 || $0 == 0x27 }
                .prefix { $0 > 32 && $0 != 0x22 && $0 != 0x27 && $0 != 0x3B && $0 != 0x2F && $0 != 0x3E }
            if !value.isEmpty { return String(decoding: value, as: UTF8.self) }
        }
        return nil
    }
}
