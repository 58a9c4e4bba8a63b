import QuintetFiles

/// Lists of messages as files have them, in the form that templates read.
enum Messages {
    /// Whose words a text is that stands where a list of messages may.
    private static let speakers = ["prompt": "user", "completion": "assistant", "chosen": "assistant", "rejected": "assistant"]

    /// Objects with a role and a content; `tool_calls` and the like stay.
    static func read(_ json: JSON, _ name: String) throws(RowProblem) -> [JSON] {
        if let text = json.string, let speaker = speakers[name] { return [Conversation.message(speaker, text)] }
        guard let list = json.array else { throw RowProblem("\(name): expected a list of messages, found \(json.kind)") }
        guard !list.isEmpty else { throw RowProblem("\(name): expected messages, found none") }
        var messages: [JSON] = []
        for (index, message) in list.enumerated() { messages.append(try one(message, "\(name), message \(index + 1)")) }
        return messages
    }

    private static func one(_ message: JSON, _ place: String) throws(RowProblem) -> JSON {
        if message["role"]?.string != nil {
            let content = message["content"] ?? .null
            if content.string != nil || content.isNull && message["tool_calls"]?.isNull == false { return message }
            guard !content.isNull else { throw RowProblem("\(place): no content") }
            guard let parts = content.array else { throw RowProblem("\(place): content: expected text, found \(content.kind)") }
            // Texts in parts, as newer files have them; templates of models that read text alone want one.
            let texts = parts.compactMap { $0["text"]?.string }
            guard texts.count == parts.count else { throw RowProblem("\(place): content: expected text, found parts of other kinds") }
            var joined = message
            joined["content"] = .string(texts.joined())
            return joined
        }
        guard let from = message["from"]?.string, let value = message["value"]?.string else {
            throw RowProblem("\(place): expected role and content")
        }
        guard let role = role(from) else { throw RowProblem("\(place): from: expected human, gpt, system, function_call or observation, found \"\(from.prefix(40))\"") }
        return Conversation.message(role, value)
    }

    /// The roles of ShareGPT's files in the words of templates.
    private static func role(_ from: String) -> String? {
        switch from {
        case "human", "user": "user"
        case "gpt", "assistant", "chatgpt", "bard", "model": "assistant"
        case "function_call": "assistant"
        case "observation", "tool", "function_response": "tool"
        case "system": "system"
        default: nil
        }
    }

    /// ShareGPT's conversation with its system message in front.
    static func shared(_ row: JSONObject) throws(RowProblem) -> [JSON] {
        let messages = try read(row["conversations"] ?? .null, "conversations")
        guard let system = row["system"]?.string, !system.isEmpty else { return messages }
        return [Conversation.message("system", system)] + messages
    }

    /// Tools: a list of schemas, or a text that holds one.
    static func tools(_ row: JSONObject) throws(RowProblem) -> [JSON]? {
        guard let tools = row["tools"], !tools.isNull, tools.string != "" else { return nil }
        if let list = tools.array { return list.isEmpty ? nil : list }
        guard let text = tools.string, let list = (try? JSON.parse(text, source: "tools"))?.array else {
            throw RowProblem("tools: expected a list of JSON schemas")
        }
        return list.isEmpty ? nil : list
    }
}

/// Rows with a better and a worse answer, in the forms that TRL and LLaMA-Factory read.
enum PreferenceRow {
    static func example(_ row: JSONObject) throws(RowProblem) -> Example {
        let (chosen, rejected) = (row["chosen"] ?? .null, row["rejected"] ?? .null)
        if row["conversations"] != nil { return try pair(Messages.shared(row), chosen, rejected, row) }
        if let prompt = row["prompt"], !prompt.isNull {
            if let text = prompt.string, let better = chosen.string, let worse = rejected.string { return try pair(text, better, worse) }
            return try pair(Messages.read(prompt, "prompt"), chosen, rejected, row)
        }
        if let better = chosen.string, let worse = rejected.string { return try implicit(better, worse) }
        let (better, worse) = (try Messages.read(chosen, "chosen"), try Messages.read(rejected, "rejected"))
        let shared = zip(better, worse).prefix { $0 == $1 }.count
        return try pair(Array(better[..<shared]), .array(Array(better[shared...])), .array(Array(worse[shared...])), row)
    }

    private static func pair(_ prompt: String, _ chosen: String, _ rejected: String) throws(RowProblem) -> Example {
        if chosen == rejected { throw RowProblem("chosen and rejected are the same") }
        return .preference(chosen: .completion(prompt: prompt, completion: chosen), rejected: .completion(prompt: prompt, completion: rejected))
    }

    private static func pair(_ prompt: [JSON], _ chosen: JSON, _ rejected: JSON, _ row: JSONObject) throws(RowProblem) -> Example {
        func said(_ json: JSON, _ name: String) throws(RowProblem) -> [JSON] { try Messages.read(json.object == nil ? json : .array([json]), name) }
        // An empty rest means that one answer is the beginning of the other.
        if chosen.array?.isEmpty == true || rejected.array?.isEmpty == true { throw RowProblem("chosen and rejected: one has no answer of its own") }
        let (better, worse) = (try said(chosen, "chosen"), try said(rejected, "rejected"))
        if better == worse { throw RowProblem("chosen and rejected are the same") }
        let tools = try Messages.tools(row)
        func whole(_ answer: [JSON]) -> Example { .conversation(Conversation(prompt + answer, tools: tools, learnedFrom: prompt.count)) }
        return .preference(chosen: whole(better), rejected: whole(worse))
    }

    /// Two whole dialogues: what they share up to the last speaker's mark is the prompt (the HH-RLHF files).
    private static func implicit(_ chosen: String, _ rejected: String) throws(RowProblem) -> Example {
        if chosen == rejected { throw RowProblem("chosen and rejected are the same") }
        let (a, b) = (Array(chosen.utf8), Array(rejected.utf8))
        var shared = zip(a, b).prefix { $0 == $1 }.count
        let mark = Array("\n\nAssistant:".utf8)
        if let turn = (0...max(0, shared - mark.count)).last(where: { shared >= mark.count && Array(a[$0..<$0 + mark.count]) == mark }) {
            shared = turn + mark.count
        } else {
            // Never within a character, and where words begin.
            while shared > 0, a[shared - 1] != 0x20, a[shared - 1] != 0x0A { shared -= 1 }
        }
        func text(_ bytes: ArraySlice<UInt8>) -> String { String(decoding: bytes, as: UTF8.self) }
        let prompt = text(a[..<shared])
        return try pair(prompt, text(a[shared...]), text(b[shared...]))
    }
}
