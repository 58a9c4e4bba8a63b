import QuintetFiles
import QuintetGeneration
import QuintetTokenizers
import QuintetTraining
import Testing

/// Which tokens are learned.
@Suite struct TextEncoderTests {
    static func encoder(template: String? = nil, limit: Int = 64, masks: Bool = true) throws -> TextEncoder {
        let tokenizer = try Tokenizer(json: TinyModel.tokenizer.serialized())
        let templates = ChatTemplates(sources: template.map { ["default": $0] } ?? [:])
        return TextEncoder(ChatEncoder(tokenizer, templates), ends: [2], limit: limit, masksPrompts: masks)
    }

    static func words(_ text: EncodedText, _ encoder: TextEncoder, learned: Bool) -> [String] {
        zip(text.ids, text.learned).filter { $1 == learned }.map { encoder.chat.tokenizer.token(of: $0.0) ?? "" }
    }

    static func talk(_ contents: String...) -> Example {
        .conversation(Conversation(contents.enumerated().map { Conversation.message($0 % 2 == 0 ? "user" : "assistant", $1) }))
    }

    @Test func withoutATemplateItIsBeginPromptCompletionEnd() throws {
        let encoder = try Self.encoder()
        let text = try encoder.encode(.completion(prompt: "w5 w6", completion: " w7 w8"))[0]
        #expect(text.ids == [1, 5, 6, 7, 8, 2])
        #expect(text.learned == [false, false, false, true, true, true])
        #expect(try Self.encoder(masks: false).encode(.completion(prompt: "w5", completion: " w7"))[0].learned == [false, true, true, true])
        #expect(try encoder.encode(.text("w5 w6"))[0] == EncodedText(ids: [1, 5, 6, 2], learned: [false, true, true, true]))
    }

    @Test(arguments: [TinyModel.template, TinyModel.marked]) func onlyTheAssistantIsLearned(template: String) throws {
        let encoder = try Self.encoder(template: template)
        let text = try encoder.encode(Self.talk("w5", "w6 w7", "w8", "w9"))[0]
        #expect(Self.words(text, encoder, learned: true) == ["w6", "w7", "w32", "w9", "w32", "</s>"])
        #expect(Self.words(text, encoder, learned: false) == ["w30", "w5", "w32", "w31", "w30", "w8", "w32", "w31"])
    }

    @Test func whatIsServedIsWhatIsGiven() throws {
        let encoder = try Self.encoder(template: TinyModel.template)
        let text = try encoder.encode(.completion(prompt: "w5 w6", completion: "w7"))[0]
        let served = try encoder.chat.ids(ChatInput(messages: [Conversation.message("user", "w5 w6")], addsGenerationPrompt: true))
        #expect(Array(text.ids.prefix(served.count)) == served && text.learned.prefix(served.count).allSatisfy { !$0 } && text.learned[served.count])
    }

    /// Templates that read contents as parts alone get them so: nothing is silently left out.
    @Test func templatesThatReadParts() throws {
        let encoder = try Self.encoder(template: "{% for m in messages %}w30 {% for part in m.content %}{% if part.type == 'text' %}{{ part.text }} {% endif %}{% endfor %}w32 {% endfor %}{% if add_generation_prompt %}w30 {% endif %}")
        let text = try encoder.encode(Self.talk("w5", "w6 w7"))[0]
        #expect(Self.words(text, encoder, learned: true).prefix(3) == ["w6", "w7", "w32"] && Self.words(text, encoder, learned: false).contains("w5"))
    }

    /// A call with no words, or a template that leaves old answers out: that answer has nothing to learn, the others have.
    @Test(arguments: [nil, "{% for m in messages %}{% if m.role == 'user' or loop.last %}w30 {{ m.content }} w32 {% endif %}{% endfor %}{% if add_generation_prompt %}w30 {% endif %}"])
    func answersThatAreWrittenAsNothing(template: String?) throws {
        let encoder = try Self.encoder(template: template)
        var call = Conversation.message("assistant", "")
        (call["content"], call["tool_calls"]) = (.null, [["type": "function", "function": ["name": "w7", "arguments": "{}"]]])
        let messages = [Conversation.message("user", "w5"), call, Conversation.message("tool", "w6"), Conversation.message("assistant", "w9")]
        let text = try encoder.encode(.conversation(Conversation(messages)))[0]
        let learned = Self.words(text, encoder, learned: true)
        #expect(learned.contains("w9") && !learned.contains("w5") && !learned.contains("w6"), "\(learned)")
        #expect(template != nil || text.leftOut == 1)
    }

    /// Templates that write an old answer in another way than a last one (Qwen3's thoughts): all answers are learned, each with its end.
    @Test func oldAnswersAreLearnedToo() throws {
        let encoder = try Self.encoder(template: "{% for m in messages %}{% if m.role == 'user' %}w30 {{ m.content }} w32 {% else %}w31 {% if loop.last %}w28 w27 {% endif %}{{ m.content }} </s> {% endif %}{% endfor %}{% if add_generation_prompt %}w31 {% endif %}")
        let text = try encoder.encode(Self.talk("w5", "w6 w7", "w8", "w9"))[0]
        #expect(Self.words(text, encoder, learned: true) == ["w6", "w7", "</s>", "w28", "w27", "w9", "</s>"])
        #expect(text.askedOtherwise == 0 && text.leftOut == 0)
    }

    /// A template that asks with a thought begun, or that writes the system's words before the last question alone: counted, and nobody else's words are learned.
    @Test func whatIsAskedOtherwiseIsCounted() throws {
        let thinks = try Self.encoder(template: "{% for m in messages %}{% if m.role == 'user' %}w30 {{ m.content }} w32 {% else %}w31 {{ m.content }} w32 {% endif %}{% endfor %}{% if add_generation_prompt %}w31 w28 {% endif %}")
        let text = try thinks.encode(Self.talk("w5", "w6 w7"))[0]
        #expect(Self.words(text, thinks, learned: true) == ["w6", "w7", "w32", "</s>"] && text.askedOtherwise == 1)
        #expect(LengthStatistics([Sample(texts: [text], position: DataRow.Position(file: "a", number: 1, isLine: true))]).summary.contains("before 1 answers"))
        let system = try Self.encoder(template: "{% for m in messages %}{% if m.role == 'user' %}w30 {% if loop.last %}w29 {% endif %}{{ m.content }} w32 {% else %}w31 {{ m.content }} w32 {% endif %}{% endfor %}")
        let other = try system.encode(Self.talk("w5", "w6 w7"))[0]
        #expect(Self.words(other, system, learned: true).prefix(2) == ["w6", "w7"] && other.askedOtherwise == 1)
    }

    @Test func aRefusedConversationSaysWhy() throws {
        let encoder = try Self.encoder(template: "{{ raise_exception('roles must alternate') }}")
        #expect(throws: RowProblem.self) { try encoder.encode(Self.talk("w5", "w6")) }
        do { _ = try encoder.encode(Self.talk("w5", "w6")) } catch { #expect(error.reason.contains("roles must alternate")) }
    }

    @Test func tooLongIsCutAndNothingLearnedIsSaid() throws {
        let encoder = try Self.encoder(limit: 5)
        let text = try encoder.encode(.completion(prompt: "w5 w6", completion: " w7 w8 w9"))[0]
        #expect(text.ids == [1, 5, 6, 7, 8] && text.cut == 2 && text.learnedCount == 2)
        #expect(throws: RowProblem.self) { try encoder.encode(.completion(prompt: "w5 w6 w7 w8 w9", completion: " w10")) }
        #expect(throws: RowProblem.self) { try encoder.encode(Self.talk("w5")) }
        // A document is cut into windows that share one token, so that every token is predicted once.
        let windows = try encoder.encode(.text("w3 w4 w5 w6 w7 w8 w9"))
        #expect(windows.map(\.ids) == [[1, 3, 4, 5, 6], [6, 7, 8, 9, 2]])
    }
}
