import QuintetFiles
import QuintetGeneration
import QuintetTokenizers

/// Conversations, as the model's template writes them.
extension TextEncoder {
    func conversation(_ conversation: Conversation) throws(RowProblem) -> EncodedText {
        let answers = answers(conversation)
        guard let last = answers.last else { throw RowProblem("the assistant says nothing that is learned") }
        let rendered = try render(conversation.messages, conversation.tools, asks: false)
        let ids = if let rendered { chat.tokenizer.encode(rendered) } else { try self.ids(conversation.messages, conversation.tools, asks: false) }
        var text = EncodedText(ids: ids, learned: ids.map { _ in !masksPrompts })
        if masksPrompts {
            if let rendered, !rendered.assistant.isEmpty, conversation.learnedFrom == 0 {
                for span in rendered.assistant { mark(from: place(span.lowerBound, rendered, ids), to: place(span.upperBound, rendered, ids), &text) }
            } else {
                for answer in answers { try learn(answer, of: conversation, rendered, &text) }
            }
        }
        return last == conversation.messages.count - 1 ? closed(text) : text
    }

    /// The messages whose words are learned.
    func answers(_ conversation: Conversation) -> [Int] {
        conversation.messages.indices.filter { $0 >= conversation.learnedFrom && conversation.messages[$0]["role"]?.string == "assistant" }
    }

    /// Marks what the assistant says in one message: from where its answer is asked for to where the next message begins.
    private func learn(_ answer: Int, of conversation: Conversation, _ rendered: RenderedChat?, _ text: inout EncodedText) throws(RowProblem) {
        let earlier = Array(conversation.messages[..<answer]), tools = conversation.tools, whole = text.ids
        let asked = try render(earlier, tools, asks: true)
        let before = if let asked { chat.tokenizer.encode(asked) } else { try ids(earlier, tools, asks: true) }
        var start = common(before, whole)
        if let rendered, let asked, !rendered.text.utf8.starts(with: asked.text.utf8) {
            text.askedOtherwise += 1
            // What comes before is written in another way once the answer is there: the assistant's own words are learned, not the rest of that.
            start = rendered.assistantContent.lazy.map { place($0.lowerBound, rendered, whole) }.first { $0 >= start } ?? start
        }
        var end = whole.count
        if answer < conversation.messages.count - 1 {
            end = common(try ids(Array(conversation.messages[...answer]), tools, asks: false), whole)
            if end <= start, let rendered { end = self.end(of: rendered, from: start, whole) }
        }
        if end <= start { text.leftOut += 1 }
        mark(from: start, to: end, &text)
    }

    /// The end of an answer that the template writes in another way once something follows it (without its thoughts, say): that of the assistant's
    /// words before anybody else's, and of what ends a turn after them.
    private func end(of rendered: RenderedChat, from start: Int, _ ids: [Int32]) -> Int {
        let next = rendered.othersContent.lazy.map { place($0.lowerBound, rendered, ids) }.first { $0 >= start } ?? ids.count
        let end = rendered.assistantContent.lazy.map { place($0.upperBound, rendered, ids) }.last { $0 <= next } ?? start
        return end > start && end < ids.count && ends.contains(ids[end]) ? end + 1 : end
    }

    /// Nothing where an answer is written as nothing: what asks for it may then share more with the whole than what ends with it.
    private func mark(from start: Int, to end: Int, _ text: inout EncodedText) {
        for index in start..<max(start, min(end, text.learned.count)) { text.learned[index] = true }
    }

    /// The token at which a place in the text lies: how many tokens the text up to there shares with the whole.
    private func place(_ offset: Int, _ rendered: RenderedChat, _ ids: [Int32]) -> Int {
        common(chat.tokenizer.encode(rendered.prefix(offset)), ids)
    }

    /// With an end after the last answer, unless the template writes one there.
    private func closed(_ text: EncodedText) -> EncodedText {
        guard let end = ends.first, let last = text.learned.lastIndex(of: true) else { return text }
        // An end, and a line break or so after it.
        if text.ids[max(0, last - 3)...].contains(where: ends.contains) { return text }
        var closed = text
        (closed.ids, closed.learned) = (text.ids[...last] + [end], text.learned[...last] + [true])
        return closed
    }

    func ids(_ messages: [JSON], _ tools: [JSON]?, asks: Bool) throws(RowProblem) -> [Int32] {
        if messages.isEmpty { return [] }
        do throws(TemplateError) { return try chat.ids(ChatInput(messages: messages, tools: tools, addsGenerationPrompt: asks)) } catch {
            throw RowProblem("the \(error)")
        }
    }

    /// Nil where there is no template or nothing to write.
    private func render(_ messages: [JSON], _ tools: [JSON]?, asks: Bool) throws(RowProblem) -> RenderedChat? {
        if messages.isEmpty { return nil }
        do throws(TemplateError) { return try chat.rendered(ChatInput(messages: messages, tools: tools, addsGenerationPrompt: asks)) } catch {
            throw RowProblem("the \(error)")
        }
    }
}
