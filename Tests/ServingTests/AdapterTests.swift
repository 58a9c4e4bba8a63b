import QuintetFiles
import QuintetGeneration
import QuintetModels
import QuintetServing
import QuintetTensors
import QuintetTokenizers
import Testing

/// Adapters that requests choose, beside one model's weights.
@Suite(.serialized) struct AdapterTests {
    /// A server with a model and two adapters of it, `first` as PEFT's folder and `second` as a GGUF file.
    private func withAdapters(
        _ change: (inout ServerOptions) -> Void = { _ in }, _ body: (Client, _ base: String, _ adapters: [String]) async throws -> Void
    ) async throws {
        let folder = try Folder.temporary()
        defer { try? Folder.remove(folder) }
        let base = Folder.join(folder, "alpha")
        try TestModels.write(base)
        let paths = ["first", "second.gguf"].map { Folder.join(folder, $0) }
        try TestModels.writeAdapter(paths[0], base: base, seed: 5, targets: ["q_proj", "v_proj", "down_proj"])
        try TestModels.writeAdapter(paths[1], base: base, seed: 6, targets: ["k_proj", "o_proj", "gate_proj", "lm_head"])
        var options = ServerOptions()
        options.adapters = [ServedAdapter(parsing: paths[0]), ServedAdapter(parsing: "other=\(paths[1])")]
        change(&options)
        try await withServer(options, [base]) { client in try await body(client, base, paths) }
    }

    private func text(_ answer: Client.Answer?) -> String? { answer?.json["choices"]?[0]?["text"]?.string }

    @Test func eachNameIsItsOwnModel() async throws {
        try await withAdapters { client, base, paths in
            let ask = { (more: JSONObject) -> Client.Answer? in
                var request: JSONObject = ["prompt": "Once upon a time", "max_tokens": 24, "temperature": 0]
                for (key, value) in more { request[key] = value }
                return client.post("/v1/completions", .object(request))
            }
            let library = { (choices: [AdapterChoice]) in
                try TextGenerator(try ModelFolder.open(base).adapted(by: choices)).generate("Once upon a time", options: GenerationOptions(maxTokens: 24)).text
            }
            let (plain, first, second) = (try library([]), try library([AdapterChoice(paths[0])]), try library([AdapterChoice(paths[1])]))
            let both = try library([AdapterChoice(paths[0], weight: 0.5), AdapterChoice(paths[1], weight: 1.25)])
            #expect(Set([plain, first, second, both]).count == 4)
            #expect(text(ask([:])) == plain)
            #expect(text(ask(["model": "alpha"])) == plain)
            let named = try #require(ask(["model": "first"]))
            #expect(text(named) == first && named.json["model"]?.string == "first")
            #expect(text(ask(["model": "other"])) == second)
            #expect(text(ask(["lora": [["id": 0, "scale": 0.5], ["id": 1, "scale": 1.25]]])) == both)
            #expect(text(ask(["lora": [["id": 0, "scale": 1]]])) == first)
            #expect(text(ask(["model": "first", "lora": []])) == plain, "what is said beats the name")

            let models = try #require(client.get("/v1/models")?.json["data"]?.array)
            #expect(models.compactMap { $0["id"]?.string } == ["alpha", "first", "other"])
            #expect(models.map { $0["parent"]?.string } == [nil, "alpha", "alpha"])
            #expect(client.get("/v1/models/first")?.json["root"]?.string == paths[0])
            #expect(client.get("/lora-adapters")?.json.array?.map { $0["scale"]?.double } == [0, 0])
            #expect(client.post("/lora-adapters", [["id": 1, "scale": 1]])?.json["success"]?.bool == true)
            #expect(client.get("/lora-adapters")?.json.array?.map { $0["scale"]?.double } == [0, 1])
            #expect(text(ask([:])) == second)
            #expect(text(ask(["model": "first"])) == first)

            for wrong in ["7", "{}", "[7]", "[{\"id\":2,\"scale\":1}]", "[{\"id\":-1,\"scale\":1}]", "[{\"id\":0}]", "[{\"id\":0,\"scale\":\"1\"}]", "[{\"id\":0,\"scale\":1e9}]"] {
                let answer = client.post("/v1/completions", text: "{\"prompt\":\"a\",\"lora\":\(wrong)}")
                #expect(answer?.status == 400, "\(wrong)")
                #expect(client.post("/lora-adapters", text: wrong)?.status == 400, "\(wrong)")
            }
            #expect(ask(["model": "firs"])?.json["error"]?["message"]?.string?.contains("first") == true)
        }
    }

    /// Requests with different adapters side by side give what each gives alone, whoever else is there.
    @Test(arguments: [2, 7]) func anyMixGivesTheSameTexts(_ parallel: Int) async throws {
        try await withAdapters({
            $0.parallel = parallel
            $0.queue = 500
            $0.connection.connectionsPerAddress = 1000
        }) { client, _, _ in
            let request = { (number: Int) -> JSON in
                let words = ["stone", "the", "river", "old"]
                let prompt = (0...(number * 5) % 19).map { words[($0 < 4 ? $0 : $0 + number) % 4] }.joined(separator: " ")
                var json: JSON = ["prompt": .string(prompt), "max_tokens": JSON(2 + number % 25), "seed": JSON(number), "temperature": number % 2 == 0 ? 0 : 1]
                switch number % 5 {
                case 1: json["model"] = "first"
                case 2: json["model"] = "other"
                case 3: json["lora"] = [["id": 0, "scale": JSON(Double(number) / 20)], ["id": 1, "scale": 0.75]]
                default: break
                }
                return json
            }
            let alone = (0..<60).map { text(client.post("/v1/completions", request($0))) }
            #expect(!alone.contains(nil))
            for round in 0..<3 {
                let order = (0..<60).map { ($0 * [1, 11, 37][round] + round) % 60 }
                let connections = try order.map { number in
                    let connection = try #require(Connection(client.port))
                    let body = request(number).serialized()
                    connection.send(Client.head("/v1/completions", length: body.utf8.count) + body)
                    return connection
                }
                for (number, connection) in zip(order, connections) { #expect(text(Client.parse(connection.readAll())) == alone[number], "request \(number) of round \(round)") }
            }
        }
    }

    /// Keys and values made with one adapter are none of another's.
    @Test func beginningsAreSharedWithinAnAdapter() async throws {
        try await withAdapters { client, base, paths in
            let prompt = String(repeating: "abcdefgh", count: 20)
            let ask = { (model: String, scale: Double?) -> (cached: Int?, text: String?) in
                var request: JSON = ["model": .string(model), "prompt": .string(prompt), "max_tokens": 12, "temperature": 0]
                if let scale { request["lora"] = [["id": 0, "scale": JSON(scale)]] }
                let answer = client.post("/v1/completions", request)
                return (answer?.json["usage"]?["prompt_tokens_details"]?["cached_tokens"]?.int, text(answer))
            }
            let expected = try TextGenerator(try ModelFolder.open(base).adapted(by: [AdapterChoice(paths[0])])).generate(prompt, options: GenerationOptions(maxTokens: 12)).text
            #expect(ask("alpha", nil).cached == 0)
            #expect(ask("alpha", nil).cached == 128)
            #expect(ask("first", nil) == (0, expected))
            #expect(ask("first", nil) == (128, expected))
            #expect(ask("alpha", 1) == (128, expected), "the same shares, however they are said")
            #expect(ask("alpha", 0.5).cached == 0)
            #expect(ask("other", nil).cached == 0)
        }
    }

    @Test func otherRoutesHearTheName() async throws {
        try await withAdapters { client, _, _ in
            let vector = { (model: String) in client.post("/v1/embeddings", ["model": .string(model), "input": "Hello"])?.json["data"]?[0]?["embedding"] }
            #expect(vector("alpha") != nil && vector("first") != nil && vector("alpha") != vector("first"))
            let echo = { (model: String) in
                client.post("/v1/completions", ["model": .string(model), "prompt": "Hello", "echo": true, "logprobs": 1, "max_tokens": 0])?.json["choices"]?[0]?["logprobs"]?["token_logprobs"]
            }
            #expect(echo("alpha") != nil && echo("alpha") != echo("other"))
            let chat = client.post("/v1/chat/completions", ["model": "first", "messages": [["role": "user", "content": "Go"]], "max_tokens": 3])
            #expect(chat?.json["model"]?.string == "first")
        }
    }

    @Test func whatCannotBeChosenIsRefused() async throws {
        let folder = try Folder.temporary()
        defer { try? Folder.remove(folder) }
        let (base, dora) = (Folder.join(folder, "alpha"), Folder.join(folder, "dora"))
        try TestModels.write(base)
        try TestModels.writeAdapter(dora, base: base, seed: 1, targets: ["q_proj"], form: .dora)
        for adapters in [["d=\(dora)"], ["x=\(folder)/nothing"], [dora, dora], ["alpha=\(dora)"]] {
            var options = ServerOptions()
            options.adapters = adapters.map { ServedAdapter(parsing: $0) }
            options.port = 0
            options.log = .none
            await #expect(throws: ServerError.self, "\(adapters)") { try await Server([base], options).run() }
        }
    }

    @Test func namesAndPaths() throws {
        #expect(ServedAdapter(parsing: "style=./a/b") == ServedAdapter(name: "style", path: "./a/b"))
        #expect(ServedAdapter(parsing: "/x/y.gguf") == ServedAdapter(name: "y", path: "/x/y.gguf"))
        #expect(ServedAdapter(parsing: "style=/a=0.5") == ServedAdapter(name: "style", path: "/a", scale: 0.5))
        let folder = try Folder.temporary()
        defer { try? Folder.remove(folder) }
        #expect(ServedAdapter(parsing: "\(folder)=0.5") == ServedAdapter(name: Folder.name(of: folder), path: folder, scale: 0.5))
    }
}
