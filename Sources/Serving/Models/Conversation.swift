import QuintetFiles
import QuintetGeneration
import QuintetTokenizers

/// The messages of a chat request, as a chat template takes them.
struct Conversation: Sendable {
    var messages: [JSON]
    /// What a template may read beyond them: `enable_thinking` and the like.
    var variables: JSONObject = [:]
    var ending = Ending.answer

    /// Where the text ends and the model goes on.
    enum Ending: Sendable {
        /// With the beginning of an answer.
        case answer
        /// Within the last message.
        case lastMessage
        /// With the last message, whole.
        case asItIs
    }

    private static let most = 10_000
    private static let roles: Set<String> = ["system", "developer", "user", "assistant", "tool", "function"]

    init(_ messages: [JSON]) { self.messages = messages }

    /// Reads OpenAI's `messages`.
    init(_ fields: Fields) throws(APIError) {
        messages = try Self.list(fields).map { message throws(APIError) in try Self.message(message) }
        for name in ["chat_template", "chat_template_url"] where fields[name] != nil {
            throw .invalid("'\(name)' is not taken from requests: a template is a program.", param: name)
        }
        if let more = fields["chat_template_kwargs"] { variables = try Self.variables(try Fields(more, "chat_template_kwargs")) }
        ending = try Self.ending(fields)
    }

    /// vLLM's and llama-server's two fields.
    private static func ending(_ fields: Fields) throws(APIError) -> Ending {
        let (begins, continues) = (try fields.flag("add_generation_prompt"), try fields.flag("continue_final_message") ?? false)
        if continues, begins == true {
            throw .invalid("'continue_final_message' and 'add_generation_prompt' exclude each other.", param: "continue_final_message")
        }
        return continues ? .lastMessage : begins ?? true ? .answer : .asItIs
    }

    static func list(_ fields: Fields) throws(APIError) -> [Fields] {
        guard let list = try fields.list("messages"), !list.isEmpty else {
            throw .invalid("'messages' has to be a list of at least one message.", param: "messages")
        }
        guard list.count <= most else { throw .invalid("'messages' has \(list.count) messages; at most \(most) are taken.", param: "messages") }
        var messages: [Fields] = []
        for (index, json) in list.enumerated() { messages.append(try Fields(json, "messages[\(index)]")) }
        return messages
    }

    /// Plain values only: what a template does with them is bounded, what they are is not ours to judge.
    private static func variables(_ fields: Fields) throws(APIError) -> JSONObject {
        for (key, value) in fields.object {
            guard value.object == nil, value.array == nil else { throw fields.wrong(key, "a text, a number, true or false") }
            guard !["messages", "tools", "documents", "add_generation_prompt"].contains(key), !key.hasSuffix("_token") else {
                throw .invalid("'\(fields.name(key))' cannot be set by a request.", param: fields.name(key))
            }
        }
        return fields.object
    }

    private static func message(_ fields: Fields) throws(APIError) -> JSON {
        guard let role = try fields.string("role"), roles.contains(role) else { throw fields.wrong("role", "one of \(roles.sorted().joined(separator: ", "))") }
        for name in ["name", "tool_call_id", "reasoning_content"] { _ = try fields.string(name) }
        var message = fields.object
        message["role"] = .string(role == "developer" ? "system" : role == "function" ? "tool" : role)
        let calls = try fields.list("tool_calls")
        guard fields["content"] != nil || role == "assistant" && calls != nil else { throw fields.wrong("content", "a text or a list of parts") }
        message["content"] = .string(try text(fields, "content"))
        if let calls { message["tool_calls"] = .array(try calls.enumerated().map { entry throws(APIError) in try call(Fields(entry.element, "\(fields.name("tool_calls"))[\(entry.offset)]")) }) }
        return .object(message)
    }

    /// Templates read arguments as an object; clients send them as a text.
    private static func call(_ fields: Fields) throws(APIError) -> JSON {
        guard let json = fields["function"] else { throw fields.wrong("function", "a function with a name and arguments") }
        let function = try Fields(json, fields.name("function"))
        guard try function.string("name") != nil else { throw function.wrong("name", "a name") }
        _ = try fields.string("id")
        var call = fields.object
        if let text = json["arguments"]?.string {
            guard let arguments = try? JSON.parse(text.isEmpty ? "{}" : text), arguments.object != nil else { throw function.wrong("arguments", "a JSON object as a text") }
            var members = function.object
            members["arguments"] = arguments
            call["function"] = .object(members)
        }
        return .object(call)
    }

    /// A text, or parts of which we read the text ones.
    static func text(_ message: Fields, _ key: String) throws(APIError) -> String {
        guard let value = message[key] else { return "" }
        if let text = value.string { return text }
        guard let parts = value.array else { throw message.wrong(key, "a text or a list of parts") }
        var text = ""
        for (index, json) in parts.enumerated() {
            let part = try Fields(json, "\(message.name(key))[\(index)]")
            guard let type = try part.string("type"), ["text", "input_text", "output_text", "refusal"].contains(type) else {
                throw part.wrong("type", "\"text\": this model reads text only, and nothing is fetched")
            }
            guard let more = try part.string("text") else { throw part.wrong("text", "a string") }
            text += more
        }
        return text
    }

    /// The first message where it says what the model is to be, else a new one with this text.
    mutating func addToSystem(_ text: String) {
        if messages.first?["role"]?.string == "system", let content = messages[0]["content"]?.string {
            messages[0]["content"] = .string(content.isEmpty ? text : content + "\n\n" + text)
        } else {
            messages.insert(["role": "system", "content": .string(text)], at: 0)
        }
    }

    /// For templates without a system role: what system messages say stands before what the user says next.
    mutating func moveSystemToUser() {
        var (moved, waiting): ([JSON], [String]) = ([], [])
        for var message in messages {
            let role = message["role"]?.string
            let text = message["content"]?.string ?? ""
            if role == "system" {
                if !text.isEmpty { waiting.append(text) }
                continue
            }
            if role == "user", !waiting.isEmpty {
                message["content"] = .string((waiting + [text]).joined(separator: "\n\n"))
                waiting = []
            }
            moved.append(message)
        }
        if !waiting.isEmpty { moved.append(["role": "user", "content": .string(waiting.joined(separator: "\n\n"))]) }
        messages = moved
    }
}

/// A prompt, and how its answer is read.
struct ChatPrompt: Sendable {
    let ids: [Int32]
    let style: ReplyStyle
}

extension ServedModel {
    /// The conversation as the model's template writes it; contents joined by newlines where it has none.
    func prompt(_ conversation: Conversation, _ tools: ToolUse? = nil) throws(APIError) -> ChatPrompt {
        let ids: [Int32]
        do { ids = try generator.chatIDs(input(conversation, tools)) } catch {
            throw .invalid("The conversation does not fit the model's template: \(error)", param: "messages")
        }
        if ids.isEmpty { throw .invalid("The conversation holds no text.", param: "messages") }
        var style = ReplyStyle()
        style.calls = tools?.calls(toolFormat) ?? .none
        style.isOneCall = tools?.isOneCall ?? false
        if usesChannels, !style.isForced {
            style.thoughts = .channels
        } else if thinks {
            style.thoughts = endsWithThought(ids) ? .begun : .marked
        }
        style.marks = marks(style)
        return ChatPrompt(ids: ids, style: style)
    }

    /// The conversation as text, for people to look at.
    func promptText(_ conversation: Conversation, _ tools: ToolUse?) throws(APIError) -> String {
        do { return try ChatEncoder(tokenizer, generator.templates).text(input(conversation, tools)) } catch {
            throw .invalid("The conversation does not fit the model's template: \(error)", param: "messages")
        }
    }

    private func input(_ conversation: Conversation, _ tools: ToolUse?) -> ChatInput {
        var conversation = conversation
        let describes = tools?.offered != nil && !takesTools
        if let tools, describes { conversation.addToSystem(tools.description) }
        if systemRole == .refused || describes && systemRole == .dropped { conversation.moveSystemToUser() }
        var input = ChatInput(messages: conversation.messages, tools: takesTools ? tools?.offered : nil)
        switch conversation.ending {
        case .answer: input.addsGenerationPrompt = true
        case .lastMessage: input.continuesFinalMessage = hasTemplate
        case .asItIs: break
        }
        input.variables = conversation.variables
        return input
    }

    /// Some templates begin the model's thoughts for it.
    private func endsWithThought(_ ids: [Int32]) -> Bool {
        tokenizer.decode(ids.suffix(8), skipSpecialTokens: false).trimmed.hasSuffix(ReplyStyle.thoughtMarks.0)
    }

    /// Marks that are tokens of their own, which a decoder would leave out.
    private func marks(_ style: ReplyStyle) -> [Int32: String] {
        var names: [String] = []
        if case .marked(let format) = style.calls { names += format.marks }
        switch style.thoughts {
        case .none: break
        case .marked, .begun: names += [ReplyStyle.thoughtMarks.0, ReplyStyle.thoughtMarks.1]
        case .channels: names += Harmony.marks
        }
        var marks: [Int32: String] = [:]
        for name in names { if let id = tokenizer.id(of: name), tokenizer.isSpecial(id) { marks[id] = name } }
        return marks
    }
}
