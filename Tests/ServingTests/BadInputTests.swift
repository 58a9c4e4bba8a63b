import QuintetFiles
import QuintetServing
import Testing

/// The HTTP part of the bad-input catalogue: a status that says what is wrong, and the next request is served.
@Suite(.serialized) struct BadInputTests {
    @Test func bodies() async throws {
        try await withServer { client, _ in
            func expect(_ status: Int, _ body: String, type: String = "application/json") {
                let answer = client.post("/v1/completions", text: body, type: type)
                #expect(answer?.status == status, "\(body.prefix(60)): \(answer?.body.prefix(200) ?? "no answer")")
                #expect(answer?.json["error"]?["message"]?.string != nil)
            }
            for body in ["", "{", "null", "[]", "\"text\"", "{\"prompt\":\"a\",\"prompt\":\"b\"}", "\u{FEFF}{}", "{\"prompt\":\"\\ud800\"}", "{\"prompt\":}"] {
                expect(400, body)
            }
            expect(400, String(repeating: "[", count: 1_000_000))
            expect(400, String(repeating: "{\"a\":", count: 100_000))
            for field in [
                "\"max_tokens\":-1", "\"max_tokens\":0", "\"max_tokens\":1.5", "\"max_tokens\":1e400", "\"max_tokens\":9223372036854775808",
                "\"max_tokens\":\"5\"", "\"temperature\":-1", "\"temperature\":1e9", "\"temperature\":\"hot\"", "\"top_p\":0", "\"top_p\":2",
                "\"top_k\":-5", "\"seed\":18446744073709551616", "\"n\":1000000000", "\"n\":0", "\"stop\":\"\"", "\"stop\":[1]",
                "\"logit_bias\":{\"x\":1}", "\"logit_bias\":{\"99999\":1}", "\"logit_bias\":{\"1\":1000}", "\"stream\":\"yes\"", "\"model\":7",
            ] { expect(400, "{\"prompt\":\"a\",\(field)}") }
            // Fields that change nothing here have types all the same, and the error names them.
            for field in [
                "user", "cache_prompt", "store", "metadata", "service_tier", "n_keep", "use_beam_search", "length_penalty", "stop_token_ids", "mirostat", "reasoning_effort",
                "dry_multiplier", "dry_sequence_breakers",
            ] {
                let wrong = ["length_penalty", "dry_multiplier"].contains(field) ? "\"x\"" : "7.5"
                let answer = client.post("/v1/completions", text: "{\"prompt\":\"a\",\"max_tokens\":1,\"\(field)\":\(wrong)}")
                #expect(answer?.status == 400 && answer?.json["error"]?["param"]?.string == field, "\(field): \(answer?.body ?? "")")
                #expect(client.post("/v1/completions", text: "{\"prompt\":\"a\",\"max_tokens\":1,\"\(field)\":null}")?.status == 200, "\(field)")
            }
            for fine in ["\"user\":\"me\"", "\"cache_prompt\":true", "\"metadata\":{\"a\":\"b\"}", "\"n_keep\":-1", "\"stop_token_ids\":[]", "\"mirostat\":0", "\"min_tokens\":0", "\"nobody_knows_it\":7", "\"dry_multiplier\":0.8"] {
                #expect(client.post("/v1/completions", text: "{\"prompt\":\"a\",\"max_tokens\":1,\(fine)}")?.status == 200, "\(fine)")
            }
            // What would change the text elsewhere and is not kept to here is refused.
            for field in ["\"stop_token_ids\":[1]", "\"min_tokens\":3", "\"bad_words\":[\"a\"]", "\"mirostat\":1", "\"use_beam_search\":true"] { expect(400, "{\"prompt\":\"a\",\(field)}") }
            expect(400, "{\"prompt\":\"a\",\"stop\":[\((0..<100).map { "\"s\($0)\"" }.joined(separator: ","))]}")
            for prompt in ["[]", "[-1]", "[99999]", "[1.5]", "{}", "7"] { expect(400, "{\"prompt\":\(prompt)}") }
            for name in ["../../etc/passwd", "nobody", "\\u0000", String(repeating: "m", count: 1_000_000)] {
                expect(404, "{\"prompt\":\"a\",\"model\":\"\(name)\"}")
            }
            for type in ["", "text/xml", "application/json; charset=latin-1"] { expect(415, "{\"prompt\":\"a\"}", type: type) }
            #expect(client.post("/v1/completions", text: "{}", "Content-Encoding: gzip\r\n")?.status == 415)
            #expect(client.get("/readyz")?.status == 200)
        }
    }

    @Test func conversations() async throws {
        try await withServer { client, _ in
            for messages in [
                "[]", "7", "null", "[7]", "[{}]", "[{\"role\":\"user\",\"content\":\"a\",\"name\":7}]", "[{\"role\":7}]", "[{\"role\":\"user\",\"content\":7}]",
                "[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\",\"image_url\":{\"url\":\"file:///etc/passwd\"}}]}]",
            ] { #expect(client.post("/v1/chat/completions", text: "{\"messages\":\(messages)}")?.status == 400, "\(messages)") }
            let turn = "{\"role\":\"user\",\"content\":\"a\"}"
            for more in [
                "\"messages\":[\(Array(repeating: turn, count: 20_000).joined(separator: ","))]", "\"messages\":[\(turn)],\"chat_template\":\"{{ 1 }}\"",
                "\"messages\":[\(turn)],\"chat_template_kwargs\":{\"messages\":[]}", "\"messages\":[\(turn)],\"chat_template_kwargs\":{\"eos_token\":\"x\"}",
                "\"messages\":[{\"role\":\"king\",\"content\":\"a\"}]", "\"messages\":[{\"role\":\"user\",\"content\":null}]",
            ] { #expect(client.post("/v1/chat/completions", text: "{\(more)}")?.status == 400, "\(more.prefix(80))") }
            let long = try #require(
                client.post("/v1/chat/completions", ["messages": [["role": "user", "content": .string(String(repeating: "a", count: 300))]]]))
            #expect(long.status == 400)
            #expect(long.json["error"]?["code"]?.string == "context_length_exceeded")
            #expect(long.json["error"]?["message"]?.string?.contains("256") == true)
            #expect(long.json["error"]?["message"]?.string?.contains("301") == true)
            #expect(long.json["error"]?["param"]?.string == "messages")
            for path in ["/v1/completions", "/completion"] {
                let text = try #require(client.post(path, ["prompt": .string(String(repeating: "a", count: 300))]))
                #expect(text.json["error"]?["code"]?.string == "context_length_exceeded" && text.json["error"]?["param"]?.string == "prompt", "\(path)")
            }
        }
    }

    @Test func sizes() async throws {
        try await withServer { client, _ in
            let big = Client.head("/v1/completions", length: 1_000_000_000)
            #expect(client.ask(big)?.status == 413, "before the body is read")
            let chunk = "400\r\n" + String(repeating: "a", count: 1024) + "\r\n"
            let head = "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
            let connection = try #require(Connection(client.port))
            connection.send(head)
            for _ in 0..<5000 { if !connection.send(chunk) { break } }
            connection.send("0\r\n\r\n")
            #expect(Client.parse(connection.readAll())?.status ?? 413 == 413)
            let asking = { (length: Int) in Client.head("/v1/completions", length: length, "Expect: 100-continue\r\n") }
            #expect(client.ask(asking(1_000_000_000))?.status == 413, "before the client sends it")
            let welcome = try #require(Connection(client.port))
            welcome.send(asking(14))
            #expect(String(decoding: welcome.read(), as: UTF8.self).hasPrefix("HTTP/1.1 100"))
            welcome.send("{\"prompt\":\"a\"}")
            #expect(Client.parse(welcome.readAll())?.status == 200)
            let drops = try #require(Connection(client.port))
            drops.send(head + String(repeating: "1\r\na\r\n", count: 100_000) + "0\r\n\r\n")
            #expect(Client.parse(drops.readAll())?.status == 400)
            // A body that nobody wants is not read to its end.
            let endless = try #require(Connection(client.port))
            endless.send(head)
            var pieces = 0
            while pieces < 400, endless.send(String(repeating: "1\r\na\r\n", count: 20_000)) { pieces += 1 }
            #expect(pieces < 400, "the server hangs up")
            let refused = try #require(Connection(client.port))
            refused.send(Client.head("/v1/completions", length: 1_000_000_000).replacing("Connection: close\r\n", with: ""))
            #expect(Client.parse(refused.readAll())?.headers["connection"] == "close")
            #expect(client.get("/" + String(repeating: "a", count: 10_000))?.status == 414)
            #expect(client.get("/" + String(repeating: "a", count: 1_000_000))?.status == 414)
            #expect(client.get("/livez", "X-Long: \(String(repeating: "a", count: 100_000))\r\n")?.status == 431)
            #expect(client.get("/livez", (0..<2000).map { "X-\($0): a\r\n" }.joined())?.status == 431)
            #expect(client.get("/livez")?.status == 200)
        }
    }

    @Test func malformedRequests() async throws {
        try await withServer { client, _ in
            for head in [
                "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
                "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
                "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length : 2\r\n\r\n{}",
                "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: +2\r\n\r\n{}",
                "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip\r\n\r\n{}",
                "GET /livez\r\n\r\n", "\u{16}\u{3}\u{1}hello", "nonsense\r\n\r\n",
            ] {
                let connection = try #require(Connection(client.port, timeout: 5))
                connection.send(head)
                let answer = Client.parse(connection.readAll())
                #expect(answer == nil || answer?.status == 400, "\(head.prefix(60)): \(answer?.status ?? 0)")
            }
            // A chunk may carry extensions; a body has to be mostly body.
            let chunked = "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
            for (length, status) in [(100, 200), (300_000, 400)] {
                let connection = try #require(Connection(client.port, timeout: 5))
                connection.send(chunked + "20;\(String(repeating: "a", count: length))\r\n{\"prompt\":\"Once\",\"max_tokens\":1}\r\n0\r\n\r\n")
                let answer = try #require(Client.parse(connection.readAll()))
                #expect(answer.status == status && answer.headers["x-request-id"] != nil, "\(length) bytes of extension: \(answer.status)")
            }
            let shown = try #require(client.ask("DELETE /v1/models HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"))
            #expect(shown.status == 405 && shown.headers["allow"] == "GET, HEAD, OPTIONS")
            let names = try #require(client.ask("DELETE /v1/models/alpha HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"))
            #expect(names.status == 405 && names.headers["allow"] == "GET, HEAD, OPTIONS")
            // Methods that nobody has: of a path that is there, with what it can be asked.
            for (path, status) in [("/v1/models", 405), ("/v1/models/alpha?x=1", 405), ("/v1/completions", 405), ("/nowhere", 400)] {
                let answer = try #require(client.ask("BREW \(path) HTTP/1.1\r\nHost: localhost\r\n\r\n"))
                #expect(answer.status == status && answer.headers["x-request-id"] != nil, "\(path): \(answer.status)")
                #expect(answer.headers["allow"] == (status == 400 ? nil : path == "/v1/completions" ? "POST, OPTIONS" : "GET, HEAD, OPTIONS"))
            }
            #expect(client.ask("BR(EW /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n")?.status == 400, "no method at all")
            #expect(client.ask("HEAD /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?.status == 200)
            #expect(client.ask("OPTIONS /v1/models HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?.headers["allow"] == "GET, HEAD, OPTIONS")
            #expect(client.ask("CONNECT localhost:80 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?.status == 405)
            #expect(client.ask("GET /livez HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\nConnection: close\r\n\r\n")?.status == 400)
            for (host, status) in [("localhost", 200), ("evil.example", 421)] {
                let whole = "GET http://\(host)/livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
                #expect(client.ask(whole)?.status == status, "\(host)")
            }
            #expect(client.ask("TRACE /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?.status == 405)
            #expect(client.ask("GET /v1/completions HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?.status == 405)
            // Catalogue 83: %00, %2e%2e and overlong UTF-8 are 400 or 414, here 400; so is what is no escape. A long path is 414 (`sizes`).
            for path in ["/%00", "/%C0%AE%C0%AE/etc/passwd", "/%e0%80%af", "/%", "/%2", "/v1/models/%2e%2e", "/..", "/%ff"] { #expect(client.get(path)?.status == 400, "\(path)") }
            for path in ["/%00/%2e%2e/etc", "/%2e%2e/etc/passwd", "/%c0%af", "/%zz", "/v1/../livez", "/./livez"] { #expect(client.get(path)?.status == 400, "\(path)") }
            // Catalogue 100: an origin that may not call is 403, whatever it asks for.
            for path in ["/v1/models", "/props", "/slots", "/metrics", "/livez"] { #expect(client.get(path, "Origin: https://evil.example\r\n")?.status == 403, "\(path)") }
            #expect(client.get("/livez", "X-Request-Id: a b\r\n")?.headers["x-request-id"]?.contains(" ") == false)
            #expect(client.get("/livez", "X-Request-Id: \(String(repeating: "a", count: 4000))\r\n")?.headers["x-request-id"]?.utf8.count ?? 999 <= 64)
            #expect(client.get("/livez", "X-Request-Id: mine-1\r\n")?.headers["x-request-id"] == "mine-1")
            #expect(client.ask("GET /livez HTTP/1.1\r\nConnection: close\r\n\r\n")?.status == 400)
            #expect(client.ask("OPTIONS /v1/models HTTP/1.1\r\nHost: localhost\r\nOrigin: https://evil.example\r\nConnection: close\r\n\r\n")?.status == 403)
            #expect(client.ask("GET /livez HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n")?.status == 421)
        }
    }

    /// An answer to HEAD has no body, also where it goes wrong: the next answer on the connection begins right after it.
    @Test func headsHaveNoBodies() async throws {
        try await withServer { client, _ in
            for path in ["/nowhere", "/v1/models/nobody", "/livez", "/%zz", "/"] {
                let connection = try #require(Connection(client.port))
                connection.send("HEAD \(path) HTTP/1.1\r\nHost: localhost\r\n\r\nGET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                let text = String(decoding: connection.readAll(), as: UTF8.self)
                let end = try #require(text.firstRange(of: "\r\n\r\n"))
                #expect(text[end.upperBound...].hasPrefix("HTTP/1.1 200 OK\r\n"), "\(path): \(text)")
            }
        }
    }

    /// Health checks still speak it: no Host, no chunks, and a connection that closes.
    @Test func theOldVersion() async throws {
        try await withServer { client, _ in
            let health = try #require(Connection(client.port))
            health.send("GET /health HTTP/1.0\r\n\r\n")
            let text = String(decoding: health.readAll(), as: UTF8.self)
            #expect(text.hasPrefix("HTTP/1.0 200") && text.lowercased().contains("connection: close"), "\(text)")
            let body = "{\"prompt\":\"Once\",\"max_tokens\":3,\"stream\":true}"
            let stream = try #require(Connection(client.port))
            stream.send("POST /v1/completions HTTP/1.0\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
            let events = String(decoding: stream.readAll(), as: UTF8.self)
            #expect(events.hasSuffix("data: [DONE]\n\n") && !events.lowercased().contains("chunked"), "\(events)")
        }
    }

    @Test func pipelinedRequestsAreAnsweredInOrder() async throws {
        try await withServer { client, _ in
            let connection = try #require(Connection(client.port))
            connection.send(String(repeating: "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n", count: 99) + "GET /nowhere HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            let text = String(decoding: connection.readAll(), as: UTF8.self)
            #expect(text.components("HTTP/1.1 200") == 99)
            #expect(text.components("HTTP/1.1 404") == 1)
        }
    }
}

extension String {
    /// How often a text occurs.
    fileprivate func components(_ part: String) -> Int { ranges(of: part).count }
}
