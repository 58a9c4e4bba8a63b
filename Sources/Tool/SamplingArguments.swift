import ArgumentParser
import QuintetGeneration

/// The options of everything that makes text.
struct SamplingArguments: ParsableArguments {
    @Option(help: "0 takes the likeliest token, higher values vary more.") var temperature: Float?
    @Option(help: "Choose among the K likeliest tokens; 0 for all.") var topK: Int?
    @Option(help: "Choose among the likeliest tokens that hold this share of the probability.") var topP: Float?
    @Option(help: "Leave out tokens less likely than this share of the likeliest.") var minP: Float?
    @Option(help: "Choose among the tokens of typical surprise that hold this share.") var typicalP: Float?
    @Option(help: "Leave out tokens more than N standard deviations below the best logit.") var topNSigma: Float?
    @Option(help: "How often to leave out the likeliest tokens.") var xtcProbability: Float?
    @Option(help: "Tokens likelier than this may be left out, all but the least.") var xtcThreshold: Float?
    @Option(help: "Above 1 makes repeated tokens less likely.") var repetitionPenalty: Float?
    @Option(help: "Taken from a logit for each time its token was chosen.") var frequencyPenalty: Float?
    @Option(help: "Taken from a logit whose token was chosen at all.") var presencePenalty: Float?
    @Option(help: "Above 0: taken from a token that goes on with a repetition (DRY).") var dryMultiplier: Float?
    @Option(help: "What --dry-multiplier grows by with each token of the repetition.") var dryBase: Float?
    @Option(help: "Repetitions shorter than this are left alone.") var dryAllowedLength: Int?
    @Option(help: "Tokens that penalties look back; 0 for all.") var penaltyWindow: Int?
    @Option(help: "The same seed gives the same text.") var seed: UInt64 = 0

    /// The model's own settings with what was asked for.
    func options(_ defaults: SamplingOptions) -> SamplingOptions {
        var sampling = defaults
        if let temperature { sampling.temperature = temperature }
        if let topK { sampling.topK = topK }
        if let topP { sampling.topP = topP }
        if let minP { sampling.minP = minP }
        if let typicalP { sampling.typicalP = typicalP }
        if let topNSigma { sampling.topNSigma = topNSigma }
        if let xtcProbability { sampling.xtcProbability = xtcProbability }
        if let xtcThreshold { sampling.xtcThreshold = xtcThreshold }
        if let repetitionPenalty { sampling.repetitionPenalty = repetitionPenalty }
        if let frequencyPenalty { sampling.frequencyPenalty = frequencyPenalty }
        if let presencePenalty { sampling.presencePenalty = presencePenalty }
        if let dryMultiplier { sampling.dryMultiplier = dryMultiplier }
        if let dryBase { sampling.dryBase = dryBase }
        if let dryAllowedLength { sampling.dryAllowedLength = dryAllowedLength }
        if let penaltyWindow { sampling.penaltyWindow = penaltyWindow }
        sampling.seed = seed
        return sampling
    }
}

/// What the output has to look like, and what helps to make it faster.
struct OutputArguments: ParsableArguments {
    @Option(help: "The output follows this GBNF grammar: a file, or the text itself.") var grammar: String?
    @Option(help: "The output is JSON that this schema validates: a file, or the text itself.") var jsonSchema: String?
    @Option(help: "A smaller model with the same vocabulary that proposes tokens; the text stays the same.") var draft: String?
    @Flag(help: "Propose what followed the same words before; the text stays the same.") var lookup = false

    func validate() throws {
        if grammar != nil, jsonSchema != nil { throw ValidationError("--grammar and --json-schema: one of them") }
        if draft != nil, lookup { throw ValidationError("--draft and --lookup: one of them") }
    }

    func format() throws -> OutputFormat? {
        if let grammar { return try OutputFormat.gbnf(try textOrFile(grammar)) }
        if let jsonSchema { return try OutputFormat.jsonSchema(try parseJSON(try textOrFile(jsonSchema), source: "--json-schema")) }
        return nil
    }

    func draft(for generator: TextGenerator) throws -> DraftOptions {
        guard let draft else { return lookup ? .lookup : .none }
        let other = try TextGenerator(try openModel(draft))
        return .model(try DraftModel(other.model, other.tokenizer, for: generator))
    }
}
