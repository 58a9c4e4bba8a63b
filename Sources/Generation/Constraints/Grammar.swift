/// A grammar over bytes, worked out: rules with alternatives of byte sets and references, nothing of which is in vain.
struct Grammar: Sendable {
    enum Element: Sendable, Equatable {
        case bytes(Int32)
        case rule(Int32)
        case end
    }

    /// The alternatives of all rules, one after another, each closed by `.end`.
    private(set) var elements: [Element] = []
    private(set) var sets: [ByteSet] = []
    /// Where the alternatives of a rule begin.
    private(set) var rules: [[Int32]] = []
    let root: Int32

    /// - Throws: `ConstraintError` where nothing matches, or a rule begins with itself.
    init(_ alternatives: [[[GrammarSymbol]]], root: Int, names: [Int: String], place: String) throws(ConstraintError) {
        self.root = Int32(root)
        let productive = Self.productive(alternatives)
        guard productive[root] else { throw ConstraintError(.unsatisfiable, at: place, "no text of any length satisfies it") }
        let kept = alternatives.indices.map { rule in
            productive[rule] ? alternatives[rule].filter { alternative in alternative.allSatisfy { Self.isProductive($0, productive) } } : []
        }
        try Self.checkLeftRecursion(kept, names, place)
        lay(kept)
    }

    private static func isProductive(_ symbol: GrammarSymbol, _ productive: [Bool]) -> Bool {
        switch symbol {
        case .bytes(let set): !set.isEmpty
        case .rule(let rule): productive[rule]
        }
    }

    /// Which rules derive some finite text.
    private static func productive(_ alternatives: [[[GrammarSymbol]]]) -> [Bool] {
        var productive = [Bool](repeating: false, count: alternatives.count)
        var users = [[Int]](repeating: [], count: alternatives.count)
        for (rule, all) in alternatives.enumerated() {
            for case .rule(let used) in all.joined() { users[used].append(rule) }
        }
        var waiting = Array(alternatives.indices)
        while let rule = waiting.popLast() {
            guard !productive[rule], alternatives[rule].contains(where: { $0.allSatisfy { isProductive($0, productive) } }) else { continue }
            productive[rule] = true
            waiting += users[rule]
        }
        return productive
    }

    /// A rule that comes back to itself without reading a byte and with something left to do would never end.
    private static func checkLeftRecursion(_ alternatives: [[[GrammarSymbol]]], _ names: [Int: String], _ place: String) throws(ConstraintError) {
        let nullable = nullable(alternatives)
        var edges = [[(to: Int, grows: Bool)]](repeating: [], count: alternatives.count)
        for (rule, all) in alternatives.enumerated() {
            for alternative in all {
                for (index, symbol) in alternative.enumerated() {
                    guard case .rule(let next) = symbol else { break }
                    edges[rule].append((next, index + 1 < alternative.count))
                    if !nullable[next] { break }
                }
            }
        }
        let component = components(edges.map { $0.map(\.to) })
        for (rule, out) in edges.enumerated() {
            guard let edge = out.first(where: { $0.grows && component[$0.to] == component[rule] }) else { continue }
            let name = names[rule] ?? names[edge.to] ?? "a repetition"
            throw ConstraintError(.unsupported, at: place, "left recursion: '\(name)' begins with itself")
        }
    }

    private static func nullable(_ alternatives: [[[GrammarSymbol]]]) -> [Bool] {
        var nullable = [Bool](repeating: false, count: alternatives.count)
        var users = [[Int]](repeating: [], count: alternatives.count)
        for (rule, all) in alternatives.enumerated() { for case .rule(let used) in all.joined() { users[used].append(rule) } }
        var waiting = Array(alternatives.indices)
        while let rule = waiting.popLast() {
            let isNullable = alternatives[rule].contains { $0.allSatisfy { if case .rule(let next) = $0 { nullable[next] } else { false } } }
            guard !nullable[rule], isNullable else { continue }
            nullable[rule] = true
            waiting += users[rule]
        }
        return nullable
    }

    /// Strongly connected components (Tarjan 1972), with a stack of its own: rules can be a long chain.
    private static func components(_ edges: [[Int]]) -> [Int] {
        var (index, low) = ([Int](repeating: -1, count: edges.count), [Int](repeating: 0, count: edges.count))
        var component = [Int](repeating: -1, count: edges.count)
        var (open, counter, found) = ([Int](), 0, 0)
        for start in edges.indices where index[start] < 0 {
            var path: [(node: Int, next: Int)] = [(start, 0)]
            while let (node, next) = path.last {
                if next == 0 {
                    (index[node], low[node]) = (counter, counter)
                    counter += 1
                    open.append(node)
                }
                if next < edges[node].count {
                    path[path.count - 1].next += 1
                    let other = edges[node][next]
                    if index[other] < 0 { path.append((other, 0)) } else if component[other] < 0 { low[node] = min(low[node], index[other]) }
                    continue
                }
                path.removeLast()
                if let parent = path.last?.node { low[parent] = min(low[parent], low[node]) }
                guard low[node] == index[node] else { continue }
                while let member = open.popLast() {
                    component[member] = found
                    if member == node { break }
                }
                found += 1
            }
        }
        return component
    }

    private mutating func lay(_ alternatives: [[[GrammarSymbol]]]) {
        var places: [ByteSet: Int32] = [:]
        for all in alternatives {
            var starts: [Int32] = []
            for alternative in all {
                starts.append(Int32(elements.count))
                for symbol in alternative {
                    switch symbol {
                    case .rule(let rule): elements.append(.rule(Int32(rule)))
                    case .bytes(let set):
                        let place = places[set] ?? Int32(sets.count)
                        if places[set] == nil {
                            places[set] = place
                            sets.append(set)
                        }
                        elements.append(.bytes(place))
                    }
                }
                elements.append(.end)
            }
            rules.append(starts)
        }
    }
}

/// A step of an alternative.
enum GrammarSymbol: Sendable, Hashable {
    case bytes(ByteSet)
    case rule(Int)
}
