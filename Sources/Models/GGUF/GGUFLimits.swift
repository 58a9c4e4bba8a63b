import QuintetLayers

/// Where llama.cpp's reading of an architecture ends: what it cannot open is not written, what it leaves out is said.
struct GGUFLimits: Sendable {
    var head = Head.either
    /// Rotary factors that it reads from tensors.
    var factors = Factors.none
    /// A window over the last positions that all layers share; where it does not count, llama.cpp attends to everything.
    var windowCounts = true
    /// Why a spec cannot be opened for another reason; nil where it can.
    var other: @Sendable (TransformerSpec) -> Refusal? = { _ in nil }
    /// What else it computes otherwise, one clause each.
    var differences: @Sendable (TransformerSpec) -> [String] = { _ in [] }

    /// A head's matrix: llama.cpp takes the embedding where there is none, or needs one, or has no place for it.
    enum Head: Sendable { case either, own, tied }

    /// Lists of factors, one a pair: none, one that always counts, or also one for short and one for long texts.
    enum Factors: Int, Sendable { case none, one, two }

    /// The setting of the configuration that stands in the way, and why.
    struct Refusal: Sendable {
        let setting: String
        let reason: String

        init(_ setting: String, _ reason: String) {
            self.setting = setting
            self.reason = reason
        }

        /// For architectures whose maps of attention have no biases there.
        static func attentionBiases(_ spec: TransformerSpec) -> Refusal? {
            spec.firstAttention?.biases == .both ? Refusal("attention_bias", "llama.cpp has no place for the biases of attention in this architecture") : nil
        }
    }

    /// The same model as these files say it: a head that is the embedding is written where llama.cpp needs one.
    func fitted(_ spec: TransformerSpec) -> TransformerSpec {
        guard head == .own, spec.head.projection.isTied else { return spec }
        var fitted = spec
        fitted.head.projection = HeadProjection(tied: false, bias: spec.head.projection.hasBias)
        return fitted
    }

    /// Why a file of this spec would not open; nil where it does.
    func refusal(_ spec: TransformerSpec) -> Refusal? {
        if head == .tied, !spec.head.projection.isTied {
            return Refusal("tie_word_embeddings", "llama.cpp has no place for a head of its own in this architecture")
        }
        for case .attention(let attention) in spec.layers.cycle.map(\.mixer) {
            guard let needed = attention.rotary?.scaling.ggufFactors, needed.factors.rawValue > factors.rawValue else { continue }
            return Refusal("rope_parameters", "llama.cpp reads no factors for positions of the type \(needed.type) in this architecture")
        }
        return other(spec)
    }

    /// What llama.cpp computes otherwise than the model says.
    func warnings(_ spec: TransformerSpec) -> [String] {
        var found = differences(spec)
        if !windowCounts, let window = spec.firstAttention?.span.window, window > 0, window < spec.context {
            found.append("does not apply the window of \(window) positions (sliding_window) in this architecture: beyond \(window) tokens it computes something else")
        }
        return found.map { "llama.cpp \($0)" }
    }
}

extension RopeScaling {
    /// The lists of factors that files need for it, and what the configuration calls it; nil where keys say it.
    fileprivate var ggufFactors: (factors: GGUFLimits.Factors, type: String)? {
        switch self {
        case .llama3: (.one, "llama3")
        case .longrope(let long) where long.isOneList: (.one, "longrope")
        case .longrope: (.two, "longrope")
        case .none, .linear, .yarn, .dynamic: nil
        }
    }
}

extension RopeScaling.LongRope {
    /// Whether the same factors count at every length and nothing else changes.
    var isOneList: Bool { long == short && attentionFactor == 1 }
}
