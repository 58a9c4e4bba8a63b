import QuintetCheckpoints
import QuintetFiles
import QuintetLayers
import QuintetTensors

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Whether a head is the embedding: settings that say so count only where the files hold no other head, as `transformers` decides from version 5 on.
enum HeadTie {
    /// The spec with a head of its own where the settings tie it and the files hold one with other numbers.
    static func settled(_ spec: TransformerSpec, _ family: Family, _ weights: WeightFolder) throws(FileError) -> (spec: TransformerSpec, warning: String?) {
        guard spec.head.projection.isTied else { return (spec, nil) }
        var own = spec
        own.head.projection = HeadProjection(tied: false, bias: spec.head.projection.hasBias)
        let map = family.weights(own)
        guard let head = find("head.weight", map, weights), let embedding = find("embedding.tokens.weight", map, weights),
            head.entry.shape == embedding.entry.shape, try !areEqual(head.tensor(), embedding.tensor())
        else { return (spec, nil) }
        return (own, "\(weights.path): \(head.entry.name) is not the embedding, so it counts although tie_word_embeddings is true")
    }

    private static func find(_ ours: String, _ map: WeightMap, _ weights: WeightFolder) -> StoredWeight? {
        for row in map.rows where row.ours == ours {
            if let name = row.theirs.names.first, let found = map.find(name, weights) { return found }
        }
        return nil
    }

    private static func areEqual(_ a: Tensor, _ b: Tensor) -> Bool {
        let (a, b) = a.dtype == b.dtype ? (a.contiguous(), b.contiguous()) : (a.cast(to: .f32), b.cast(to: .f32))
        return memcmp(a.data, b.data, a.byteCount) == 0
    }
}
