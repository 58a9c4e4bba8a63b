import QuintetCheckpoints
import QuintetFiles
import QuintetLayers
import QuintetModels
import QuintetTensors
import QuintetTokenizers

/// The tiny Llama of Tests/TrainingTests/Objectives (8 wide, 40 words), with a tokenizer whose words are `w3` to `w39`.
enum TinyModel {
    static let folder = #filePath.split(separator: "/").dropLast().reduce("") { $0 + "/" + $1 } + "/Objectives"

    /// A chat template in the words of the vocabulary: w30 begins a user's turn, w31 the assistant's, w32 ends a turn.
    static let template = """
        {% for m in messages %}{{ 'w30 ' if m.role == 'user' else 'w31 ' }}{{ m.content }} w32 {% endfor %}{% if add_generation_prompt %}w31 {% endif %}
        """

    static let marked = """
        {% for m in messages %}{% if m.role == 'user' %}w30 {{ m.content }} w32 {% else %}w31 {% generation %}{{ m.content }} w32 {% endgeneration %}{% endif %}{% endfor %}
        """

    static var tokenizer: JSON { get throws { try JSON.read(Folder.join(folder, "tokenizer.json")) } }

    /// A model folder in `place`: the tiny model with its tokenizer, and a chat template where one is given.
    static func make(in place: String, template: String? = nil) throws -> String {
        let path = Folder.join(place, "model")
        try Folder.create(path)
        for name in ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"] {
            try AtomicFile.write(Folder.join(path, name), try readFile(Folder.join(folder, name)))
        }
        if let template { try AtomicFile.write(Folder.join(path, "chat_template.jinja"), template) }
        return path
    }

    /// Rows that can be learned: after `wN` comes `w(N+1)`, again and again.
    static func rows(_ count: Int) -> String {
        (0..<count).map { row in
            let words = (0..<6).map { "w\(3 + (row * 5 + $0) % 27)" }
            return "{\"prompt\": \"\(words[0]) \(words[1])\", \"completion\": \" \(words[2...].joined(separator: " "))\"}\n"
        }.joined()
    }

    /// One of other sizes with drawn weights, in a folder `name`: rows of whole blocks and a tokenizer of bytes, so that it can be a GGUF file.
    static func drawn(in place: String, name: String = "drawn", width: Int, layers: Int = 2) throws -> String {
        let path = try make(in: place), out = Folder.join(place, name)
        var config = try JSON.read(Folder.join(path, "config.json"))
        for (key, value) in [("hidden_size", width), ("head_dim", width / 4), ("num_attention_heads", 4), ("num_key_value_heads", 2), ("intermediate_size", 2 * width), ("num_hidden_layers", layers)] {
            config[key] = JSON(value)
        }
        var trainer = BPETrainer(vocabularySize: 300)
        trainer.add(rows(60))
        let tokenizer = try trainer.train().json, end = tokenizer["added_tokens"]?[0]?["id"] ?? 0
        for (key, value) in [("vocab_size", JSON(300)), ("eos_token_id", end), ("bos_token_id", .null), ("pad_token_id", .null)] { config[key] = value }
        config["initializer_range"] = .number(0.5 / Double(width).squareRoot())
        try Folder.move(path, to: out)
        try AtomicFile.write(Folder.join(out, "config.json"), config.serialized())
        try AtomicFile.write(Folder.join(out, "tokenizer.json"), tokenizer.serialized())
        try AtomicFile.write(Folder.join(out, "tokenizer_config.json"), #"{"eos_token": "<|endoftext|>"}"#)
        let folder = try ModelFolder.open(out)
        let store = ParameterStore(folder.spec.parameters)
        store.initialize(seed: 7)
        let weights = Dictionary(uniqueKeysWithValues: store.entries.indices.map { (store.entries[$0].name, store.master($0)) })
        let export = try ModelExport(folder.spec, family: folder.family, tokens: folder.tokens, card: ModelCard(title: "drawn", summary: ""))
        try export.write(weights, into: out)
        return out
    }
}
