import QuintetFiles
import QuintetGeneration
import QuintetLayers
import QuintetTokenizers

/// A model that is loaded and answers.
final class ServedModel: Sendable {
    let name: String
    let generator: TextGenerator
    let client: BatchClient
    /// Bytes its files take.
    let bytes: Int
    /// The adapters beside its weights, and which of them is meant by this name; nil for the model itself.
    let rack: AdapterRack
    let chosen: Int?
    /// What its files are, where somebody keeps keys and values of it.
    let fingerprint: ModelFingerprint?
    /// The chat template's source, for tools where it has one for them; nil where the model has none.
    let template: String?
    let systemRole: SystemRole
    private let formats = Guarded<[(key: String, format: OutputFormat)]>([])
    private let pieces = Guarded<[[UInt8]]?>(nil)
    private static let mostFormats = 16
    static let plainTextNote = "this model has no chat template: the contents of messages are joined by newlines"

    init(
        name: String, generator: TextGenerator, client: BatchClient, bytes: Int, rack: AdapterRack, chosen: Int? = nil, fingerprint: ModelFingerprint? = nil
    ) {
        self.name = name
        self.generator = generator
        self.client = client
        self.bytes = bytes
        self.rack = rack
        self.chosen = chosen
        self.fingerprint = fingerprint
        template = try? generator.templates.template(forTools: true)?.source
        systemRole = SystemRole(ChatEncoder(generator.tokenizer, generator.templates))
    }

    /// What becomes of a system message in the model's template.
    enum SystemRole: Sendable {
        case taken
        /// The template leaves it out without a word, or refuses the conversation.
        case dropped, refused

        /// Tried with a short conversation: what a template does is not to be seen in its text.
        init(_ encoder: ChatEncoder) {
            let (system, user): (JSON, JSON) = (["role": "system", "content": "Quintet asks."], ["role": "user", "content": "Hello"])
            self = .taken
            guard encoder.hasTemplate, (try? encoder.text(ChatInput(messages: [user], addsGenerationPrompt: true))) != nil else { return }
            let text = try? encoder.text(ChatInput(messages: [system, user], addsGenerationPrompt: true))
            self = text.map { $0.contains("Quintet asks.") ? .taken : .dropped } ?? .refused
        }
    }

    /// The same model under the names of its adapters.
    var adapted: [ServedModel] {
        rack.adapters.enumerated().map { index, adapter in
            ServedModel(name: adapter.name, generator: generator, client: client, bytes: bytes, rack: rack, chosen: index, fingerprint: fingerprint)
        }
    }

    /// How much of each adapter a request wants: what it says, what its model's name says, or what is set for all.
    func shares(_ fields: Fields) throws(APIError) -> [Float] {
        if let list = try fields.list("lora") { return try rack.scales(list, "lora") }
        return chosen.map(rack.alone) ?? rack.defaults
    }

    var context: Int { client.limits.context }
    var vocabulary: Int { generator.model.spec.vocabulary }
    var width: Int { generator.model.spec.width }
    var tokenizer: Tokenizer { generator.tokenizer }
    var hasTemplate: Bool { template != nil }
    /// Whether the template has a place for functions.
    var takesTools: Bool { template?.contains("tools") ?? false }
    /// Whether the model writes its thoughts before its answer.
    var thinks: Bool { template?.contains(ReplyStyle.thoughtMarks.1) ?? false }
    /// Whether everything it writes is a message in a channel.
    var usesChannels: Bool { template.map(Harmony.isTemplate) ?? false }
    var toolFormat: ToolFormat { takesTools ? ToolFormat.of(template: template ?? "") : .hermes }

    /// The prompt of a text: what the tokenizer adds to one, and nothing else.
    func promptIDs(_ text: String, param: String = "prompt") throws(APIError) -> [Int32] {
        do { return try generator.promptIDs(text) } catch { throw .invalid("\(error)", param: param) }
    }

    /// Refuses at once what would find no place, before a prompt is worked out.
    func checkRoom() throws(APIError) {
        if !client.hasRoom { throw .overloaded("The queue of \(client.limits.queue) is full.") }
    }

    /// An output format, read and worked out for the vocabulary; the same text gives the same one while it is in use.
    /// - Throws: `APIError` where it cannot be held to.
    func format(_ source: FormatSource) async throws -> (format: OutputFormat, start: ConstraintState) {
        let key = source.key
        let known = formats.withLock { $0.first { $0.key == key }?.format }
        let generator = generator
        do {
            let (format, start) = try await SystemThread.run(.yielding) {
                let format = try known ?? source.read()
                return (format, try generator.constraint(format))
            }
            if known == nil {
                formats.withLock { formats in
                    if formats.count >= Self.mostFormats { formats.removeFirst() }
                    formats.append((key, format))
                }
            }
            return (format, start)
        } catch let error as ConstraintError {
            throw APIError.invalid("The output format cannot be held to: \(error)", param: "response_format", code: "unsupported_output_format")
        }
    }

    /// A token's own text and bytes, as logprobs tell them.
    func piece(_ id: Int32) -> (text: String, bytes: [UInt8]) {
        let known = pieces.withLock { pieces in
            if pieces == nil { pieces = tokenizer.tokenBytes ?? [] }
            return pieces.flatMap { $0.indices.contains(Int(id)) ? $0[Int(id)] : nil }
        }
        let bytes = known.flatMap { $0.isEmpty ? nil : $0 } ?? tokenizer.decodeBytes([id], skipSpecialTokens: false)
        return (String(decoding: bytes, as: UTF8.self), bytes)
    }
}
