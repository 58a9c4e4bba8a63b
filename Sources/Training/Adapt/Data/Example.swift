public import QuintetFiles

/// One thing to learn from, whatever its file looked like.
public indirect enum Example: Sendable, Equatable {
    /// Plain text, all of it learned.
    case text(String)
    /// A beginning that is given and how it goes on.
    case completion(prompt: String, completion: String)
    case conversation(Conversation)
    /// Two answers to the same prompt, the better one first.
    case preference(chosen: Example, rejected: Example)
    /// A text and what it is: a class (text or number) or a value.
    case labelled(text: String, label: JSON)
    /// Words and the tag of each.
    case tagged(words: [String], tags: [JSON])
}

/// Messages, and the tools that the assistant may call.
public struct Conversation: Sendable, Equatable {
    public var messages: [JSON]
    public var tools: [JSON]?
    /// The first message that is learned where the assistant says it; those before are given.
    public var learnedFrom = 0

    public init(_ messages: [JSON], tools: [JSON]? = nil, learnedFrom: Int = 0) {
        self.messages = messages
        self.tools = tools
        self.learnedFrom = learnedFrom
    }

    public static func message(_ role: String, _ content: String) -> JSON { ["role": .string(role), "content": .string(content)] }
}

/// A row of a file and where it stood: `train.jsonl, line 17`.
public struct DataRow: Sendable {
    public var example: Example
    public var position: Position
    /// The same for rows that say the same.
    var key: UInt64 = 0

    /// Where in which file.
    public struct Position: Sendable, Hashable, CustomStringConvertible {
        public var file: String
        /// Counted from 1: the line of a text file, the element of a JSON array.
        public var number: Int
        public var isLine: Bool

        public init(file: String, number: Int, isLine: Bool) { (self.file, self.number, self.isLine) = (file, number, isLine) }

        public var description: String { "\(file), \(isLine ? "line" : "row") \(number)" }
    }
}

/// Why a row is not learned from, counted and shown before training starts.
public struct SkippedRow: Sendable, Equatable {
    public var position: DataRow.Position
    public var reason: String
}
