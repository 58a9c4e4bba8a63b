/// What a template may use: it is a program inside data, and ends when it has used this up.
public struct TemplateBudget: Sendable {
    /// Characters of the template's own text.
    public var source = 1 << 20
    /// Expressions and statements run; long strings cost more than one.
    public var steps = 2_000_000
    /// Expressions and statements within each other, macro calls included.
    public var depth = 128
    /// Characters of output, and of any string or list on the way.
    public var output = 1 << 24
    /// Wall time in seconds.
    public var seconds = 2.0

    public init() {}

    public static let standard = TemplateBudget()
}

/// The use of a budget by one rendering.
struct TemplateMeter {
    private let budget: TemplateBudget
    private var steps = 0
    private var depth = 0
    private var checked = 0
    private let clock = ContinuousClock()
    private let start: ContinuousClock.Instant

    init(_ budget: TemplateBudget) {
        self.budget = budget
        start = clock.now
    }

    /// Counts work; `units` is characters or elements touched, of which 64 make a step.
    mutating func spend(_ units: Int = 0, line: Int) throws(TemplateError) {
        steps += 1 + units >> 6
        if steps > budget.steps { throw TemplateError(.limit, line: line, "more than \(budget.steps) steps") }
        if steps - checked < 1024 { return }
        checked = steps
        if (clock.now - start) / .seconds(1) > budget.seconds {
            throw TemplateError(.limit, line: line, "more than \(budget.seconds) seconds")
        }
    }

    mutating func enter(line: Int) throws(TemplateError) {
        depth += 1
        if depth > budget.depth { throw TemplateError(.limit, line: line, "nested deeper than \(budget.depth)") }
    }

    mutating func leave() { depth -= 1 }

    func check(size: Int, line: Int) throws(TemplateError) {
        if size > budget.output { throw TemplateError(.limit, line: line, "a text or list longer than \(budget.output)") }
    }
}
