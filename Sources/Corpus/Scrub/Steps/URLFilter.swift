internal import QuintetFiles

/// Drops documents by their address: blocked domains and addresses, words that only unwanted sites have in theirs.
///
/// Lists are files with an entry a line. Documents without an address pass.
struct URLFilter: ScrubStep {
    static let name = "url_filter"
    static let settings: [(key: String, value: JSON)] = [
        ("domains", nil), ("urls", nil), ("banned_words", nil), ("soft_banned_words", nil), ("banned_subwords", nil), ("soft_word_threshold", 2),
    ]
    let kinds = DocumentKinds.text
    private let domains, urls, hard, soft: Set<String>
    private let subwords: [[UInt8]]
    private let softLimit: Double

    init(_ values: StepValues) throws {
        func list(_ key: String) throws -> [String]? { try values.text(key).map { try WordFile.read($0) } }
        domains = Set(try list("domains")?.map { $0.lowercased() } ?? [])
        urls = Set(try list("urls") ?? [])
        hard = Set(try list("banned_words")?.map(Self.normalized) ?? Self.hardWords)
        soft = Set(try list("soft_banned_words")?.map(Self.normalized) ?? Self.softWords)
        subwords = (try list("banned_subwords") ?? []).map { Array(Self.normalized($0).utf8) }.filter { !$0.isEmpty }
        softLimit = try values.number("soft_word_threshold") ?? 2
    }

    private static let hardWords = ["porn", "xxx", "hentai", "xvideos", "xhamster", "camgirl", "camgirls", "pornhub", "redtube", "youporn"]
    private static let softWords = ["sex", "nude", "naked", "adult", "escort", "escorts", "fetish", "erotic", "milf", "webcam", "casino", "viagra", "poker", "betting"]

    private static func normalized(_ text: String) -> String {
        String(decoding: text.utf8.filter { $0 &- 48 < 10 || ($0 | 32) &- 97 < 26 }.map { $0 &- 65 < 26 ? $0 | 32 : $0 }, as: UTF8.self)
    }

    func judge(_ page: Page) -> Judgement {
        guard let url = page.address else { return .keep }
        var host = Self.host(url)[...]
        if !domains.isEmpty {
            let whole = host.count
            while !host.isEmpty {
                if domains.contains(String(host)) {
                    return .drop(rule: host.count == whole ? "domain" : "subdomain", value: 1, threshold: 0, detail: String(host))
                }
                guard let dot = host.firstIndex(of: ".") else { break }
                host = host[host.index(after: dot)...]
            }
        }
        if urls.contains(url) { return .drop(rule: "url", value: 1, threshold: 0, detail: url) }
        let words = Set(url.utf8.split { !($0 &- 48 < 10 || ($0 | 32) &- 97 < 26) }.map { String(decoding: $0, as: UTF8.self) })
        if let word = words.intersection(hard).min() { return .drop(rule: "hard_blacklisted", value: 1, threshold: 0, detail: word) }
        let found = Double(words.intersection(soft).count)
        if found >= softLimit { return .drop(rule: "soft_blacklisted", value: found, threshold: softLimit) }
        if !subwords.isEmpty {
            let plain = Array(Self.normalized(url).utf8)
            for word in subwords where plain.count >= word.count {
                if (0...(plain.count - word.count)).contains(where: { plain[$0..<($0 + word.count)].elementsEqual(word) }) {
                    return .drop(rule: "blacklisted_subword", value: 1, threshold: 0, detail: String(decoding: word, as: UTF8.self))
                }
            }
        }
        return .keep
    }

    /// The host name, in lower case.
    static func host(_ url: String) -> String {
        var rest = Array(url.utf8)[...]
        if let colon = rest.firstIndex(of: 58), rest[colon...].starts(with: "://".utf8) { rest = rest[(colon + 3)...] } else if rest.starts(with: "//".utf8) { rest = rest.dropFirst(2) }
        rest = rest.prefix { $0 != 47 && $0 != 63 && $0 != 35 }
        if let at = rest.lastIndex(of: 64) { rest = rest[(at + 1)...] }
        // The root of all domains may be written, as a dot at the end.
        let name = rest.prefix { $0 != 58 }
        return String(decoding: name.last == 46 ? name.dropLast() : name, as: UTF8.self).lowercased()
    }
}
