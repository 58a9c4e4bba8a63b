import QuintetFiles
import QuintetGeneration
import QuintetServing
import QuintetTokenizers
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Every route over a real socket.
@Suite(.serialized) struct RouteTests {
    private let greedy: JSON = ["prompt": "Once upon a time", "max_tokens": 20, "temperature": 0]

    @Test func completionsAreTheLibrarysTexts() async throws {
        try await withServer { client, generator in
            let expected = try generator.generate("Once upon a time", options: GenerationOptions(maxTokens: 20))
            let answer = try #require(client.post("/v1/completions", greedy))
            #expect(answer.status == 200)
            #expect(answer.json["choices"]?[0]?["text"]?.string == expected.text)
            #expect(answer.json["usage"]?["completion_tokens"]?.int == 20)
            #expect(answer.json["usage"]?["prompt_tokens"]?.int == 16)
            #expect(answer.json["choices"]?[0]?["finish_reason"]?.string == "length")
            var request = greedy
            request["stream"] = true
            request["stream_options"] = ["include_usage": true]
            let stream = try #require(client.post("/v1/completions", request))
            #expect(stream.headers["content-type"] == "text/event-stream")
            #expect(stream.events.compactMap { $0["choices"]?[0]?["text"]?.string }.joined() == expected.text)
            #expect(stream.events.last?["usage"]?["completion_tokens"]?.int == 20)
            #expect(stream.body.hasSuffix("data: [DONE]\n\n"))
            let llama = try #require(client.post("/completion", ["prompt": "Once upon a time", "n_predict": 20, "temperature": 0]))
            #expect(llama.json["content"]?.string == expected.text)
        }
    }

    @Test func conversations() async throws {
        try await withServer { client, generator in
            let messages: JSON = [["role": "user", "content": "Hello"], ["role": "assistant", "content": "Hi"], ["role": "user", "content": [["type": "text", "text": "Go"]]]]
            let expected = try generator.generate("Hello\nHi\nGo\n", options: GenerationOptions(maxTokens: 12)).text
            let chat = try #require(client.post("/v1/chat/completions", ["model": "alpha", "messages": messages, "max_tokens": 12, "temperature": 0]))
            #expect(chat.json["choices"]?[0]?["message"]?["content"]?.string == expected)
            let claude = try #require(client.post("/v1/messages", ["model": "alpha", "messages": messages, "max_tokens": 12, "temperature": 0]))
            #expect(claude.json["content"]?[0]?["text"]?.string == expected)
            #expect(claude.json["stop_reason"]?.string == "max_tokens")
            let stream = try #require(
                client.post("/v1/messages", ["model": "alpha", "messages": messages, "max_tokens": 12, "temperature": 0, "stream": true]))
            #expect(stream.events.compactMap { $0["delta"]?["text"]?.string }.joined() == expected)
            #expect(stream.events.compactMap { $0["type"]?.string }.first == "message_start")
            #expect(stream.events.last?["type"]?.string == "message_stop")
            let count = try #require(client.post("/v1/messages/count_tokens", ["model": "alpha", "messages": messages]))
            #expect(count.json["input_tokens"]?.int == generator.tokenizer.encode("Hello\nHi\nGo\n").count)
        }
    }

    @Test func choicesDifferBySeedAndSeedsRepeat() async throws {
        try await withServer { client, _ in
            let request: JSON = ["prompt": "The", "max_tokens": 16, "temperature": 1, "seed": 5, "n": 3]
            let texts = { (answer: Client.Answer?) in answer?.json["choices"]?.array?.compactMap { $0["text"]?.string } ?? [] }
            let first = texts(client.post("/v1/completions", request))
            #expect(Set(first).count == 3)
            #expect(texts(client.post("/v1/completions", request)) == first)
        }
    }

    @Test func modelsAndTheirNames() async throws {
        try await withServer(models: ["alpha", "beta"]) { client, _ in
            #expect(client.get("/v1/models")?.json["data"]?.array?.compactMap { $0["id"]?.string } == ["alpha", "beta"])
            #expect(client.get("/v1/models/beta")?.status == 200)
            #expect(client.get("/v1/models/%62eta")?.json["id"]?.string == "beta")
            for name in ["b%", "%zz", "%ff"] { #expect(client.get("/v1/models/\(name)")?.status == 400) }
            var request = greedy
            request["model"] = "alpa"
            let wrong = try #require(client.post("/v1/completions", request))
            #expect(wrong.status == 404)
            #expect(wrong.json["error"]?["code"]?.string == "model_not_found")
            #expect(wrong.json["error"]?["message"]?.string?.contains("alpha") == true)
            #expect(wrong.json["error"]?["param"]?.string == "model")
            // Case does not count, and a name's beginning is near it; Anthropic's clients hear the same.
            for (name, near) in [("ALPHA", "alpha"), ("Bet", "beta"), ("alpha-instruct", "alpha"), ("bta", "beta")] {
                for path in ["/v1/completions", "/v1/chat/completions", "/v1/messages", "/models/load"] {
                    let body: JSON = ["model": .string(name), "prompt": "a", "max_tokens": 1, "messages": [["role": "user", "content": "a"]]]
                    let missed = client.post(path, body)
                    #expect(missed?.status == 404 && missed?.json["error"]?["message"]?.string?.contains("Did you mean \(near)?") == true, "\(path): \(missed?.body ?? "")")
                }
                #expect(client.get("/v1/models/\(name)")?.json["error"]?["message"]?.string?.contains("Did you mean \(near)?") == true)
            }
            request["model"] = "nothing like it"
            #expect(client.post("/v1/completions", request)?.json["error"]?["message"]?.string?.contains("This server has alpha, beta") == true)
            request["model"] = "beta"
            #expect(client.post("/v1/completions", request)?.status == 200)
            #expect(client.post("/models/unload", ["model": "beta"])?.json["success"]?.bool == true)
            #expect(client.post("/v1/completions", request)?.status == 200, "it is loaded again when somebody asks")
        }
    }

    /// What llama-server's clients ask for beside the text.
    @Test func llamaServersDetails() async throws {
        try await withServer { client, _ in
            func ask(_ more: JSON) -> Client.Answer? {
                var request: JSON = ["prompt": "abc", "n_predict": 5, "temperature": 0, "ignore_eos": true]
                for (key, value) in more.object ?? [:] { request[key] = value }
                return client.post("/completion", request)
            }
            let alone = ["abc", "de"].map { ask(["prompt": .string($0)])?.json["content"] }
            let both = ask(["prompt": ["abc", "de"]])?.json.array
            #expect(both?.map { $0["content"] } == alone && both?.map { $0["index"]?.int } == [0, 1])
            #expect(both?.map { $0["tokens_evaluated"]?.int } == [3, 2] && both?.map { $0["tokens_predicted"]?.int } == [5, 5])
            let events = ask(["prompt": ["abc", "de"], "stream": true])?.events ?? []
            for index in 0..<2 {
                let own = events.filter { $0["index"]?.int == index }
                #expect(own.compactMap { $0["content"]?.string }.joined() == alone[index]?.string)
                #expect(own.filter { $0["stop"]?.bool == true }.count == 1 && own.last?["tokens_evaluated"]?.int == 3 - index)
            }
            #expect(ask(["prompt": .array(Array(repeating: "a", count: 1000))])?.status == 400)
            let chosen: JSON = ["content", "timings/predicted_n", "nothing/there"]
            #expect(ask(["response_fields": chosen])?.json == ["content": alone[0] ?? .null, "timings/predicted_n": 5])
            #expect(ask(["response_fields": chosen, "stream": true])?.events.last == ["content": "", "timings/predicted_n": 5])
            #expect(ask(["response_fields": 7])?.status == 400)
            let timed = ask(["timings_per_token": true, "stream": true])?.events.dropLast() ?? []
            #expect(!timed.isEmpty && timed.allSatisfy { $0["timings"]?["predicted_n"] != nil })
            let progress = ask(["prompt": "0123456789", "return_progress": true, "stream": true])?.events.compactMap { $0["prompt_progress"] } ?? []
            #expect(progress.first?["processed"] == progress.first?["cache"] && progress.last?["processed"]?.int == 10 && progress.last?["total"]?.int == 10)
            #expect(ask(["post_sampling_probs": true])?.status == 200, "nobody asks for probabilities")
        }
    }

    /// Probabilities as the draw was made: what filters left, and nothing else.
    @Test func probabilitiesOfTheDraw() async throws {
        try await withServer { client, _ in
            func told(_ more: JSONObject) -> [JSON] {
                var request: JSON = ["prompt": "abc", "n_predict": 6, "ignore_eos": true, "post_sampling_probs": true, "n_probs": 5, "seed": 3]
                for (key, value) in more { request[key] = value }
                return client.post("/completion", request)?.json["completion_probabilities"]?.array ?? []
            }
            let greedy = told(["temperature": 0])
            #expect(greedy.count == 6)
            for one in greedy { #expect(one["prob"]?.double == 1 && one["top_probs"]?.array?.count == 1 && one["logprob"] == nil) }
            let drawn = told(["temperature": 1, "top_k": 3])
            #expect(drawn.count == 6)
            for one in drawn {
                let top = one["top_probs"]?.array ?? []
                let shares = top.compactMap { $0["prob"]?.double }
                #expect(shares.count == 3 && shares == shares.sorted(by: >) && abs(shares.reduce(0, +) - 1) < 1e-5)
                #expect(top.contains { $0["id"] == one["id"] && $0["prob"] == one["prob"] })
            }
            // The filters' arithmetic: two of the likeliest at twice the temperature stand as the roots of the model's own.
            let own = client.post("/completion", ["prompt": "abc", "n_predict": 1, "n_probs": 5, "temperature": 0])?.json["completion_probabilities"]?[0]?["top_logprobs"]?.array ?? []
            let warm = told(["temperature": 2, "top_k": 5, "n_predict": 1]).first?["top_probs"]?.array ?? []
            #expect(own.map { $0["id"] } == warm.map { $0["id"] } && warm.count == 5)
            let logs = own.compactMap { $0["logprob"]?.double }, probs = warm.compactMap { $0["prob"]?.double }
            if logs.count == 5, probs.count == 5 { #expect(abs((logs[0] - logs[4]) / 2 - log(probs[0] / probs[4])) < 1e-3) }
        }
    }

    @Test func tokensAndOperations() async throws {
        try await withServer { client, generator in
            let ids = generator.tokenizer.encode("Hello there").map { JSON($0) }
            #expect(client.post("/tokenize", ["content": "Hello there"])?.json["tokens"] == .array(ids))
            #expect(client.post("/detokenize", ["tokens": .array(ids)])?.json["content"]?.string == "Hello there")
            for tokens in [["a"], 7, "97", [1.5]] as [JSON] { #expect(client.post("/detokenize", ["tokens": tokens])?.status == 400, "\(tokens)") }
            let pieces = client.post("/tokenize", ["content": "é", "with_pieces": true])?.json["tokens"]?.array?.map { $0["piece"] }
            #expect(pieces == [[195], [169]], "bytes where they are no text")
            for path in ["/embedding", "/embeddings"] { #expect(client.post(path, ["content": "Hello"])?.json[0]?["embedding"]?[0]?.array?.count == 32) }
            let bias: JSON = ["prompt": "a", "n_predict": 4, "temperature": 0, "logit_bias": [["b", 100]]]
            let silent = client.post("/completion", ["prompt": "abc", "n_predict": 0])
            #expect(silent?.json["content"]?.string == "" && silent?.json["tokens_predicted"]?.int == 0 && silent?.json["tokens_evaluated"]?.int == 3)
            #expect(client.post("/completion", ["prompt": [97, "bc"], "n_predict": 1])?.json["tokens_evaluated"]?.int == 3)
            #expect(client.post("/completion", ["prompt": [97, "bc", 99999], "n_predict": 1])?.status == 400)
            let echo = client.post("/v1/completions", ["prompt": "aéb", "max_tokens": 2, "echo": true, "logprobs": 0, "temperature": 0])?.json["choices"]?[0]?["logprobs"]
            #expect(echo?["text_offset"]?.array?.prefix(5).compactMap { $0.int } == [0, 1, 2, 2, 3], "where each token begins in the text")
            #expect(client.post("/completion", bias)?.json["content"]?.string == "bbbb")
            #expect(client.post("/completion", ["prompt": "a", "n_predict": 4, "stream": true])?.events.last?["tokens"] == [])
            #expect(client.get("/props")?.json["total_slots"]?.int == 16)
            #expect(client.get("/slots")?.json.array?.count == 16)
            for path in ["/livez", "/readyz", "/health", "/openapi.json", "/"] { #expect(client.get(path)?.status == 200, "\(path)") }
            for _ in 0..<5 {
                let timings = client.post("/v1/completions", greedy)?.json["timings"]
                #expect(timings?["prompt_ms"]?.double.map { $0 > 0 } == true)
            }
            // An answer may be read before the step that ended it is counted.
            let free = "vllm:kv_cache_usage_perc{model_name=\"alpha\"} 0\n"
            var metrics = try #require(client.get("/metrics")).body
            for _ in 0..<6000 where !metrics.contains(free) {
                try await Task.sleep(for: .milliseconds(5))
                metrics = try #require(client.get("/metrics")).body
            }
            for name in [
                "vllm:num_requests_running", "vllm:kv_cache_usage_perc", "vllm:time_to_first_token_seconds_bucket", "vllm:generation_tokens_total",
            ] { #expect(metrics.contains(name), "\(name)") }
            #expect(metrics.contains(free), "what is only remembered is free")
            #expect(metrics.contains("vllm:request_success_total{model_name=\"alpha\",finished_reason=\"length\"} 10\n"))
            #expect(metrics.contains("vllm:time_to_first_token_seconds_count{model_name=\"alpha\"} 10\n"))
            #expect(metrics.contains("# TYPE vllm:time_to_first_token_seconds histogram\n"))
        }
    }
}
