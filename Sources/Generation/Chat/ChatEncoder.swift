import QuintetFiles
public import QuintetTokenizers

/// How a model is told a conversation: by its chat template, else the contents joined by newlines. Serving and training read the same ids.
public struct ChatEncoder: Sendable {
    public let tokenizer: Tokenizer
    public let templates: ChatTemplates

    public init(_ tokenizer: Tokenizer, _ templates: ChatTemplates) {
        self.tokenizer = tokenizer
        self.templates = templates
    }

    /// True where the model says how conversations are written.
    public var hasTemplate: Bool { !templates.isEmpty }

    /// The conversation as the template writes it; nil where there is no template.
    /// - Throws: `TemplateError` where the template refuses the conversation.
    public func rendered(_ input: ChatInput) throws(TemplateError) -> RenderedChat? {
        var input = input
        input.specialTokens.merge(tokenizer.templateTokens) { own, _ in own }
        guard let template = try templates.template(forTools: input.tools != nil) else { return nil }
        // Templates of models that see, too, may read lists of parts alone: a text they write as nothing, or stumble over.
        let chat: RenderedChat
        do throws(TemplateError) { chat = try template.render(input) } catch {
            guard let parts = input.withParts, let other = try? template.render(parts), !other.othersContent.isEmpty else { throw error }
            return other
        }
        guard chat.othersContent.isEmpty, let parts = input.withParts, let other = try? template.render(parts), !other.othersContent.isEmpty else { return chat }
        return other
    }

    /// The conversation as text, for people and programs that look at it.
    /// - Throws: `TemplateError` where the template refuses the conversation.
    public func text(_ input: ChatInput) throws(TemplateError) -> String {
        if let chat = try rendered(input) { return chat.text }
        return plain(input)
    }

    private func plain(_ input: ChatInput) -> String {
        input.messages.compactMap { $0["content"]?.string }.joined(separator: "\n") + (input.addsGenerationPrompt ? "\n" : "")
    }

    /// The ids of a conversation. What messages say never becomes a control token.
    /// - Throws: `TemplateError` where the template refuses the conversation.
    public func ids(_ input: ChatInput) throws(TemplateError) -> [Int32] {
        if let chat = try rendered(input) { return tokenizer.encode(chat) }
        return tokenizer.encode(plain(input), addSpecialTokens: true, specials: .asText)
    }
}

extension ChatInput {
    /// The same with each text as a list of one part; nil where nobody but the assistant says anything as a text.
    fileprivate var withParts: ChatInput? {
        guard messages.contains(where: { $0["role"]?.string != "assistant" && $0["content"]?.string?.contains { !$0.isWhitespace } == true }) else { return nil }
        var input = self
        input.messages = messages.map { message in
            guard let text = message["content"]?.string else { return message }
            var message = message
            message["content"] = [["type": "text", "text": .string(text)]]
            return message
        }
        return input
    }
}
