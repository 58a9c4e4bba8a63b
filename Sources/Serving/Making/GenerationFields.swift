import QuintetFiles
import QuintetGeneration
import QuintetTokenizers

/// The fields that say how a text is made, shared by the routes that make text.
struct GenerationFields: Sendable {
    var maxTokens: Int?
    var sampling: SamplingOptions
    var stops: [String]
    var bias: [Int32: Float]
    var choices: Int
    var isStreamed: Bool
    var includesUsage: Bool
    /// How many of the likeliest tokens are told with each; nil for no probabilities.
    var logprobs: Int?
    var logprobSource = TokenLogprobs.Source.model
    /// Goes on past the model's own ends of text: for measuring.
    var ignoresEnd: Bool
    /// llama-server's way of reading a prompt for those who come later: a token is made, and not told.
    var isPromptOnly = false
    /// How much of each adapter counts.
    var shares: [Float]
    /// The place in the cache that is asked for.
    var slot: Int?
    /// What the text has to look like, and where it begins.
    var format: (format: OutputFormat, start: ConstraintState)?

    /// Reads OpenAI's names and llama-server's; what is missing is as the model's folder says.
    init(_ fields: Fields, _ model: ServedModel, leastTokens: Int = 1) throws(APIError) {
        for name in ["max_tokens", "max_completion_tokens"] { maxTokens = try fields.int(name, leastTokens...(1 << 24)) ?? maxTokens }
        if let count = try fields.int("n_predict", -1...(1 << 24)), count >= 0 { (maxTokens, isPromptOnly) = (max(count, 1), count == 0) }
        sampling = model.generator.completed(try Self.sampling(fields, model.generator.defaults.sampling))
        stops = try fields.strings("stop", atMost: 16) + fields.strings("stop_sequences", atMost: 16)
        if stops.contains("") { throw fields.wrong("stop", "texts that are not empty") }
        bias = try Self.bias(fields, model)
        let places = min(128, model.client.limits.parallel + model.client.limits.queue)
        choices = try fields.int("n", 1...places) ?? 1
        if let best = try fields.int("best_of", 1...places), best != choices { throw .invalid("'best_of' has to be as 'n': texts are not ranked.", param: "best_of") }
        shares = try model.shares(fields)
        if let place = try fields.int("id_slot", -1...model.client.limits.parallel - 1), place >= 0 { slot = place }
        isStreamed = try fields.flag("stream") ?? false
        ignoresEnd = try fields.flag("ignore_eos") ?? false
        includesUsage = false
        if let options = fields["stream_options"] {
            includesUsage = try Fields(options, "stream_options").flag("include_usage") ?? false
        }
    }

    private static func sampling(_ fields: Fields, _ defaults: SamplingOptions) throws(APIError) -> SamplingOptions {
        var sampling = defaults
        if let temperature = try fields.number("temperature", 0...100) { sampling.temperature = temperature }
        if let share = try fields.number("top_p", 1e-6...1) { sampling.topP = share }
        if let count = try fields.int("top_k", -1...(1 << 24)) { sampling.topK = max(count, 0) }
        if let share = try fields.number("min_p", 0...1) { sampling.minP = share }
        for name in ["typical_p", "typ_p"] { if let share = try fields.number(name, 1e-6...1) { sampling.typicalP = share } }
        if let count = try fields.number("top_n_sigma", -1...1000) { sampling.topNSigma = max(count, 0) }
        if let share = try fields.number("xtc_probability", 0...1) { sampling.xtcProbability = share }
        if let share = try fields.number("xtc_threshold", 0...1) { sampling.xtcThreshold = share }
        for name in ["repetition_penalty", "repeat_penalty"] {
            if let penalty = try fields.number(name, 0.01...100) { sampling.repetitionPenalty = penalty }
        }
        if let penalty = try fields.number("frequency_penalty", -100...100) { sampling.frequencyPenalty = penalty }
        if let penalty = try fields.number("presence_penalty", -100...100) { sampling.presencePenalty = penalty }
        if let strength = try fields.number("dry_multiplier", 0...100) { sampling.dryMultiplier = strength }
        if let base = try fields.number("dry_base", 1...4) { sampling.dryBase = base }
        if let length = try fields.int("dry_allowed_length", 1...64) { sampling.dryAllowedLength = length }
        if let count = try fields.int("repeat_last_n", -1...(1 << 24)) {
            sampling.penaltyWindow = max(count, 0)
            if count == 0 { (sampling.repetitionPenalty, sampling.frequencyPenalty, sampling.presencePenalty) = (1, 0, 0) }
        }
        let seed = try fields.int("seed", Int.min...Int.max) ?? -1
        sampling.seed = seed == -1 ? .random(in: .min ... .max) : UInt64(bitPattern: Int64(seed))
        return sampling
    }

    /// OpenAI's object of ids and numbers, or llama-server's list of pairs, where `false` forbids a token.
    private static func bias(_ fields: Fields, _ model: ServedModel) throws(APIError) -> [Int32: Float] {
        let vocabulary = model.vocabulary
        guard let json = fields["logit_bias"] else { return [:] }
        let pairs: [(JSON, JSON)]
        if let list = json.array {
            // A text stands for each of its tokens.
            pairs = list.flatMap { pair -> [(JSON, JSON)] in
                let value = pair[1] ?? .null
                guard let text = pair[0]?.string else { return [(pair[0] ?? .null, value)] }
                return model.tokenizer.encode(text, addSpecialTokens: false, specials: .asText).map { (JSON($0), value) }
            }
        } else {
            pairs = try Fields(json, "logit_bias").object.map { (Int64($0.key).map { .integer($0) } ?? .string($0.key), $0.value) }
        }
        guard pairs.count <= 1024 else { throw .invalid("'logit_bias' has \(pairs.count) entries; at most 1024 are taken.", param: "logit_bias") }
        var bias: [Int32: Float] = [:]
        for (key, value) in pairs {
            guard case .integer(let number) = key, let id = Int32(exactly: number), id >= 0, Int(id) < vocabulary else {
                throw .invalid("'logit_bias' names token \(key.serialized().prefix(20)); ids go from 0 to \(vocabulary - 1).", param: "logit_bias")
            }
            guard let number = value.bool == false ? -Double.infinity : value.double, abs(number) <= 100 || value.bool == false else {
                throw .invalid("'logit_bias' has to hold numbers from -100 to 100.", param: "logit_bias")
            }
            bias[id] = Float(number)
        }
        return bias
    }

    /// One request for each choice; choices have random numbers of their own.
    /// - Throws: `APIError` that names `param` where the prompt is too long.
    func requests(_ prompt: [Int32], _ model: ServedModel, _ call: Call, param: String = "prompt") throws(APIError) -> [BatchRequest] {
        guard prompt.count < model.context else {
            throw .invalid(
                "This model's context is \(model.context) tokens; the prompt has \(prompt.count).", param: param,
                code: "context_length_exceeded")
        }
        let room = model.context - prompt.count
        let now = ContinuousClock.now
        return (0..<choices).map { choice in
            var options = GenerationOptions(
                maxTokens: min(maxTokens ?? room, room), context: model.context, sampling: sampling, stops: stops, ignoresEnd: ignoresEnd)
            options.stream = UInt64(choice)
            options.logprobs = logprobs
            options.logprobSource = logprobSource
            options.format = format?.format
            var request = BatchRequest(
                prompt: prompt, options: options, ends: model.generator.defaults.eos, bias: bias, tenant: call.tenant.name,
                startBy: now + .seconds(call.server.options.queueTimeout), deadline: now + .seconds(call.server.options.requestTimeout))
            request.constraint = format?.start
            request.shares = shares
            request.slot = slot
            return request
        }
    }
}
