import QuintetFiles
import QuintetGeneration
import QuintetServing
import Testing

/// Clients and files that misbehave, at sizes that fit a suite (`Benchmarks/soak` goes on for longer).
@Suite(.serialized) struct FaultTests {
    private let long: JSON = ["prompt": "abc", "max_tokens": 240, "temperature": 1, "seed": 1, "ignore_eos": true, "stream": true]

    private func running(_ client: Client) -> Int? {
        client.get("/metrics")?.body.split(separator: "\n").first { $0.hasPrefix("vllm:num_requests_running{") }?.split(separator: " ").last.flatMap { Int($0) }
    }

    private func waitUntilIdle(_ client: Client) async throws -> Bool {
        for _ in 0..<6000 {
            if running(client) == 0 { return true }
            try await Task.sleep(for: .milliseconds(5))
        }
        return false
    }

    /// F30: gone before the head, in the head, in the body, after it, in the middle of the answer, half closed, with a second request or unread bytes behind.
    @Test func clientsThatLeave() async throws {
        try await withServer({ $0.parallel = 2 }) { client, generator in
            let body = long.serialized()
            let head = Client.head("/v1/completions", length: body.utf8.count)
            let alone = try generator.generate("abc", options: GenerationOptions(maxTokens: 40)).text
            for number in 0..<90 {
                let connection = try #require(Connection(client.port))
                switch number % 9 {
                case 0: break
                case 1: connection.send(String(head.prefix(30)))
                case 2: connection.send(head + String(body.prefix(10)))
                case 3: connection.send(head + body)
                case 4:
                    connection.send(head + body)
                    _ = connection.read(atMost: 1)
                case 5:
                    connection.send(head + body)
                    connection.finishSending()
                case 6: connection.send((head + body).replacing("Connection: close\r\n", with: "") + head + body)
                case 7: connection.send(Client.head("/v1/completions", length: 100_000) + String(repeating: "x", count: 50_000))
                default:
                    connection.send(head + body)
                    connection.reset()
                }
                connection.leave()
                if number % 30 == 29 {
                    let answer = client.post("/v1/completions", ["prompt": "abc", "max_tokens": 40, "temperature": 0])
                    #expect(answer?.json["choices"]?[0]?["text"]?.string == alone, "neighbours go on as they would: \(answer?.body ?? "nothing")")
                }
            }
            #expect(try await waitUntilIdle(client))
        }
    }

    /// F31: heads and bodies that drip, readers that do not read; the others are served meanwhile.
    @Test func slowClientsAreCutOff() async throws {
        try await withServer({
            $0.connection.headSeconds = 1
            $0.connection.bodySeconds = 1
            $0.connection.idleSeconds = 1
            $0.connection.connectionsPerAddress = 500
        }) { client, _ in
            let slow = try (0..<60).map { number in
                let connection = try #require(Connection(client.port))
                connection.send(number % 3 == 0 ? "GET /livez HT" : number % 3 == 1 ? Client.head("/v1/completions", length: 1000) + "{" : "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
                return connection
            }
            for _ in 0..<20 { #expect(client.post("/v1/completions", ["prompt": "a", "max_tokens": 3])?.status == 200) }
            for connection in slow { _ = connection.readAll() }  // returns: all were closed
            #expect(client.get("/livez")?.status == 200)
        }
    }

    /// The head of a second request has as long as the first one's, however long a pause may be.
    @Test func laterHeadsHaveADeadlineToo() async throws {
        try await withServer({
            $0.connection.headSeconds = 1
            $0.connection.idleSeconds = 600
        }) { client, _ in
            let kept = try #require(Connection(client.port, timeout: 20))
            for _ in 0..<3 {
                kept.send("GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
                #expect(!kept.read().isEmpty)
            }
            kept.send("GET /liv")
            #expect(kept.isClosedByThem())
        }
    }

    /// F27: many who keep their connection and say nothing, and some who work.
    @Test func manyWhoWaitAndSomeWhoWork() async throws {
        try await withServer({ $0.connection.connectionsPerAddress = 1000 }) { client, _ in
            let idle = try (0..<300).map { _ in
                let connection = try #require(Connection(client.port))
                connection.send("GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
                return connection
            }
            for connection in idle { #expect(!connection.read().isEmpty) }
            let body = (["prompt": "abc", "max_tokens": 8, "temperature": 0] as JSON).serialized()
            var before = 0
            for round in 0..<12 {
                let active = try (0..<24).map { _ in try #require(Connection(client.port)) }
                for connection in active { connection.send(Client.head("/v1/completions", length: body.utf8.count) + body) }
                for connection in active { #expect(Client.parse(connection.readAll())?.status == 200) }
                if round == 3 { before = residentBytes() }
            }
            #expect(residentBytes() < before + 32 << 20)
            for connection in idle {
                connection.send("GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
                #expect(!connection.read().isEmpty, "who waited is still there")
            }
        }
    }

    private func residentBytes() -> Int {
        let fields = (try? readFile("/proc/self/statm")).map { String(decoding: $0, as: UTF8.self).split(separator: " ") } ?? []
        return (fields.count > 1 ? Int(fields[1]) ?? 0 : 0) * 4096
    }

    /// F28: connections come and go and leave nothing.
    @Test func descriptorsComeBack() async throws {
        try await withServer { client, _ in
            for _ in 0..<50 { _ = client.get("/livez") }
            let before = openFiles()
            for number in 0..<1000 {
                guard let connection = Connection(client.port) else { continue }
                if number % 2 == 0 { connection.send("GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n") }
            }
            for _ in 0..<3000 where openFiles() > before + 2 { try await Task.sleep(for: .milliseconds(10)) }
            #expect(openFiles() <= before + 2)
        }
    }

    private func openFiles() -> Int { (try? Folder.names(in: "/proc/self/fd").count) ?? 0 }

    @Test func anAddressHasOnlySoManyConnections() async throws {
        try await withServer({ $0.connection.connectionsPerAddress = 5 }) { client, _ in
            let held = try (0..<5).map { _ in try #require(Connection(client.port)) }
            for connection in held { connection.send("GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n") }
            for connection in held { #expect(!connection.read().isEmpty) }
            #expect(client.get("/livez") == nil)
            held[0].leave()
            var isBack = false
            for _ in 0..<3000 where !isBack {
                isBack = client.get("/livez")?.status == 200
                if !isBack { try await Task.sleep(for: .milliseconds(10)) }
            }
            #expect(isBack)
        }
    }

    /// F32: whoever is being answered gets everything.
    @Test func nothingIsCutOffWhenTheServerStops() async throws {
        for _ in 0..<5 {
            try await withServer { client, _ in
                let body = long.serialized()
                let connections = try (0..<6).map { _ in try #require(Connection(client.port)) }
                for connection in connections { connection.send(Client.head("/v1/completions", length: body.utf8.count) + body) }
                let begun = connections.map { $0.read(atMost: 32) }
                client.server?.stop()
                for (start, connection) in zip(begun, connections) {
                    let answer = try #require(Client.parse(start + connection.readAll()))
                    #expect(answer.body.hasSuffix("data: [DONE]\n\n"))
                }
            }
        }
    }

    /// When the time of grace is over, streams end with an error that says so.
    @Test func graceEnds() async throws {
        try await withServer({ $0.grace = 0 }) { client, _ in
            let body = long.serialized()
            let connections = try (0..<8).map { _ in try #require(Connection(client.port)) }
            for connection in connections { connection.send(Client.head("/v1/completions", length: body.utf8.count) + body) }
            let begun = connections.prefix(4).map { $0.read(atMost: 32) }
            client.server?.stop()
            for (start, connection) in zip(begun, connections) {
                let answer = try #require(Client.parse(start + connection.readAll()))
                #expect(answer.body.contains("\"error\"") || answer.body.hasSuffix("data: [DONE]\n\n") || answer.status == 503)
            }
        }
    }

    /// F29: far more than fits is refused at once, and what is let in is answered.
    @Test func overload() async throws {
        try await withServer({
            $0.parallel = 2
            $0.queue = 4
            $0.connection.connectionsPerAddress = 1000
        }) { client, _ in
            let body = (["prompt": "a", "max_tokens": 60, "seed": 1] as JSON).serialized()
            let connections = try (0..<120).map { _ in try #require(Connection(client.port)) }
            for connection in connections { connection.send(Client.head("/v1/completions", length: body.utf8.count) + body) }
            let answers = connections.compactMap { Client.parse($0.readAll()) }
            #expect(answers.count == 120)
            #expect(answers.filter { $0.status == 200 }.count >= 6)
            #expect(answers.allSatisfy { $0.status == 200 || $0.status == 503 && $0.headers["retry-after"].flatMap { Int($0) } != nil && $0.json["error"]?["code"]?.string == "server_overloaded" })
        }
    }

    @Test func waitingHasAnEnd() async throws {
        try await withServer({
            $0.parallel = 1
            $0.queueTimeout = 0
        }) { client, _ in
            let body = long.serialized()
            let held = try #require(Connection(client.port))
            held.send(Client.head("/v1/completions", length: body.utf8.count) + body)
            _ = held.read(atMost: 1)
            let answer = client.post("/v1/completions", ["prompt": "a", "max_tokens": 3])
            #expect(answer?.status == 200 || answer?.json["error"]?["code"]?.string == "queue_timeout" && answer?.headers["retry-after"] != nil, "\(answer?.body ?? "")")
        }
        try await withServer({ $0.requestTimeout = 0 }) { client, _ in
            let answer = try #require(client.post("/v1/completions", ["prompt": "a", "max_tokens": 200]))
            #expect(answer.status == 504 && answer.json["error"]?["code"]?.string == "request_timeout")
        }
    }

    /// F35: a model's files are taken away while it answers.
    @Test func filesThatGo() async throws {
        let folder = try Folder.temporary()
        defer { try? Folder.remove(folder) }
        let path = Folder.join(folder, "alpha")
        try TestModels.write(path)
        try await withServer(ServerOptions(), [path]) { client in
            let request: JSON = ["prompt": "Go", "max_tokens": 20, "temperature": 0]
            let before = client.post("/v1/completions", request)?.json["choices"]
            #expect(before != nil)
            try AtomicFile.write(Folder.join(path, "model.safetensors"), "gone")
            #expect(client.post("/v1/completions", request)?.json["choices"] == before)
            try Folder.remove(path)
            #expect(client.post("/v1/completions", request)?.json["choices"] == before)
            #expect(client.post("/models/unload", ["model": "alpha"])?.status == 200)
            #expect(client.post("/v1/completions", request)?.status == 500)
            #expect(client.get("/livez")?.status == 200)
        }
    }

    /// F38: what people write and who they are is in no log, no figure and no error.
    @Test func logsHoldNothingOfWhatIsSaid() async throws {
        let folder = try Folder.temporary()
        defer { try? Folder.remove(folder) }
        let (keys, log) = (Folder.join(folder, "keys"), Folder.join(folder, "log"))
        try AtomicFile.write(keys, "sk-canarykey canaryname\n")
        try await withServer({
            $0.keyFile = keys
            $0.log = .file(log)
        }) { client, _ in
            let key = "Authorization: Bearer sk-canarykey\r\nX-Canary: canaryheader\r\nX-Request-Id: canary id\r\n"
            var seen = ""
            for request: JSON in [
                ["prompt": "canaryprompt", "max_tokens": 3], ["prompt": "canaryprompt", "max_tokens": "canaryvalue"], ["model": "canarymodel", "prompt": "canaryprompt"],
            ] { _ = client.post("/v1/completions", request, key) }
            _ = client.post("/v1/completions", text: "{\"prompt\": canaryprompt", key)
            _ = client.post("/v1/completions", ["prompt": "canaryprompt"], "Authorization: Bearer sk-canarywrong\r\n")
            seen += client.get("/metrics", key)?.body ?? ""
            seen += String(decoding: try readFile(log), as: UTF8.self)
            for word in ["canaryprompt", "canaryvalue", "canaryheader", "canarykey", "canarywrong", "canarymodel", "canary id"] { #expect(!seen.contains(word), "\(word)") }
            #expect(seen.contains("canaryname"), "whose request it was is there")
            let lines = seen.split(separator: "\n").filter { $0.hasPrefix("{") }
            #expect(lines.count >= 6 && lines.allSatisfy { (try? JSON.parse(String($0))) != nil })
        }
    }

    @Test func aPortInUseIsSaid() async throws {
        try await withServer { client, _ in
            let folder = try Folder.temporary()
            defer { try? Folder.remove(folder) }
            try TestModels.write(Folder.join(folder, "beta"))
            var options = ServerOptions()
            options.port = client.port
            options.log = .none
            let second = try Server([Folder.join(folder, "beta")], options)
            await #expect(throws: ServerError.self) { try await second.run() }
            #expect(client.get("/livez")?.status == 200)
        }
    }
}
