/// Sets of characters by the names regexes give them: categories, scripts, and a few properties.
enum UnicodeProperty {
    /// The set with a name as in `\p{name}`; nil for an unknown one. Case, spaces, `_` and `-` do not count.
    static func set(named name: String) -> ScalarSet? {
        var key = name.lowercased().filter { $0 != " " && $0 != "_" && $0 != "-" }
        for prefix in ["script=", "sc=", "generalcategory=", "gc="] where key.hasPrefix(prefix) { key.removeFirst(prefix.count) }
        if let set = properties[key] { return set() }
        if let category = longNames[key] ?? CharacterClasses.categoryNames.first(where: { $0.lowercased() == key }) {
            return categories(beginningWith: category)
        }
        if key.count == 1, "lmnpszc".contains(key) { return categories(beginningWith: key.uppercased()) }
        return ScriptTable.shared.set(named: key)
    }

    /// `\w`: letters and what joins them.
    static let word = alphabetic.union(ScalarSet(flags: CharacterFlags.mark)).union(categories(beginningWith: "Nd"))
        .union(categories(beginningWith: "Pc"))

    /// `\w` as Oniguruma has it: with the superscripts and fractions of Latin-1.
    static let wordOfOniguruma = word.union(ScalarSet([0xB2...0xB3, 0xB9...0xB9, 0xBC...0xBE]))

    /// The Alphabetic property: letters, letter numbers, and marks and symbols that count as such.
    static let alphabetic: ScalarSet = {
        var ranges: [ClosedRange<UInt32>] = []
        for (range, category) in categoryRanges {
            switch CharacterClasses.categoryNames[Int(category)] {
            case "Lu", "Ll", "Lt", "Lm", "Lo", "Nl": ranges.append(range)
            case "Mn", "Mc", "Me", "So":
                for code in range where Unicode.Scalar(code)?.properties.isAlphabetic == true { ranges.append(code...code) }
            default: break
            }
        }
        return ScalarSet(ranges)
    }()

    private static func categories(beginningWith prefix: String) -> ScalarSet {
        let wanted = CharacterClasses.categoryNames.map { $0.hasPrefix(prefix) }
        return ScalarSet { wanted[Int($0)] }
    }

    private static let properties: [String: @Sendable () -> ScalarSet] = [
        "any": { .all }, "ascii": { ScalarSet([0...0x7F]) }, "assigned": { categories(beginningWith: "Cn").inverted },
        "alphabetic": { alphabetic }, "alpha": { alphabetic }, "word": { word },
        "alnum": { alphabetic.union(categories(beginningWith: "Nd")) },
        "digit": { categories(beginningWith: "Nd") }, "xdigit": { ScalarSet([0x30...0x39, 0x41...0x46, 0x61...0x66]) },
        "space": { ScalarSet(flags: CharacterFlags.space) }, "whitespace": { ScalarSet(flags: CharacterFlags.space) },
        "blank": { categories(beginningWith: "Zs").union(ScalarSet("\t")) },
        "upper": { categories(beginningWith: "Lu") }, "lower": { categories(beginningWith: "Ll") },
        "punct": { categories(beginningWith: "P").union(ScalarSet("$+<=>^`|~")) }, "cntrl": { categories(beginningWith: "Cc") },
    ]

    private static let longNames = [
        "letter": "L", "uppercaseletter": "Lu", "lowercaseletter": "Ll", "titlecaseletter": "Lt", "modifierletter": "Lm",
        "otherletter": "Lo", "mark": "M", "combiningmark": "M", "nonspacingmark": "Mn", "spacingmark": "Mc", "enclosingmark": "Me",
        "number": "N", "decimalnumber": "Nd", "letternumber": "Nl", "othernumber": "No", "punctuation": "P",
        "connectorpunctuation": "Pc", "dashpunctuation": "Pd", "openpunctuation": "Ps", "closepunctuation": "Pe",
        "initialpunctuation": "Pi", "finalpunctuation": "Pf", "otherpunctuation": "Po", "symbol": "S", "mathsymbol": "Sm",
        "currencysymbol": "Sc", "modifiersymbol": "Sk", "othersymbol": "So", "separator": "Z", "spaceseparator": "Zs",
        "lineseparator": "Zl", "paragraphseparator": "Zp", "other": "C", "control": "Cc", "format": "Cf", "surrogate": "Cs",
        "privateuse": "Co", "unassigned": "Cn",
    ]
}

/// Scripts of characters, from the generated runs.
struct ScriptTable: Sendable {
    private let names: [String]
    private let runs: [(range: ClosedRange<UInt32>, script: Int)]
    private let han: Int
    private let kana: Set<Int>

    static let shared = ScriptTable()

    private init() {
        let names = Self.text(scriptNames).split(separator: " ").map(String.init)
        self.names = names
        var runs: [(range: ClosedRange<UInt32>, script: Int)] = []
        for run in Self.text(scriptRuns).split(separator: " ") {
            let parts = run.split(separator: ":").compactMap { UInt32($0, radix: 16) }
            guard parts.count == 3, parts[0] <= parts[1] else { continue }
            runs.append((parts[0]...parts[1], Int(parts[2])))
        }
        self.runs = runs
        han = names.firstIndex(of: "Han") ?? -1
        kana = Set(names.indices.filter { ["Hiragana", "Katakana"].contains(names[$0]) })
    }

    private static func text(_ text: StaticString) -> String {
        String(decoding: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount), as: UTF8.self)
    }

    /// The characters of a script, by its name in lower case without `_`.
    func set(named name: String) -> ScalarSet? {
        guard let script = names.firstIndex(where: { $0.lowercased().filter { $0 != "_" } == name }) else { return nil }
        return ScalarSet(runs.filter { $0.script == script }.map(\.range))
    }

    /// The number of a character's script, -1 for none; kana and the long vowel mark count as Han.
    func joinedNumber(of scalar: UInt32) -> Int {
        if scalar == 0x30FC { return han }
        var (low, high) = (0, runs.count)
        while low < high {
            let middle = (low + high) / 2
            if runs[middle].range.upperBound < scalar { low = middle + 1 } else { high = middle }
        }
        guard low < runs.count, runs[low].range.lowerBound <= scalar else { return -1 }
        return kana.contains(runs[low].script) ? han : runs[low].script
    }
}
