/// What a regex says, as a tree.
indirect enum RegexNode: Sendable {
    case empty
    case set(ScalarSet)
    case sequence([RegexNode])
    case alternation([RegexNode])
    /// At least `least` times and at most `most` (nil: without end); `prefersMore` is greedy.
    case repetition(RegexNode, least: Int, most: Int?, prefersMore: Bool)
    /// Matches nothing where what is inside matches from here on (or, negative, does not).
    case ahead(RegexNode, isNegative: Bool)
    /// Looks at the one character before.
    case behind(ScalarSet, isNegative: Bool)
    case edge(Edge)

    enum Edge: Sendable, Hashable { case textStart, textEnd, lastLineEnd, lineStart, lineEnd, wordBoundary, noWordBoundary }

    /// True if it can match the empty text.
    var isNullable: Bool {
        switch self {
        case .empty, .ahead, .behind, .edge: true
        case .set: false
        case .sequence(let parts): parts.allSatisfy(\.isNullable)
        case .alternation(let parts): parts.contains(where: \.isNullable)
        case .repetition(let part, let least, _, _): least == 0 || part.isNullable
        }
    }
}

/// Why a regex is not run here.
struct RegexError: Error {
    var what: String
    /// Offset in scalars.
    var at: Int
}

/// Which library's spelling a regex follows.
enum RegexDialect: Sendable {
    /// tokenizer.json: `^` and `$` are the ends of lines, `{1,3}+` repeats a repetition.
    case oniguruma
    /// tiktoken: `^` and `$` are the ends of the text, `{1,3}+` does not give back.
    case rust
}

/// Reads the part of regex syntax that has a linear-time meaning; refuses the rest (references back, recursion, conditions).
struct RegexParser {
    private let text: [UInt32]
    private let dialect: RegexDialect
    private var at = 0
    private var ignoresCase = false
    private var dotTakesNewline = false
    private var depth = 0

    /// Longest regex, scalars, and deepest nesting that is read.
    private static let longest = 20_000
    private static let deepest = 100

    static func parse(_ regex: String, _ dialect: RegexDialect) throws(RegexError) -> RegexNode {
        var parser = RegexParser(text: regex.unicodeScalars.map(\.value), dialect: dialect)
        guard parser.text.count <= longest else { throw RegexError(what: "the regex is too long", at: longest) }
        let node = try parser.alternation()
        if parser.at < parser.text.count { throw parser.error("a ) without (") }
        return node
    }

    private init(text: [UInt32], dialect: RegexDialect) {
        self.text = text
        self.dialect = dialect
    }

    private var word: ScalarSet { dialect == .oniguruma ? UnicodeProperty.wordOfOniguruma : UnicodeProperty.word }
    private func error(_ what: String) -> RegexError { RegexError(what: what, at: at) }
    private func peek(_ offset: Int = 0) -> Character? {
        at + offset < text.count ? Unicode.Scalar(text[at + offset]).map { Character($0) } : nil
    }
    private func looksAt(_ word: String) -> Bool { text[at...].starts(with: word.unicodeScalars.map(\.value)) }
    private mutating func take(_ word: String) -> Bool {
        guard looksAt(word) else { return false }
        at += word.unicodeScalars.count
        return true
    }

    private mutating func alternation() throws(RegexError) -> RegexNode {
        depth += 1
        defer { depth -= 1 }
        if depth > Self.deepest { throw error("nested too deeply") }
        let outer = (ignoresCase, dotTakesNewline)
        var branches = [try sequence()]
        while take("|") { branches.append(try sequence()) }
        (ignoresCase, dotTakesNewline) = outer
        return branches.count == 1 ? branches[0] : .alternation(branches)
    }

    private mutating func sequence() throws(RegexError) -> RegexNode {
        var parts: [RegexNode] = []
        while let next = peek(), next != "|", next != ")" {
            if next == "(", looksAt("(?"), try readOptions() { continue }
            parts.append(try repeated(atom()))
        }
        return parts.count == 1 ? parts[0] : parts.isEmpty ? .empty : .sequence(parts)
    }

    /// `(?i)` up to the end of the group; false (and nothing read) for other groups.
    private mutating func readOptions() throws(RegexError) -> Bool {
        let start = at
        at += 2
        let before = (ignoresCase, dotTakesNewline)
        if try readOptionLetters(), take(")") { return true }
        at = start
        (ignoresCase, dotTakesNewline) = before
        return false
    }

    /// The letters of `(?i-m:`; false where there are none.
    private mutating func readOptionLetters() throws(RegexError) -> Bool {
        var isOn = true
        let start = at
        while let letter = peek() {
            switch letter {
            case "-": isOn = false
            case "i": ignoresCase = isOn
            case "s": dotTakesNewline = isOn
            case "m" where dialect == .oniguruma: dotTakesNewline = isOn
            case "u": break
            default: return at > start
            }
            at += 1
        }
        return false
    }

    private mutating func repeated(_ atom: RegexNode) throws(RegexError) -> RegexNode {
        var node = atom
        while let (least, most) = try count() {
            let isCounted = text[at - 1] == 0x7D
            if take("?") {
                node = .repetition(node, least: least, most: most, prefersMore: false)
            } else if looksAt("+"), !(isCounted && dialect == .oniguruma) {
                at += 1
                node = try possessive(node, least, most)
            } else {
                node = .repetition(node, least: least, most: most, prefersMore: true)
            }
        }
        return node
    }

    private mutating func count() throws(RegexError) -> (Int, Int?)? {
        if take("*") { return (0, nil) }
        if take("+") { return (1, nil) }
        if take("?") { return (0, 1) }
        guard peek() == "{" else { return nil }
        let start = at
        at += 1
        let least = number()
        var most = least
        if take(",") { most = number() }
        guard take("}"), least != nil || most != nil else {
            at = start
            return nil
        }
        let isOpen = most == nil
        if let least, let most, least > most { throw error("a repetition from more to less") }
        if max(least ?? 0, most ?? 0) > 1000 { throw error("more than 1000 repetitions") }
        return (least ?? 0, isOpen ? nil : most)
    }

    private mutating func number() -> Int? {
        var value: Int?
        while at < text.count, (0x30...0x39).contains(text[at]), (value ?? 0) < 100_000 {
            value = (value ?? 0) * 10 + Int(text[at] - 0x30)
            at += 1
        }
        return value
    }

    /// A repetition that gives nothing back, of one character: as many as there are means that no more follow.
    private func possessive(_ node: RegexNode, _ least: Int, _ most: Int?) throws(RegexError) -> RegexNode {
        guard case .set(let set) = node else { throw error("only single characters may be repeated possessively") }
        let end = RegexNode.ahead(node, isNegative: true)
        guard let most else { return .sequence([.repetition(node, least: least, most: nil, prefersMore: true), end]) }
        let full = RegexNode.repetition(.set(set), least: most, most: most, prefersMore: true)
        if least == most { return full }
        return .alternation([full, .sequence([.repetition(node, least: least, most: most - 1, prefersMore: true), end])])
    }

    private mutating func atom() throws(RegexError) -> RegexNode {
        let next = text[at]
        at += 1
        switch Unicode.Scalar(next).map({ Character($0) }) {
        case "(": return try group()
        case "[":
            let set = try bracket()
            return .set(ignoresCase ? set.ignoringCase : set)
        case ".": return .set(dotTakesNewline ? .all : ScalarSet("\n").inverted)
        case "^": return .edge(dialect == .oniguruma ? .lineStart : .textStart)
        case "$": return .edge(dialect == .oniguruma ? .lineEnd : .textEnd)
        case "\\": return try escape()
        case "*", "+", "?": throw error("nothing to repeat")
        default: return .set(literal(next))
        }
    }

    private func literal(_ scalar: UInt32) -> ScalarSet {
        let set = ScalarSet([scalar...scalar])
        return ignoresCase ? set.ignoringCase : set
    }

    private mutating func group() throws(RegexError) -> RegexNode {
        let outer = (ignoresCase, dotTakesNewline)
        defer { (ignoresCase, dotTakesNewline) = outer }
        var wrap: (RegexNode) throws(RegexError) -> RegexNode = { $0 }
        if take("?") {
            if take("=") {
                wrap = { .ahead($0, isNegative: false) }
            } else if take("!") {
                wrap = { .ahead($0, isNegative: true) }
            } else if take("<=") {
                let place = error("only one character may be looked back at")
                wrap = { node throws(RegexError) in try Self.behind(node, isNegative: false, place) }
            } else if take("<!") {
                let place = error("only one character may be looked back at")
                wrap = { node throws(RegexError) in try Self.behind(node, isNegative: true, place) }
            } else if take(">") {
                throw error("atomic groups are not supported")
            } else if take("P<") || take("<") {
                while let letter = peek(), letter != ">" { at += 1 }
                guard take(">") else { throw error("a group's name without >") }
            } else if try !readOptionLetters() || !looksAt(":") {
                guard take(":") else { throw error("this kind of group is not supported") }
            } else {
                at += 1
            }
        }
        let inside = try alternation()
        guard take(")") else { throw error("a ( without )") }
        return try wrap(inside)
    }

    private static func behind(_ node: RegexNode, isNegative: Bool, _ error: RegexError) throws(RegexError) -> RegexNode {
        switch node {
        case .set(let set): return .behind(set, isNegative: isNegative)
        case .edge(let edge) where !isNegative: return .edge(edge)
        case .alternation(let parts) where !isNegative:
            var branches: [RegexNode] = []
            for part in parts { branches.append(try behind(part, isNegative: false, error)) }
            return .alternation(branches)
        default: throw error
        }
    }

    /// What follows a backslash outside of brackets.
    private mutating func escape() throws(RegexError) -> RegexNode {
        switch peek() {
        case "b": at += 1; return .edge(.wordBoundary)
        case "B": at += 1; return .edge(.noWordBoundary)
        case "A": at += 1; return .edge(.textStart)
        case "z": at += 1; return .edge(.textEnd)
        case "Z": at += 1; return .edge(.lastLineEnd)
        case "R":
            at += 1
            return .alternation([
                .sequence([.set(ScalarSet("\r")), .set(ScalarSet("\n"))]), .set(ScalarSet([10...13, 0x85...0x85, 0x2028...0x2029])),
            ])
        default:
            let set = try escapedSet()
            return .set(ignoresCase ? set.ignoringCase : set)
        }
    }
}

extension RegexParser {
    /// The inside of `[...]`, past the opening bracket.
    private mutating func bracket() throws(RegexError) -> ScalarSet {
        depth += 1
        defer { depth -= 1 }
        if depth > Self.deepest { throw error("nested too deeply") }
        let isNegative = take("^")
        var ranges: [ClosedRange<UInt32>] = []
        var limit: ScalarSet?
        var isFirst = true
        while true {
            guard at < text.count else { throw error("a [ without ]") }
            if looksAt("]"), !isFirst { break }
            isFirst = false
            if take("&&") {
                let set = ScalarSet(ranges)
                limit = limit.map { $0.intersection(set) } ?? set
                ranges = []
                continue
            }
            ranges += try bracketItem()
        }
        at += 1
        var set = ScalarSet(ranges)
        if let limit { set = limit.intersection(set) }
        return isNegative ? set.inverted : set
    }

    private mutating func bracketItem() throws(RegexError) -> [ClosedRange<UInt32>] {
        if looksAt("[:"), let set = try posix() { return set.ranges }
        if take("[") { return try bracket().ranges }
        let first = try bracketSet()
        guard first.ranges.count == 1, first.ranges[0].count == 1, looksAt("-"), peek(1) != "]", at + 1 < text.count else {
            return first.ranges
        }
        let dash = at
        at += 1
        let last = try bracketSet()
        guard last.ranges.count == 1, last.ranges[0].count == 1 else {
            at = dash + 1
            return first.ranges + [0x2D...0x2D]
        }
        let (low, high) = (first.ranges[0].lowerBound, last.ranges[0].lowerBound)
        guard low <= high else { throw error("a range from high to low") }
        return [low...high]
    }

    private mutating func bracketSet() throws(RegexError) -> ScalarSet {
        guard at < text.count else { throw error("a [ without ]") }
        let next = text[at]
        at += 1
        if next != 0x5C { return ScalarSet([next...next]) }
        if peek() == "b" {
            at += 1
            return ScalarSet([8...8])
        }
        return try escapedSet()
    }

    /// `[:alpha:]` in brackets; nil if it is none.
    private mutating func posix() throws(RegexError) -> ScalarSet? {
        let start = at
        at += 2
        let isNegative = take("^")
        var name = ""
        while let letter = peek(), letter.isLetter {
            name.append(letter)
            at += 1
        }
        guard take(":]") else {
            at = start
            return nil
        }
        guard let set = UnicodeProperty.set(named: name) else { throw error("there is no class [:\(name):]") }
        return isNegative ? set.inverted : set
    }

    /// A set that a backslash introduces, past it.
    private mutating func escapedSet() throws(RegexError) -> ScalarSet {
        guard at < text.count, let letter = peek() else { throw error("a \\ at the end") }
        let scalar = text[at]
        at += 1
        switch letter {
        case "s": return ScalarSet(flags: CharacterFlags.space)
        case "S": return ScalarSet(flags: CharacterFlags.space).inverted
        case "d": return ScalarSet { $0 == 8 }
        case "D": return ScalarSet { $0 == 8 }.inverted
        case "w": return word
        case "W": return word.inverted
        case "h" where dialect == .oniguruma: return ScalarSet([0x30...0x39, 0x41...0x46, 0x61...0x66])
        case "p", "P": return try property(isNegative: letter == "P")
        case "n": return ScalarSet("\n")
        case "r": return ScalarSet("\r")
        case "t": return ScalarSet("\t")
        case "f": return ScalarSet([12...12])
        case "v": return ScalarSet([11...11])
        case "a": return ScalarSet([7...7])
        case "e": return ScalarSet([27...27])
        case "0": return ScalarSet([0...0])
        case "x", "u", "U": return try code(letter)
        default:
            if letter.isASCII, letter.isLetter || letter.isNumber { throw error("\\\(letter) is not supported") }
            return ScalarSet([scalar...scalar])
        }
    }

    /// `\x41`, `\x{1F600}`, `\u0041`.
    private mutating func code(_ letter: Character) throws(RegexError) -> ScalarSet {
        let isBraced = take("{")
        let length = isBraced ? 8 : letter == "x" ? 2 : letter == "u" ? 4 : 8
        var value: UInt32 = 0
        var digits = 0
        while digits < length, let digit = peek()?.hexDigitValue {
            value = value &* 16 &+ UInt32(digit)
            digits += 1
            at += 1
        }
        guard digits > 0, isBraced ? take("}") : digits == length, value <= ScalarSet.last else { throw error("not a code point") }
        return ScalarSet([value...value])
    }

    private mutating func property(isNegative: Bool) throws(RegexError) -> ScalarSet {
        var name = ""
        var isNegative = isNegative
        if take("{") {
            if take("^") { isNegative.toggle() }
            while let letter = peek(), letter != "}" {
                name.append(letter)
                at += 1
            }
            guard take("}") else { throw error("a { without }") }
        } else if let letter = peek() {
            name = String(letter)
            at += 1
        }
        guard let set = UnicodeProperty.set(named: name) else { throw error("the property \(name) is not known") }
        return isNegative ? set.inverted : set
    }
}
