import QuintetFiles
import QuintetModels
import QuintetCheckpoints

/// What an adaptation comes from, by hashes: the base's configuration and weights, the data.
struct Lineage {
    let name: String
    let config: String
    /// Of the weight files, one after the other.
    let weights: String
    let data: String
    let card: CardFacts

    init(_ input: AdaptInput) throws {
        let resolved = Folder.resolved(input.base.path)
        name = Folder.name(of: resolved)
        config = sha256(input.base.config.serialized())
        var stream = SHA256Stream()
        for file in input.base.weights.files { try readPieces(file.path) { piece throws(FileError) in stream.update(piece) } }
        weights = stream.hex
        data = input.data.fingerprint
        card = CardFacts(folder: Folder.isFolder(resolved) ? resolved : Folder.parent(of: resolved))
    }

    var json: JSON { ["name": .string(name), "config_sha256": .string(config), "weights_sha256": .string(weights)] }
}
