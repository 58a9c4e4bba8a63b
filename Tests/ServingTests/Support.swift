import QuintetFiles
import QuintetGeneration
import QuintetLayers
import QuintetModels
import QuintetServing
import QuintetTensors
import Testing

/// Small models of random weights in a folder, for servers to serve.
enum TestModels {
    /// Writes a model folder: a token for each byte and a few special ones, random weights from a seed.
    static func write(_ folder: String, seed: UInt64 = 3, context: Int = 256, template: String? = nil) throws {
        let attention = AttentionSpec(heads: 4, kvHeads: 2, headWidth: 8, positions: .rotary(Rotary(width: 8)))
        let block = BlockSpec(mixer: .attention(attention), feedForward: .gated(hidden: 24, .silu, .none), norm: .rms(epsilon: 1e-5, offset: 0))
        let spec = TransformerSpec(
            vocabulary: 256 + special.count, width: 32, context: context, layers: LayerPattern(block, count: 3), finalNorm: .rms(epsilon: 1e-5, offset: 0),
            head: HeadSpec(.own), initialization: Initialization(deviation: 0.3, outputs: .same))
        let store = ParameterStore(spec.parameters, gradients: false)
        store.initialize(seed: seed)
        let tensors = Dictionary(uniqueKeysWithValues: store.entries.indices.map { (store.entries[$0].name, store.tensor($0)) })
        try ModelExport(spec, tokens: SpecialTokens(eos: [256]), card: ModelCard(title: "test", summary: "Random weights.")).write(tensors, into: folder)
        try AtomicFile.write(Folder.join(folder, "tokenizer.json"), tokenizer)
        if let template { try AtomicFile.write(Folder.join(folder, "chat_template.jinja"), template) }
    }

    /// Writes an adapter of random numbers for a model: PEFT's folder, or a GGUF file where the name says so.
    static func writeAdapter(_ path: String, base: String, seed: UInt64, targets: [String], form: AdapterConfig.Form = .lora) throws {
        let folder = try ModelFolder.open(base)
        var config = AdapterConfig(rank: 4, alpha: 16, targets: .names(targets))
        config.form = form
        let plan = try AdapterPlan(config, for: folder)
        let store = ParameterStore(plan.parameters, gradients: false)
        try plan.initialize(store, seed: seed, base: folder)
        var state = seed
        for index in store.entries.indices {
            let tensor = store.master(index)
            let numbers = (0..<tensor.count).map { _ -> Float in
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                return Float(Int64(state >> 40) - (1 << 23)) / Float(1 << 23) / 2
            }
            tensor.copyIn(Tensor(numbers, tensor.shape))
        }
        let adapter = Adapter(plan, store)
        if path.hasSuffix(".gguf") { try adapter.writeGGUF(path, base: folder) } else { try adapter.write(folder: path, base: folder) }
    }

    /// ChatML with a place for functions, as Qwen's.
    static let chatML = """
        {%- if tools %}<|im_start|>system
        {% for tool in tools %}{{ tool | tojson }}
        {% endfor %}Answer with <tool_call></tool_call>.<|im_end|>
        {% endif %}{%- for message in messages %}<|im_start|>{{ message.role }}
        {{ message.content }}{% for call in message.tool_calls or [] %}<tool_call>{{ call.function | tojson }}</tool_call>{% endfor %}<|im_end|>
        {% endfor %}{% if add_generation_prompt %}<|im_start|>assistant
        {% endif %}
        """

    /// The same with thoughts.
    static let thinking = chatML + "{# <think> </think> #}"

    private static let special = ["<|im_end|>", "<|im_start|>", "<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"]

    /// GPT-2's letters for bytes.
    private static let letters: [String] = {
        var next: UInt32 = 256
        return (0..<256).map { byte in
            if (33...126).contains(byte) || (161...172).contains(byte) || (174...255).contains(byte) { return String(UnicodeScalar(UInt8(byte))) }
            defer { next += 1 }
            return UnicodeScalar(next).map { String($0) } ?? ""
        }
    }()

    private static var tokenizer: String {
        var vocabulary = JSONObject()
        for (id, letter) in letters.enumerated() { vocabulary[letter] = JSON(id) }
        let added = special.enumerated().map { index, text -> JSON in
            [
                "id": JSON(256 + index), "content": .string(text), "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": true,
            ]
        }
        let json: JSON = [
            "version": "1.0", "added_tokens": .array(added), "normalizer": nil, "pre_tokenizer": ["type": "ByteLevel", "add_prefix_space": false, "use_regex": false],
            "post_processor": nil, "decoder": ["type": "ByteLevel"], "model": ["type": "BPE", "vocab": .object(vocabulary), "merges": []],
        ]
        return json.serialized()
    }
}

/// Runs a server on a free port while `body` talks to it.
func withServer(
    _ change: (inout ServerOptions) -> Void = { _ in }, models: [String] = ["alpha"], context: Int = 256, template: String? = nil,
    _ body: (Client, TextGenerator) async throws -> Void
) async throws {
    let folder = try Folder.temporary()
    defer { try? Folder.remove(folder) }
    let paths = models.map { Folder.join(folder, $0) }
    for (index, path) in paths.enumerated() { try TestModels.write(path, seed: UInt64(index + 3), context: context, template: template) }
    var options = ServerOptions()
    change(&options)
    try await withServer(options, paths) { client in try await body(client, try TextGenerator.open(paths[0])) }
}

/// Runs a server for models that are there.
func withServer(_ options: ServerOptions, _ paths: [String], isSecure: Bool = false, _ body: (Client) async throws -> Void) async throws {
    var options = options
    options.port = 0
    options.log = options.log == .standardError ? .none : options.log
    let server = try Server(paths, options)
    let (ports, continuation) = AsyncStream.makeStream(of: Int.self)
    let running = Task {
        defer { continuation.finish() }
        try await server.run { continuation.yield($0) }
    }
    var iterator = ports.makeAsyncIterator()
    guard let port = await iterator.next() else {
        try await running.value
        throw ServerError("the server did not start")
    }
    let client = Client(port: port, server: server)
    do {
        while !isSecure, client.get("/readyz")?.status != 200 { try await Task.sleep(for: .milliseconds(5)) }
        try await body(client)
    } catch {
        server.stop()
        _ = try? await running.value
        throw error
    }
    server.stop()
    try await running.value
}
