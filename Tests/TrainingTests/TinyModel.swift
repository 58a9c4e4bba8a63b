import QuintetCheckpoints
import QuintetFiles
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
}
