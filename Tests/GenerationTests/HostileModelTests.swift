import QuintetCheckpoints
import QuintetFiles
import QuintetGeneration
import QuintetModels
import QuintetTensors
import QuintetTokenizers
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Whole models that mean harm. Rows 31, 32 and 64-67 of the catalogue of bad inputs.
@Suite struct HostileModelTests {
    typealias Pair = (key: String, value: GGUFWriter.Value)

    /// A Llama of one layer and five tokens as a GGUF file, with more pairs in its metadata.
    private func write(_ path: String, _ more: [Pair] = [], last: Float? = nil) throws {
        let pairs: [Pair] = [
            ("general.architecture", .string("llama")), ("llama.context_length", .u32(16)), ("llama.embedding_length", .u32(8)), ("llama.block_count", .u32(1)),
            ("llama.feed_forward_length", .u32(12)), ("llama.attention.head_count", .u32(2)), ("llama.attention.head_count_kv", .u32(1)),
            ("llama.attention.layer_norm_rms_epsilon", .f32(1e-5)), ("tokenizer.ggml.model", .string("llama")),
            ("tokenizer.ggml.tokens", .strings(["<unk>", "<s>", "</s>", "a", "▁"])), ("tokenizer.ggml.scores", .floats([0, 0, 0, -1, -2])),
            ("tokenizer.ggml.token_type", .integers([2, 3, 3, 1, 1])), ("tokenizer.ggml.unknown_token_id", .u32(0)),
            ("tokenizer.ggml.bos_token_id", .u32(1)), ("tokenizer.ggml.eos_token_id", .u32(2)),
        ]
        let shapes: [(String, [Int])] = [
            ("token_embd.weight", [5, 8]), ("output_norm.weight", [8]), ("blk.0.attn_norm.weight", [8]), ("blk.0.ffn_norm.weight", [8]),
            ("blk.0.attn_q.weight", [8, 8]), ("blk.0.attn_k.weight", [4, 8]), ("blk.0.attn_v.weight", [4, 8]), ("blk.0.attn_output.weight", [8, 8]),
            ("blk.0.ffn_gate.weight", [12, 8]), ("blk.0.ffn_up.weight", [12, 8]), ("blk.0.ffn_down.weight", [8, 12]),
        ]
        let items = shapes.map { name, shape in
            GGUFWriter.Item(name, .f32, shape) { writer in
                let count = shape.reduce(1, *)
                for index in 0..<count {
                    let isLast = name == "blk.0.ffn_down.weight" && index == count - 1
                    try withUnsafeBytes(of: isLast ? last ?? 0 : Float(index % 7) * 0.1) { try writer.write($0) }
                }
            }
        }
        try GGUFWriter.write(path, pairs: pairs + more, items)
    }

    // MARK: 31

    /// A file's template runs under the same budgets as any other: each of these ends, and says at which line.
    @Test func templatesOfFilesEnd() throws {
        let sources = [
            String(repeating: "x", count: 2 << 20), "{{ range(1000000000) }}", "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
            "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "{{ " + String(repeating: "(", count: 60_000) + "1" + String(repeating: ")", count: 60_000) + " }}",
        ]
        try withFolder { folder in
            for (index, source) in sources.enumerated() {
                try write(folder + "/x.gguf", [("tokenizer.chat_template", .string(source))])
                let generator = try TextGenerator.open(folder + "/x.gguf")
                #expect(generator.hasChatTemplate)
                do throws(TemplateError) {
                    _ = try generator.chatIDs([.user("a")])
                    Issue.record("template \(index) was accepted")
                } catch { #expect(error.file == folder + "/x.gguf" && "\(error)".contains("/x.gguf, chat template"), "template \(index): \(error)") }
                #expect(try generator.generate("a", options: GenerationOptions(maxTokens: 2, ignoresEnd: true)).ids.count == 2)
            }
        }
    }

    /// The error names the file that the template came from, wherever a folder keeps it.
    @Test func templateErrorsNameTheirFile() throws {
        try withFolder { folder in
            try write(folder + "/x.gguf")
            _ = try ModelConversion(folder + "/x.gguf", .none).write(to: folder + "/model")
            func file() throws -> String? {
                let generator = try TextGenerator.open(folder + "/model")
                do throws(TemplateError) { _ = try generator.chatIDs([.user("a")]) } catch { return error.file }
                return nil
            }
            var settings = try JSON.read(folder + "/model/tokenizer_config.json")
            settings["chat_template"] = "{{ nothing.at.all }}"
            try AtomicFile.write(folder + "/model/tokenizer_config.json", settings)
            #expect(try file() == folder + "/model/tokenizer_config.json")
            try AtomicFile.write(folder + "/model/chat_template.jinja", "{% if %}")
            #expect(try file() == folder + "/model/chat_template.jinja")
        }
    }

    // MARK: 26

    /// A weight that is no number: an error at the first token that names the file, from one text and from a batch, whatever the sampler.
    @Test(arguments: [Float.nan, .infinity, -.infinity], [Float(0), 0.8]) func numbersThatAreNoneEndTheText(_ weight: Float, _ temperature: Float) async throws {
        let folder = try Folder.temporary()
        defer { try? Folder.remove(folder) }
        try write(folder + "/x.gguf", last: weight)
        let generator = try TextGenerator.open(folder + "/x.gguf")
        let options = GenerationOptions(maxTokens: 5, sampling: SamplingOptions(temperature: temperature))
        #expect { try generator.generate("a", options: options) } throws: { error in
            guard let error = error as? FileError else { return false }
            return error.path == folder + "/x.gguf" && error.field == "logits"
        }
        let thread = try InferenceThread()
        defer { thread.stop() }
        let stream = try thread.attach(generator, BatchLimits(parallel: 2, context: 16)).submit(BatchRequest(prompt: [1, 3], options: options))
        var last: BatchEvent?
        for await event in stream.events { last = event }
        guard case .failed(.damaged(let error))? = last else {
            Issue.record("\(String(describing: last))")
            return
        }
        #expect(error.path == folder + "/x.gguf")
    }

    // MARK: 31

    /// 100 MB of template are refused by their length, before they are read.
    @Test func aTemplateOf100MBIsRefused() throws {
        try withFolder { folder in
            func le(_ value: some FixedWidthInteger) -> [UInt8] { withUnsafeBytes(of: value.littleEndian) { Array($0) } }
            let key = Array("tokenizer.chat_template".utf8), length = 100 << 20, path = folder + "/x.gguf"
            let head = Array("GGUF".utf8) + le(UInt32(3)) + le(UInt64(0)) + le(UInt64(1)) + le(UInt64(key.count)) + key + le(UInt32(8)) + le(UInt64(length))
            try AtomicFile.write(path, head)
            #expect(truncate(path, off_t(head.count + length)) == 0)
            #expect { try GGUFFile.open(path) } throws: { error in
                guard let error = error as? FileError else { return false }
                return error.path == path && error.field == "tokenizer.chat_template" && error.offset != nil
            }
        }
    }

    // MARK: 32, 64

    /// Nothing that a model's metadata or configuration names is opened.
    @Test func namedFilesAreNotOpened() throws {
        try withFolder { folder in
            let bait = folder + "/bait"
            try AtomicFile.write(bait, "secret")
            let watch = try Watch(bait)
            let keys = [
                "general.source.url", "general.source.repo_url", "general.url", "general.license.link", "general.base_model.0.repo_url", "general.file",
                "tokenizer.ggml.model_file", "tokenizer.ggml.merges_file", "llama.lora", "adapter.path",
            ]
            try write(folder + "/x.gguf", keys.map { ($0, .string(bait)) } + [("general.base_model.count", .u32(1)), ("general.base_model.0.name", .string("file://" + bait))])
            let model = try ModelFolder.open(folder + "/x.gguf")
            _ = try ModelSummary(model).json
            #expect(try TextGenerator(model).generate("a", options: GenerationOptions(maxTokens: 3)).promptIDs.first == 1)
            #expect(!watch.wasOpened)
        }
    }

    @Test func codeOfAFolderIsNotRun() throws {
        try withFolder { folder in
            let original = folder + "/model"
            try write(folder + "/x.gguf")
            _ = try ModelConversion(folder + "/x.gguf", .none).write(to: original)
            try AtomicFile.write(original + "/modeling_evil.py", "raise SystemExit")
            let watch = try Watch(original + "/modeling_evil.py")
            var config = try JSON.read(original + "/config.json")
            config["auto_map"] = ["AutoModelForCausalLM": "modeling_evil.Evil"]
            config["trust_remote_code"] = true
            config["custom_pipelines"] = ["x": ["impl": "modeling_evil.Evil"]]
            config["_attn_implementation_internal"] = "modeling_evil"
            try AtomicFile.write(original + "/config.json", config)
            let model = try ModelFolder.open(original)
            for field in ["auto_map", "trust_remote_code", "custom_pipelines", "_attn_implementation_internal"] {
                #expect(model.warnings.contains { $0.contains("\"\(field)\" is ignored") && $0.contains("config.json") }, "\(field)")
            }
            _ = try TextGenerator(model).generate("a", options: GenerationOptions(maxTokens: 3))
            #expect(!watch.wasOpened)
        }
    }

    // MARK: 65

    @Test func numbersThatAreNone() throws {
        try withFolder { folder in
            let original = folder + "/model"
            try write(folder + "/x.gguf")
            _ = try ModelConversion(folder + "/x.gguf", .none).write(to: original)
            let path = original + "/config.json", good = String(decoding: try readFile(path), as: UTF8.self)
            let fields = ["vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "rms_norm_eps", "max_position_embeddings", "intermediate_size"]
            for field in fields {
                let value = try #require(try JSON.parse(good)[field]).serialized()
                for bad in ["\"\(value)\"", "NaN", "Infinity", "-Infinity", "1e309", "-1", "0", "[]", "{}", "true", "-99999999999999999999", "1e400"] {
                    try AtomicFile.write(path, good.replacing("\"\(field)\": \(value)", with: "\"\(field)\": \(bad)"))
                    do throws(FileError) {
                        _ = try ModelFolder.open(original).loadWeights()
                        Issue.record("\(field) \(bad) was accepted")
                    } catch {
                        #expect(error.path?.hasPrefix(original) == true && (error.field != nil || error.offset != nil || error.line != nil), "\(field) \(bad): \(error)")
                    }
                }
            }
            try AtomicFile.write(path, good)
            for bad in [
                #"{"do_sample": true, "temperature": "hot"}"#, #"{"do_sample": true, "temperature": NaN}"#, #"{"do_sample": true, "temperature": -1}"#,
                #"{"do_sample": true, "temperature": 1e309}"#, #"{"top_k": -5}"#, #"{"top_p": 2}"#, #"{"eos_token_id": [-1]}"#, #"{"eos_token_id": "2"}"#, "[", "",
            ] {
                try AtomicFile.write(original + "/generation_config.json", bad)
                #expect(throws: FileError.self, "\(bad)") { try TextGenerator.open(original) }
            }
        }
    }

    // MARK: 66

    @Test func thingsThatAreNoFiles() throws {
        try withFolder { folder in
            mkfifo(folder + "/pipe", 0o644)
            symlink(folder + "/b", folder + "/a")
            symlink(folder + "/a", folder + "/b")
            symlink(folder + "/nothing", folder + "/dangling")
            try Folder.create(folder + "/folder")
            let openers: [(String, (String) throws -> Void)] = [
                ("model", { _ = try ModelFolder.open($0) }), ("weights", { _ = try WeightFolder.file($0) }), ("safetensors", { _ = try SafetensorsFile.open($0) }),
                ("gguf", { _ = try GGUFFile.open($0) }), ("pytorch", { _ = try PyTorchFile.open($0) }), ("tokenizer", { _ = try Tokenizer.open($0) }),
                ("json", { _ = try JSON.read($0) }), ("generator", { _ = try TextGenerator.open($0) }),
            ]
            for place in ["pipe", "a", "dangling", "folder"].map({ folder + "/" + $0 }) + ["/dev/zero", "/dev/full", "/proc/self/mem", "/proc/self/pagemap"] {
                for (name, open) in openers {
                    #expect(throws: FileError.self, "\(name) \(place)") { try open(place) }
                }
            }
            // The same as a part of a folder.
            for name in ["config.json", "model.safetensors", "tokenizer.json", "generation_config.json", "chat_template.jinja"] {
                for kind in ["pipe", "a", "folder"] {
                    let place = folder + "/model-\(name)-\(kind)"
                    try write(folder + "/x.gguf")
                    _ = try ModelConversion(folder + "/x.gguf", .none).write(to: place)
                    if Folder.isFile(place + "/" + name) { unlink(place + "/" + name) }
                    symlink(folder + "/" + kind, place + "/" + name)
                    if name == "chat_template.jinja" {
                        #expect(try !TextGenerator.open(place).hasChatTemplate)
                    } else {
                        #expect(throws: (any Error).self, "\(name) is \(kind)") { try TextGenerator.open(place) }
                    }
                }
            }
        }
    }

    // MARK: 67

    /// A file that is cut while a model is read from it is an error, not a model of zeros; one that grows is read as it was.
    @Test func filesThatChange() throws {
        try withFolder { folder in
            let path = folder + "/x.gguf", original = folder + "/model"
            try write(path)
            _ = try ModelConversion(path, .none).write(to: original)
            for (place, weights) in [(path, path), (original, original + "/model.safetensors")] {
                let bytes = try readFile(weights)
                let open = try ModelFolder.open(place)
                let whole = try open.loadWeights().mapValues(\.floats)
                try append(weights, [UInt8](repeating: 7, count: 5000))
                #expect(try open.loadWeights().mapValues(\.floats) == whole)
                let again = try? ModelFolder.open(place)
                #expect(again.map { !$0.warnings.isEmpty } ?? true)
                try AtomicFile.write(weights, bytes)
                let cut = try ModelFolder.open(place)
                // A page boundary: what lies behind it is gone.
                #expect(truncate(weights, 0) == 0)
                #expect { try cut.transformer() } throws: { ("\($0)").contains("cut short") && ("\($0)").contains(weights) }
                #expect(throws: FileError.self) { try ModelFolder.open(place) }
                try AtomicFile.write(weights, bytes)
            }
        }
    }

    private func append(_ path: String, _ bytes: [UInt8]) throws {
        let file = try #require(fopen(path, "ab"))
        _ = fwrite(bytes, 1, bytes.count, file)
        fclose(file)
    }
}

/// Tells whether a file was opened since; elsewhere than on Linux it cannot tell and says no.
private struct Watch {
    private let descriptor: Int32

    init(_ path: String) throws {
        #if os(Linux)
            descriptor = inotify_init1(Int32(O_NONBLOCK))
            try #require(inotify_add_watch(descriptor, path, UInt32(IN_OPEN) | UInt32(IN_ACCESS)) >= 0)
        #else
            descriptor = -1
        #endif
    }

    var wasOpened: Bool {
        var buffer = [UInt8](repeating: 0, count: 4096)
        return descriptor >= 0 && read(descriptor, &buffer, buffer.count) > 0
    }
}
