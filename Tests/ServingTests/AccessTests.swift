import QuintetFiles
import QuintetServing
import Testing

/// Who may call, and what happens when too many do.
@Suite(.serialized) struct AccessTests {
    private func withKeys(_ text: String, _ body: (String) async throws -> Void) async throws {
        let folder = try Folder.temporary()
        defer { try? Folder.remove(folder) }
        let path = Folder.join(folder, "keys")
        try AtomicFile.write(path, text)
        try await body(path)
    }

    @Test func everyRouteAsksForAKey() async throws {
        try await withKeys("sk-alice alice 2\n# a comment\nsk-bob\n") { keys in
            try await withServer({ $0.keyFile = keys }) { client, _ in
                let open = Set(["/livez", "/readyz", "/health"])
                for (method, path) in Server.routeList {
                    let request = "\(method) \(path) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 0\r\n"
                    let status = client.ask(request + "\r\n")?.status
                    #expect((status == 401) == !open.contains(path), "\(method) \(path): \(status ?? 0)")
                    #expect(open.contains(path) || client.ask(request + "Authorization: Bearer sk-alic\r\n\r\n")?.status == 401)
                }
                for key in ["Authorization: Bearer sk-alice", "Authorization: bearer sk-bob", "x-api-key: sk-alice"] {
                    #expect(client.get("/v1/models", key + "\r\n")?.status == 200, "\(key)")
                }
                // Catalogue 99; what is longer than a head may be is 431. The scheme's case is nobody's business (RFC 9110, 11.1).
                let wrong = [
                    "", "Authorization: sk-alice", "Authorization: Bearer ", "Authorization: Basic c2s=", "Authorization: Bearer sk-älice", "Authorization: Bearer SK-ALICE",
                    "Authorization: Bearer sk-alice\r\nAuthorization: Bearer sk-alice", "Authorization: Bearer \(String(repeating: "a", count: 30_000))",
                ]
                for key in wrong { #expect(client.get("/v1/models", key + (key.isEmpty ? "" : "\r\n"))?.status == 401, "\(key.prefix(60))") }
                #expect(client.get("/v1/models", "Authorization: Bearer \(String(repeating: "a", count: 1_000_000))\r\n")?.status == 431)
            }
        }
    }

    /// A browser without a key gets a page that asks for one, with status 401; with a key it gets the other one.
    @Test func thePageAsksForAKeyToo() async throws {
        try await withKeys("sk-alice\n") { keys in
            try await withServer({ $0.keyFile = keys }) { client, _ in
                let asks = try #require(client.get("/"))
                #expect(asks.status == 401 && asks.headers["www-authenticate"] == "Bearer" && asks.headers["content-type"] == "text/html; charset=utf-8")
                #expect(asks.body.contains("API key") && asks.body.contains("sessionStorage") && !asks.body.contains("id=\"talk\""))
                let page = try #require(client.get("/", "Authorization: Bearer sk-alice\r\n"))
                #expect(page.status == 200 && page.body.contains("id=\"talk\""))
                // The one becomes the other, so what one may run the other may.
                #expect(asks.headers["content-security-policy"] == page.headers["content-security-policy"] && page.headers["content-security-policy"] != nil)
                for text in [asks.body, page.body] { #expect(!text.contains("src=\"") && !text.contains("http://"), "nothing is loaded from elsewhere") }
                let head = client.ask("HEAD / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                #expect(head?.status == 401 && head?.body == "")
            }
        }
    }

    /// F36: how much is looked at depends on the number of keys alone.
    @Test func comparingKeysTakesTheSameWhateverTheyAre() {
        let digests: [[UInt8]] = (0..<20).map { number in (0..<32).map { UInt8(truncatingIfNeeded: number * 37 + $0 * 11) } }
        func looks(_ digest: [UInt8]) -> (place: Int, count: Int) {
            var count = 0
            let place = KeyRing.place(of: digest, in: digests) { count += 1 }
            return (place, count)
        }
        for (number, digest) in digests.enumerated() {
            #expect(looks(digest) == (number, 640))
            for position in [0, 1, 15, 30, 31] {
                var near = digest
                near[position] ^= 1
                #expect(looks(near) == (-1, 640), "one bit of key \(number) is wrong at byte \(position)")
            }
        }
        #expect(looks([UInt8](repeating: 0, count: 32)) == (-1, 640))
    }

    @Test func aKeyHasItsOwnLimit() async throws {
        try await withKeys("sk-one one 1\n") { keys in
            try await withServer({ $0.keyFile = keys }) { client, _ in
                let request: JSON = ["prompt": "a", "max_tokens": 200, "temperature": 1, "seed": 1, "stream": true]
                let held = try #require(Connection(client.port))
                let body = request.serialized()
                held.send(Client.head("/v1/completions", length: body.utf8.count, "Authorization: Bearer sk-one\r\n") + body)
                _ = held.read()
                let answer = client.post("/v1/completions", request, "Authorization: Bearer sk-one\r\n")
                if let answer, answer.status != 200 {
                    #expect(answer.status == 429)
                    #expect(answer.headers["retry-after"].flatMap { Int($0) } != nil)
                }
                _ = held.readAll()
                #expect(client.post("/v1/completions", request, "Authorization: Bearer sk-one\r\n")?.status == 200)
            }
        }
    }

    @Test func whatOpensTheServerToOthersIsRefused() throws {
        var options = ServerOptions()
        options.host = "0.0.0.0"
        #expect(throws: ServerError.self) { try options.validate() }
        options.keyFile = "keys"
        #expect(throws: Never.self) { try options.validate() }
        options.certificateFile = "certificate.pem"
        #expect(throws: ServerError.self) { try options.validate() }
    }

    @Test func originsAreAnExactList() async throws {
        for wrong in ["*", "foo", "https://", "https://a.example/", "null"] {
            var options = ServerOptions()
            options.origins = [wrong]
            #expect(throws: ServerError.self, "\(wrong)") { try options.validate() }
        }
        try await withServer({ $0.origins = ["https://app.example"] }) { client, _ in
            #expect(client.get("/livez", "Origin: https://app.example\r\n")?.headers["access-control-allow-origin"] == "https://app.example")
            let body: JSON = ["prompt": "a", "max_tokens": 1]
            for origin in ["https://evil.example", "null", "http://localhost:1"] { #expect(client.post("/v1/completions", body, "Origin: \(origin)\r\n")?.status == 403, "\(origin)") }
            for origin in ["https://app.example", "http://localhost", "vscode-webview://x"] { #expect(client.post("/v1/completions", body, "Origin: \(origin)\r\n")?.status == 200, "\(origin)") }
            let asks = "OPTIONS /v1/models HTTP/1.1\r\nHost: localhost\r\nOrigin: https://app.example\r\nAccess-Control-Request-Headers: authorization,x-stainless-lang\r\nConnection: close\r\n\r\n"
            #expect(client.ask(asks)?.headers["access-control-allow-headers"] == "authorization,x-stainless-lang")
            #expect(client.get("/livez", "Origin: https://evil.example\r\n")?.headers["access-control-allow-origin"] == nil)
        }
    }

    @Test func aFullQueueIsSaidAtOnceAndOthersAreServed() async throws {
        try await withServer({
            $0.parallel = 1
            $0.queue = 2
        }) { client, _ in
            let body = (["prompt": "a", "max_tokens": 250, "temperature": 1, "seed": 1] as JSON).serialized()
            let connections = try (0..<20).map { _ in try #require(Connection(client.port)) }
            for connection in connections { connection.send(Client.head("/v1/completions", length: body.utf8.count) + body) }
            let answers = connections.compactMap { Client.parse($0.readAll()) }
            #expect(answers.count == 20)
            for answer in answers where answer.status != 200 {
                #expect(answer.status == 503)
                #expect(answer.headers["retry-after"] != nil)
            }
            #expect(answers.contains { $0.status == 200 })
        }
    }

    @Test func aClientThatLeavesFreesItsPlace() async throws {
        try await withServer({ $0.parallel = 1 }) { client, _ in
            let body = (["prompt": "a", "max_tokens": 250, "temperature": 1, "stream": true] as JSON).serialized()
            for _ in 0..<20 {
                let connection = try #require(Connection(client.port))
                connection.send(Client.head("/v1/completions", length: body.utf8.count) + body)
                _ = connection.read(atMost: 64)
            }
            let answer = client.post("/v1/completions", ["prompt": "b", "max_tokens": 3])
            #expect(answer?.status == 200)
        }
    }
}
