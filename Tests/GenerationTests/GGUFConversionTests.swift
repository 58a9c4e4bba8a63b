import QuintetCheckpoints
import QuintetFiles
import QuintetGeneration
import QuintetModels
import QuintetTensors
import QuintetTokenizers
import Testing

/// Folder to GGUF and back, on a real model: the same spec, the same ids, the same tokens out.
@Suite struct GGUFConversionTests {
    private static let stories = "data/weights/stories260K-hf"

    @Test(.enabled(if: Shared.isThere, Shared.absence)) func keepsEverythingInF32() throws {
        try withFolder { folder in
            let original = try ModelFolder.open(Shared.path(Self.stories))
            let report = try ModelConversion(original.path, .none).write(to: folder + "/stories.gguf")
            #expect(report.types.map(\.name) == ["F32"] && report.replaced.isEmpty)
            let file = try ModelFolder.open(folder + "/stories.gguf")
            #expect(file.spec == original.spec && file.tokens == original.tokens && file.warnings.isEmpty)
            _ = try ModelConversion(folder + "/stories.gguf", .none).write(to: folder + "/again")
            let again = try ModelFolder.open(folder + "/again")
            let (ours, back) = (try original.loadWeights(), try again.loadWeights())
            #expect(ours.keys.sorted() == back.keys.sorted())
            for (name, tensor) in ours { #expect(back[name]?.floats == tensor.floats, "\(name)") }
            let comparison = try ModelComparison(original, file, greedyTokens: 64)
            #expect(comparison.maxDifference == 0 && comparison.firstApart.allSatisfy { $0 == nil })
        }
    }

    @Test(.enabled(if: Shared.isThere, Shared.absence)) func keepsTheTokenizer() throws {
        try withFolder { folder in
            let original = try ModelFolder.open(Shared.path(Self.stories))
            _ = try ModelConversion(original.path, .f16).write(to: folder + "/stories.gguf")
            _ = try ModelConversion(folder + "/stories.gguf", .none).write(to: folder + "/again")
            let tokenizers = try [original.path, folder + "/stories.gguf", folder + "/again"].map { try ModelFolder.open($0).tokenizer() }
            for text in ["Once upon a time, there was a little girl.", "", " two  spaces", "naïve 你好\n\tx", "<s> is a word", "1234567890"] {
                let ids = tokenizers[0].encode(text)
                for other in tokenizers.dropFirst() { #expect(other.encode(text) == ids && other.decode(ids) == tokenizers[0].decode(ids), "\(text)") }
            }
        }
    }

    /// Ends and sampling that only generation_config.json names: the file ends where the folder does, and samples as it does.
    @Test(.enabled(if: Shared.isThere, Shared.absence)) func keepsWhatGenerationConfigSays() throws {
        try withFolder { folder in
            let copy = folder + "/copy"
            try Shared.copy(Self.stories, to: copy)
            try AtomicFile.write(
                copy + "/generation_config.json",
                #"{"eos_token_id": [2, 426, 13, 411], "do_sample": true, "temperature": 0.5, "top_k": 20, "top_p": 0.75, "min_p": 0.25, "repetition_penalty": 1.5}"#)
            let report = try ModelConversion(copy, .none).write(to: folder + "/copy.gguf")
            #expect(report.warnings.contains { $0.contains("411") })
            let (wanted, found) = (try ModelFolder.open(copy).generationConfig(), try ModelFolder.open(folder + "/copy.gguf").generationConfig())
            #expect(found.eos == [2, 426, 13] && found.sampling == wanted.sampling && wanted.sampling.temperature == 0.5)
            _ = try ModelConversion(folder + "/copy.gguf", .none).write(to: folder + "/again")
            #expect(try ModelFolder.open(folder + "/again").generationConfig().eos == [2, 426, 13])
        }
    }

    /// Files of older converters name one end by its id; a chat model's turns end with another token.
    @Test(.enabled(if: Shared.isThere, Shared.absence), arguments: ["<|eot_id|>", "<|im_end|>", "<end_of_turn>", "<|end|>", "<EOT>"])
    func endsByName(_ name: String) throws {
        try withFolder { folder in
            let copy = folder + "/copy"
            try Shared.copy(Self.stories, to: copy)
            let tokenizer = try String(decoding: readFile(copy + "/tokenizer.json"), as: UTF8.self)
            try AtomicFile.write(copy + "/tokenizer.json", tokenizer.replacing(#"".": 426"#, with: "\"\(name)\": 426"))
            _ = try ModelConversion(copy, .none).write(to: folder + "/copy.gguf")
            #expect(try ModelFolder.open(folder + "/copy.gguf").tokens.eos == [2, 426])
        }
    }

    /// Reference models whose family an architecture of GGUF holds: what is written gives the reference's logits and greedy tokens.
    @Test(
        .enabled(if: Shared.isThere, Shared.absence),
        arguments: [
            "llama", "mistral", "gpt2", "qwen2", "qwen3", "gemma", "gemma2", "gemma3", "phi3", "starcoder2", "stablelm", "falcon", "olmo2", "granite",
            "smollm3", "mixtral", "qwen3_moe", "gpt_oss", "deepseek_v3", "mamba",
        ])
    func givesTheReferencesNumbers(_ name: String) throws {
        let original = try Shared.path("parity/\(name)")
        try withFolder { folder in
            let path = folder + "/\(name).gguf"
            _ = try ModelConversion(original, .f32).write(to: path)
            let file = try ModelFolder.open(path)
            let result = try Verification(try file.transformer(), expected: original + "/expected.safetensors")
            #expect(result.passed && result.outputs.count == 2, "\(result.outputs)")
            _ = try ModelConversion(path, .none).write(to: folder + "/again")
            let again = try Verification(try ModelFolder.open(folder + "/again").transformer(), expected: original + "/expected.safetensors")
            #expect(again.passed, "\(again.outputs)")
        }
    }

    /// What llama.cpp could not open is not written, and says why; nothing is written over.
    @Test(.enabled(if: Shared.isThere, Shared.absence)) func refusesToWrite() throws {
        let olmoe = try Shared.path("parity/olmoe"), stories = try Shared.path(Self.stories)
        try withFolder { folder in
            #expect { try ModelConversion(olmoe, .f32).write(to: folder + "/olmoe.gguf") } throws: { "\($0)".contains("as many heads of keys as of queries (2 and 4 here)") }
            _ = try ModelConversion(olmoe, .f32).write(to: folder + "/olmoe")
            let there = folder + "/there.gguf"
            try AtomicFile.write(there, "mine")
            try Folder.create(folder + "/folder.gguf")
            for (source, out) in [(stories, there), (stories, folder + "/folder.gguf")] {
                #expect { try ModelConversion(source, .f32).write(to: out) } throws: { "\($0)".contains("nothing is written over") && "\($0)".contains("choose another name") }
            }
            #expect(try readFile(there) == Array("mine".utf8))
            _ = try ModelConversion(stories, .f32).write(to: folder + "/first.gguf")
            #expect(throws: FileError.self) { try ModelConversion(folder + "/first.gguf", .q8_0).write(to: there) }
            #expect(try Folder.names(in: folder) == ["first.gguf", "folder.gguf", "olmoe", "there.gguf"])
        }
    }

    /// 172 columns of the down projection are no whole number of blocks of 32; 64 are none of 256.
    @Test(.enabled(if: Shared.isThere, Shared.absence)) func fallsBackWhereBlocksDoNotFit() {
        func type(_ quantization: GGUFQuantization, _ row: Int, _ name: String = "blk.1.ffn_down.weight") -> GGUFType {
            let facts = GGUFTensorFacts(name: name, shape: [64, row], stored: .f32, layers: 5, experts: 0, headIsTied: false)
            return quantization.type(for: facts).type
        }
        #expect(type(.q8_0, 172) == .f16 && type(.q8_0, 64) == .q8_0 && type(.q4_0, 64) == .q4_0)
        #expect(type(.q4_k_m, 64) == .q5_0 && type(.q5_k_m, 96, "blk.1.attn_q.weight") == .q5_1 && type(.q6_k, 64) == .q8_0)
        #expect(type(.q4_k_m, 256) == .q4_k && type(.q4_k_m, 172) == .f16 && type(.bf16, 172) == .bf16)
        #expect(type(.q4_k_m, 512, "output.weight") == .q6_k && type(.q4_k_m, 64, "output.weight") == .q8_0)
        #expect(type(.q4_k_m, 512, "blk.4.attn_v.weight") == .q6_k && type(.q4_k_m, 512, "blk.0.attn_v.weight") == .q4_k)
        #expect(type(.q4_0, 512, "blk.0.attn_norm.weight") == .f32)
    }
}
