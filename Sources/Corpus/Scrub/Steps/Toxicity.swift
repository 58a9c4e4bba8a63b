internal import QuintetFiles

/// Flags (or drops) documents in which words of abuse are frequent. The list is English; `words` names a file with others.
///
/// Words that are insults and little else: what is said with common words, or of a group in plain ones, is not found.
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
        arse arsehole arseholes ass asshat asshole assholes asswipe badass bastard bastards batshit bellend bigot bigots bimbo bitch bitches \
        bitching bitchy bollocks bozo buffoon bullshit chinks cock cocksucker cocksuckers commie commies crappy creepy cretin cretins cuck cucks \
        cunt cunts degenerate degenerates deranged despicable dick dickhead dickheads dicks dipshit dipshits disgraceful disgusting douche \
        douchebag douchebags douches dumb dumbass dumbasses dumber dumbest dumbfuck dyke dykes fag faggot faggots fags fatass fatso fck fcking \
        fckn filth filthy fuck fucked fucker fuckers fuckface fuckhead fuckin fucking fucks fucktard fucktards fuckwad fuckwads fuckwit fuckwits \
        fugly goddamn gooks gtfo halfwit horseshit hypocrite idiot idiotic idiots ignoramus imbecile imbeciles jackass jackoff jerkoff kike kikes \
        knobhead lardass liar liars libtard libtards lmfao loser losers lowlife lowlifes mofo moron moronic morons motherfucker motherfuckers \
        motherfucking nigga nigger niggers nitwit numbnuts nutjob nutjobs paki pathetic pedo pedophile pedophiles pedos perv pervert perverts piss \
        pissed poof poofs prick pricks pussies pussy racist racists raghead ragheads repulsive retard retardation retarded retards scum scumbag \
        scumbags shameless sheeple shit shitbag shitfaced shithead shitheads shithole shits shittiest shitting shitty sickening sicko sickos simp \
        simps skank skanks sleaze sleazebag sleazy slut sluts spastic spic spineless stfu stooge stupid stupidest stupidity subhuman sucker \
        suckers thug thugs tits tosser tossers trailertrash trannies tranny turd turds twat twats twerp vermin wanker wankers weirdo weirdos \
        wetback wetbacks whiny whore whores whoring worthless xenophobe yuck
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
