import QuintetCheckpoints
import QuintetFiles
import QuintetGeneration
import QuintetLayers
import QuintetModels
import QuintetTensors
import QuintetTokenizers

extension Harness {
    /// GGUF: head, arrays, tensors as numbers; then configuration, weights and tokenizer of the model in it.
    static let gguf = Harness("gguf", seeds: [small]) { bytes in
        let file = try GGUFFile(holding: bytes, path: "fuzz.gguf")
        for pair in file.pairs {
            guard case .array(let array) = pair.value else { continue }
            switch array.element {
            case .string: _ = try file.strings(pair.key)
            case .f32, .f64: _ = try file.floats(pair.key)
            default: _ = try file.integers(pair.key)
            }
        }
        for index in file.entries.indices where file.entries[index].type.dtype != nil { _ = try file.tensor(at: index).floats }
        guard file["general.architecture"] != nil, file["llama.context_length"] != nil else { return }
        let model = try ModelFolder.open(file.path, [file])
        _ = try model.tokenizer().encode("hello world")
        if model.spec.parameterCount < 1 << 16 { _ = try model.transformer() }
    }

    /// A file of two tensors and a pair of each common type.
    private static let small: [UInt8] = {
        func le(_ value: some FixedWidthInteger) -> [UInt8] { withUnsafeBytes(of: value.littleEndian) { Array($0) } }
        func text(_ text: String) -> [UInt8] { le(UInt64(text.utf8.count)) + Array(text.utf8) }
        var out = Array("GGUF".utf8) + le(UInt32(3)) + le(UInt64(2)) + le(UInt64(5))
        out += text("general.architecture") + le(UInt32(8)) + text("llama")
        out += text("llama.block_count") + le(UInt32(4)) + le(UInt32(1))
        out += text("llama.rope.freq_base") + le(UInt32(6)) + le(Float(1e4).bitPattern)
        out += text("tokenizer.ggml.tokens") + le(UInt32(9)) + le(UInt32(8)) + le(UInt64(2)) + text("<s>") + text("a")
        out += text("tokenizer.ggml.scores") + le(UInt32(9)) + le(UInt32(6)) + le(UInt64(2)) + le(UInt64(0))
        out += text("token_embd.weight") + le(UInt32(2)) + le(UInt64(4)) + le(UInt64(2)) + le(UInt32(1)) + le(UInt64(0))
        out += text("output_norm.weight") + le(UInt32(1)) + le(UInt64(4)) + le(UInt32(0)) + le(UInt64(32))
        while out.count % 32 != 0 { out.append(0) }
        return out + [UInt8](repeating: 0x3C, count: 48)
    }()
}
