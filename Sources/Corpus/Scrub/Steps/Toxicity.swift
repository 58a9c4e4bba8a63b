internal import QuintetFiles

/// Flags (or drops) documents in which words of abuse are frequent. The list is short and English; `words` names a file with others.
struct Toxicity: ScrubStep {
    static let name = "toxicity"
    static let settings: [(key: String, value: JSON)] = [("words", nil), ("min_share", 0.01), ("min_count", 1), ("drop", false)]
    let kinds = DocumentKinds.prose
    private let words: Set<UInt64>
    private let share, count: Double
    private let drops: Bool

    init(_ values: StepValues) throws {
        let list = try values.text("words").map { try WordFile.read($0) } ?? Self.english.split(whereSeparator: \.isWhitespace).map(String.init)
        words = Set(list.map { word in Array(word.utf8).withUnsafeBufferPointer { XXHash64.hash($0) } })
        share = try values.share("min_share") ?? 0
        count = try values.number("min_count") ?? 1
        drops = try values.flag("drop")
    }

    func judge(_ page: Page) -> Judgement {
        let (found, total) = page.withSimpleWords { text, words in
            guard let p = text.baseAddress else { return (0, 0) }
            var found = 0
            for word in words where self.words.contains(XXHash64.hash(p + Int(word.start), Int(word.end - word.start))) { found += 1 }
            return (found, words.count)
        }
        let part = total == 0 ? 0 : Double(found) / Double(total)
        guard Double(found) >= count, part >= share else { return .keep }
        return drops ? .drop(rule: "toxic_words", value: part, threshold: share) : .flag([("toxic", part)])
    }

    private static let english = """
        asshole assholes bastard bastards bitch bitches bitching bollocks bullshit cocksucker cock cunt cunts dickhead dumbass dyke fag faggot \
        faggots fags fuck fucked fucker fuckers fuckin fucking fucks goddamn horseshit jackass jackoff kike moron morons motherfucker \
        motherfuckers motherfucking nigga nigger niggers paki piss prick pricks pussy retard retarded retards scumbag shit shithead shitty \
        slut sluts spic tits tranny twat twats wanker wankers whore whores idiot idiots stupid scum filth vermin subhuman
        """
}

/// A file with a word or address a line; lines that begin with # are remarks.
enum WordFile {
    static func read(_ path: String) throws -> [String] {
        let bytes = try readFile(path, limit: 1 << 28)
        guard let text = String(validating: bytes, as: UTF8.self) else { throw FileError("not UTF-8", path: path, expected: "a word a line") }
        return text.split(whereSeparator: \.isNewline).map { line in
            String(decoding: Array(line.utf8).drop { $0 == 32 || $0 == 9 }, as: UTF8.self)
        }.filter { !$0.isEmpty && !$0.hasPrefix("#") }
    }
}
