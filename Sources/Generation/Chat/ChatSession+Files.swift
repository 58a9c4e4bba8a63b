import QuintetFiles

extension ChatSession {
    /// Writes the conversation: `{"messages": [{"role", "content"}]}`.
    public func save(to path: String) throws {
        let json: JSON = ["messages": .array(messages.map(\.json))]
        try AtomicFile.write(path, json.serialized(pretty: true) + "\n")
    }

    /// Goes on with a conversation that was saved.
    public func load(from path: String) throws {
        guard let list = try JSON.read(path)["messages"]?.array else {
            throw FileError("not a conversation", path: path, field: "messages", expected: "a list of messages")
        }
        var messages: [ChatMessage] = []
        for json in list { messages.append(try ChatMessage(json, path: path)) }
        load(messages)
    }
}
