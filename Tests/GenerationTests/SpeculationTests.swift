import QuintetFiles
import QuintetGeneration
import QuintetLayers
import QuintetModels
import Testing

/// With a draft or without, the text is the same: greedy, sampled, constrained.
@Suite struct SpeculationTests {
    private static let samplings: [SamplingOptions] = [
        .greedy, SamplingOptions(temperature: 1, topP: 0.95, seed: 11), SamplingOptions(temperature: 0.7, topK: 20, repetitionPenalty: 1.2, seed: 4),
    ]

    @Test(.enabled(if: Shared.isThere, Shared.absence), arguments: 0..<3) func draftsChangeNothing(_ which: Int) throws {
        let generator = try TextGenerator.open(Shared.path("data/weights/stories260K-hf"))
        // The model itself as its draft guesses nearly everything right; one with other weights nearly nothing.
        let same = DraftOptions.model(try DraftModel(generator.model, generator.tokenizer, for: generator))
        let other = DraftOptions.model(try DraftModel(try stranger(generator.model), generator.tokenizer, for: generator))
        for prompt in ["Once upon a time", "Lily and Ben like to play. Lily and Ben like to play. Lily", "x"] {
            var options = GenerationOptions(maxTokens: 150, sampling: Self.samplings[which])
            options.logprobs = 2
            let plain = try generator.generate(prompt, options: options)
            for draft in [same, other, .lookup] {
                options.draft = draft
                let drafted = try generator.generate(prompt, options: options)
                #expect(drafted.ids == plain.ids && drafted.text == plain.text && drafted.finishReason == plain.finishReason)
                #expect(drafted.logprobs == plain.logprobs)
                if draft == same, which < 2 { #expect(drafted.timings.acceptedTokens > drafted.ids.count / 2) }
            }
        }
    }

    private func stranger(_ model: Transformer) throws -> Transformer {
        try randomModel { spec in
            spec.vocabulary = model.spec.vocabulary
            spec.context = 512
        }
    }

    @Test(.enabled(if: Shared.isThere, Shared.absence)) func constrainedDraftsChangeNothing() throws {
        let generator = try TextGenerator.open(Shared.path("data/weights/stories260K-hf"))
        var options = GenerationOptions(maxTokens: 200, sampling: SamplingOptions(temperature: 1, seed: 2))
        options.format = try .jsonSchema(["type": "object", "properties": ["name": ["type": "string", "maxLength": 20], "age": ["type": "integer", "maximum": 99]], "required": ["name", "age"]])
        let plain = try generator.generate("Tell me:", options: options)
        options.draft = .lookup
        #expect(try generator.generate("Tell me:", options: options).ids == plain.ids)
    }

    @Test(.enabled(if: Shared.isThere, Shared.absence)) func aDraftWithOtherWordsIsRefused() throws {
        let generator = try TextGenerator.open(Shared.path("data/weights/stories260K-hf"))
        let other = try TextGenerator.open(Shared.path("data/weights/stories260K-hf"))
        _ = try DraftModel(other.model, other.tokenizer, for: generator)
    }

    /// Several texts of one prompt, read once: each is the one its stream has alone.
    @Test(.enabled(if: Shared.isThere, Shared.absence), arguments: [DraftOptions.none, .lookup]) func severalTexts(_ draft: DraftOptions) throws {
        let generator = try TextGenerator.open(Shared.path("data/weights/stories260K-hf"))
        var options = GenerationOptions(maxTokens: 40, sampling: SamplingOptions(temperature: 1, seed: 7))
        options.draft = draft
        let prompt = try generator.promptIDs("Once upon a time, Lily and Ben")
        var pieces = ["", "", "", ""], results: [GenerationResult] = []
        try generator.generate(prompt, count: 4, options: options, onText: { pieces[$0] += $1 }, onEnd: { results.append($0) })
        for stream in 0..<4 {
            options.stream = UInt64(stream)
            let alone = try generator.generate(prompt, options: options)
            #expect(results[stream].ids == alone.ids && results[stream].text == alone.text && pieces[stream] == alone.text)
        }
    }

    @Test(.enabled(if: Shared.isThere, Shared.absence)) func streamsDiffer() throws {
        let generator = try TextGenerator.open(Shared.path("data/weights/stories260K-hf"))
        var options = GenerationOptions(maxTokens: 40, sampling: SamplingOptions(temperature: 1, seed: 7))
        let first = try generator.generate("Once", options: options)
        options.stream = 1
        #expect(try generator.generate("Once", options: options).ids != first.ids)
    }
}

@Suite struct FormatTests {
    @Test(.enabled(if: Shared.isThere, Shared.absence)) func outputsAreWhatTheFormatSays() throws {
        let generator = try TextGenerator.open(Shared.path("data/weights/stories260K-hf"))
        let formats: [OutputFormat] = [
            try .gbnf("root ::= \" \"? (\"yes\" | \"no\")"), try .jsonObject(),
            try .jsonSchema(["type": "array", "items": ["enum": ["red", "green", 1, nil]], "minItems": 2, "maxItems": 4]),
            try .jsonSchema(["type": "object", "properties": ["date": ["type": "string", "format": "date"], "n": ["type": "number", "minimum": -2, "maximum": 2]], "required": ["date", "n"]]),
        ]
        for (index, format) in formats.enumerated() {
            for seed in 0..<8 {
                var options = GenerationOptions(maxTokens: 300, sampling: SamplingOptions(temperature: 1.5, seed: UInt64(seed)))
                options.format = format
                let result = try generator.generate("Once upon a time", options: options)
                if result.finishReason == .length { continue }
                #expect(try format.matches(result.text.utf8), "format \(index): \(result.text)")
                if index > 0 { _ = try JSON.parse(result.text) }
            }
        }
    }

    @Test(.enabled(if: Shared.isThere, Shared.absence)) func logprobsAddUp() throws {
        let generator = try TextGenerator.open(Shared.path("data/weights/stories260K-hf"))
        var options = GenerationOptions(maxTokens: 10)
        options.logprobs = 100
        let result = try generator.generate("Once upon a time", options: options)
        #expect(result.logprobs.count == result.ids.count)
        for (id, logprobs) in zip(result.ids, result.logprobs) {
            #expect(logprobs.chosen.id == id && logprobs.chosen == logprobs.top[0] && logprobs.top.count == 100)
            #expect(logprobs.chosen.logprob <= 0 && zip(logprobs.top, logprobs.top.dropFirst()).allSatisfy { $0.logprob >= $1.logprob })
        }
        options.logprobs = 101
        #expect(throws: OptionError.self) { try generator.generate("Once", options: options) }
    }
}

@Suite struct ChatTests {
    @Test func commands() {
        #expect(ChatCommand("hello") == .say("hello"))
        #expect(ChatCommand("/system Be brief.\nVery.") == .system("Be brief.\nVery."))
        #expect(ChatCommand("/system") == .system(nil))
        #expect(ChatCommand("/save a b.json") == .save("a b.json"))
        #expect(ChatCommand("/load") == .wrong("/load needs a file"))
        #expect(ChatCommand("/quit") == .quit && ChatCommand("/reset") == .reset && ChatCommand("/help") == .help)
        #expect(ChatCommand("//etc") == .say("/etc"))
        if case .wrong = ChatCommand("/bogus") {} else { Issue.record("no such command") }
    }

    @Test func severalLines() {
        var lines = ChatLines()
        #expect(lines.take("one") == "one")
        #expect(lines.take("a \\") == nil && lines.isWaiting)
        #expect(lines.take("b") == "a \nb" && !lines.isWaiting)
        #expect(lines.take("\"\"\"") == nil)
        #expect(lines.take("x\\") == nil)
        #expect(lines.take("") == nil)
        #expect(lines.take("y\"\"\"") == "x\\\n\ny")
        #expect(lines.take("\"\"\"whole\"\"\"") == "whole")
        #expect(lines.take("open \\") == nil)
        #expect(lines.finish() == "open ")
        #expect(lines.finish() == nil)
    }

    @Test(.enabled(if: Shared.isThere, Shared.absence)) func aConversationReadsOnlyWhatIsNew() throws {
        let generator = try TextGenerator.open(Shared.path("data/weights/stories260K-hf"))
        let options = GenerationOptions(maxTokens: 20, context: 256, sampling: SamplingOptions(temperature: 1, seed: 3))
        let chat = try ChatSession(generator, options: options)
        for text in ["Once upon a time", "There was a cat.", "The end."] {
            let fresh = try generator.chat(chat.messages + [.user(text)], options: options)
            let reply = try chat.reply(to: text)
            #expect(reply.ids == fresh.ids && reply.text == fresh.text)
        }
        #expect(chat.messages.count == 6)
        chat.system = "Be brief."
        #expect(chat.messages == [.system("Be brief.")])
        chat.reset()
        #expect(chat.system == "Be brief.")
        var count = 0
        let stopped = try chat.reply(to: "Tell", shouldStop: { count += 1; return count == 3 })
        #expect(stopped.ids.count == 3 && chat.messages.count == 3)
        #expect(throws: OptionError.self) { try chat.reply(to: String(repeating: "word ", count: 300)) }
        #expect(chat.messages.count == 3)
    }

    @Test(.enabled(if: Shared.isThere, Shared.absence)) func savesAndLoads() throws {
        let generator = try TextGenerator.open(Shared.path("data/weights/stories260K-hf"))
        try withFolder { folder in
            let chat = try ChatSession(generator, options: GenerationOptions(maxTokens: 5))
            try chat.reply(to: "Hello")
            try chat.save(to: folder + "/chat.json")
            let other = try ChatSession(generator, options: GenerationOptions(maxTokens: 5))
            try other.load(from: folder + "/chat.json")
            #expect(other.messages == chat.messages)
            try AtomicFile.write(folder + "/bad.json", "{\"messages\": [{\"role\": 1}]}")
            #expect(throws: FileError.self) { try other.load(from: folder + "/bad.json") }
            #expect(other.messages == chat.messages)
        }
    }
}
