#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Learning rates that visibly lower the loss within 60 steps on a few hundred short examples, whatever the model's size.
///
/// All weights: 3e-5 x sqrt(1e9 / parameters), held between 5e-6 and 2e-3: the rates people use at 1B and 7B, the rates of small models' own
/// pretraining at the lower end. Adapters start at zero and move a small matrix: ten times that, held between 1e-4 and 1e-3
/// (on 11.5M parameters 1e-3 learns SST-2, 2e-3 does not; on 260K both learn TREC's classes, 5e-3 and 1e-2 do not). Preferences
/// move what is learned already, and fast: a twentieth (at 1.1M parameters and 220 pairs, adapters learn as much with 5e-4 as all weights with 4.5e-5,
/// and next to nothing with that). A fresh head, alone or beside weights that move: a step changes a score by about rate x width,
/// so 0.32 / width, held between 1e-4 and 1e-2 (at width 64, 60 steps on 400 of TREC's questions: 5e-3 brings 1.76 to 1.61, 1e-2 to 1.58; on as many
/// sentences of SST-2, of which such a model knows little, 5e-3 lowers the loss by 0.005, 1e-2 only raises it).
enum LearningRate {
    static func standard(_ method: AdaptSettings.Method, parameters: Int, width: Int, isPreference: Bool) -> Double {
        let full = 3e-5 * (1e9 / Double(max(parameters, 1))).squareRoot(), share = isPreference ? 0.05 : 1
        let rate =
            switch method {
            case .full: share * held(full, 5e-6, 2e-3)
            // Unlike others', those of preferences are far from where they would break what is learned.
            case .lora, .dora, .qlora: held(share * 10 * full, share * 1e-4, isPreference ? 5e-4 : 1e-3)
            case .head: share * head(width: width)
            }
        return rounded(rate)
    }

    static func head(width: Int) -> Double { rounded(held(0.32 / Double(max(width, 1)), 1e-4, 1e-2)) }

    private static func held(_ value: Double, _ low: Double, _ high: Double) -> Double { min(max(value, low), high) }

    /// To two digits, as a person would write it.
    private static func rounded(_ value: Double) -> Double {
        let scale = pow(10, 1 - log10(value).rounded(.down))
        return (value * scale).rounded() / scale
    }
}
