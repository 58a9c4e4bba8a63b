import QuintetFiles
import QuintetGeneration
import QuintetServing
import QuintetTokenizers
import Testing

/// What the server does with a model's chat template: where a prompt ends, and templates without a place for what a request says.
@Suite(.serialized) struct TemplateTests {
    private let talk: JSON = [["role": "user", "content": "Hello"], ["role": "assistant", "content": "Hi"]]

    private func applied(_ client: Client, _ request: JSON) -> String? { client.post("/apply-template", request)?.json["prompt"]?.string }

    /// vLLM's and llama-server's words for where the text ends.
    @Test func promptsEndWhereTheyAreAskedTo() async throws {
        try await withServer(template: TestModels.chatML) { client, generator in
            let whole = "<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\nHi<|im_end|>\n"
            let head = "<|im_start|>assistant\n"
            #expect(applied(client, ["messages": talk]) == whole + head)
            #expect(applied(client, ["messages": talk, "add_generation_prompt": true]) == whole + head)
            #expect(applied(client, ["messages": talk, "add_generation_prompt": false]) == whole)
            let begun = String(whole.dropLast("<|im_end|>\n".count))
            #expect(applied(client, ["messages": talk, "continue_final_message": true]) == begun)
            #expect(applied(client, ["messages": talk, "continue_final_message": true, "add_generation_prompt": false]) == begun)
            for path in ["/apply-template", "/v1/chat/completions"] {
                let both = client.post(path, ["messages": talk, "continue_final_message": true, "add_generation_prompt": true])
                #expect(both?.status == 400 && both?.json["error"]?["param"]?.string == "continue_final_message")
                #expect(client.post(path, ["messages": talk, "add_generation_prompt": 7])?.status == 400)
            }
            let ids = try generator.chatIDs(ChatInput(messages: talk.array ?? []))
            let expected = try generator.generate(ids, options: GenerationOptions(maxTokens: 8)).text
            let chat = client.post("/v1/chat/completions", ["messages": talk, "max_tokens": 8, "temperature": 0, "add_generation_prompt": false])
            #expect(chat?.json["choices"]?[0]?["message"]?["content"]?.string == expected)
        }
        try await withServer { client, _ in
            #expect(applied(client, ["messages": talk]) == "Hello\nHi\n")
            #expect(applied(client, ["messages": talk, "add_generation_prompt": false]) == "Hello\nHi")
        }
    }

    /// As Gemma's first: no system role, no functions, and the user's turns and the model's take turns.
    private static let gemma = """
        {% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}\
        {% for message in messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('Conversation roles must alternate') }}{% endif %}\
        {{ '<start_of_turn>' + ('model' if message['role'] == 'assistant' else message['role']) + '\\n' + message['content'] | trim + '<end_of_turn>\\n' }}{% endfor %}\
        {% if add_generation_prompt %}{{ '<start_of_turn>model\\n' }}{% endif %}
        """

    private let tool: JSON = ["type": "function", "function": ["name": "weather", "parameters": ["type": "object", "properties": [:]]]]

    @Test func withoutASystemRoleTheUserSaysIt() async throws {
        try await withServer(context: 2048, template: Self.gemma) { client, _ in
            let system: JSON = ["role": "system", "content": "Be brief."], user: JSON = ["role": "user", "content": "Hello"]
            #expect(applied(client, ["messages": [user]]) == "<start_of_turn>user\nHello<end_of_turn>\n<start_of_turn>model\n")
            #expect(applied(client, ["messages": [system, user]]) == "<start_of_turn>user\nBe brief.\n\nHello<end_of_turn>\n<start_of_turn>model\n")
            #expect(applied(client, ["messages": [system]])?.contains("user\nBe brief.<end") == true)
            let told = try #require(applied(client, ["messages": [system, user], "tools": [tool]]))
            #expect(told.hasPrefix("<start_of_turn>user\nBe brief.\n\nYou may call functions.") && told.contains("\"name\":\"weather\"") && told.contains("\n\nHello<end_of_turn>"))
            let functions = try #require(applied(client, ["messages": [user], "tools": [tool]]))
            #expect(functions.hasPrefix("<start_of_turn>user\nYou may call functions."))
            for path in ["/v1/chat/completions", "/v1/messages"] {
                let more: JSON = path == "/v1/messages" ? ["name": "weather", "input_schema": ["type": "object"]] : tool
                #expect(client.post(path, ["messages": [user], "tools": [more], "max_tokens": 2])?.status == 200, "\(path)")
            }
            #expect(client.post("/v1/messages", ["system": "Be brief.", "messages": [user], "max_tokens": 2])?.status == 200)
            // What else the template refuses is refused.
            #expect(client.post("/v1/chat/completions", ["messages": [user, user], "max_tokens": 2])?.status == 400)
        }
    }

    /// A template that leaves system messages out without a word still hears of functions; for the rest it is its maker's will.
    @Test func whereSystemMessagesAreLeftOut() async throws {
        let template = "{% for message in messages %}{% if message.role != 'system' %}{{ message.role + ': ' + message.content + '\\n' }}{% endif %}{% endfor %}"
        try await withServer(context: 2048, template: template) { client, _ in
            let messages: JSON = [["role": "system", "content": "Be brief."], ["role": "user", "content": "Hello"]]
            #expect(applied(client, ["messages": messages]) == "user: Hello\n")
            let told = applied(client, ["messages": messages, "tools": [tool]])
            #expect(told?.hasPrefix("user: Be brief.\n\nYou may call functions.") == true && told?.hasSuffix("\n\nHello\n") == true)
        }
    }
}
