public import QuintetFiles

/// A conversation and what goes with it, as `apply_chat_template` takes it.
public struct ChatInput: Sendable {
    /// Objects with `role` and `content` (a string, or a list of parts), and what the template knows beyond that.
    public var messages: [JSON]
    /// Functions the model may call, as JSON schemas; nil for none.
    public var tools: [JSON]?
    /// Texts for answers with sources; nil for none.
    public var documents: [JSON]?
    /// Ends with the beginning of an answer.
    public var addsGenerationPrompt = false
    /// Ends within the last message, for the model to go on.
    public var continuesFinalMessage = false
    /// Words of the tokenizer: `bos_token`, `eos_token` and the like. Trusted: they become control tokens.
    public var specialTokens: [String: String] = [:]
    /// More values for the template, such as `enable_thinking`. Not trusted: texts stay texts.
    public var variables: JSONObject = [:]

    public init(messages: [JSON], tools: [JSON]? = nil, documents: [JSON]? = nil, addsGenerationPrompt: Bool = false) {
        self.messages = messages
        self.tools = tools
        self.documents = documents
        self.addsGenerationPrompt = addsGenerationPrompt
    }

    /// What a continued message ends with while it is rendered; the text is cut there.
    private static let mark = "CONTINUE_FINAL_MESSAGE_TAG "
    private static let reasoningKeys = ["reasoning_content", "thinking", "reasoning"]

    /// The names a template finds.
    var values: [String: TemplateValue] {
        var values = specialTokens.mapValues { TemplateValue.text($0) }
        for (name, value) in variables { values[name] = TemplateValue(value, origin: .content) }
        values["messages"] = .list(messages.indices.map { message($0) })
        values["tools"] = tools.map { .list($0.map { TemplateValue($0, origin: .content) }) } ?? TemplateValue.null
        values["documents"] = documents.map { .list($0.map { TemplateValue($0, origin: .content) }) } ?? TemplateValue.null
        values["add_generation_prompt"] = .bool(addsGenerationPrompt)
        return values
    }

    /// A message without its nulls, its reasoning under every name that templates use, its role trusted where it is a plain name.
    private func message(_ index: Int) -> TemplateValue {
        guard let members = messages[index].object else { return TemplateValue(messages[index], origin: .content) }
        let role = members["role"]?.string ?? ""
        let origin: TextOrigin = role == "assistant" ? .assistant : .content
        var dict = TemplateDict()
        let reasoning = Self.reasoningKeys.lazy.compactMap { key in members[key].flatMap { $0.isNull ? nil : $0 } }.first
        if let reasoning { dict["thinking"] = TemplateValue(reasoning, origin: origin) }
        for (key, value) in members where !value.isNull {
            let isRole = key == "role" && TemplateValue.isName(value.string ?? " ")
            dict[key] = TemplateValue(value, origin: isRole ? .template : origin)
        }
        if let reasoning { dict["reasoning_content"] = TemplateValue(reasoning, origin: origin) }
        if continuesFinalMessage, index == messages.count - 1 { Self.addMark(to: &dict) }
        return .dict(dict)
    }

    private static func addMark(to dict: inout TemplateDict) {
        switch dict["content"] {
        case .string(let text)?: dict["content"] = .string(text + TemplateText(mark, origin: .assistant))
        case .list(var parts)?:
            for index in parts.indices.reversed() {
                guard case .dict(var part) = parts[index], case .string(let text)? = part["text"] else { continue }
                part["text"] = .string(text + TemplateText(mark, origin: .assistant))
                parts[index] = .dict(part)
                break
            }
            dict["content"] = .list(parts)
        default: break
        }
    }

    /// - Throws: `TemplateError` where the conversation is none.
    func check(_ source: String) throws(TemplateError) {
        if messages.isEmpty { throw TemplateError(.input, "a conversation without messages") }
        if let wrong = messages.firstIndex(where: { $0.object == nil }) {
            throw TemplateError(.input, "message \(wrong + 1) is \(messages[wrong].kind), not an object with a role and content")
        }
        guard continuesFinalMessage else { return }
        if addsGenerationPrompt { throw TemplateError(.input, "a message can be continued or a new one begun, not both") }
        guard Self.continued(messages[messages.count - 1]) != nil else { throw TemplateError(.input, "the last message has no text to continue") }
    }

    /// The text of a message that is to be continued.
    private static func continued(_ message: JSON) -> String? {
        guard let content = message["content"] else { return nil }
        return content.string ?? content.array?.last { $0["text"]?.string != nil }?["text"]?.string
    }

    /// Cuts the text where the last message ends; a template that trims messages has the white space before it cut as well.
    func cut(_ out: inout TemplateText) throws(TemplateError) {
        let mark = TemplateText(Self.mark)
        let trimmed = TemplateStrings.strip(mark, nil)
        let text = TemplateStrings.strip(TemplateText(Self.continued(messages[messages.count - 1]) ?? ""), nil)
        guard let place = out.lastIndex(of: trimmed), out.firstIndex(of: text) != nil else {
            throw TemplateError(.input, "the template changes the last message, so it cannot be continued")
        }
        let isWhole = out.matches(mark, at: place)
        out = out.slice(0, place)
        if !isWhole { out = TemplateStrings.strip(out, nil, left: false) }
    }
}

/// A conversation as text.
public struct RenderedChat: Sendable, Equatable {
    public let text: String
    /// UTF-8 ranges that came from the conversation: what special tokens are spelled out in.
    public let content: [Range<Int>]
    /// Those of them that assistant messages brought.
    public let assistantContent: [Range<Int>]
    /// Those of them that others than the assistant brought.
    public let othersContent: [Range<Int>]
    /// UTF-8 ranges of what the assistant says (`{% generation %}`), for a trainer.
    public let assistant: [Range<Int>]
    /// The template's source.
    public let source: String

    init(_ out: TemplateText, source: String) {
        self.source = source
        var offsets = [0]
        offsets.reserveCapacity(out.count + 1)
        var at = 0
        for unit in out.units {
            let value = unit & TemplateText.valueMask
            at += value < 0x80 ? 1 : value < 0x800 ? 2 : value < 0x10000 ? 3 : 4
            offsets.append(at)
        }
        text = out.string
        content = Self.runs(out) { TextOrigin(of: $0) != .template }.map { offsets[$0.lowerBound]..<offsets[$0.upperBound] }
        othersContent = Self.runs(out) { TextOrigin(of: $0) != .template && TextOrigin(of: $0) != .assistant }.map { offsets[$0.lowerBound]..<offsets[$0.upperBound] }
        assistantContent = Self.runs(out) { TextOrigin(of: $0) == .assistant }.map { offsets[$0.lowerBound]..<offsets[$0.upperBound] }
        assistant = Self.runs(out) { $0 & TemplateText.generated != 0 }.map { offsets[$0.lowerBound]..<offsets[$0.upperBound] }
    }

    private init(prefix count: Int, of whole: RenderedChat) {
        func cut(_ ranges: [Range<Int>]) -> [Range<Int>] { ranges.map { $0.clamped(to: 0..<max(count, 0)) }.filter { !$0.isEmpty } }
        text = String(decoding: whole.text.utf8.prefix(count), as: UTF8.self)
        (content, assistantContent, othersContent) = (cut(whole.content), cut(whole.assistantContent), cut(whole.othersContent))
        (assistant, source) = (cut(whole.assistant), whole.source)
    }

    /// The first `count` UTF-8 bytes, which end at the end of a character.
    public func prefix(_ count: Int) -> RenderedChat { RenderedChat(prefix: count, of: self) }

    /// Stretches of characters whose origin is wanted.
    private static func runs(_ out: TemplateText, _ wanted: (UInt32) -> Bool) -> [Range<Int>] {
        var runs: [Range<Int>] = []
        var start: Int?
        for index in 0...out.count {
            let isIn = index < out.count && wanted(out.units[index])
            if isIn, start == nil { start = index }
            if !isIn, let from = start {
                runs.append(from..<index)
                start = nil
            }
        }
        return runs
    }
}
