import QuintetCheckpoints
import QuintetFiles

/// The decoder inside a model that also sees pictures: its part of the configuration, and of the weights.
///
/// Only what writes is loaded; towers and projectors are left out.
struct TextPart {
    /// The text model's own configuration, with what the reference takes where the file says nothing.
    let config: JSON
    /// `model_type` of the whole.
    let whole: String

    static let field = "text_config"

    /// `model_type` of wholes to that of their text part, and the text part's defaults in `transformers`.
    private static let wholes: [String: (family: String, defaults: JSONObject)] = [
        "gemma3": (
            "gemma3_text",
            [
                "vocab_size": 262_208, "hidden_size": 2304, "intermediate_size": 9216, "num_hidden_layers": 26, "num_attention_heads": 8,
                "num_key_value_heads": 4, "head_dim": 256, "max_position_embeddings": 131_072, "bos_token_id": 2, "eos_token_id": 1, "pad_token_id": 0,
            ]
        ),
        "mistral3": ("mistral", [:]),
        "llava": ("llama", ["vocab_size": 32_000, "hidden_size": 4096, "intermediate_size": 11_008, "num_hidden_layers": 32, "num_attention_heads": 32]),
    ]

    /// Nil where the configuration is that of a text model itself.
    init?(_ json: JSON) {
        guard let whole = json["model_type"]?.string, let kind = Self.wholes[whole], var text = json[Self.field]?.object else { return nil }
        for (key, value) in kind.defaults where text[key] == nil { text[key] = value }
        text["model_type"] = text["model_type"] ?? .string(kind.family)
        // The whole's word counts.
        for key in ["tie_word_embeddings", "bos_token_id", "eos_token_id", "pad_token_id", "quantization_config"] {
            if let value = json[key], !value.isNull { text[key] = value }
        }
        config = .object(text)
        self.whole = whole
    }

    /// The weights of the text part, under the names that it has by itself.
    func weights(in folder: WeightFolder) throws(FileError) -> WeightFolder {
        let isInner = folder.names.contains { $0.hasPrefix("model.language_model.") }
        return try folder.renamed { name in
            if isInner { return name.hasPrefix("model.language_model.") ? "model." + name.dropFirst("model.language_model.".utf8.count) : name.hasPrefix("lm_head.") ? name : nil }
            return name.hasPrefix("language_model.") ? String(name.dropFirst("language_model.".utf8.count)) : nil
        }
    }
}
