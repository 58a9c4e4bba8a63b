/// How the next token is chosen from the logits.
public struct SamplingOptions: Sendable, Equatable {
    /// Divides the logits; 0 takes the most likely token (greedy).
    public var temperature: Float
    /// Keeps the k most likely tokens; 0 keeps all.
    public var topK: Int
    /// Keeps the most likely tokens until they hold this share of the probability; 1 keeps all.
    public var topP: Float
    /// Keeps tokens at least this share as likely as the likeliest; 0 keeps all.
    public var minP: Float
    /// Above 1 makes tokens that were there before less likely (Keskar et al. 2019); 1 leaves them.
    public var repetitionPenalty: Float
    public var seed: UInt64

    public init(
        temperature: Float = 0, topK: Int = 0, topP: Float = 1, minP: Float = 0, repetitionPenalty: Float = 1, seed: UInt64 = 0
    ) {
        self.temperature = temperature
        self.topK = topK
        self.topP = topP
        self.minP = minP
        self.repetitionPenalty = repetitionPenalty
        self.seed = seed
    }

    public static let greedy = SamplingOptions()

    /// - Throws: `OptionError` naming the option that no sampler can honor.
    public func validate() throws(OptionError) {
        try check("temperature", temperature, temperature >= 0 && temperature.isFinite, "a finite number >= 0")
        try check("top-k", Float(topK), topK >= 0, "a whole number >= 0")
        try check("top-p", topP, topP > 0 && topP <= 1, "above 0, at most 1")
        try check("min-p", minP, minP >= 0 && minP <= 1, "from 0 to 1")
        try check("repetition-penalty", repetitionPenalty, repetitionPenalty > 0 && repetitionPenalty.isFinite, "a finite number above 0")
    }

    private func check(_ name: String, _ value: Float, _ fine: Bool, _ expected: String) throws(OptionError) {
        if !fine { throw OptionError(option: name, expected: expected, found: "\(value)") }
    }
}

/// An option with a value that means nothing.
public struct OptionError: Error, Sendable, Equatable, CustomStringConvertible {
    public let option: String
    public let expected: String
    public let found: String

    public init(option: String, expected: String, found: String) {
        self.option = option
        self.expected = expected
        self.found = found
    }

    public var description: String { "\(option): expected \(expected), found \(found)" }
}
