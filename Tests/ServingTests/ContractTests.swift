import AllocationCounter
import QuintetFiles
import QuintetServing
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// The contract of a server under load, where no other suite holds it: admission by prompts, connections that wear out, readers that do not read,
/// drips, draining, figures and memory that stay bounded.
@Suite(.serialized) struct ContractTests {
    private let long: JSON = ["prompt": "abc", "max_tokens": 1500, "temperature": 1, "seed": 1, "ignore_eos": true, "stream": true]

    /// Starts a long text; it is being written when this returns.
    private func held(_ client: Client) throws -> Connection {
        let connection = try #require(Connection(client.port))
        let body = long.serialized()
        connection.send(Client.head("/v1/completions", length: body.utf8.count) + body)
        _ = connection.read(atMost: 1)
        return connection
    }

    @Test func promptsThatWaitAreCounted() async throws {
        try await withServer({ $0.queuedPromptTokens = 200 }, context: 4096) { client, _ in
            let first = try held(client)
            let refused = try #require(client.post("/v1/completions", ["prompt": .string(String(repeating: "a", count: 2000)), "max_tokens": 1]))
            #expect(refused.status == 503 && refused.json["error"]?["code"]?.string == "server_overloaded")
            #expect(refused.headers["retry-after"].flatMap { Int($0) } != nil)
            #expect(client.post("/v1/completions", ["prompt": "a", "max_tokens": 1])?.status == 200, "a short one fits")
            first.leave()
            var status: Int?
            for _ in 0..<6000 where status != 200 {
                status = client.post("/v1/completions", ["prompt": .string(String(repeating: "a", count: 2000)), "max_tokens": 1])?.status
                if status != 200 { try await Task.sleep(for: .milliseconds(5)) }
            }
            #expect(status == 200, "its place is free again")
        }
    }

    @Test func aConnectionHasOnlySoManyRequests() async throws {
        try await withServer({ $0.connection.requestsPerConnection = 5 }) { client, _ in
            let connection = try #require(Connection(client.port))
            for number in 1...5 {
                connection.send("GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
                let answer = try #require(Client.parse(connection.read()))
                #expect(answer.status == 200 && (answer.headers["connection"] == "close") == (number == 5))
            }
            #expect(connection.isClosedByThem())
        }
    }

    /// F31: who does not read a long answer is cut off; the others are served meanwhile.
    @Test func aReaderThatDoesNotRead() async throws {
        try await withServer({ $0.connection.writeStallSeconds = 1 }) { client, _ in
            let body = (["content": .string(String(repeating: "ab ", count: 200_000)), "with_pieces": true] as JSON).serialized()
            let stuck = try #require(Connection(client.port))
            stuck.send(Client.head("/tokenize", length: body.utf8.count) + body)
            var got = stuck.read(atMost: 4096)
            let length = try #require(Client.parse(got)?.headers["content-length"].flatMap { Int($0) })
            #expect(length > 11 << 20, "more than sockets hold")
            for _ in 0..<30 {
                #expect(client.post("/v1/completions", ["prompt": "a", "max_tokens": 3])?.status == 200)
                try await Task.sleep(for: .milliseconds(100))
            }
            got += stuck.readAll()
            #expect(got.count < length)
        }
    }

    /// Who reads slowly gets every byte, in order: what does not fit on its way waits.
    @Test func aSlowReaderGetsEverything() async throws {
        try await withServer(context: 4096) { client, _ in
            let request: JSON = [
                "messages": [["role": "user", "content": "abc"]], "max_tokens": 1200, "temperature": 1, "seed": 4, "n": 4, "logprobs": true, "top_logprobs": 20,
                "ignore_eos": true, "stream": true,
            ]
            let body = request.serialized()
            func answer(pausing: Bool) async throws -> Client.Answer {
                let connection = try #require(Connection(client.port))
                connection.send(Client.head("/v1/chat/completions", length: body.utf8.count) + body)
                var got = connection.read(atMost: 64)
                if pausing {
                    try await Task.sleep(for: .milliseconds(1500))
                    for _ in 0..<20 { got += connection.read(atMost: 1000) }
                    try await Task.sleep(for: .milliseconds(200))
                }
                return try #require(Client.parse(got + connection.readAll()))
            }
            /// What each choice was told, in order: choices take turns as they come. Before that stand the answer's own number and time.
            func told(_ answer: Client.Answer) -> [[Substring]] {
                let choices = answer.body.split(separator: "\n").compactMap { (line: Substring) -> Substring? in line.firstRange(of: "\"choices\":[").map { line[$0.upperBound...] } }
                return (0..<4).map { index in choices.filter { $0.hasPrefix("{\"index\":\(index),") } }
            }
            let (quick, slow) = (try await answer(pausing: false), try await answer(pausing: true))
            #expect(slow.body.hasSuffix("data: [DONE]\n\n") && slow.body.utf8.count > 4 << 20, "\(slow.body.utf8.count) bytes: more than sockets hold")
            #expect(told(slow) == told(quick) && told(slow).allSatisfy { $0.count >= 1202 })
        }
    }

    /// F31: a byte now and then keeps no connection: a head has a deadline, a body a pace. In single bytes but briskly is fine.
    @Test func drips() async throws {
        try await withServer({
            $0.connection.headSeconds = 1
            $0.connection.bodySeconds = 1
        }) { client, _ in
            let body = "{\"prompt\":\"a\",\"max_tokens\":2}"
            let whole = Client.head("/v1/completions", length: body.utf8.count) + body
            let brisk = try #require(Connection(client.port))
            for byte in whole.utf8 { brisk.send([byte]) }
            #expect(Client.parse(brisk.readAll())?.status == 200)
            let head = Client.head("/v1/completions", length: 1_000_000)
            // What came at once at first buys no time later.
            for start in ["GET /livez HTTP/1.1\r\nX: ", head, head + String(repeating: " ", count: 300_000)] {
                let slow = try #require(Connection(client.port))
                slow.send(start)
                var sent = 0
                while sent < 100, slow.send("a") {
                    sent += 1
                    try await Task.sleep(for: .milliseconds(50))
                }
                #expect(sent < 100, "cut off after \(sent)")
            }
        }
    }

    /// Not ready, nobody new, and what runs comes to its end.
    @Test func drainingIsSeen() async throws {
        try await withServer(context: 4096) { client, _ in
            let kept = try #require(Connection(client.port))
            kept.send("GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            #expect(Client.parse(kept.read())?.status == 200)
            let running = try (0..<3).map { _ in try held(client) }
            client.server?.stop()
            var last: Int? = 200
            for _ in 0..<200 where last == 200 {
                kept.send("GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n")
                last = Client.parse(kept.read())?.status
                try await Task.sleep(for: .milliseconds(2))
            }
            #expect(last == 503 || last == nil)
            for connection in running { #expect(String(decoding: connection.readAll(), as: UTF8.self).contains("data: [DONE]")) }
            #expect(client.get("/livez") == nil, "nobody listens")
        }
    }

    /// F35: a model's file is cut short under it.
    @Test func filesThatShrink() async throws {
        let folder = try Folder.temporary()
        defer { try? Folder.remove(folder) }
        for (index, name) in ["alpha", "beta"].enumerated() { try TestModels.write(Folder.join(folder, name), seed: UInt64(index)) }
        try await withServer(ServerOptions(), ["alpha", "beta"].map { Folder.join(folder, $0) }) { client in
            let ask = { (name: String) in client.post("/v1/completions", ["model": .string(name), "prompt": "Go", "max_tokens": 20, "temperature": 0]) }
            let (alpha, beta) = (ask("alpha")?.json["choices"], ask("beta")?.json["choices"])
            #expect(alpha != nil && beta != nil)
            for length in [4096, 100, 0] {
                #expect(truncate(Folder.join(folder, "alpha/model.safetensors"), off_t(length)) == 0)
                let after = try #require(ask("alpha"))
                #expect(after.status == 500 && after.json["error"]?["code"]?.string == "model_damaged" || after.json["choices"] == alpha, "\(after.body)")
                #expect(ask("beta")?.json["choices"] == beta)
            }
            #expect(client.post("/models/unload", ["model": "alpha"])?.status == 200)
            #expect(ask("alpha")?.json["error"]?["code"]?.string == "model_load_failed")
            #expect(ask("beta")?.json["choices"] == beta)
        }
    }

    /// F40: no kind of request leaves anything behind. Caches are full after some rounds; what a request leaves (a connection, a text, a place in a table is
    /// thousands of bytes) would be seen in every one, beside the hundred or two by which the heap of a process with threads wavers.
    @Test(.enabled(if: allocations_can_be_counted(), "the heap cannot be looked at here")) func requestsLeaveNothingBehind() async throws {
        try await withServer({ $0.parallel = 4 }) { client, _ in
            for (name, ask) in Self.kinds(client) {
                for number in 0..<120 { ask(number) }
                var growth = Int.max
                for round in 0..<5 where growth >= 100_000 {
                    let before = try await settled(client)
                    for number in 0..<200 { ask(120 + 200 * round + number) }
                    growth = try await settled(client) - before
                }
                #expect(growth < 100_000, "\(name): \(growth) bytes more after 200 requests")
            }
        }
    }

    private static func kinds(_ client: Client) -> [(name: String, ask: (Int) -> Void)] {
        func complete(_ request: JSON) { _ = client.post("/v1/completions", request) }
        let stream = (["prompt": "abc", "max_tokens": 200, "stream": true, "ignore_eos": true] as JSON).serialized()
        let head = Client.head("/v1/completions", length: stream.utf8.count)
        var kinds: [(name: String, ask: (Int) -> Void)] = []
        kinds.append(("whole", { complete(["prompt": .string("Once \($0 % 40)"), "max_tokens": 4, "seed": JSON($0)]) }))
        kinds.append(("streamed", { complete(["prompt": .string("Hi \($0 % 40)"), "max_tokens": 4, "stream": true, "logprobs": 2]) }))
        kinds.append(("new prompts", { complete(["prompt": .string(String(repeating: "\($0) ", count: 40)), "max_tokens": 1]) }))
        kinds.append(("left", { _ in
            let connection = Connection(client.port)
            connection?.send(head + stream)
            _ = connection?.read(atMost: 1)
        }))
        kinds.append(("schemas", { number in
            let schema: JSON = ["type": "object", "properties": .object(["k\(number)": ["type": "null"]])]
            complete(["prompt": "a", "max_tokens": 2, "json_schema": schema])
        }))
        kinds.append(("unknown models", { complete(["model": .string("nobody-\($0)"), "prompt": "a"]) }))
        kinds.append(("no JSON", { _ = client.post("/v1/completions", text: "{\($0)") }))
        kinds.append(("no HTTP", { _ = client.ask("\u{16}\u{3}\($0)\r\n\r\n") }))
        kinds.append(("half a body", { _ in Connection(client.port)?.send(Client.head("/v1/completions", length: 9999) + "{") }))
        kinds.append(("figures", { _ in _ = client.get("/metrics") }))
        kinds.append(("vectors", { _ = client.post("/v1/embeddings", ["input": .string("text \($0)")]) }))
        return kinds
    }

    /// The heap's use once nothing is on its way any more.
    private func settled(_ client: Client) async throws -> Int {
        var least = Int.max
        for _ in 0..<6 {
            try await Task.sleep(for: .milliseconds(15))
            least = min(least, heap_bytes_in_use())
        }
        return least
    }

    /// What strangers send makes no new figures: labels are models that are there and codes of ours.
    @Test func figuresDoNotGrow() async throws {
        try await withServer { client, _ in
            func round(_ number: Int) {
                _ = client.post("/v1/completions", ["prompt": "a", "max_tokens": 1])
                _ = client.post("/v1/completions", ["prompt": "a", "model": .string("nobody-\(number)")])
                _ = client.post("/v1/completions", ["prompt": "a", "max_tokens": .string("\(number)")])
                _ = client.post("/v1/completions", text: "{\(number)")
                _ = client.get("/nowhere-\(number)")
                _ = client.ask("X\(number) /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                _ = client.get("/livez", "Origin: https://\(number).example\r\nX-Request-Id: id-\(number)\r\n")
                _ = client.ask("GET /livez HTTP/1.1\r\nHost: evil-\(number).example\r\nConnection: close\r\n\r\n")
            }
            let lines = { client.get("/metrics")?.body.split(separator: "\n").count ?? 0 }
            for number in 0..<2 { round(number) }
            let before = lines()
            #expect(before > 20)
            for number in 2..<40 { round(number) }
            #expect(lines() == before)
        }
    }
}
