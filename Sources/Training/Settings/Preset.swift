internal import QuintetFiles

/// A named model size with the training recipe that goes with it.
public struct Preset: Sendable, Equatable {
    public var name: String
    /// One sentence for `--help` and the report.
    public var summary: String
    public var shape: ModelShape
    /// Rows in one forward pass, and tokens in a row.
    public var batch: Int
    public var sequence: Int
    /// Passes whose gradients make one step.
    public var accumulation: Int
    /// AdamW's peak learning rate.
    public var learningRate: Double
    /// How many tokens a full run sees; nil: 20 per parameter (Hoffmann et al. 2022).
    public var tokens: Int?

    /// Every preset, smallest first. The vocabulary is what the sizes are quoted for; a run takes its tokenizer's.
    public static let all: [Preset] = [
        Preset(
            name: "nano", summary: "About 1M parameters: learns in minutes on a laptop.",
            shape: ModelShape(.llama, layers: 4, width: 128, heads: 4, feedForward: 384, context: 256, vocabulary: 2048),
            batch: 16, sequence: 256, accumulation: 1, learningRate: 3e-3),
        Preset(
            name: "char-tiny", summary: "The 4-layer character GPT that nanoGPT trains on a CPU (d=128, T=64).",
            shape: ModelShape(.gpt2, layers: 4, width: 128, heads: 4, context: 64, vocabulary: 65),
            batch: 12, sequence: 64, accumulation: 1, learningRate: 1e-3, tokens: 2000 * 12 * 64),
        Preset(
            name: "micro", summary: "About 6M parameters: an hour on a laptop.",
            shape: ModelShape(.llama, layers: 6, width: 256, heads: 4, feedForward: 768, context: 512, vocabulary: 4096),
            batch: 16, sequence: 256, accumulation: 1, learningRate: 1.5e-3),
        Preset(
            name: "char-gpt", summary: "The 6-layer character GPT of nanoGPT's Shakespeare example (d=384, T=256).",
            shape: ModelShape(.gpt2, layers: 6, width: 384, heads: 6, context: 256, vocabulary: 65),
            batch: 64, sequence: 256, accumulation: 1, learningRate: 1e-3, tokens: 5000 * 64 * 256),
        Preset(
            name: "small", summary: "About 30M parameters: a day on a laptop.",
            shape: ModelShape(.llama, layers: 8, width: 512, heads: 8, feedForward: 1408, context: 1024, vocabulary: 8192),
            batch: 16, sequence: 512, accumulation: 1, learningRate: 1e-3),
        Preset(
            name: "llama-110m", summary: "A Llama of GPT-2's size (12 layers, d=768).",
            shape: ModelShape(.llama, layers: 12, width: 768, heads: 12, feedForward: 2048, context: 1024, vocabulary: 32_000),
            batch: 4, sequence: 1024, accumulation: 32, learningRate: 6e-4),
        Preset(
            name: "gpt2-124m", summary: "GPT-2 small (12 layers, d=768), batch and rate of nanoGPT.",
            shape: ModelShape(.gpt2, layers: 12, width: 768, heads: 12, context: 1024, vocabulary: 50_257),
            batch: 4, sequence: 1024, accumulation: 120, learningRate: 6e-4),
        Preset(
            name: "llama-1.1b", summary: "The sizes of TinyLlama 1.1B (22 layers, d=2048, 4 key and value heads).",
            shape: ModelShape(.llama, layers: 22, width: 2048, heads: 32, kvHeads: 4, feedForward: 5632, context: 2048, vocabulary: 32_000),
            batch: 1, sequence: 2048, accumulation: 256, learningRate: 4e-4),
        Preset(
            name: "llama-1b", summary: "The sizes of Llama 3.2 1B (16 layers, d=2048, 8 key and value heads).",
            shape: ModelShape(
                .llama, layers: 16, width: 2048, heads: 32, kvHeads: 8, feedForward: 8192, context: 4096, vocabulary: 128_256,
                ropeBase: 500_000),
            batch: 1, sequence: 2048, accumulation: 256, learningRate: 3e-4),
    ]

    /// The preset of this name.
    /// - Throws: `TrainingError.unknownPreset` with the nearest name.
    public static func named(_ name: String) throws(TrainingError) -> Preset {
        if let preset = all.first(where: { $0.name == name }) { return preset }
        let names = all.map(\.name)
        throw .unknownPreset(name, nearest: nearestNames(to: name, in: names, count: 1).first, known: names)
    }
}
