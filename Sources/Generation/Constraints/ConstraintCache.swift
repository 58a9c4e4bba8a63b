import QuintetFiles
public import QuintetTokenizers

/// The constraints of one model: its vocabulary as a trie is made once, and so is each format's constraint while it is in use.
final class ConstraintCache: Sendable {
    private struct State {
        var trie: TokenTrie?
        /// The newest last.
        var constraints: [(format: OutputFormat, constraint: TokenConstraint)] = []
    }

    private let state = Guarded(State())
    private static let most = 16

    /// - Throws: `ConstraintError` where the vocabulary cannot spell the format.
    func constraint(_ format: OutputFormat, _ tokenizer: Tokenizer, ends: [Int]) throws(ConstraintError) -> TokenConstraint {
        let result = state.withLock { state -> Result<TokenConstraint, ConstraintError> in
            do throws(ConstraintError) { return .success(try Self.constraint(format, tokenizer, ends, &state)) } catch { return .failure(error) }
        }
        return try result.get()
    }

    private static func constraint(
        _ format: OutputFormat, _ tokenizer: Tokenizer, _ ends: [Int], _ state: inout State
    ) throws(ConstraintError) -> TokenConstraint {
        if let known = state.constraints.first(where: { $0.format == format }) { return known.constraint }
        let trie: TokenTrie
        if let known = state.trie { trie = known } else { trie = try TokenTrie(tokenizer, ends: ends) }
        state.trie = trie
        let constraint = try TokenConstraint(format, trie: trie)
        if state.constraints.count >= most { state.constraints.removeFirst() }
        state.constraints.append((format, constraint))
        return constraint
    }
}

extension TokenTrie {
    /// The vocabulary of a tokenizer.
    public init(_ tokenizer: Tokenizer, ends: [Int]) throws(ConstraintError) {
        guard let bytes = tokenizer.tokenBytes else {
            throw ConstraintError(.vocabulary, at: "tokenizer", "its tokens have no text of their own, so its output cannot be constrained")
        }
        self.init(bytes, ends: ends.compactMap { Int32(exactly: $0) })
    }
}
