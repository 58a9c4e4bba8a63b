// Loads a model folder and lets it write: the README's ten lines.
import Quintet

let generator = try TextGenerator.open(CommandLine.arguments[1])
let options = GenerationOptions(maxTokens: 60, sampling: SamplingOptions(temperature: 0.8, topP: 0.95, seed: 7))
let story = try generator.generate("Once upon a time", options: options) { piece in
    print(piece, terminator: "")
}
print("\n\(story.ids.count) tokens, \(story.finishReason)")
