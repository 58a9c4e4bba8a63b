import QuintetFiles
public import QuintetLayers
import QuintetModels

extension ModelShape {
    /// The model of this shape, as its family reads its `config.json`.
    /// - Throws: `FileError` naming the field that the family refuses.
    public func spec(dropout: Double = 0) throws -> TransformerSpec {
        var reader = try ConfigReader(configuration(dropout: dropout), path: "config.json")
        guard let family = Families.named(family.rawValue) else {
            throw FileError(
                "unknown family", field: "model_type", expected: Families.all.map(\.name).joined(separator: ", "), found: family.rawValue)
        }
        return try family.spec(&reader)
    }
}
