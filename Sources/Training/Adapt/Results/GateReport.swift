public import QuintetFiles

/// How far what was trained and what will be served are apart: `DIR/gate.json`.
public struct GateReport: Sendable {
    public static let fileName = "gate.json"

    /// One way the result is loaded, beside the model as it was trained.
    public struct Comparison: Sendable {
        /// `library`: the folder, opened again; else the exported file's name.
        public var name: String
        public var positions = 0
        /// Largest difference of a logit.
        public var maxDifference = 0.0
        /// KL(trained || loaded), nats, mean over positions.
        public var kl = 0.0
        public var sameTop = 1.0
        /// The first prompt whose greedy continuation differs, and after how many tokens; nil where none does.
        public var firstDifference: (prompt: Int, token: Int)?
        /// The first prompt whose ids differ; nil where none does.
        public var promptApart: Int?
        /// False of models that score, which continue nothing.
        public var continues = true
        public var bounds: Bounds
        /// Why it is over a bound, as far as can be told.
        public var cause: String?

        public var passed: Bool { cause == nil }
    }

    /// What a difference may be; of the types that are written.
    public struct Bounds: Sendable, Equatable {
        public var maxDifference: Double
        public var kl: Double

        /// Numbers written as they are trained: rounding in another order alone.
        public static let exact = Bounds(maxDifference: 1e-3, kl: 1e-6)

        /// The wider of both.
        func widened(to other: Bounds) -> Bounds { Bounds(maxDifference: max(maxDifference, other.maxDifference), kl: max(kl, other.kl)) }

        /// Of the types that a file really holds. Where a score rounded another way chooses another expert, a position's logits jump, so the largest
        /// difference says less there; the mean over positions has to hold all the same.
        public static func of(_ types: [String], choosesExperts: Bool = false) -> Bounds {
            var bounds = types.reduce(exact) { $0.widened(to: of($1)) }
            if choosesExperts, bounds != exact { bounds.maxDifference *= 4 }
            return bounds
        }

        /// Of a type by its name; smaller types are further away, and their largest differences say little.
        public static func of(_ type: String) -> Bounds {
            switch type.lowercased() {
            case "none", "f32": exact
            case "f16": Bounds(maxDifference: 0.1, kl: 1e-4)
            case "bf16": Bounds(maxDifference: 1, kl: 5e-3)
            case "q8_0": Bounds(maxDifference: 2, kl: 2e-2)
            case "q6_k", "q5_k", "q5_k_m", "q5_k_s", "q5_0", "q5_1": Bounds(maxDifference: 8, kl: 0.15)
            default: Bounds(maxDifference: 16, kl: 0.6)
            }
        }
    }

    public var comparisons: [Comparison]
    public var prompts: Int
    public var skipped = false

    public var passed: Bool { comparisons.allSatisfy(\.passed) }
    /// Of the comparison that is furthest over its bounds, or furthest away.
    public var worst: Comparison? { comparisons.first { !$0.passed } ?? comparisons.max { $0.maxDifference < $1.maxDifference } }

    public var json: JSON {
        let worst = worst
        return [
            "passed": skipped ? .null : .bool(passed), "skipped": .bool(skipped), "max_difference": worst.map { .number($0.maxDifference) } ?? .null, "kl": worst.map { .number($0.kl) } ?? .null,
            "first_difference": worst?.firstDifference.map(Self.place) ?? .null, "bounds": worst.map { Self.bounds($0.bounds) } ?? .null,
            "cause": worst?.cause.map { .string($0) } ?? .null, "prompts": JSON(prompts),
            "comparisons": .array(
                comparisons.map { comparison in
                    [
                        "name": .string(comparison.name), "passed": .bool(comparison.passed), "positions": JSON(comparison.positions),
                        "max_difference": .number(comparison.maxDifference), "kl": .number(comparison.kl), "same_top": .number(comparison.sameTop),
                        "first_difference": comparison.firstDifference.map(Self.place) ?? .null, "bounds": Self.bounds(comparison.bounds),
                        "cause": comparison.cause.map { .string($0) } ?? .null,
                    ]
                }),
        ]
    }

    /// One line for a person.
    public var summary: String {
        if skipped { return "the equivalence gate was skipped" }
        guard let worst else { return "nothing was compared" }
        let apart = worst.firstDifference.map { ", prompt \($0.prompt + 1) differs after \($0.token) tokens" } ?? (worst.continues ? ", all continuations are the same" : "")
        return "\(worst.name): max logit difference \(worst.maxDifference) (bound \(worst.bounds.maxDifference)), KL \(worst.kl) (bound \(worst.bounds.kl))\(apart)"
    }

    private static func place(_ place: (prompt: Int, token: Int)) -> JSON { ["prompt": JSON(place.prompt), "token": JSON(place.token)] }
    private static func bounds(_ bounds: Bounds) -> JSON { ["max_difference": .number(bounds.maxDifference), "kl": .number(bounds.kl)] }
}
