import QuintetFiles
import QuintetLayers
import QuintetModels
import Testing

/// The folder of reference data beside the package, where it is there.
enum Shared {
    static let root: String? = {
        let package = Folder.parent(of: Folder.parent(of: Folder.parent(of: #filePath)))
        let place = package + "/../shared"
        return Folder.isFolder(place + "/parity") ? place : nil
    }()

    static var isThere: Bool { root != nil }
    static let absence: Comment = "the reference data in ../shared is not here"

    static func path(_ name: String) throws -> String { try #require(root) + "/" + name }
}

func withFolder<T>(_ body: (String) throws -> T) throws -> T {
    let folder = try Folder.temporary()
    defer { try? Folder.remove(folder) }
    return try body(folder)
}

/// A small Llama configuration with some fields changed; null removes a field.
func llamaConfig(_ changes: JSONObject = [:]) -> JSON {
    var config: JSONObject = [
        "model_type": "llama", "vocab_size": 32, "hidden_size": 64, "intermediate_size": 24, "num_hidden_layers": 2,
        "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 32, "rms_norm_eps": 1e-5,
    ]
    for (key, value) in changes { config[key] = value.isNull ? nil : value }
    return .object(config)
}

func gpt2Config(_ changes: JSONObject = [:]) -> JSON {
    var config: JSONObject = [
        "model_type": "gpt2", "vocab_size": 32, "n_embd": 16, "n_layer": 2, "n_head": 4, "n_positions": 32,
    ]
    for (key, value) in changes { config[key] = value.isNull ? nil : value }
    return .object(config)
}

/// The spec of a configuration, with its warnings.
func spec(_ config: JSON) throws -> (spec: TransformerSpec, warnings: [String]) {
    var reader = try ConfigReader(config, path: "config.json")
    let family = try #require(Families.named(try reader.text("model_type")))
    return (try family.checkedSpec(&reader), reader.warnings)
}

func attention(_ spec: TransformerSpec, _ layer: Int = 0) -> AttentionSpec {
    guard case .attention(let attention) = spec.layers[layer].mixer else { preconditionFailure("layer \(layer) is no attention") }
    return attention
}

func rotary(_ spec: TransformerSpec) throws -> Rotary {
    guard case .rotary(let rotary) = attention(spec).positions else { throw FileError("no rotary positions") }
    return rotary
}
