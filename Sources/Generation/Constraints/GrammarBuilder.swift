/// Works expressions out into rules: repetitions become rules, scalars their UTF-8 forms.
struct GrammarBuilder {
    private var alternatives: [[[GrammarSymbol]]] = []
    private var names: [Int: String] = [:]
    private var forms: [ScalarSet: [GrammarSymbol]] = [:]
    private var count = 0
    let budget: GrammarBudget
    let place: String

    init(_ budget: GrammarBudget, place: String) {
        self.budget = budget
        self.place = place
    }

    /// A rule to be defined later, so that rules can name each other.
    mutating func declare(_ name: String? = nil) -> Int {
        alternatives.append([])
        if let name { names[alternatives.count - 1] = name }
        return alternatives.count - 1
    }

    mutating func define(_ rule: Int, as expression: GrammarExpression) throws(ConstraintError) {
        if case .choice(let parts) = expression {
            for part in parts { try add(try symbols(part), to: rule) }
        } else {
            try add(try symbols(expression), to: rule)
        }
    }

    func grammar(root: Int) throws(ConstraintError) -> Grammar { try Grammar(alternatives, root: root, names: names, place: place) }

    private mutating func add(_ symbols: [GrammarSymbol], to rule: Int) throws(ConstraintError) {
        count += symbols.count + 1
        if count > budget.elements { throw ConstraintError(.limit, at: place, "more than \(budget.elements) elements once written out") }
        alternatives[rule].append(symbols)
    }

    private mutating func newRule(_ alternatives: [[GrammarSymbol]]) throws(ConstraintError) -> Int {
        let rule = declare()
        for alternative in alternatives { try add(alternative, to: rule) }
        return rule
    }

    private mutating func symbols(_ expression: GrammarExpression) throws(ConstraintError) -> [GrammarSymbol] {
        switch expression {
        case .text(let bytes): return bytes.map { .bytes(ByteSet($0...$0)) }
        case .scalars(let set): return try form(set)
        case .rule(let rule): return [.rule(rule)]
        case .sequence(let parts):
            var all: [GrammarSymbol] = []
            for part in parts { all += try symbols(part) }
            if all.count > budget.elements { throw ConstraintError(.limit, at: place, "more than \(budget.elements) elements once written out") }
            return all
        case .choice(let parts):
            if parts.count == 1 { return try symbols(parts[0]) }
            var all: [[GrammarSymbol]] = []
            for part in parts { all.append(try symbols(part)) }
            return [.rule(try newRule(all))]
        case .repeated(let inner, let min, let max): return try repetition(inner, min, max)
        }
    }

    /// The UTF-8 forms of a set of scalars.
    private mutating func form(_ set: ScalarSet) throws(ConstraintError) -> [GrammarSymbol] {
        if let form = forms[set] { return form }
        var oneByte = ByteSet()
        var longer: [[GrammarSymbol]] = []
        for sequence in set.byteSequences {
            if sequence.count == 1 {
                oneByte.formUnion(ByteSet(sequence[0]))
            } else {
                longer.append(sequence.map { .bytes(ByteSet($0)) })
            }
        }
        let form: [GrammarSymbol]
        if longer.isEmpty {
            form = [.bytes(oneByte)]
        } else if oneByte.isEmpty, longer.count == 1 {
            form = longer[0]
        } else {
            form = [.rule(try newRule((oneByte.isEmpty ? [] : [[.bytes(oneByte)]]) + longer))]
        }
        forms[set] = form
        return form
    }

    /// `x{min,max}`: what has to come, then a chain of what may; without a maximum, a rule that goes on with itself.
    private mutating func repetition(_ inner: GrammarExpression, _ min: Int, _ max: Int?) throws(ConstraintError) -> [GrammarSymbol] {
        let highest = max ?? min
        guard min >= 0, highest >= min else { throw ConstraintError(.syntax, at: place, "a repetition from \(min) to \(highest)") }
        guard highest <= budget.repetitions else { throw ConstraintError(.limit, at: place, "a repetition of more than \(budget.repetitions)") }
        var body = try symbols(inner)
        if body.count > 1, highest > 1 || max == nil { body = [.rule(try newRule([body]))] }
        var all = Array(repeatElement(body, count: min).joined())
        if max == nil {
            let rule = declare()
            try add(body + [.rule(rule)], to: rule)
            try add([], to: rule)
            all.append(.rule(rule))
        } else if highest > min {
            var next: [GrammarSymbol] = []
            for _ in min..<highest { next = [.rule(try newRule([body + next, []]))] }
            all += next
        }
        if all.count > budget.elements { throw ConstraintError(.limit, at: place, "more than \(budget.elements) elements once written out") }
        return all
    }
}
