import QuintetFiles
public import QuintetTokenizers

extension TextGenerator {
    /// True where the model says how conversations are written.
    public var hasChatTemplate: Bool { !templates.isEmpty }

    /// The ids of a conversation, ready for the answer: by the model's template, else the contents joined by newlines.
    ///
    /// What messages say never becomes a control token.
    /// - Throws: `TemplateError`, which names the template's file, where the template refuses the conversation.
    public func chatIDs(_ input: ChatInput) throws(TemplateError) -> [Int32] {
        do throws(TemplateError) { return try ChatEncoder(tokenizer, templates).ids(input) } catch {
            var error = error
            error.file = templates.file(forTools: input.tools != nil)
            throw error
        }
    }

    /// As `chatIDs`, of plain messages.
    public func chatIDs(_ messages: [ChatMessage]) throws(TemplateError) -> [Int32] {
        try chatIDs(ChatInput(messages: messages.map(\.json), addsGenerationPrompt: true))
    }

    /// Answers a conversation; `onText` gets the answer piece by piece.
    public func chat(
        _ messages: [ChatMessage], options: GenerationOptions = GenerationOptions(), onText: (String) throws -> Void = { _ in }
    ) throws -> GenerationResult {
        try generate(try chatIDs(messages), options: options, onText: onText)
    }
}
