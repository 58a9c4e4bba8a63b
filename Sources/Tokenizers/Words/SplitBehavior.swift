/// What becomes of the matches of a splitting pattern.
enum SplitBehavior: String, Sendable, CaseIterable {
    case removed = "Removed"
    case isolated = "Isolated"
    case mergedWithPrevious = "MergedWithPrevious"
    case mergedWithNext = "MergedWithNext"
    case contiguous = "Contiguous"
}

/// Stretches of a text, matching and not, in order and without gaps.
struct MatchList {
    private(set) var pieces: [(start: Int, end: Int, isMatch: Bool)] = []
    private let inverts: Bool

    init(inverts: Bool = false) { self.inverts = inverts }

    mutating func append(_ start: Int, _ end: Int, isMatch: Bool) { pieces.append((start, end, isMatch != inverts)) }

    /// Matches of `search` and what lies between them.
    init(count: Int, inverts: Bool, _ search: ((Int, Int) -> Void) -> Void) {
        self.init(inverts: inverts)
        var done = 0
        var list = self
        search { start, end in
            if done < start { list.append(done, start, isMatch: false) }
            list.append(start, end, isMatch: true)
            done = end
        }
        if done < count { list.append(done, count, isMatch: false) }
        self = list
    }

    /// The words that the behavior makes of the stretches.
    func forEachWord(_ behavior: SplitBehavior, _ body: (Int, Int) -> Void) {
        switch behavior {
        case .removed: for piece in pieces where !piece.isMatch && piece.start < piece.end { body(piece.start, piece.end) }
        case .isolated: for piece in pieces where piece.start < piece.end { body(piece.start, piece.end) }
        case .contiguous: emit(joined { $0.isMatch == $1.isMatch }, body)
        case .mergedWithPrevious: emit(joined { !$0.isMatch && $1.isMatch }, body)
        case .mergedWithNext: emit(joinedWithNext, body)
        }
    }

    private func emit(_ words: [(Int, Int)], _ body: (Int, Int) -> Void) {
        for (start, end) in words where start < end { body(start, end) }
    }

    private typealias Piece = (start: Int, end: Int, isMatch: Bool)

    /// Pieces joined to the one before where `joins(before, piece)`.
    private func joined(_ joins: (Piece, Piece) -> Bool) -> [(Int, Int)] {
        var words: [(Int, Int)] = []
        for (index, piece) in pieces.enumerated() {
            if index > 0, joins(pieces[index - 1], piece) {
                words[words.count - 1].1 = piece.end
            } else {
                words.append((piece.start, piece.end))
            }
        }
        return words
    }

    private var joinedWithNext: [(Int, Int)] {
        var words: [(Int, Int)] = []
        for (index, piece) in pieces.enumerated().reversed() {
            if piece.isMatch, index + 1 < pieces.count, !pieces[index + 1].isMatch {
                words[words.count - 1].0 = piece.start
            } else {
                words.append((piece.start, piece.end))
            }
        }
        return words.reversed()
    }
}
