import QuintetFiles
import QuintetLayers

extension GGUFArchitecture {
    /// OLMo 2: what a part gives is normalized, q and k as a whole too.
    static let olmo2 = GGUFArchitecture(
        "olmo2", families: ["olmo2"], limits: GGUFLimits(head: .own), read: { metadata, config throws(FileError) in try GGUFRope.read(&metadata, &config) },
        write: { spec, config in GGUFRope.settings(spec) })
}
