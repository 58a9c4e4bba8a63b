import QuintetFiles

/// A grammar running over a vocabulary: the states met so far, where each byte leads, and which tokens each state allows.
///
/// A state is a set of stacks (what may come next, and what after that); equal sets are one state, so that what has been
/// worked out once is looked up from then on. One engine serves any number of sequences and threads.
final class GrammarEngine: Sendable {
    let grammar: Grammar
    let trie: TokenTrie
    private let budget: GrammarBudget
    private let memory: Guarded<Memory>

    static let dead: Int32 = -1

    init(_ grammar: Grammar, _ trie: TokenTrie, budget: GrammarBudget) {
        self.grammar = grammar
        self.trie = trie
        self.budget = budget
        memory = Guarded(Memory(grammar))
    }

    /// The state before the first byte.
    var start: Int32 { memory.withLock { $0.start(grammar) } }

    /// What a state allows.
    struct Allowance: Sendable {
        /// A bit for each id of the vocabulary.
        let mask: [UInt64]
        let count: Int
        /// The text may end here.
        let accepts: Bool
        /// The only id, where there is just one.
        let only: Int32?
    }

    /// - Throws: `ConstraintError` where more states are met than the budget has.
    func allowance(_ state: Int32) throws(ConstraintError) -> Allowance {
        let result = memory.withLock { memory -> Result<Allowance, ConstraintError> in
            do throws(ConstraintError) { return .success(try memory.allowance(state, grammar, trie, budget)) } catch { return .failure(error) }
        }
        return try result.get()
    }

    /// The state after some bytes; `dead` where the grammar does not go on that way.
    func advance(_ state: Int32, over bytes: some Sequence<UInt8>) throws(ConstraintError) -> Int32 {
        let result = memory.withLock { memory -> Result<Int32, ConstraintError> in
            do throws(ConstraintError) {
                var state = state
                for byte in bytes where state != Self.dead { state = try memory.next(state, byte, grammar, budget) }
                return .success(state)
            } catch { return .failure(error) }
        }
        return try result.get()
    }

    /// True where a text may end in this state.
    func accepts(_ state: Int32) -> Bool { memory.withLock { state != Self.dead && $0.states[Int(state)].accepts } }

    /// True where no byte may follow.
    func isComplete(_ state: Int32) -> Bool { memory.withLock { state != Self.dead && $0.states[Int(state)].tops.isEmpty } }
}

/// What an engine has worked out.
private struct Memory {
    /// A place in the grammar and the stack below it.
    struct Node {
        let place: Int32
        let below: Int32
    }

    struct State {
        /// Stacks whose top is a byte set, sorted.
        let tops: [Int32]
        let accepts: Bool
        /// Where its row of `table` begins; -1 without one.
        var row: Int32 = -1
    }

    var nodes: [Node] = []
    var states: [State] = []
    private var nodeIDs: [UInt64: Int32] = [:]
    private var stateIDs: [Key: Int32] = [:]
    private var table: [Int32] = []
    private var allowances: [Int32: GrammarEngine.Allowance] = [:]
    private var visited: Set<UInt64> = []
    private static let unknown: Int32 = -2
    /// Rows of the table (1 kB each) and masks kept before they are worked out anew.
    private static let mostRows = 1 << 17
    private static let mostMasks = 1 << 11

    private struct Key: Hashable {
        let tops: [Int32]
        let accepts: Bool
    }

    private var first: Int32 = -1

    init(_ grammar: Grammar) { _ = start(grammar) }

    mutating func start(_ grammar: Grammar) -> Int32 {
        if first >= 0 { return first }
        var tops: [Int32] = []
        var accepts = false
        visited.removeAll(keepingCapacity: true)
        for alternative in grammar.rules[Int(grammar.root)] { expand(alternative, -1, grammar, &tops, &accepts) }
        first = intern(tops, accepts)
        return first
    }

    /// Follows references from a place until bytes come, for every alternative; `below` is what comes after.
    private mutating func expand(_ place: Int32, _ below: Int32, _ grammar: Grammar, _ tops: inout [Int32], _ accepts: inout Bool) {
        var waiting: [(Int32, Int32)] = [(place, below)]
        while let (place, below) = waiting.popLast() {
            guard visited.insert(UInt64(UInt32(bitPattern: place)) << 32 | UInt64(UInt32(bitPattern: below))).inserted else { continue }
            switch grammar.elements[Int(place)] {
            case .bytes: tops.append(node(place, below))
            case .end:
                if below < 0 { accepts = true } else { waiting.append((nodes[Int(below)].place, nodes[Int(below)].below)) }
            case .rule(let rule):
                // The last reference of an alternative leaves nothing to come back to: lists do not grow the stack.
                let rest = grammar.elements[Int(place) + 1] == .end ? below : node(place + 1, below)
                for alternative in grammar.rules[Int(rule)] { waiting.append((alternative, rest)) }
            }
        }
    }

    private mutating func node(_ place: Int32, _ below: Int32) -> Int32 {
        let key = UInt64(UInt32(bitPattern: place)) << 32 | UInt64(UInt32(bitPattern: below))
        if let id = nodeIDs[key] { return id }
        let id = Int32(nodes.count)
        nodes.append(Node(place: place, below: below))
        nodeIDs[key] = id
        return id
    }

    private mutating func intern(_ tops: [Int32], _ accepts: Bool) -> Int32 {
        let key = Key(tops: tops.sorted(), accepts: accepts)
        if let id = stateIDs[key] { return id }
        let id = Int32(states.count)
        states.append(State(tops: key.tops, accepts: accepts))
        stateIDs[key] = id
        return id
    }

    mutating func next(_ state: Int32, _ byte: UInt8, _ grammar: Grammar, _ budget: GrammarBudget) throws(ConstraintError) -> Int32 {
        let row = self.row(state)
        let known = table[Int(row) + Int(byte)]
        if known != Self.unknown { return known }
        var tops: [Int32] = []
        var accepts = false
        visited.removeAll(keepingCapacity: true)
        for top in states[Int(state)].tops {
            let node = nodes[Int(top)]
            guard case .bytes(let set) = grammar.elements[Int(node.place)], grammar.sets[Int(set)].contains(byte) else { continue }
            expand(node.place + 1, node.below, grammar, &tops, &accepts)
        }
        let next = tops.isEmpty && !accepts ? GrammarEngine.dead : intern(tops, accepts)
        guard states.count <= budget.states, nodes.count <= 4 * budget.states else {
            throw ConstraintError(.limit, at: "output", "the grammar has more than \(budget.states) states")
        }
        table[Int(row) + Int(byte)] = next
        return next
    }

    private mutating func row(_ state: Int32) -> Int32 {
        if states[Int(state)].row >= 0 { return states[Int(state)].row }
        if table.count >= Self.mostRows << 8 {
            table.removeAll()
            for index in states.indices { states[index].row = -1 }
        }
        states[Int(state)].row = Int32(table.count)
        table.append(contentsOf: repeatElement(Self.unknown, count: 256))
        return states[Int(state)].row
    }

    mutating func allowance(
        _ state: Int32, _ grammar: Grammar, _ trie: TokenTrie, _ budget: GrammarBudget
    ) throws(ConstraintError) -> GrammarEngine.Allowance {
        if let known = allowances[state] { return known }
        var mask = [UInt64](repeating: 0, count: (trie.vocabulary + 63) / 64)
        try walk(state, grammar, trie, budget, &mask)
        let accepts = states[Int(state)].accepts
        if accepts { for id in trie.ends { mask[Int(id) >> 6] |= 1 << UInt64(id & 63) } }
        let count = mask.reduce(0) { $0 + $1.nonzeroBitCount }
        let only = count == 1 ? mask.indices.first { mask[$0] != 0 }.map { Int32($0 * 64 + mask[$0].trailingZeroBitCount) } : nil
        let result = GrammarEngine.Allowance(mask: mask, count: count, accepts: accepts, only: only)
        if allowances.count >= Self.mostMasks { allowances.removeAll() }
        allowances[state] = result
        return result
    }

    /// Goes through the trie once, leaving out what lies below a byte that may not come.
    private mutating func walk(
        _ state: Int32, _ grammar: Grammar, _ trie: TokenTrie, _ budget: GrammarBudget, _ mask: inout [UInt64]
    ) throws(ConstraintError) {
        var path = [Int32](repeating: state, count: trie.deepest + 1)
        var index = 0
        while index < trie.nodes.count {
            let node = trie.nodes[index]
            let next = try next(path[Int(node.depth)], node.byte, grammar, budget)
            if next == GrammarEngine.dead {
                index = Int(node.end)
                continue
            }
            path[Int(node.depth) + 1] = next
            for place in Int(node.firstID)..<Int(node.firstID) + Int(node.idCount) {
                let id = trie.ids[place]
                mask[Int(id) >> 6] |= 1 << UInt64(id & 63)
            }
            index += 1
        }
    }
}
