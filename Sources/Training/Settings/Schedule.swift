#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// The learning rate over a run, as a pure function of the step: what it is multiplied with, from 0 to 1.
///
///     let schedule = Schedule(.cosine, steps: 1000, warmup: 100, floor: 0.1)
///     schedule.factor(at: 0)    // 0.01: the first of 100 warmup steps
///     schedule.factor(at: 100)  // 1
///     schedule.factor(at: 999)  // 0.1, nearly
public struct Schedule: Sendable, Equatable {
    /// The shapes; raw values are Hugging Face's `lr_scheduler_type`.
    public enum Kind: String, Sendable, CaseIterable {
        /// Warmup, then flat.
        case constant
        /// Warmup, then a straight line down to the floor.
        case linear
        /// Warmup, then half a cosine down to the floor (Loshchilov and Hutter 2016, SGDR, without restarts).
        case cosine
        /// Warmup, flat, then a straight line down to the floor over the last steps (Hu et al. 2024, MiniCPM: WSD).
        case warmupStableDecay = "warmup_stable_decay"
    }

    public var kind: Kind
    /// The run's length in optimizer steps.
    public var steps: Int
    /// Steps of linear rise; the first of them already moves.
    public var warmup: Int
    /// Steps of decay at the end, for `warmupStableDecay` alone.
    public var decay: Int
    /// What the factor ends at.
    public var floor: Double

    public init(_ kind: Kind, steps: Int, warmup: Int = 0, decay: Int = 0, floor: Double = 0) {
        self.kind = kind
        self.steps = steps
        self.warmup = warmup
        self.decay = decay
        self.floor = floor
    }

    /// The factor for the update that turns state `step` into `step + 1`; steps past the end keep the floor.
    public func factor(at step: Int) -> Double {
        if step < warmup { return Double(step + 1) / Double(warmup) }
        switch kind {
        case .constant: return 1
        case .linear: return down(progress(step, from: warmup, to: steps))
        case .cosine: return floor + (1 - floor) * 0.5 * (1 + cos(Double.pi * progress(step, from: warmup, to: steps)))
        case .warmupStableDecay: return down(progress(step, from: max(warmup, steps - decay), to: steps))
        }
    }

    private func progress(_ step: Int, from first: Int, to last: Int) -> Double {
        guard last > first else { return step < first ? 0 : 1 }
        return min(1, max(0, Double(step - first) / Double(last - first)))
    }

    private func down(_ progress: Double) -> Double { floor + (1 - floor) * (1 - progress) }
}
