import QuintetFiles
public import QuintetGeneration
import QuintetTokenizers

/// Makes ids of examples with the engine that serves them, and says which of them are learned.
///
/// A conversation is written by the model's chat template. What the assistant says is found by the template's own marks
/// (`{% generation %}`), else by comparing the conversation with what the model is given when its answer is asked for: exactly the tokens
/// after that are learned. Without a template a text is BOS + prompt + completion + EOS, BOS where the tokenizer adds it.
public struct TextEncoder: Sendable {
    public let chat: ChatEncoder
    /// Ids that end an answer, the usual one first.
    public let ends: [Int32]
    /// Ids of one text at most.
    public var limit: Int
    /// Whether prompts are given, not learned.
    public var masksPrompts = true

    public init(_ chat: ChatEncoder, ends: [Int32], limit: Int, masksPrompts: Bool = true) {
        self.chat = chat
        self.ends = ends
        self.limit = limit
        self.masksPrompts = masksPrompts
    }

    /// - Throws: `RowProblem` where the template refuses the conversation or nothing of it is learned.
    package func encode(_ example: Example) throws(RowProblem) -> [EncodedText] {
        switch example {
        case .text(let text): return try pieces(text)
        case .completion(let prompt, let completion):
            return [try fitted(chat.hasTemplate ? conversation(Self.asConversation(prompt, completion)) : completed(prompt, completion))]
        case .conversation(let conversation): return [try fitted(self.conversation(conversation))]
        case .preference(let chosen, let rejected): return try encode(chosen) + encode(rejected)
        case .labelled(let text, _): return [plain(text).cut(to: limit)]
        case .tagged(let words, _): return [plain(words.joined(separator: " ")).cut(to: limit)]
        }
    }

    /// The ids that the model is given when the answer is asked for, by the same way as in serving; nil where there is no answer.
    func prompt(of example: Example) throws(RowProblem) -> [Int32]? {
        switch example {
        case .completion(let prompt, let completion):
            return chat.hasTemplate ? try given(Self.asConversation(prompt, completion)) : chat.tokenizer.encode(prompt)
        case .conversation(let conversation): return try given(conversation)
        case .preference(let chosen, _): return try prompt(of: chosen)
        default: return nil
        }
    }

    static func asConversation(_ prompt: String, _ completion: String) -> Conversation {
        Conversation([Conversation.message("user", prompt), Conversation.message("assistant", completion)], learnedFrom: 1)
    }

    private func given(_ conversation: Conversation) throws(RowProblem) -> [Int32]? {
        guard let last = answers(conversation).last else { return nil }
        return try ids(Array(conversation.messages[..<last]), conversation.tools, asks: true)
    }

    private func fitted(_ text: EncodedText) throws(RowProblem) -> EncodedText {
        let fitted = text.cut(to: limit)
        guard fitted.learnedCount > 0 else {
            throw RowProblem(text.learnedCount == 0 ? "nothing in it is learned" : "what is learned lies past the \(limit) tokens that are read")
        }
        return fitted
    }
}

// MARK: without a template

extension TextEncoder {
    private func plain(_ text: String) -> EncodedText {
        let ids = chat.tokenizer.encode(text)
        return EncodedText(ids: ids, learned: ids.map { _ in true })
    }

    /// A document, cut into windows where it is longer than one.
    private func pieces(_ text: String) throws(RowProblem) -> [EncodedText] {
        let whole = ended(chat.tokenizer.encode(text))
        guard whole.count > 1 else { throw RowProblem("nothing in it is learned") }
        return stride(from: 0, to: whole.count - 1, by: limit - 1).map { start in
            // A window begins with the last token of the one before, so that every token is predicted once.
            let ids = Array(whole[start..<min(start + limit, whole.count)])
            return EncodedText(ids: ids, learned: ids.map { _ in true })
        }
    }

    private func completed(_ prompt: String, _ completion: String) -> EncodedText {
        let whole = chat.tokenizer.encode(prompt + completion)
        let given = masksPrompts ? common(chat.tokenizer.encode(prompt), whole) : 0
        let ids = ended(whole)
        return EncodedText(ids: ids, learned: ids.indices.map { $0 >= given })
    }

    /// With an end, unless it has one.
    private func ended(_ ids: [Int32]) -> [Int32] {
        guard let end = ends.first, let last = ids.last, !ends.contains(last) || ids.count == 1 else { return ids }
        return ids + [end]
    }

    /// How many ids at the beginning are the same.
    func common(_ a: some Sequence<Int32>, _ b: some Sequence<Int32>) -> Int { zip(a, b).prefix { $0 == $1 }.count }
}
