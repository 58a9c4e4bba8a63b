import QuintetFiles
import QuintetGeneration
import QuintetServing
import Testing

/// Calls of functions and thoughts in what a model writes. A grammar makes the small model write what a big one would.
@Suite(.serialized) struct ReplyTests {
    private let tools: JSON = [
        [
            "type": "function",
            "function": [
                "name": "weather", "description": "The weather of a town.",
                "parameters": ["type": "object", "properties": ["town": ["type": "string", "maxLength": 8], "days": ["type": "integer", "minimum": 1, "maximum": 9]], "required": ["town"], "additionalProperties": false],
            ],
        ]
    ]

    private func literal(_ text: String) -> JSON { .string("root ::= " + JSON.string(text).serialized()) }

    private func request(_ text: String, _ more: JSON = [:]) -> JSON {
        var request: JSON = ["messages": [["role": "user", "content": "Rain?"]], "max_tokens": 600, "temperature": 1, "seed": 1, "grammar": literal(text), "tools": tools]
        for (key, value) in more.object ?? [:] { request[key] = value }
        return request
    }

    @Test func callsAreFoundWhole() async throws {
        try await withServer(context: 2048, template: TestModels.chatML) { client, _ in
            let text = "I look.<tool_call>\\n{\"name\": \"weather\", \"arguments\": {\"town\": \"Ulm\"}}\\n</tool_call>".replacing("\\n", with: "\n")
            let answer = try #require(client.post("/v1/chat/completions", request(text)))
            #expect(answer.status == 200, "\(answer.body)")
            let choice = try #require(answer.json["choices"]?[0])
            #expect(choice["finish_reason"]?.string == "tool_calls")
            #expect(choice["message"]?["content"]?.string == "I look.")
            let call = try #require(choice["message"]?["tool_calls"]?[0])
            #expect(call["function"]?["name"]?.string == "weather")
            #expect(call["function"]?["arguments"]?.string.flatMap { try? JSON.parse($0) } == ["town": "Ulm"])
        }
    }

    @Test func callsAreFoundInStreams() async throws {
        try await withServer(context: 2048, template: TestModels.chatML) { client, _ in
            let text = "<tool_call>{\"name\": \"weather\", \"arguments\": {\"town\": \"Ulm\"}}</tool_call><tool_call>{\"name\": \"weather\", \"arguments\": {}}</tool_call>"
            let answer = try #require(client.post("/v1/chat/completions", request(text, ["stream": true])))
            let calls = answer.events.compactMap { $0["choices"]?[0]?["delta"]?["tool_calls"]?[0] }
            #expect(calls.compactMap { $0["index"]?.int } == [0, 1])
            #expect(calls.allSatisfy { $0["function"]?["name"]?.string == "weather" })
            #expect(answer.events.allSatisfy { ($0["choices"]?[0]?["delta"]?["content"]?.string ?? "").isEmpty })
            #expect(answer.events.compactMap { $0["choices"]?[0]?["finish_reason"]?.string } == ["tool_calls"])
            let one = try #require(client.post("/v1/chat/completions", request(text, ["parallel_tool_calls": false])))
            #expect(one.json["choices"]?[0]?["message"]?["tool_calls"]?.array?.count == 1)
        }
    }

    @Test(arguments: ["<tool_call>{\"name\": 7}</tool_call>", "a <tool_cal b", "<tool_call>{\"name\": \"weather\", \"argu", "<"])
    func whatIsNoCallIsText(_ text: String) async throws {
        try await withServer(context: 2048, template: TestModels.chatML) { client, _ in
            let answer = try #require(client.post("/v1/chat/completions", request(text)))
            #expect(answer.json["choices"]?[0]?["message"]?["content"]?.string == text)
            let stream = try #require(client.post("/v1/chat/completions", request(text, ["stream": true])))
            #expect(stream.events.compactMap { $0["choices"]?[0]?["delta"]?["content"]?.string }.joined() == text)
        }
    }

    @Test func aCallCanBeForced() async throws {
        try await withServer(context: 2048, template: TestModels.chatML) { client, _ in
            var request = request("", ["tool_choice": ["type": "function", "function": ["name": "weather"]]])
            request["grammar"] = nil
            let named = try #require(client.post("/v1/chat/completions", request))
            let call = try #require(named.json["choices"]?[0]?["message"]?["tool_calls"]?[0]?["function"], "\(named.body)")
            #expect(call["name"]?.string == "weather")
            #expect(call["arguments"]?.string.flatMap { try? JSON.parse($0) }?["town"]?.string != nil, "\(named.body)")
            request["stream"] = true
            let stream = try #require(client.post("/v1/chat/completions", request))
            let pieces = stream.events.compactMap { $0["choices"]?[0]?["delta"]?["tool_calls"]?[0]?["function"]?["arguments"]?.string }
            #expect(pieces.joined() == call["arguments"]?.string)
            request["stream"] = nil
            request["tool_choice"] = "required"
            let any = try #require(client.post("/v1/chat/completions", request))
            #expect(any.json["choices"]?[0]?["message"]?["tool_calls"]?[0]?["function"]?["name"]?.string == "weather", "\(any.body)")
            request["response_format"] = ["type": "json_object"]
            #expect(client.post("/v1/chat/completions", request)?.status == 400)
        }
    }

    /// What was said of a call before the tokens ran out is told as a call, never as text.
    @Test func aForcedCallThatBreaksOff() async throws {
        try await withServer(context: 2048, template: TestModels.chatML) { client, _ in
            var request = request("", ["tool_choice": "required", "parallel_tool_calls": false])
            request["grammar"] = nil
            let whole = try #require(client.post("/v1/chat/completions", request))
            let arguments = try #require(whole.json["choices"]?[0]?["message"]?["tool_calls"]?[0]?["function"]?["arguments"]?.string, "\(whole.body)")
            let made = try #require(whole.json["usage"]?["completion_tokens"]?.int)
            var partial = 0
            for count in stride(from: 1, to: made - 1, by: 7) {
                request["max_tokens"] = JSON(count)
                let choice = try #require(client.post("/v1/chat/completions", request)?.json["choices"]?[0])
                #expect(choice["finish_reason"]?.string == "length")
                #expect(choice["message"]?["content"]?.string ?? "" == "", "\(choice)")
                if let call = choice["message"]?["tool_calls"]?[0]?["function"] {
                    var told = call["arguments"]?.string ?? "-"
                    // Half a character is told as a mark of its own.
                    while told.hasSuffix("\u{FFFD}") { told.removeLast() }
                    #expect(call["name"]?.string == "weather" && arguments.utf8.starts(with: told.utf8), "\(told.debugDescription) of \(arguments.debugDescription)")
                    partial += 1
                }
                request["stream"] = true
                let events = client.post("/v1/chat/completions", request)?.events ?? []
                request["stream"] = nil
                let deltas = events.compactMap { $0["choices"]?[0]?["delta"] }
                let pieces = deltas.compactMap { $0["tool_calls"]?[0]?["function"]?["arguments"]?.string }
                #expect(pieces.joined() == choice["message"]?["tool_calls"]?[0]?["function"]?["arguments"]?.string ?? "")
                #expect(deltas.compactMap { $0["content"]?.string }.joined() == "")
            }
            #expect(partial > 0)
        }
    }

    @Test func thoughtsStandBeside() async throws {
        try await withServer(context: 2048, template: TestModels.thinking) { client, _ in
            let answer = try #require(client.post("/v1/chat/completions", request("<think>Hm.</think>\n\nYes.", ["tools": nil])))
            #expect(answer.json["choices"]?[0]?["message"]?["reasoning_content"]?.string == "Hm.")
            #expect(answer.json["choices"]?[0]?["message"]?["content"]?.string == "Yes.")
        }
    }

    @Test func anthropicsBlocks() async throws {
        try await withServer(context: 2048, template: TestModels.chatML) { client, _ in
            let text = "Well.<tool_call>{\"name\": \"weather\", \"arguments\": {\"town\": \"Ulm\"}}</tool_call>"
            var request: JSON = [
                "max_tokens": 200, "grammar": literal(text), "tools": [["name": "weather", "input_schema": ["type": "object"]]],
                "messages": [
                    ["role": "user", "content": "Rain?"], ["role": "assistant", "content": [["type": "tool_use", "id": "a", "name": "weather", "input": ["town": "Bonn"]]]],
                    ["role": "user", "content": [["type": "tool_result", "tool_use_id": "a", "content": "wet"], ["type": "text", "text": "And?"]]],
                ],
            ]
            let answer = try #require(client.post("/v1/messages", request))
            #expect(answer.json["stop_reason"]?.string == "tool_use", "\(answer.body)")
            #expect(answer.json["content"]?[0]?["text"]?.string == "Well.")
            #expect(answer.json["content"]?[1]?["input"]?["town"]?.string == "Ulm")
            request["stream"] = true
            let stream = try #require(client.post("/v1/messages", request))
            #expect(stream.events.compactMap { $0["content_block"]?["type"]?.string } == ["text", "tool_use"])
            #expect(stream.events.compactMap { $0["delta"]?["partial_json"]?.string }.joined() == "{\"town\":\"Ulm\"}")
            #expect(stream.events.filter { $0["type"]?.string == "content_block_stop" }.count == 2)
        }
    }

    /// gpt-oss: thoughts, what is said on the way, the answer and calls are messages in channels.
    @Test func messagesInChannels() async throws {
        try await withServer(context: 2048, template: "{# <|channel|> <|message|> #}{{ tools | length }}{{ messages[0].content }}") { client, _ in
            let said = "<|channel|>analysis<|message|>Let me <think>.<|end|><|start|>assistant<|channel|>final<|message|>It is wet.<|return|>"
            var ask = request(said)
            let answer = try #require(client.post("/v1/chat/completions", ask))
            #expect(answer.json["choices"]?[0]?["message"]?["reasoning_content"]?.string == "Let me <think>.", "\(answer.body)")
            #expect(answer.json["choices"]?[0]?["message"]?["content"]?.string == "It is wet.")
            ask["stream"] = true
            let stream = try #require(client.post("/v1/chat/completions", ask))
            let deltas = stream.events.compactMap { $0["choices"]?[0]?["delta"] }
            #expect(deltas.compactMap { $0["reasoning_content"]?.string }.joined() == "Let me <think>.")
            #expect(deltas.compactMap { $0["content"]?.string }.joined() == "It is wet.")

            let called = "<|channel|>analysis<|message|>Hm<|end|><|start|>assistant<|channel|>commentary<|message|>One moment.<|end|><|start|>assistant to=functions.weather<|channel|>commentary <|constrain|>json<|message|>{\"town\": \"Ulm\"}<|call|>"
            var call = request(called)
            call["stream"] = true
            let events = try #require(client.post("/v1/chat/completions", call)).events.compactMap { $0["choices"]?[0]?["delta"] }
            #expect(events.compactMap { $0["content"]?.string }.joined() == "One moment.")
            #expect(events.compactMap { $0["tool_calls"]?[0]?["function"]?["name"]?.string } == ["weather"])
            #expect(events.compactMap { $0["tool_calls"]?[0]?["function"]?["arguments"]?.string }.joined() == "{\"town\": \"Ulm\"}")
            // Cut off before it says what it is, and without any channel.
            #expect(client.post("/v1/chat/completions", request("<|channel|>anal"))?.json["choices"]?[0]?["message"]?["content"]?.string == "")
            #expect(client.post("/v1/chat/completions", request("Plain words."))?.json["choices"]?[0]?["message"]?["content"]?.string == "Plain words.")
        }
    }

    @Test func gemmasValues() async throws {
        try await withServer(context: 2048, template: "{# <start_function_call> #}{{ tools | length }}{{ messages[0].content }}") { client, _ in
            let cases: [(String, JSON?)] = [
                ("call:weather{town:<escape>a,b}<escape>,days:3,deep:{x:[1,<escape>y<escape>,true]},none:null}", ["town": "a,b}", "days": 3, "deep": ["x": [1, "y", true]], "none": nil]),
                ("call:weather{}", [:]), ("call:weather{town}", nil), ("call:weather{town:}", nil), ("weather", nil),
                ("call:weather{a:" + String(repeating: "[", count: 200) + "}", nil),
            ]
            for (text, arguments) in cases {
                let answer = try #require(client.post("/v1/chat/completions", request("<start_function_call>\(text)<end_function_call>")))
                let call = answer.json["choices"]?[0]?["message"]?["tool_calls"]?[0]?["function"]
                #expect(call?["arguments"]?.string.flatMap { try? JSON.parse($0) } == arguments, "\(answer.body)")
            }
        }
    }

    @Test func everyFamilysCalls() async throws {
        let cases: [(sign: String, text: String)] = [
            ("[TOOL_CALLS]", "[TOOL_CALLS][{\"name\": \"weather\", \"arguments\": {\"town\": \"Ulm\"}}]"),
            ("[TOOL_CALLS]", "[TOOL_CALLS]weather[ARGS]{\"town\": \"Ulm\"}"),
            ("<|python_tag|>", "{\"name\": \"weather\", \"parameters\": {\"town\": \"Ulm\"}}"),
            ("<|/tool_call|>", "<|tool_call|>[{\"name\": \"weather\", \"arguments\": {\"town\": \"Ulm\"}}]<|/tool_call|>"),
            ("<|tool_call|>", "<|tool_call|>[{\"name\": \"weather\", \"arguments\": {\"town\": \"Ulm\"}}]"),
            ("<tool_call>", "<tool_call>\n<function=weather>\n<parameter=town>\nUlm\n</parameter>\n</function>\n</tool_call>"),
            ("<tool_call>", "<tool_call>weather\n<arg_key>town</arg_key>\n<arg_value>Ulm</arg_value>\n</tool_call>"),
            ("<｜tool▁calls▁begin｜>", "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>weather\n```json\n{\"town\": \"Ulm\"}\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜>"),
            ("<start_function_call>", "<start_function_call>call:weather{town:<escape>Ulm<escape>}<end_function_call>"),
            ("<|channel|><|message|>", "<|channel|>commentary to=functions.weather <|constrain|>json<|message|>{\"town\": \"Ulm\"}<|call|>"),
            ("<|channel|><|message|>", " to=functions.weather<|channel|>commentary json<|message|>{\"town\": \"Ulm\"}<|call|>"),
            ("<｜tool▁calls▁begin｜>", "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>weather<｜tool▁sep｜>{\"town\": \"Ulm\"}<｜tool▁call▁end｜><｜tool▁calls▁end｜>"),
        ]
        for (sign, text) in cases {
            try await withServer(context: 2048, template: "{# \(sign) #}{{ tools | length }}{{ messages[0].content }}") { client, _ in
                let answer = try #require(client.post("/v1/chat/completions", request(text)))
                let call = answer.json["choices"]?[0]?["message"]?["tool_calls"]?[0]?["function"]
                #expect(call?["name"]?.string == "weather", "\(text): \(answer.body)")
                #expect(call?["arguments"]?.string.flatMap { try? JSON.parse($0) } == ["town": "Ulm"])
            }
        }
    }
}
