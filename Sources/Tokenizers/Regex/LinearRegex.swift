import QuintetFiles

/// A regex that runs in time linear in the text, whatever the pattern: no backtracking, the same matches as an engine that does.
///
/// One pass from the end finds, for every place, the states from which a match can be completed; a walk from the front then takes
/// the preferred branch that can. States are sets of automaton states, made as they are met and remembered.
final class LinearRegex: Sendable {
    let source: String
    private let run: CharacterRun?
    private let program: RegexProgram
    private let scratch = Guarded<[RegexScratch]>([])

    init(_ regex: String, dialect: RegexDialect = .oniguruma, source: String = "", field: String = "") throws(FileError) {
        self.source = regex
        do throws(RegexError) {
            let node = try RegexParser.parse(regex, dialect)
            run = CharacterRun(node)
            program = try RegexProgram(node, dialect)
        } catch {
            throw FileError(
                "this regex is not run here: \(error.what)", path: source, field: field,
                expected: "a regex that runs in linear time", found: "character \(error.at) of \(regex.prefix(200))")
        }
    }

    /// Calls `body(start, end)` for the matches from left to right, which may be empty but never touch an earlier one then.
    func forEachMatch(in text: TextBytes, _ body: (Int, Int) -> Void) {
        if let run { return run.forEachMatch(in: text, body) }
        var taken = scratch.withLock { $0.popLast() } ?? RegexScratch(program)
        taken.forEachMatch(in: text, body)
        scratch.withLock { $0.append(taken) }
    }
}

extension LinearRegex: Equatable {
    static func == (a: LinearRegex, b: LinearRegex) -> Bool { a.source == b.source }
}

/// The memory of one run: the sets of states met so far, and those of the block of text that the walk is in.
///
/// A struct, so that no access is checked at run time; taken out of the regex's pool by one thread at a time.
struct RegexScratch: Sendable {
    private let program: RegexProgram
    private let words: Int  // machine words of a set
    private let contexts: Int  // classes of the character before, with one for "none", or 1 where nobody looks
    private var sets: [UInt64] = []  // [set, words]
    private var numbers: [[UInt64]: Int32] = [:]
    private var steps: [Int32] = []  // [set, class or none, context] -> set, -1 not known yet

    private static let blockBytes = 1 << 12
    private static let mostSets = 1 << 12

    // The current block: starts and classes of its characters, and the set at each start.
    private var offsets: [Int] = []
    private var classes: [Int32] = []
    private var setAt: [Int32] = []
    private var blockEnds: [Int] = []  // ends of the blocks
    private var entries: [[UInt64]] = []  // set at the end of each block
    private var block = -1
    private var cursor = 0

    init(_ program: RegexProgram) {
        self.program = program
        words = (program.states.count + 63) / 64
        contexts = program.looksBehind ? program.classes.representatives.count + 1 : 1
    }

    private var none: Int { program.classes.representatives.count }

    mutating func forEachMatch(in text: TextBytes, _ body: (Int, Int) -> Void) {
        if text.count == 0 { return }
        prepare(text)
        var start = 0
        var lastEnd = -1
        while start <= text.count {
            guard let end = match(in: text, from: start), !(end == start && end == lastEnd) else {
                start += start < text.count ? length(in: text, at: start) : 1
                continue
            }
            body(start, end)
            lastEnd = end
            start = end  // after an empty match the same place is not matched again
        }
    }

    private func length(in text: TextBytes, at index: Int) -> Int { text.scalar(at: index)?.1 ?? 1 }

    /// Where the preferred match from `start` ends, nil if there is none.
    private mutating func match(in text: TextBytes, from start: Int) -> Int? {
        var index = start
        var set = self.set(at: index, in: text)
        guard isViable(program.start, set) else { return nil }
        var state = program.start
        while true {
            switch program.states[state] {
            case .match: return index
            case .either(let preferred, let other): state = isViable(preferred, set) ? preferred : other
            case .ahead(_, _, let next), .behind(_, _, let next), .edge(_, let next): state = next
            case .character(_, let next):
                index += length(in: text, at: index)
                set = self.set(at: index, in: text)
                state = next
            }
        }
    }

    @inline(__always)
    private func isViable(_ state: Int, _ set: Int) -> Bool { sets[set * words + state >> 6] >> UInt64(state & 63) & 1 != 0 }
}

extension RegexScratch {
    /// Cuts the text into blocks and finds the set at the end of each, from the last to the first.
    private mutating func prepare(_ text: TextBytes) {
        block = -1
        blockEnds = []
        var index = 0
        var limit = Self.blockBytes
        while index < text.count {
            index += length(in: text, at: index)
            if index >= limit || index == text.count {
                blockEnds.append(index)
                limit = index + Self.blockBytes
            }
        }
        entries = [[UInt64]](repeating: [], count: blockEnds.count)
        var set = setAtEnd(text)
        for number in blockEnds.indices.reversed() {
            entries[number] = bits(of: set)
            if number > 0 || blockEnds.count == 1 { set = load(number, text, entry: set) }
        }
        if blockEnds.count > 1 { block = -1 }
        cursor = 0
    }

    /// The set at a place of the text; places are asked for from left to right.
    private mutating func set(at index: Int, in text: TextBytes) -> Int {
        while block < 0 || index > blockEnds[block] {
            _ = load(block + 1, text, entry: number(of: entries[block + 1]))
            cursor = 0
        }
        while cursor + 1 < offsets.count, offsets[cursor] < index { cursor += 1 }
        return Int(setAt[cursor])
    }

    /// Works a block out from its end to its start; returns the set at the start.
    private mutating func load(_ number: Int, _ text: TextBytes, entry: Int) -> Int {
        let start = number == 0 ? 0 : blockEnds[number - 1]
        let end = blockEnds[number]
        offsets.removeAll(keepingCapacity: true)
        classes.removeAll(keepingCapacity: true)
        var index = start
        while index < end {
            let (scalar, length) = text.scalar(at: index) ?? (0xFFFD, 1)
            offsets.append(index)
            classes.append(Int32(program.classes.number(of: scalar)))
            index += length
        }
        offsets.append(end)
        setAt = [Int32](repeating: 0, count: offsets.count)
        var set = entry
        if sets.count / words > Self.mostSets { set = forgetAll(but: set) }
        setAt[offsets.count - 1] = Int32(set)
        for place in classes.indices.reversed() {
            let before = place > 0 ? Int(classes[place - 1]) : context(before: start, in: text)
            set = step(set, Int(classes[place]), before)
            setAt[place] = Int32(set)
        }
        block = number
        return set
    }

    /// The class of the character before a place.
    private func context(before index: Int, in text: TextBytes) -> Int {
        guard contexts > 1, index > 0 else { return none }
        let scalar = text.scalar(at: text.characterStart(before: index, notBefore: 0))?.0 ?? 0xFFFD
        return program.classes.number(of: scalar)
    }

    private mutating func setAtEnd(_ text: TextBytes) -> Int {
        number(of: computed(from: nil, none, context(before: text.count, in: text)))
    }

    private mutating func step(_ set: Int, _ character: Int, _ before: Int) -> Int {
        let key = (set * (none + 1) + character) * contexts + (contexts > 1 ? before : 0)
        if steps[key] >= 0 { return Int(steps[key]) }
        let next = number(of: computed(from: set, character, before))
        steps[key] = Int32(next)
        return next
    }

    private func bits(of set: Int) -> [UInt64] { Array(sets[set * words..<(set + 1) * words]) }

    private mutating func number(of bits: [UInt64]) -> Int {
        if let known = numbers[bits] { return Int(known) }
        let number = sets.count / words
        numbers[bits] = Int32(number)
        sets.append(contentsOf: bits)
        steps.append(contentsOf: repeatElement(-1, count: (none + 1) * contexts))
        return number
    }

    /// A text that meets very many sets starts over with one.
    private mutating func forgetAll(but set: Int) -> Int {
        let kept = bits(of: set)
        numbers.removeAll(keepingCapacity: true)
        sets.removeAll(keepingCapacity: true)
        steps.removeAll(keepingCapacity: true)
        return number(of: kept)
    }

    /// The states from which a match can be completed at a place: `following` is the set after the next character (nil at the end).
    private func computed(from following: Int?, _ character: Int, _ before: Int) -> [UInt64] {
        var set = [UInt64](repeating: 0, count: words)
        func holds(_ state: Int) -> Bool { set[state >> 6] >> UInt64(state & 63) & 1 != 0 }
        for state in program.order {
            let isViable: Bool
            switch program.states[state] {
            case .match: isViable = true
            case .character(let wanted, let next):
                isViable = character < none && program.holds[wanted][character] && following.map { self.isViable(next, $0) } ?? false
            case .either(let a, let b): isViable = holds(a) || holds(b)
            case .ahead(let start, let isNegative, let next): isViable = holds(start) != isNegative && holds(next)
            case .behind(let wanted, let isNegative, let next):
                isViable = (before < none && program.holds[wanted][before]) != isNegative && holds(next)
            case .edge(let edge, let next): isViable = isAt(edge, before, character) && holds(next)
            }
            if isViable { set[state >> 6] |= 1 << UInt64(state & 63) }
        }
        return set
    }

    private func isAt(_ edge: RegexNode.Edge, _ before: Int, _ character: Int) -> Bool {
        let word = program.holds[0]
        let newline = program.holds[1]
        switch edge {
        case .textStart: return before == none
        case .textEnd, .lastLineEnd: return character == none
        case .lineStart: return before == none || newline[before]
        case .lineEnd: return character == none || newline[character]
        case .wordBoundary: return (before < none && word[before]) != (character < none && word[character])
        case .noWordBoundary: return (before < none && word[before]) == (character < none && word[character])
        }
    }
}
