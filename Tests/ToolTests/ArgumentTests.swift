import Testing

/// What is said about a command line before it is parsed.
@Suite struct ArgumentTests {
    @Test func commandsThatDoNotExistHaveNeighbors() throws {
        for (group, name, hint) in [("genrate", "x", "generate"), ("bench", "modle", "model"), ("tokenizer", "encod", "encode")] {
            let result = try Program.run(group, name)
            #expect(result.status == 2)
            #expect(result.errors.contains("Did you mean \(hint)?"), "\(result.errors)")
        }
    }

    @Test func optionsForOneValueAreGivenOnce() throws {
        let result = try Program.run("generate", "nowhere", "--prompt", "a", "--prompt=b")
        #expect(result.status == 2)
        #expect(result.errors.contains("--prompt is given twice"))
        // Those for many may come many times.
        #expect(try Program.run("generate", "nowhere", "--prompt", "a", "--stop", "x", "--stop", "y").errors.contains("not a model folder"))
    }

    @Test func namesThatAreNotThereHaveNeighbors() throws {
        let adapt = ["adapt", "nowhere", "--data", "nothing", "--into", "neither"]
        for (words, hint) in [
            (adapt + ["--method", "lorra"], "lora"), (adapt + ["--recompute", "blok"], "block"), (adapt + ["--schedule", "cosin"], "cosine"),
            (["bench", "train", "--recompute", "activation"], "activations"), (["bench", "train", "--lora", "8", "--quantize", "q4_k"], "q4_0"),
            (["convert", "nowhere", "out.gguf", "--quantize", "q80"], "q8_0"), (["generate", "nowhere", "--prompt", "a", "--cache-type", "q8"], "q8_0"),
            (["pretrain", "--data", "nowhere", "--into", "nothing", "--set", "optim=moun"], "muon"),
        ] {
            let result = try Program.run(words)
            #expect(result.status == 2 && result.errors.contains("Did you mean \(hint)"), "\(words): \(result.errors)")
        }
        #expect(try Program.run(adapt + ["--method", "lorra"]).errors.contains("See 'quintet adapt run --help'"))
    }

    @Test func negativeNumbersBelongToTheirOptions() throws {
        let result = try Program.run("pretrain", "--data", "nowhere", "--into", "nothing", "--steps", "-3")
        #expect(result.status != 0)
        #expect(!result.errors.contains("Missing value"), "\(result.errors)")
    }
}
