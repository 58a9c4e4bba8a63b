public import QuintetFiles

/// One message of a conversation.
public struct ChatMessage: Sendable, Equatable {
    public var role: String
    public var content: String
    /// What else a template may read: `tool_calls`, `name`, `reasoning_content`.
    public var more: JSONObject = [:]

    public init(role: String, content: String) {
        self.role = role
        self.content = content
    }

    public static func system(_ content: String) -> ChatMessage { ChatMessage(role: "system", content: content) }
    public static func user(_ content: String) -> ChatMessage { ChatMessage(role: "user", content: content) }
    public static func assistant(_ content: String) -> ChatMessage { ChatMessage(role: "assistant", content: content) }

    public var json: JSON {
        var members: JSON = ["role": .string(role), "content": .string(content)]
        for (key, value) in more { members[key] = value }
        return members
    }

    /// - Throws: `FileError` where the object is no message with a role and a text.
    public init(_ json: JSON, path: String) throws(FileError) {
        guard let role = json["role"]?.string, let content = json["content"]?.string else {
            throw FileError("not a message", path: path, expected: "an object with role and content", found: String(json.serialized().prefix(80)))
        }
        self.init(role: role, content: content)
        for (key, value) in json.object ?? [:] where key != "role" && key != "content" { more[key] = value }
    }
}
