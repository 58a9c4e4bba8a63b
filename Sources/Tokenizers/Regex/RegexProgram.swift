/// A regex as an automaton, and characters sorted into the classes it tells apart.
///
/// Loops whose body may be empty are refused, so the edges that take no character form no cycle: `order` lists the states so
/// that each comes after those it leads to without taking a character.
struct RegexProgram: Sendable {
    enum State: Sendable {
        case character(set: Int, next: Int)
        /// Two ways to go on, the preferred one first.
        case either(Int, Int)
        /// Goes on if the automaton from `start` matches here (or, negative, does not).
        case ahead(start: Int, isNegative: Bool, next: Int)
        /// Looks at the class of the character before.
        case behind(set: Int, isNegative: Bool, next: Int)
        case edge(RegexNode.Edge, next: Int)
        case match
    }

    private(set) var states: [State] = []
    private(set) var order: [Int] = []
    private(set) var start = 0
    /// True if some state looks at what stands before.
    private(set) var looksBehind = false
    private var sets: [ScalarSet] = []
    /// [set][class]: whether the set holds the characters of the class.
    private(set) var holds: [[Bool]] = []
    private(set) var classes = ScalarClasses([])

    private static let mostStates = 8000

    init(_ node: RegexNode, _ dialect: RegexDialect) throws(RegexError) {
        sets = [dialect == .oniguruma ? UnicodeProperty.wordOfOniguruma : UnicodeProperty.word, ScalarSet("\n")]  // 0 and 1: for edges
        let match = try add(.match)
        start = try build(node, then: match)
        order = topologicalOrder()
        classes = ScalarClasses(sets)
        holds = sets.map { set in classes.representatives.map { set.contains($0) } }
    }

    private mutating func add(_ state: State) throws(RegexError) -> Int {
        if states.count >= Self.mostStates { throw RegexError(what: "the regex has too many states", at: 0) }
        states.append(state)
        return states.count - 1
    }

    private mutating func number(of set: ScalarSet) -> Int {
        if let index = sets.firstIndex(of: set) { return index }
        sets.append(set)
        return sets.count - 1
    }

    /// Builds `node` so that it goes on to `next`; returns where it begins.
    private mutating func build(_ node: RegexNode, then next: Int) throws(RegexError) -> Int {
        switch node {
        case .empty: return next
        case .set(let set): return try add(.character(set: number(of: set), next: next))
        case .sequence(let parts):
            var at = next
            for part in parts.reversed() { at = try build(part, then: at) }
            return at
        case .alternation(let parts):
            var at = try build(parts[parts.count - 1], then: next)
            for part in parts.dropLast().reversed() { at = try add(.either(build(part, then: next), at)) }
            return at
        case .repetition(let part, let least, let most, let prefersMore):
            return try repetition(part, least, most, prefersMore, then: next)
        case .ahead(let inside, let isNegative):
            let match = try add(.match)
            return try add(.ahead(start: build(inside, then: match), isNegative: isNegative, next: next))
        case .behind(let set, let isNegative):
            looksBehind = true
            return try add(.behind(set: number(of: set), isNegative: isNegative, next: next))
        case .edge(let edge):
            looksBehind = true
            return try add(.edge(edge, next: next))
        }
    }

    private mutating func repetition(
        _ part: RegexNode, _ least: Int, _ most: Int?, _ prefersMore: Bool, then next: Int
    ) throws(RegexError) -> Int {
        var at = next
        if let most {
            for _ in 0..<max(0, most - least) {
                let body = try build(part, then: at)
                at = try add(prefersMore ? .either(body, next) : .either(next, body))
            }
        } else if !part.isNullable {
            let loop = try add(.match)  // its place; what it is follows
            let body = try build(part, then: loop)
            states[loop] = prefersMore ? .either(body, next) : .either(next, body)
            at = loop
        } else if case .repetition(let inner, _, nil, prefersMore) = part, !inner.isNullable {
            return try repetition(inner, 0, nil, prefersMore, then: next)  // (x*)* is x*
        } else {
            throw RegexError(what: "a repetition of something that may be empty is not supported", at: 0)
        }
        for _ in 0..<least { at = try build(part, then: at) }
        return at
    }

    /// Where a state leads without taking a character.
    private func freeTargets(_ state: Int) -> [Int] {
        switch states[state] {
        case .character, .match: []
        case .either(let a, let b): [a, b]
        case .ahead(let start, _, let next): [start, next]
        case .behind(_, _, let next), .edge(_, let next): [next]
        }
    }

    private func topologicalOrder() -> [Int] {
        var order: [Int] = []
        var isDone = [Bool](repeating: false, count: states.count)
        var isOpen = isDone
        for root in states.indices where !isDone[root] {
            var stack = [root]
            while let state = stack.last {
                if isOpen[state] {
                    stack.removeLast()
                    if !isDone[state] {
                        isDone[state] = true
                        order.append(state)
                    }
                    continue
                }
                isOpen[state] = true
                stack.append(contentsOf: freeTargets(state).filter { !isOpen[$0] })
            }
        }
        return order
    }
}

/// Characters that no set of a regex tells apart share a class.
struct ScalarClasses: Sendable {
    /// One character of each class.
    private(set) var representatives: [UInt32] = []
    private var pageOfBlock: [UInt16] = []
    private var pages: [UInt16] = []

    init(_ sets: [ScalarSet]) {
        if sets.isEmpty { return }
        var cuts = Set<UInt32>([0])
        for set in sets {
            for range in set.ranges {
                cuts.insert(range.lowerBound)
                cuts.insert(range.upperBound + 1)
            }
        }
        var numbers: [[Bool]: UInt16] = [:]
        let starts = cuts.filter { $0 <= ScalarSet.last }.sorted()
        let runs = starts.map { start -> (start: UInt32, number: UInt16) in
            let signature = sets.map { $0.contains(start) }
            let number = numbers[signature] ?? UInt16(truncatingIfNeeded: numbers.count)
            if numbers[signature] == nil {
                numbers[signature] = number
                representatives.append(start)
            }
            return (start, number)
        }
        fold(runs)
    }

    /// Blocks of 256 that lie in runs of one class share a page.
    private mutating func fold(_ runs: [(start: UInt32, number: UInt16)]) {
        var uniform: [UInt16: UInt16] = [:]
        var run = 0
        for start in stride(from: 0, through: ScalarSet.last, by: 256) {
            while run + 1 < runs.count, runs[run + 1].start <= start { run += 1 }
            let isUniform = run + 1 == runs.count || runs[run + 1].start > start + 255
            if isUniform, let page = uniform[runs[run].number] {
                pageOfBlock.append(page)
                continue
            }
            let page = UInt16(pages.count / 256)
            if isUniform { uniform[runs[run].number] = page }
            pageOfBlock.append(page)
            for code in start...start + 255 {
                while run + 1 < runs.count, runs[run + 1].start <= code { run += 1 }
                pages.append(runs[run].number)
            }
        }
    }

    @inline(__always)
    func number(of scalar: UInt32) -> Int { Int(pages[Int(pageOfBlock[Int(scalar >> 8)]) << 8 | Int(scalar & 255)]) }
}
