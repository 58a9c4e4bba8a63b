internal import QuintetFiles

/// Drops documents that hold an n-gram of an evaluation set: 13 words in a row, as GPT-3's authors did.
///
/// `sets` names files or folders: the texts in JSONL rows (every string that is long enough), CSV and plain text by line.
struct Decontamination: ScrubStep {
    static let name = "decontamination"
    static let settings: [(key: String, value: JSON)] = [("sets", []), ("n_grams", 13), ("max_matches", 0)]
    let kinds = DocumentKinds.all
    private let n: Int
    private let limit: Double
    private let index: Set<UInt64>

    init(_ values: StepValues) throws {
        n = try values.count("n_grams", from: 1, to: 64)
        limit = try values.number("max_matches") ?? 0
        var index: Set<UInt64> = []
        let page = Page()
        for set in try values.texts("sets") {
            for text in try Self.texts(set) {
                page.replaceText(Array(text.utf8))
                page.shingles(n) { index.insert($0) }
            }
        }
        self.index = index
    }

    func judge(_ page: Page) -> Judgement {
        guard !index.isEmpty else { return .keep }
        var (matches, at, first) = (0, 0, -1)
        page.shingles(n) { hash in
            if index.contains(hash) {
                matches += 1
                if first < 0 { first = at }
            }
            at += 1
        }
        guard Double(matches) > limit else { return .keep }
        let words = page.withSimpleWords { text, words in
            words[first..<(first + n)].map { String(decoding: text[Int($0.start)..<Int($0.end)], as: UTF8.self) }.joined(separator: " ")
        }
        return .drop(rule: "contaminated", value: Double(matches), threshold: limit, detail: words)
    }

    private static func texts(_ path: String) throws -> [String] {
        guard Folder.exists(path) else { throw FileError("nothing is there", path: path, field: "decontamination.sets", hint: "check the path") }
        let files = Folder.isFolder(path) ? try Folder.files(under: path) : [path]
        var texts: [String] = []
        for file in files {
            let lines = try LineReader(file, limit: 1 << 24)
            while let line = try lines.next() {
                if line.isTooLong { continue }
                if FileKind.isJSONLines(file), let row = try? line.parsed(file) { collect(row, &texts) } else if UTF8Check.isValid(line.bytes) {
                    texts.append(String(decoding: line.bytes, as: UTF8.self))
                }
            }
        }
        return texts
    }

    private static func collect(_ value: JSON, _ texts: inout [String]) {
        switch value {
        case .string(let text): texts.append(text)
        case .array(let values): for value in values { collect(value, &texts) }
        case .object(let members): for (_, value) in members { collect(value, &texts) }
        default: break
        }
    }
}
