import QuintetFiles
import QuintetLayers

extension GGUFArchitecture {
    /// Phi-3 and 3.5: q, k, v and gate, up in one tensor each; LongRoPE's stretches are tensors.
    static let phi3 = GGUFArchitecture(
        "phi3", families: ["phi3"], fields: GGUFField.common + [GGUFField("attention.sliding_window", "sliding_window")],
        layout: GGUFLayout(projections: .fused, gate: .fused), limits: GGUFLimits(factors: .two, windowCounts: false),
        read: { metadata, config throws(FileError) in try GGUFRope.read(&metadata, &config) },
        write: { spec, config in GGUFRope.settings(spec) })
}
