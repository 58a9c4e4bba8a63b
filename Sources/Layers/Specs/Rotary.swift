#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Rotary positions: pairs of a head's elements turn by an angle that grows with the position.
public struct Rotary: Sendable, Equatable {
    public var base: Double
    /// Elements of a head that turn; the rest pass through. Even.
    public var width: Int
    /// What the exponents `2i` are divided by: the width, except where a family rounds an odd width up.
    public var spread: Int
    public var pairing: Pairing
    public var scaling: RopeScaling

    public init(base: Double = 10_000, width: Int, spread: Int? = nil, pairing: Pairing = .halves, scaling: RopeScaling = .none) {
        self.base = base
        self.width = width
        self.spread = spread ?? width
        self.pairing = pairing
        self.scaling = scaling
    }

    /// Which elements turn together.
    public enum Pairing: Sendable, Equatable {
        /// `i` with `i + width / 2` (Llama, GPT-NeoX).
        case halves
        /// `2i` with `2i + 1` (GPT-J).
        case interleaved
    }
}

/// How angles are stretched so that a model reads more than it was trained on.
public enum RopeScaling: Sendable, Equatable {
    case none
    /// Every angle divided by `factor`.
    case linear(factor: Double)
    /// The base grows once a sequence is longer than `context`.
    case dynamic(factor: Double, context: Int)
    case yarn(Yarn)
    /// Long waves are divided by `factor`, short ones kept, those between blended (Llama 3.1).
    case llama3(factor: Double, lowFrequency: Double, highFrequency: Double, context: Int)
    case longrope(LongRope)

    /// LongRoPE (Ding et al. 2024): every wave has a stretch of its own, one for sequences up to `context`, another for longer ones.
    public struct LongRope: Sendable, Equatable {
        public var context: Int
        /// One number a pair.
        public var short: [Double]
        public var long: [Double]
        /// Multiplies cosines and sines.
        public var attentionFactor: Double
        public var crossing: Crossing

        public init(context: Int, short: [Double], long: [Double], attentionFactor: Double, crossing: Crossing) {
            self.context = context
            self.short = short
            self.long = long
            self.attentionFactor = attentionFactor
            self.crossing = crossing
        }

        /// What happens to the keys already cached when a text grows past `context`.
        public enum Crossing: Sendable, Equatable {
            /// They stay as they were turned.
            case keep
            /// The whole text is read again with the long stretches.
            case reread
        }
    }

    /// YaRN (Peng et al. 2023): waves that turn often within `context` are kept, rare ones stretched.
    public struct Yarn: Sendable, Equatable {
        public var factor: Double
        public var context: Int
        public var betaFast: Double
        public var betaSlow: Double
        /// Multiplies cosines and sines.
        public var attentionFactor: Double
        public var range: Range

        public init(factor: Double, context: Int, betaFast: Double, betaSlow: Double, attentionFactor: Double, range: Range) {
            self.factor = factor
            self.context = context
            self.betaFast = betaFast
            self.betaSlow = betaSlow
            self.attentionFactor = attentionFactor
            self.range = range
        }

        /// Whether the blend's ends lie on whole dimensions.
        public enum Range: Sendable, Equatable { case whole, exact }
    }
}

extension Rotary {
    /// Angle per position of each pair, and the factor on cosines and sines, for sequences of up to `length` tokens.
    ///
    /// Every step is rounded to 32 bits in the order the reference (`transformers`) rounds it.
    public func frequencies(length: Int) -> (inverse: [Float], factor: Float) {
        let plain = powers(base).map { 1 / $0 }
        switch scaling {
        case .none: return (plain, 1)
        case .linear(let factor): return (plain.map { $0 / Float(factor) }, 1)
        case .dynamic(let factor, let context): return (powers(grownBase(factor, context, length)).map { 1 / $0 }, 1)
        case .llama3(let factor, let low, let high, let context):
            return (plain.map { llama3($0, Float(factor), Float(low), Float(high), Float(context)) }, 1)
        case .yarn(let yarn): return (stretched(yarn), Float(yarn.attentionFactor))
        case .longrope(let long):
            let stretches = length > long.context ? long.long : long.short
            return (zip(stretches, powers(base)).map { 1 / (Float($0) * $1) }, Float(long.attentionFactor))
        }
    }

    /// The length past which angles depend on how long the sequence is; nil where they never do.
    public var fixedLength: Int? {
        switch scaling {
        case .none, .linear, .yarn, .llama3: nil
        case .dynamic(_, let context): context
        case .longrope(let long): long.context
        }
    }

    /// The length past which a text that began shorter is read again; nil where it never is.
    public var rereadLength: Int? {
        if case .longrope(let long) = scaling, long.crossing == .reread { long.context } else { nil }
    }

    /// The kernel's table for positions `0..<length`: rows of `width / 2` cosines, then `width / 2` sines.
    ///
    /// Scalings that depend on the length turn the first `known` positions (a prompt that is there as a whole) by the angles of that
    /// length, and each later one by those of the sequence that ends with it, as a reader does whose cached keys stay as they are.
    public func table(length: Int, known: Int) -> [Float] {
        var (inverse, factor) = frequencies(length: min(known, length))
        var table = [Float](repeating: 0, count: length * width)
        for position in 0..<length {
            if let fixedLength, position >= max(known, fixedLength) {
                (inverse, factor) = frequencies(length: position + 1)
            }
            for (pair, frequency) in inverse.enumerated() {
                let angle = Double(Float(position) * frequency)
                table[position * width + pair] = Float(cos(angle)) * factor
                table[position * width + inverse.count + pair] = Float(sin(angle)) * factor
            }
        }
        return table
    }

    private func powers(_ base: Double) -> [Float] {
        (0..<(width / 2)).map { Float(pow(base, Double(Float(2 * $0) / Float(spread)))) }
    }

    private func grownBase(_ factor: Double, _ context: Int, _ length: Int) -> Double {
        let ratio = factor * Double(max(length, context)) / Double(context) - (factor - 1)
        return base * pow(ratio, Double(spread) / Double(spread - 2))
    }

    private func llama3(_ inverse: Float, _ factor: Float, _ low: Float, _ high: Float, _ context: Float) -> Float {
        let wave = 2 * Float.pi / inverse
        if wave > context / low { return inverse / factor }
        if wave < context / high { return inverse }
        let smooth = (context / wave - low) / (high - low)
        return (1 - smooth) * inverse / factor + smooth * inverse
    }

    private func stretched(_ yarn: RopeScaling.Yarn) -> [Float] {
        func dimension(_ turns: Double) -> Double {
            Double(spread) * log(Double(yarn.context) / (turns * 2 * Double.pi)) / (2 * log(base))
        }
        var low = dimension(yarn.betaFast)
        var high = dimension(yarn.betaSlow)
        if yarn.range == .whole { (low, high) = (low.rounded(.down), high.rounded(.up)) }
        (low, high) = (max(low, 0), min(high, Double(spread - 1)))
        if low == high { high += 0.001 }
        return powers(base).enumerated().map { index, power in
            let ramp = min(max((Float(index) - Float(low)) / Float(high - low), 0), 1)
            let kept = 1 - ramp
            return 1 / (Float(yarn.factor) * power) * (1 - kept) + 1 / power * kept
        }
    }
}
