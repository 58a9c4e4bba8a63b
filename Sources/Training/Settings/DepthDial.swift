#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

extension Preset {
    /// The one dial: a recipe for a model of `depth` layers, every other number from scaling rules.
    ///
    /// * width = 64 x depth, heads 128 wide where that divides, else 64 (nanochat's aspect ratio);
    /// * feed-forward = 8/3 width in steps of 64 (Shazeer 2020: a gated layer of that width costs as much as a plain one of 4);
    /// * learning rate = 6e-4 x sqrt(768 / width) (GPT-3's and nanoGPT's rate at width 768, nanochat's power);
    /// * tokens = 20 x parameters (Hoffmann et al. 2022, "Chinchilla");
    /// * tokens a step = 2^19 x (tokens / tokens of depth 12)^0.383, to a power of two (Bergsma et al. 2025, "Power Lines").
    /// - Throws: `TrainingError.badSetting` outside 1...128.
    public static func depth(_ depth: Int, vocabulary: Int = 32_768) throws(TrainingError) -> Preset {
        guard (1...128).contains(depth) else {
            throw .badSetting("depth", source: "settings", line: nil, expected: "1 to 128", found: "\(depth)")
        }
        let shape = dialShape(depth, vocabulary: vocabulary)
        let tokens = 20 * shape.parameterCount
        let reference = 20 * dialShape(12, vocabulary: vocabulary).parameterCount
        let share = pow(Double(tokens) / Double(reference), 0.383)
        let tokensPerStep = 1 << Int((19 + log2(share)).rounded())
        let rows = max(1, tokensPerStep / shape.context)
        let batch = min(rows, depth <= 8 ? 16 : 4)
        return Preset(
            name: "depth-\(depth)", summary: "\(depth) layers, everything else from scaling rules.", shape: shape, batch: batch,
            sequence: shape.context, accumulation: max(1, rows / batch),
            learningRate: 6e-4 * (768 / Double(shape.width)).squareRoot(), tokens: tokens)
    }

    private static func dialShape(_ depth: Int, vocabulary: Int) -> ModelShape {
        let width = 64 * depth
        let headWidth = width % 128 == 0 && depth >= 8 ? 128 : 64
        return ModelShape(
            .llama, layers: depth, width: width, heads: width / headWidth, feedForward: (width * 8 / 3 + 63) / 64 * 64,
            context: depth <= 4 ? 256 : depth <= 8 ? 512 : depth <= 12 ? 1024 : 2048, vocabulary: vocabulary)
    }
}
