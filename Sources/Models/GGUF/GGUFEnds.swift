import QuintetCheckpoints
import QuintetFiles

/// Tokens that end a text by their name: many files say only one end by its id, and a chat model ends its turn with another.
enum GGUFEnds {
    /// The names llama.cpp goes by (`special_eog_ids` in llama-vocab.cpp).
    private static let names: Set<String> = [
        "<|eot_id|>", "<|im_end|>", "<|end|>", "<|return|>", "<|call|>", "<|flush|>", "<|calls|>", "<end_of_turn>", "<|endoftext|>", "</s>", "<|eom_id|>", "<EOT>",
        "_<EOT>", "[EOT]", "[EOS]", "<|end_of_text|>", "<end_of_utterance>", "<turn|>",
    ]

    /// The ids of tokens with such names, in the order of the vocabulary.
    static func named(in file: GGUFFile) throws(FileError) -> [Int] {
        var found: [(name: String, id: Int)] = [], id = 0
        try file.forEachString("tokenizer.ggml.tokens") { (bytes, _) throws(FileError) in
            defer { id += 1 }
            guard bytes.count <= 18, let first = bytes.first, first == UInt8(ascii: "<") || first == UInt8(ascii: "[") || first == UInt8(ascii: "_") else { return }
            let name = String(decoding: bytes, as: UTF8.self)
            if names.contains(name) { found.append((name, id)) }
        }
        // Where a message ends with <|end|> and an answer with another, <|end|> ends no answer.
        let answers: Set<String> = ["<|return|>", "<|call|>", "<|flush|>", "<|calls|>"]
        if found.contains(where: { answers.contains($0.name) }) { found.removeAll { $0.name == "<|end|>" } }
        return found.map(\.id)
    }
}
