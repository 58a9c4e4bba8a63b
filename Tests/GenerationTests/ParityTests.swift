import QuintetCheckpoints
import QuintetFiles
import QuintetGeneration
import QuintetModels
import QuintetTokenizers
import Testing

/// Against the reference's numbers.
@Suite struct ParityTests {
    static let decoders = [
        "bloom", "falcon", "gemma", "gemma2", "gemma3", "gpt2", "gpt_neo", "gpt_neox", "gptj", "granite", "llama", "mistral", "mpt", "olmo2", "opt", "phi", "phi3",
        "qwen2", "qwen3", "smollm3", "stablelm", "starcoder2", "xglm", "mixtral", "qwen3_moe", "olmoe", "gpt_oss", "deepseek_v3", "mamba",
    ]

    @Test(.enabled(if: Shared.isThere, Shared.absence), arguments: decoders) func logitsAndGreedy(_ name: String) throws {
        let path = try Shared.path("parity/" + name)
        let result = try Verification(try ModelFolder.open(path).transformer(), expected: path + "/expected.safetensors")
        #expect(result.outputs.map(\.name) == ["logits", "greedy"])
        for output in result.outputs { #expect(output.passed, "\(output)") }
    }

    @Test(.enabled(if: Shared.isThere, Shared.absence)) func storiesWord() throws {
        let folder = try Shared.path("data/weights/stories260K-hf")
        let generator = try TextGenerator.open(folder)
        let cases = try #require(try JSON.read(folder + "/expected_generation.json").array)
        for story in cases {
            let prompt = try #require(story["prompt"]?.string)
            let ids = try #require(story["ids"]?.array).compactMap { $0.int.map(Int32.init) }
            let promptIDs = generator.tokenizer.encode(prompt)
            var pieces = ""
            let result = try generator.generate(prompt, options: GenerationOptions(maxTokens: ids.count - promptIDs.count)) { pieces += $0 }
            #expect(result.promptIDs + result.ids == ids)
            #expect(prompt + result.text == story["text"]?.string)
            #expect(pieces == result.text)
        }
    }

    @Test(.enabled(if: Shared.isThere, Shared.absence)) func stopsAndSeeds() throws {
        let generator = try TextGenerator.open(Shared.path("data/weights/stories260K-hf"))
        let prompt = "Once upon a time, there was a"
        let stopped = try generator.generate(prompt, options: GenerationOptions(maxTokens: 60, stops: ["She"]))
        #expect(stopped.text == " little girl named Lily. ")
        #expect(stopped.finishReason == .stop)
        let sampling = SamplingOptions(temperature: 1, topP: 0.9, seed: 5)
        let options = GenerationOptions(maxTokens: 40, sampling: sampling)
        let first = try generator.generate(prompt, options: options)
        #expect(try generator.generate(prompt, options: options).ids == first.ids)
        #expect(first.finishReason == .length)
        let short = try generator.generate(prompt, options: GenerationOptions(maxTokens: 60, context: 12))
        #expect(short.ids.count == 3)
        #expect(throws: OptionError.self) { try generator.generate(prompt, options: GenerationOptions(context: 9)) }
        #expect(throws: OptionError.self) { try generator.generate(prompt, options: GenerationOptions(maxTokens: 0)) }
        #expect(try generator.generate("", options: GenerationOptions(maxTokens: 5)).promptIDs == [1])
    }

    @Test(.enabled(if: Shared.isThere, Shared.absence)) func badExpectedFiles() throws {
        let model = try ModelFolder.open(Shared.path("parity/gpt2")).transformer()
        let files: [[SafetensorsWriter.Item]] = [
            [], [.init("logits", floats: [1], [1])], [.init("input_ids", integers: [1, 2], [2])], [.init("input_ids", integers: [256], [1, 1])],
            [.init("input_ids", integers: [-1], [1, 1])], [.init("input_ids", floats: [1], [1, 1])],
            [.init("input_ids", integers: [1], [1, 1]), .init("logits", floats: [1], [1, 1, 1])],
            [.init("input_ids", integers: [1], [1, 1]), .init("banana", floats: [1], [1])],
            [.init("greedy_prompt", integers: [1, 2], [1, 2]), .init("greedy", integers: [1], [1, 1])],
            [.init("input_ids", integers: [1, 2], [1, 2]), .init("attention_mask", integers: [1], [1, 1])],
            // Masks that hide everything, or hold other numbers than 0 and 1.
            [.init("input_ids", integers: [1, 2], [1, 2]), .init("attention_mask", integers: [0, 0], [1, 2])],
            [.init("input_ids", integers: [1, 2], [1, 2]), .init("attention_mask", floats: [0, 0], [1, 2])],
            [.init("input_ids", integers: [1, 2], [1, 2]), .init("attention_mask", floats: [1, 0.5], [1, 2])],
            [.init("input_ids", integers: [1, 2], [1, 2]), .init("attention_mask", floats: [1, -.infinity], [1, 2])],
            // More tokens than the table has positions.
            [.init("input_ids", integers: [Int64](repeating: 1, count: 129), [1, 129])],
        ]
        try withFolder { folder in
            for items in files {
                try SafetensorsWriter.write(folder + "/x.safetensors", items)
                #expect(throws: (any Error).self) { try Verification(model, expected: folder + "/x.safetensors") }
            }
            try SafetensorsWriter.write(folder + "/x.safetensors", [.init("input_ids", integers: [1, 2, 3], [1, 3])])
            let outputs = try Verification(model, expected: folder + "/x.safetensors")
            #expect(outputs.passed)
            #expect(outputs.items.map(\.name) == ["logits"])
        }
    }

    @Test(.enabled(if: Shared.isThere, Shared.absence)) func aMaskedRowDoesNotCount() throws {
        let path = try Shared.path("parity/llama")
        let model = try ModelFolder.open(path).transformer()
        let file = try SafetensorsFile.open(path + "/expected.safetensors")
        let ids = try file.integers(file.require("input_ids"))
        let logits = try file.floats(file.require("logits"))
        // The second row padded after 12: the reference's first 12 positions do not change, the rest is anything.
        let mask = (0..<34).map { $0 >= 17 + 12 ? 0 : 1 }
        let masks: [SafetensorsWriter.Item] = [
            .init("attention_mask", integers: mask.map(Int64.init), [2, 17]), .init("attention_mask", floats: mask.map(Float.init), [2, 17]),
        ]
        let wrong = logits.indices.map { $0 / 256 >= 17 + 12 ? 99 : logits[$0] }
        for mask in masks {
            try withFolder { folder in
                let target = folder + "/x.safetensors"
                try SafetensorsWriter.write(
                    target, [.init("input_ids", integers: ids, [2, 17]), mask, .init("logits", floats: wrong, [2, 17, 256])])
                #expect(try Verification(model, expected: target).passed)
            }
        }
    }
}
