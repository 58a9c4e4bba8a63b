import QuintetFiles
import QuintetGeneration
import QuintetServing
import Testing

/// Many users of one server: each gets the text it would get alone.
@Suite(.serialized) struct EngineTests {
    /// A request that a number decides.
    private func request(_ number: Int) -> JSON {
        let words = ["the", "old", "river", "stone", "and", "night"]
        let prompt = (0...(number * 7) % 23).map { words[($0 < 5 ? $0 : $0 * 3 + number) % words.count] }.joined(separator: " ")
        return [
            "prompt": .string(prompt), "max_tokens": JSON(1 + (number * 5) % 30), "seed": JSON(number), "temperature": number % 3 == 0 ? 0 : 0.9, "top_k": 40,
            "stream": .bool(number % 2 == 0),
        ]
    }

    private func text(_ answer: Client.Answer?) -> String? {
        guard let answer, answer.status == 200 else { return nil }
        return answer.json["choices"]?[0]?["text"]?.string ?? answer.events.compactMap { $0["choices"]?[0]?["text"]?.string }.joined()
    }

    @Test(arguments: [1, 3, 8]) func anyMixGivesTheSameTexts(_ parallel: Int) async throws {
        try await withServer({
            $0.parallel = parallel
            $0.queue = 500
            $0.connection.connectionsPerAddress = 1000
        }) { client, _ in
            let alone = (0..<60).map { text(client.post("/v1/completions", request($0))) }
            #expect(!alone.contains(nil))
            for round in 0..<3 {
                let order = (0..<60).map { ($0 * [1, 7, 31][round] + round) % 60 }
                let connections = try order.map { number in
                    let connection = try #require(Connection(client.port))
                    let body = request(number).serialized()
                    connection.send(Client.head("/v1/completions", length: body.utf8.count) + body)
                    // Some leave in the middle; nobody else may notice.
                    if number % 11 == 5 { connection.leave() }
                    return connection
                }
                for (number, connection) in zip(order, connections) where number % 11 != 5 {
                    #expect(text(Client.parse(connection.readAll())) == alone[number], "request \(number) of round \(round)")
                }
            }
        }
    }

    @Test func manyModelsInOneProcess() async throws {
        let names = (0..<25).map { "model-\($0)" }
        try await withServer({
            $0.parallel = 2
            $0.context = 128
        }, models: names) { client, _ in
            let body = { (name: String) -> JSON in ["model": .string(name), "prompt": "Go", "max_tokens": 10, "temperature": 0] }
            let alone = names.map { text(client.post("/v1/completions", body($0))) }
            #expect(Set(alone.compactMap { $0 }).count > 20, "models differ")
            let connections = try names.map { name in
                let connection = try #require(Connection(client.port))
                let text = body(name).serialized()
                connection.send(Client.head("/v1/completions", length: text.utf8.count) + text)
                return connection
            }
            for (known, connection) in zip(alone, connections) { #expect(text(Client.parse(connection.readAll())) == known) }
            #expect(client.get("/v1/models")?.json["data"]?.array?.count == 25)
        }
    }

    @Test func modelsOnDemandWithinABudget() async throws {
        let folder = try Folder.temporary()
        defer { try? Folder.remove(folder) }
        for (index, name) in ["a", "b", "c", "d"].enumerated() { try TestModels.write(Folder.join(folder, name), seed: UInt64(index)) }
        try AtomicFile.write(Folder.join(folder, "broken.gguf"), "GGUF and nothing more")
        var options = ServerOptions()
        options.modelsFolder = folder
        let bytes = try Folder.names(in: Folder.join(folder, "a")).reduce(0) { try $0 + Folder.size(of: Folder.join(Folder.join(folder, "a"), $1)) }
        options.cacheBudget = 1 << 20
        options.memoryBudget = 2 * (bytes + (1 << 20)) + 1000
        try await withServer(options, []) { client in
            let ask = { (name: String) in client.post("/v1/completions", ["model": .string(name), "prompt": "Go", "max_tokens": 4]) }
            let loaded = { client.get("/models")?.json["data"]?.array?.filter { $0["status"]?.string == "loaded" }.compactMap { $0["id"]?.string } }
            #expect(loaded() == [])
            for name in ["a", "b", "c"] { #expect(ask(name)?.status == 200) }
            #expect(loaded() == ["b", "c"], "the least used went")
            let broken = try #require(ask("broken"))
            #expect(broken.status == 500 && broken.json["error"]?["code"]?.string == "model_load_failed", "\(broken.body)")
            #expect(ask("d")?.status == 200, "the others go on")
            #expect(ask("../a")?.status == 404)
            // Everybody wants another one: nobody's is taken away while it is in use.
            let connections = try (0..<48).map { number in
                let connection = try #require(Connection(client.port))
                let body = (["model": .string(["a", "b", "c", "d"][number * 7 % 4]), "prompt": "Go", "max_tokens": 30, "ignore_eos": true] as JSON).serialized()
                connection.send(Client.head("/v1/completions", length: body.utf8.count) + body)
                return connection
            }
            for connection in connections { #expect(Client.parse(connection.readAll())?.status == 200) }
        }
        // Keys and values count: with less than those and the weights a model is refused, with both numbers.
        for (cache, budget) in [(1 << 20, bytes + (1 << 19)), (nil, bytes - 1)] as [(Int?, Int)] {
            (options.cacheBudget, options.memoryBudget) = (cache, budget)
            try await withServer(options, []) { client in
                let refused = try #require(client.post("/v1/completions", ["model": "a", "prompt": "Go"]))
                #expect(refused.status == 500 && refused.json["error"]?["code"]?.string == "model_load_failed")
                let text = refused.json["error"]?["message"]?.string ?? ""
                let numbers = text.split { !$0.isNumber }.compactMap { Int($0) }
                #expect(numbers.contains(budget) && numbers.contains { $0 >= bytes }, "\(text)")
            }
        }
        // Without a word about the cache a model takes as much for it as there is.
        (options.cacheBudget, options.memoryBudget) = (nil, bytes + 100_000)
        try await withServer(options, []) { client in
            for name in ["a", "b"] { #expect(client.post("/v1/completions", ["model": .string(name), "prompt": "Go", "max_tokens": 4])?.status == 200) }
        }
        (options.modelsFolder, options.memoryBudget, options.port, options.log) = (nil, 1000, 0, .none)
        let named = options
        await #expect(throws: ServerError.self, "a named model counts too") { try await Server([Folder.join(folder, "a")], named).run() }
    }

    /// Who asks the same as somebody else learns nothing of it.
    @Test func tenantsShareNoBeginnings() async throws {
        let folder = try Folder.temporary()
        defer { try? Folder.remove(folder) }
        let keys = Folder.join(folder, "keys")
        try AtomicFile.write(keys, "sk-one one\nsk-two two\n")
        try await withServer({ $0.keyFile = keys }) { client, _ in
            let request: JSON = ["prompt": .string(String(repeating: "abcdefgh", count: 20)), "max_tokens": 2]
            let cached = { (key: String) in
                client.post("/v1/completions", request, "Authorization: Bearer \(key)\r\n")?.json["usage"]?["prompt_tokens_details"]?["cached_tokens"]?.int
            }
            #expect(cached("sk-one") == 0)
            #expect(cached("sk-one") == 128)
            #expect(cached("sk-two") == 0)
            #expect(cached("sk-two") == 128)
        }
    }
}
