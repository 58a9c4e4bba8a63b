import QuintetFiles

/// What the head of a model card (README.md between two lines of ---) says about where a model comes from.
public struct CardFacts: Sendable {
    public let license: String?
    /// The models it was made from.
    public let bases: [String]
    public let languages: [String]
    public let datasets: [String]

    /// Reads the card of a folder; a folder without one has no facts.
    public init(folder: String) {
        let path = Folder.join(folder, "README.md")
        let bytes = Folder.isFile(path) ? (try? readFile(path, limit: 1 << 20)) ?? [] : []
        var fields: [String: [String]] = [:]
        var key = ""
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
        for line in lines.first == "---" ? lines.dropFirst().prefix(while: { $0 != "---" }) : [] {
            if line.hasPrefix("- ") || line.hasPrefix("  - ") {
                fields[key, default: []].append(Self.plain(line.drop { $0 == " " || $0 == "-" }))
            } else if let colon = line.firstIndex(of: ":"), line.first != " " {
                key = String(line[..<colon])
                let value = Self.plain(line[line.index(after: colon)...])
                if !value.isEmpty { fields[key] = [value] }
            }
        }
        license = fields["license"]?.first
        bases = fields["base_model"] ?? []
        languages = fields["language"] ?? []
        datasets = fields["datasets"] ?? []
    }

    private static func plain(_ text: Substring) -> String {
        String(text.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed()).filter { $0 != "\"" && $0 != "'" }
    }
}
