import QuintetFiles
import QuintetLayers

/// A conversation that goes on: its messages, and the model's memory of them, so that only what is new is read.
///
/// ```swift
/// let chat = try ChatSession(generator)
/// let answer = try chat.reply(to: "Hello!") { print($0, terminator: "") }
/// ```
public final class ChatSession {
    public let generator: TextGenerator
    public private(set) var messages: [ChatMessage] = []
    private let session: GenerationSession
    private var options: GenerationOptions
    /// What the session has read.
    private var read: [Int32] = []

    /// `options.context` bounds the conversation; by default 4096 tokens, or what the model was made for if that is less.
    public init(_ generator: TextGenerator, options: GenerationOptions = GenerationOptions(maxTokens: 1024)) throws(OptionError) {
        self.generator = generator
        self.options = options
        session = try GenerationSession(
            generator.model, capacity: options.context ?? min(generator.model.spec.context, 4096), cacheType: generator.cacheType)
        try options.validate(promptTokens: 0, context: session.capacity)
    }

    /// The first message where it tells the model what to be; setting it begins the conversation anew.
    public var system: String? {
        get { messages.first.flatMap { $0.role == "system" ? $0.content : nil } }
        set { messages = newValue.map { [.system($0)] } ?? [] }
    }

    /// Forgets the conversation, not the system message.
    public func reset() { messages = messages.prefix(system == nil ? 0 : 1).map { $0 } }

    /// Takes another conversation's messages.
    public func load(_ messages: [ChatMessage]) { self.messages = messages }

    /// Answers a message. Where it fails nothing is kept; where `shouldStop` says so, what was said up to then is, if anything was.
    @discardableResult
    public func reply(
        to message: String, shouldStop: () -> Bool = { false }, onText: (String) throws -> Void = { _ in }
    ) throws -> GenerationResult {
        let asked = messages + [.user(message)]
        let prompt = try generator.chatIDs(asked)
        guard prompt.count < session.capacity else {
            throw OptionError(option: "context", expected: "a conversation of fewer than \(session.capacity) tokens", found: "\(prompt.count)")
        }
        try keepBeginning(of: prompt)
        var options = options
        options.maxTokens = min(options.maxTokens, session.capacity - prompt.count)
        let result = try generator.generate(prompt, in: session, options: options, shouldStop: shouldStop, onText: onText)
        read = Array((prompt + result.ids).prefix(session.count))
        if !result.ids.isEmpty { messages = asked + [.assistant(result.text)] }
        return result
    }

    /// Goes back to where the prompt differs from what was read; its last token is always read anew, for its logits.
    private func keepBeginning(of prompt: [Int32]) throws(OptionError) {
        let shared = min(zip(read, prompt).prefix { $0 == $1 }.count, prompt.count - 1, session.count)
        read = Array(read.prefix(shared))
        try session.keep(shared)
    }
}
