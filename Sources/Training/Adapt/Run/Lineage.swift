import QuintetFiles
import QuintetGeneration
import QuintetModels
import QuintetCheckpoints
import QuintetTokenizers

/// What an adaptation comes from, by hashes: the base's configuration, weights and chat template, the data.
struct Lineage {
    let name: String
    let config: String
    /// Of the weight files, one after the other.
    let weights: String
    let data: String
    /// Of the chat templates, by name; nil where there is none.
    let template: String?
    /// Ids that end a text.
    let ends: [Int32]
    let card: CardFacts

    init(_ input: AdaptInput) throws {
        let resolved = Folder.resolved(input.base.path)
        name = Folder.name(of: resolved)
        config = sha256(input.base.config.serialized())
        var stream = SHA256Stream()
        for file in input.base.weights.files { try readPieces(file.path) { piece throws(FileError) in stream.update(piece) } }
        weights = stream.hex
        data = input.data.fingerprint
        let templates = input.encoder.chat.templates.sources.sorted { $0.key < $1.key }
        template = templates.isEmpty ? nil : sha256(templates.map { "\($0.key)\u{0}\($0.value)\u{0}" }.joined())
        ends = input.encoder.ends
        card = CardFacts(folder: Folder.isFolder(resolved) ? resolved : Folder.parent(of: resolved))
    }

    var json: JSON {
        [
            "name": .string(name), "config_sha256": .string(config), "weights_sha256": .string(weights), "chat_template_sha256": template.map { .string($0) } ?? .null,
            "ends": .array(ends.map { JSON($0) }),
        ]
    }
}
