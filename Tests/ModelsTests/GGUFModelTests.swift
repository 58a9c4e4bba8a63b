import QuintetCheckpoints
import QuintetFiles
import QuintetLayers
import QuintetModels
import Testing

/// What a GGUF file says of its model. Rows 27, 28 and 33 of the catalogue of bad inputs.
@Suite struct GGUFModelTests {
    typealias Pair = (key: String, value: GGUFWriter.Value)

    /// A Llama of one layer, width 8, two heads, five tokens; null values leave a key out.
    static let good: [Pair] = [
        ("general.architecture", .string("llama")), ("llama.context_length", .u32(16)), ("llama.embedding_length", .u32(8)),
        ("llama.block_count", .u32(1)), ("llama.feed_forward_length", .u32(12)), ("llama.attention.head_count", .u32(2)),
        ("llama.attention.head_count_kv", .u32(1)), ("llama.attention.layer_norm_rms_epsilon", .f32(1e-5)), ("llama.rope.freq_base", .f32(10_000)),
        ("tokenizer.ggml.model", .string("llama")), ("tokenizer.ggml.tokens", .strings(["<unk>", "<s>", "</s>", "a", "b"])),
        ("tokenizer.ggml.scores", .floats([0, 0, 0, -1, -2])), ("tokenizer.ggml.token_type", .integers([2, 3, 3, 1, 1])),
        ("tokenizer.ggml.bos_token_id", .u32(1)), ("tokenizer.ggml.eos_token_id", .u32(2)),
    ]

    static let shapes: [(String, [Int])] = [
        ("token_embd.weight", [5, 8]), ("output_norm.weight", [8]), ("blk.0.attn_norm.weight", [8]), ("blk.0.ffn_norm.weight", [8]),
        ("blk.0.attn_q.weight", [8, 8]), ("blk.0.attn_k.weight", [4, 8]), ("blk.0.attn_v.weight", [4, 8]), ("blk.0.attn_output.weight", [8, 8]),
        ("blk.0.ffn_gate.weight", [12, 8]), ("blk.0.ffn_up.weight", [12, 8]), ("blk.0.ffn_down.weight", [8, 12]),
    ]

    private func write(_ path: String, _ changes: [(String, GGUFWriter.Value?)] = [], _ shapes: [(String, [Int])] = shapes) throws {
        var pairs = Self.good
        for (key, value) in changes {
            pairs.removeAll { $0.key == key }
            if let value { pairs.append((key, value)) }
        }
        let items = shapes.map { name, shape in
            GGUFWriter.Item(name, .f32, shape) { writer in try writer.write([UInt8](repeating: 0, count: 4 * shape.reduce(1, *))) }
        }
        try GGUFWriter.write(path, pairs: pairs, items)
    }

    @Test func readsAModel() throws {
        try withFolder { folder in
            try write(folder + "/x.gguf")
            let model = try ModelFolder.open(folder + "/x.gguf")
            #expect(model.family.name == "llama" && model.spec.layers.count == 1 && model.spec.head.projection == .tied)
            #expect(attention(model.spec).kvHeads == 1 && attention(model.spec).headWidth == 4 && model.warnings.isEmpty)
            #expect(model.tokens == SpecialTokens(bos: 1, eos: [2]))
            _ = try model.loadWeights()
            try write(folder + "/y.gguf", [("llama.strange", .u32(1)), ("llama.attention.head_count", .integers([2]))])
            let warnings = try ModelFolder.open(folder + "/y.gguf").warnings
            #expect(warnings.count == 1 && warnings[0].contains("llama.strange"))
        }
    }

    static let bad: [(String, [(String, GGUFWriter.Value?)])] = [
        ("27 head_count 0", [("llama.attention.head_count", .u32(0))]), ("27 width is no multiple of heads", [("llama.attention.head_count", .u32(3))]),
        ("27 kv heads do not divide", [("llama.attention.head_count_kv", .u32(3))]), ("27 kv heads 0", [("llama.attention.head_count_kv", .u32(0))]),
        ("27 2^31 layers", [("llama.block_count", .u32(1 << 31))]), ("27 no layers", [("llama.block_count", .u32(0))]),
        ("27 layers -1", [("llama.block_count", .i32(-1))]), ("27 context 0", [("llama.context_length", .u32(0))]),
        ("27 rope base NaN", [("llama.rope.freq_base", .f32(.nan))]), ("27 rope base infinite", [("llama.rope.freq_base", .f32(.infinity))]),
        ("27 rope base 0", [("llama.rope.freq_base", .f32(0))]), ("27 rope base negative", [("llama.rope.freq_base", .f32(-1))]),
        ("27 epsilon 0", [("llama.attention.layer_norm_rms_epsilon", .f32(0))]), ("27 epsilon -1", [("llama.attention.layer_norm_rms_epsilon", .f32(-1))]),
        ("27 epsilon NaN", [("llama.attention.layer_norm_rms_epsilon", .f32(.nan))]), ("27 width 0", [("llama.embedding_length", .u32(0))]),
        ("27 width is text", [("llama.embedding_length", .string("8"))]), ("27 width is missing", [("llama.embedding_length", nil)]),
        ("27 hidden 2^32-1", [("llama.feed_forward_length", .u32(.max))]), ("27 heads differ by layer", [("llama.attention.head_count", .integers([2, 4]))]),
        ("27 rope dimensions 2^31", [("llama.rope.dimension_count", .u32(1 << 31))]), ("27 odd head width", [("llama.attention.key_length", .u32(3))]),
        ("27 rope scaling of an unknown kind", [("llama.rope.scaling.type", .string("magic"))]),
        ("33 more experts used than there are", [("llama.expert_count", .u32(4)), ("llama.expert_used_count", .u32(5))]),
        ("33 experts, none used", [("llama.expert_count", .u32(4)), ("llama.expert_used_count", .u32(0))]),
        ("33 2^31 experts", [("llama.expert_count", .u32(1 << 31)), ("llama.expert_used_count", .u32(2))]),
        ("28 declared vocabulary", [("llama.vocab_size", .u32(6))]), ("28 fewer tokens than rows", [("tokenizer.ggml.tokens", .strings(["a"]))]),
        ("28 special id outside", [("tokenizer.ggml.bos_token_id", .u32(5))]), ("28 special id -1", [("tokenizer.ggml.eos_token_id", .i32(-1))]),
        ("28 padding id is text", [("tokenizer.ggml.padding_token_id", .string("1"))]), ("no architecture", [("general.architecture", nil)]),
        ("unknown architecture", [("general.architecture", .string("lama"))]), ("architecture is a number", [("general.architecture", .u32(1))]),
    ]

    @Test func refusesEveryCase() throws {
        try withFolder { folder in
            let path = folder + "/case.gguf"
            for (name, changes) in Self.bad {
                try write(path, changes)
                do throws(FileError) {
                    _ = try ModelFolder.open(path)
                    Issue.record("\(name) was accepted")
                } catch {
                    #expect(error.path == path && error.field != nil, "\(name): \(error)")
                }
            }
        }
    }

    /// What the family's configuration calls `rope_scaling.factor` is a key of the file.
    @Test func namesTheFilesKeys() throws {
        try withFolder { folder in
            let path = folder + "/case.gguf"
            for (key, changes) in [
                ("llama.context_length", [("llama.context_length", .u32(0))]), ("llama.embedding_length", [("llama.embedding_length", .u32(0))]),
                ("llama.attention.layer_norm_rms_epsilon", [("llama.attention.layer_norm_rms_epsilon", .f32(0))]),
                ("llama.attention.head_count_kv", [("llama.attention.head_count_kv", .u32(3))]),
                ("llama.feed_forward_length", [("llama.feed_forward_length", .u32(.max))]), ("llama.rope.freq_base", [("llama.rope.freq_base", .f32(0))]),
                ("llama.rope.scaling.factor", [("llama.rope.scaling.type", .string("linear")), ("llama.rope.scaling.factor", .f32(-2))]),
                ("llama.attention.sliding_window", [("llama.attention.sliding_window", .u32(0))]),
                ("llama.expert_used_count", [("llama.expert_count", .u32(4)), ("llama.expert_used_count", .u32(5))]),
            ] as [(String, [(String, GGUFWriter.Value?)])] {
                try write(path, changes)
                do throws(FileError) {
                    _ = try ModelFolder.open(path)
                    Issue.record("\(key) was accepted")
                } catch { #expect(error.field == key && error.offset != nil, "\(key): \(error)") }
            }
        }
    }

    /// Factors a pair that no rule gives are the model's own; a folder and another file say the same.
    @Test func readsRotaryFactorsOfAnyKind() throws {
        try withFolder { folder in
            func written(_ factors: [Float]) throws -> String {
                let tensor = GGUFWriter.Item("rope_freqs.weight", .f32, [factors.count]) { writer in
                    for factor in factors { try writer.write(withUnsafeBytes(of: factor.bitPattern.littleEndian) { Array($0) }) }
                }
                let items = Self.shapes.map { name, shape in
                    GGUFWriter.Item(name, .f32, shape) { writer in try writer.write([UInt8](repeating: 0, count: 4 * shape.reduce(1, *))) }
                }
                let path = folder + "/\(factors.count)-\(UInt64.random(in: 0 ... .max)).gguf"
                try GGUFWriter.write(path, pairs: Self.good, items + [tensor])
                return path
            }
            let model = try ModelFolder.open(try written([1.5, 3]))
            guard case .rotary(let rotary) = attention(model.spec).positions, case .longrope(let long) = rotary.scaling else {
                Issue.record("\(attention(model.spec).positions)")
                return
            }
            #expect(long.short == [1.5, 3] && long.long == [1.5, 3] && long.attentionFactor == 1)
            let inverse: [Float] = [Float(1) / 1.5, Float(1) / 300]
            #expect(rotary.frequencies(length: 1).inverse == inverse)
            for wrong: [Float] in [[0, 1], [.nan, 1], [1, .infinity], [-1, 1], [2.5]] {
                #expect(throws: FileError.self, "\(wrong)") { try ModelFolder.open(try written(wrong)) }
            }
        }
    }

    /// A layer beyond the last one is said to be that, not a name near itself.
    @Test func namesLayersThatAreTooMany() throws {
        try withFolder { folder in
            let path = folder + "/case.gguf"
            try write(path, [], Self.shapes + [("blk.1.attn_k.weight", [4, 8])])
            #expect { try ModelFolder.open(path).loadWeights() } throws: {
                let text = "\($0)"
                return text.contains("layer 1 in a model of 1 layers") && text.contains("blk.1.attn_k.weight") && !text.contains("nearest")
            }
        }
    }

    /// Row 33: a tensor that is missing, has another shape, or has no place.
    @Test func refusesOtherTensors() throws {
        try withFolder { folder in
            let path = folder + "/case.gguf"
            let cases: [[(String, [Int])]] = [
                Self.shapes.filter { $0.0 != "blk.0.attn_k.weight" }, Self.shapes.filter { $0.0 != "token_embd.weight" },
                Self.shapes.map { $0.0 == "blk.0.attn_k.weight" ? ($0.0, [8, 8]) : $0 }, Self.shapes + [("blk.1.attn_k.weight", [4, 8])],
                Self.shapes + [("output.weight", [4, 8])], Self.shapes.map { $0.0 == "output_norm.weight" ? ($0.0, [4]) : $0 },
                Self.shapes + [("rope_freqs.weight", [9])], Self.shapes + [("rope_freqs.weight", [2])],
            ]
            for (index, shapes) in cases.enumerated() {
                try write(path, [], shapes)
                #expect(throws: FileError.self, "case \(index)") { try ModelFolder.open(path).loadWeights() }
            }
        }
    }
}
