import QuintetFiles
import QuintetGeneration
import QuintetServing
import QuintetTokenizers
import Testing

/// Output formats, probabilities, vectors, filling in: what a request asks for, it gets or is refused.
@Suite(.serialized) struct FormatTests {
    private let chat: JSON = ["messages": [["role": "user", "content": "Hi"]], "max_tokens": 120, "temperature": 1, "seed": 3]

    private func asked(_ more: JSON) -> JSON {
        var request = chat
        for (key, value) in more.object ?? [:] { request[key] = value }
        return request
    }

    @Test func schemasHold() async throws {
        let schema: JSON = [
            "type": "object", "properties": ["name": ["type": "string", "maxLength": 6], "age": ["type": "integer", "minimum": 0, "maximum": 99]],
            "required": ["name", "age"], "additionalProperties": false,
        ]
        try await withServer { client, _ in
            for more: JSON in [
                ["response_format": ["type": "json_schema", "json_schema": ["name": "person", "schema": schema]]], ["json_schema": schema], ["guided_json": schema],
                ["structured_outputs": ["json": schema]],
            ] {
                let answer = try #require(client.post("/v1/chat/completions", asked(more)))
                let text = answer.json["choices"]?[0]?["message"]?["content"]?.string ?? ""
                let json = try? JSON.parse(text)
                #expect(json?["name"]?.string != nil && json?["age"]?.int != nil, "\(more): \(answer.body)")
                #expect(answer.json["choices"]?[0]?["finish_reason"]?.string == "stop")
            }
            let choice = try #require(client.post("/v1/chat/completions", asked(["guided_choice": ["yes", "no: \"never\""]])))
            #expect(["yes", "no: \"never\""].contains(choice.json["choices"]?[0]?["message"]?["content"]?.string), "\(choice.body)")
        }
    }

    @Test func whatCannotBeHeldToIsRefused() async throws {
        try await withServer { client, _ in
            let wrong: [JSON] = [
                ["response_format": ["type": "xml"]], ["response_format": ["type": "json_schema"]], ["response_format": "json"], ["guided_regex": "a+"],
                ["grammar": "root ::= missing"], ["grammar": "root ::= root \"a\""], ["grammar": .string("root ::= " + String(repeating: "(", count: 60_000))],
                ["json_schema": ["type": "object", "unevaluatedProperties": false, "patternProperties": ["^a": true], "if": true, "then": ["minProperties": 3]]],
                ["json_schema": ["type": "nothing"]], ["json_schema": ["$ref": "#/$defs/a"]], ["json_schema": ["type": "integer", "minimum": 5, "maximum": 4]],
                ["json_schema": ["type": "string", "pattern": "(?<=a)b"]], ["grammar": "root ::= \"a\"", "json_schema": ["type": "object"]], ["guided_choice": []],
                ["tools": [["type": "function", "function": ["name": "f", "parameters": ["type": "object", "properties": ["a": ["$ref": "#/nowhere"]], "required": ["a"]]]]], "tool_choice": "required"],
                ["tool_choice": "required"], ["tools": [["type": "function"]]], ["tools": "f"],
                ["tools": .array((0..<10_000).map { ["type": "function", "function": ["name": .string("f\($0)")]] })],
            ]
            for more in wrong {
                let answer = try #require(client.post("/v1/chat/completions", asked(more)))
                #expect(answer.status == 400, "\(more.serialized().prefix(200)): \(answer.body.prefix(300))")
                #expect(answer.json["error"]?["message"]?.string != nil)
            }
            #expect(client.get("/readyz")?.status == 200)
        }
    }

    @Test func probabilities() async throws {
        try await withServer { client, generator in
            var options = GenerationOptions(maxTokens: 5)
            options.logprobs = 3
            let expected = try generator.generate("Once", options: options)
            let chosen = expected.logprobs.map { Double($0.chosen.logprob) }
            let texts = try #require(client.post("/v1/completions", ["prompt": "Once", "max_tokens": 5, "temperature": 0, "logprobs": 3]))
            let told = texts.json["choices"]?[0]?["logprobs"]?["token_logprobs"]?.array?.compactMap { $0.double } ?? []
            #expect(told.count == 5 && zip(told, chosen).allSatisfy { abs($0 - $1) < 1e-6 }, "\(texts.body)")
            var request = chat
            request["logprobs"] = true
            request["top_logprobs"] = 2
            let answer = try #require(client.post("/v1/chat/completions", request))
            let first = answer.json["choices"]?[0]?["logprobs"]?["content"]?[0]
            #expect(first?["top_logprobs"]?.array?.count == 2)
            #expect(first?["bytes"]?.array != nil)
            request["stream"] = true
            let stream = try #require(client.post("/v1/chat/completions", request))
            #expect(stream.events.compactMap { $0["choices"]?[0]?["logprobs"]?["content"]?.array }.joined().count == answer.json["choices"]?[0]?["logprobs"]?["content"]?.array?.count)
            let llama = try #require(client.post("/completion", ["prompt": "Once", "n_predict": 5, "temperature": 0, "n_probs": 2]))
            #expect(llama.json["completion_probabilities"]?.array?.count == 5)
            for wrong: JSON in [["logprobs": 1_000_000], ["logprobs": -1], ["logprobs": "all"]] {
                var request: JSON = ["prompt": "a"]
                request["logprobs"] = wrong["logprobs"]
                #expect(client.post("/v1/completions", request)?.status == 400)
            }
        }
    }

    /// A prompt's own probabilities are those that its tokens have when they are made one by one.
    @Test func echoesTellThePromptsProbabilities() async throws {
        try await withServer { client, generator in
            var options = GenerationOptions(maxTokens: 12)
            options.logprobs = 1
            let made = try generator.generate("Once upon", options: options)
            let whole = made.promptIDs + made.ids
            let request: JSON = ["prompt": .array(whole.map { JSON($0) }), "max_tokens": 0, "echo": true, "logprobs": 1]
            let answer = try #require(client.post("/v1/completions", request))
            let told = answer.json["choices"]?[0]?["logprobs"]?["token_logprobs"]?.array ?? []
            #expect(told.count == whole.count && told.first == .null)
            let last = told.suffix(12).compactMap { $0.double }
            #expect(zip(last, made.logprobs).allSatisfy { abs($0 - Double($1.chosen.logprob)) < 1e-6 }, "\(answer.body)")
            var streamed = request
            streamed["stream"] = true
            let events = client.post("/v1/completions", streamed)?.events ?? []
            #expect(events.first?["choices"]?[0]?["text"] == answer.json["choices"]?[0]?["text"] && events.last?["choices"]?[0]?["finish_reason"] == "length")
            #expect(events.first?["choices"]?[0]?["logprobs"] == answer.json["choices"]?[0]?["logprobs"])
        }
    }

    @Test func vectors() async throws {
        try await withServer { client, _ in
            func vectors(_ request: JSON) -> [[Double]] {
                client.post("/v1/embeddings", request)?.json["data"]?.array?.compactMap { $0["embedding"]?.array?.compactMap { $0.double } } ?? []
            }
            let two = vectors(["input": ["a cat", "a dog"]])
            #expect(two.map(\.count) == [32, 32])
            #expect(two.allSatisfy { abs($0.reduce(0) { $0 + $1 * $1 } - 1) < 1e-4 })
            #expect(two[0] != two[1])
            #expect(vectors(["input": "a cat"]) == [two[0]])
            #expect(vectors(["input": "a cat", "dimensions": 8]).first?.count == 8)
            #expect(vectors(["input": "a cat", "pooling": "last"]) != [two[0]])
            #expect(client.post("/v1/embeddings", ["input": "a cat", "encoding_format": "base64"])?.json["data"]?[0]?["embedding"]?.string?.utf8.count == 172)
            for wrong: JSON in [
                [], "", ["a", 7], [["a"]], [[[1]]], .array(Array(repeating: "a", count: 3000)), .string(String(repeating: "a", count: 400)), ["a", ""],
            ] { #expect(client.post("/v1/embeddings", ["input": wrong])?.status == 400, "\(wrong.serialized().prefix(50))") }
            for more: JSON in [["dimensions": 0], ["dimensions": 1_000_000_000], ["encoding_format": "hex"], ["pooling": "max"]] {
                var request: JSON = ["input": "a"]
                for (key, value) in more.object ?? [:] { request[key] = value }
                #expect(client.post("/v1/embeddings", request)?.status == 400)
            }
        }
    }

    @Test func fillingIn() async throws {
        try await withServer { client, generator in
            let ids: [Int32] = [258] + Array("let a = ".utf8).map { generator.tokenizer.encode(String(UnicodeScalar($0)))[0] } + [259] + generator.tokenizer.encode(";") + [260]
            let expected = try generator.generate(ids, options: GenerationOptions(maxTokens: 9))
            let answer = try #require(client.post("/infill", ["input_prefix": "let a = ", "input_suffix": ";", "n_predict": 9, "temperature": 0]))
            #expect(answer.json["content"]?.string == expected.text)
            #expect(answer.json["tokens_evaluated"]?.int == ids.count)
            let quoted = try #require(client.post("/infill", ["input_prefix": "<|fim_middle|>", "input_suffix": "", "n_predict": 1]))
            #expect(quoted.json["tokens_evaluated"]?.int == 3 + 14, "what a user writes is no mark")
        }
    }

    @Test func biasPenaltiesAndStops() async throws {
        try await withServer { client, generator in
            let plain = try generator.generate("Go", options: GenerationOptions(maxTokens: 8))
            let first = try #require(plain.ids.first)
            for bias: JSON in [.object([String(first): -100]), [[JSON(first), false]]] {
                let answer = try #require(client.post("/v1/completions", ["prompt": "Go", "max_tokens": 8, "temperature": 0, "logit_bias": bias]))
                #expect(answer.json["choices"]?[0]?["text"]?.string?.first != plain.text.first, "\(answer.body)")
            }
            var options = GenerationOptions(maxTokens: 30)
            options.sampling = SamplingOptions(repetitionPenalty: 1.5)
            options.sampling?.frequencyPenalty = 1
            let penalized = try generator.generate("Go", options: options)
            let answer = try #require(
                client.post("/v1/completions", ["prompt": "Go", "max_tokens": 30, "temperature": 0, "repetition_penalty": 1.5, "frequency_penalty": 1]))
            #expect(answer.json["choices"]?[0]?["text"]?.string == penalized.text)
            let grammar: JSON = "root ::= \"one two three\""
            let stopped = try #require(client.post("/completion", ["prompt": "Go", "grammar": grammar, "stop": [" thr", "x"]]))
            #expect(stopped.json["content"]?.string == "one two")
            #expect(stopped.json["stopping_word"]?.string == " thr")
            let claude = try #require(
                client.post("/v1/messages", ["max_tokens": 50, "messages": [["role": "user", "content": "Go"]], "grammar": grammar, "stop_sequences": [" t"]]))
            #expect(claude.json["stop_reason"]?.string == "end_turn" || claude.json["stop_sequence"]?.string == " t", "\(claude.body)")
        }
    }
}
