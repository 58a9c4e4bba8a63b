/// How the next token is chosen from the logits. What stands first is applied first.
public struct SamplingOptions: Sendable, Equatable {
    /// Above 1 makes tokens that were there before less likely (Keskar et al. 2019); 1 leaves them.
    public var repetitionPenalty: Float
    /// Taken from the logit of a new token for each time it was chosen.
    public var frequencyPenalty: Float = 0
    /// Taken from the logit of a new token that was chosen at all.
    public var presencePenalty: Float = 0
    /// Tokens that penalties look back; 0 for all.
    public var penaltyWindow = 0
    /// Above 0: a token that would go on with a repetition of `dryAllowedLength` tokens or more loses this times `dryBase` to the power of what is
    /// over that length.
    public var dryMultiplier: Float = 0
    public var dryBase: Float = 1.75
    public var dryAllowedLength = 2
    /// Tokens over which no repetition reaches; a generator takes those with a line feed, a colon, a quotation mark or an asterisk.
    public var dryBreakers: [Int32] = []
    /// Keeps tokens whose logit is within so many standard deviations of the greatest (Tang et al. 2024); 0 keeps all.
    public var topNSigma: Float = 0
    /// Divides the logits; 0 takes the most likely token (greedy).
    public var temperature: Float
    /// Keeps the k most likely tokens; 0 keeps all.
    public var topK: Int
    /// Keeps the most likely tokens until they hold this share of the probability; 1 keeps all.
    public var topP: Float
    /// Keeps tokens at least this share as likely as the likeliest; 0 keeps all.
    public var minP: Float
    /// Keeps the tokens nearest to the expected surprise until they hold this share (Meister et al. 2022); 1 keeps all.
    public var typicalP: Float = 1
    /// How often the likeliest tokens are left out, down to the least of those above `xtcThreshold`; 0 for never.
    public var xtcProbability: Float = 0
    public var xtcThreshold: Float = 0.1
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
        try check("typical-p", typicalP, typicalP > 0 && typicalP <= 1, "above 0, at most 1")
        try check("top-n-sigma", topNSigma, topNSigma >= 0 && topNSigma.isFinite, "a finite number >= 0")
        try check("xtc-probability", xtcProbability, xtcProbability >= 0 && xtcProbability <= 1, "from 0 to 1")
        try check("xtc-threshold", xtcThreshold, xtcThreshold >= 0 && xtcThreshold <= 1, "from 0 to 1")
        try check("repetition-penalty", repetitionPenalty, repetitionPenalty > 0 && repetitionPenalty.isFinite, "a finite number above 0")
        try check("frequency-penalty", frequencyPenalty, frequencyPenalty.magnitude <= 100, "from -100 to 100")
        try check("presence-penalty", presencePenalty, presencePenalty.magnitude <= 100, "from -100 to 100")
        try check("dry-multiplier", dryMultiplier, dryMultiplier >= 0 && dryMultiplier <= 100, "from 0 to 100")
        try check("dry-base", dryBase, dryBase >= 1 && dryBase <= 4, "from 1 to 4")
        try check("dry-allowed-length", Float(dryAllowedLength), (1...64).contains(dryAllowedLength), "from 1 to 64")
        try check("penalty-window", Float(penaltyWindow), (0...1 << 24).contains(penaltyWindow), "a whole number >= 0")
    }

    var penalizes: Bool { repetitionPenalty != 1 || frequencyPenalty != 0 || presencePenalty != 0 }

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
