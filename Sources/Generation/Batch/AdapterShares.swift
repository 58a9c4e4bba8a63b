import QuintetTensors

/// Whose adapters have to be looked at in a step.
enum AdapterMode: Hashable, Sendable {
    /// Every text has the model as it was opened.
    case all
    /// No text has any.
    case none
    /// Each has its own.
    case each

    init(_ texts: some Collection<[Float]>) {
        if texts.allSatisfy(\.isEmpty) {
            self = .all
        } else {
            self = texts.allSatisfy { !$0.isEmpty && $0.allSatisfy { $0 == 0 } } ? .none : .each
        }
    }
}

extension AdapterUse {
    /// For rows of several texts, each with its shares (empty: all of all) and how many of the rows are its own.
    init(_ texts: [(shares: [Float], rows: Int)], adapters: Int) {
        switch AdapterMode(texts.map(\.shares)) {
        case .all: self = .all
        case .none: self = .none
        case .each:
            let rows = texts.flatMap { text in
                repeatElement(text.shares.isEmpty ? [Float](repeating: 1, count: adapters) : text.shares, count: text.rows).joined()
            }
            self = .shares(Tensor(rows, [texts.reduce(0) { $0 + $1.rows }, adapters]))
        }
    }
}
