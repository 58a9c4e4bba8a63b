// Loads a model and lets it answer a conversation, piece by piece.
import Quintet

let model = try Model.load(CommandLine.arguments[1])
var options = GenerationOptions(maxTokens: 40)
options.sampling = SamplingOptions(temperature: 0.7, topP: 0.9, seed: 3)
for try await piece in model.chat([.user("Tell me a story about a cat.")], options: options) {
    print(piece, terminator: "")
}
print()
