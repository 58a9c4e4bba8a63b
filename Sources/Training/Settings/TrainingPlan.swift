public import QuintetFiles

/// A run with every gap filled: what the training loop works from.
public struct TrainingPlan: Sendable, Equatable {
    /// The settings with every number in place, as they are saved with the run.
    public var settings: TrainingConfig
    public var shape: ModelShape
    public var batch: Int
    public var sequence: Int
    public var accumulation: Int
    public var steps: Int
    public var schedule: Schedule
    public var evalEvery: Int
    public var evalTokens: Int
    public var sampleEvery: Int
    public var saveEvery: Int
    public var groups: OptimizerGroups

    /// Tokens one optimizer step learns from.
    public var tokensPerStep: Int { batch * sequence * accumulation }
    /// Tokens the run learns from.
    public var tokens: Int { tokensPerStep * steps }
}

/// The optimizer's settings for each kind of parameter.
public struct OptimizerGroups: Sendable, Equatable {
    /// Matrices between embedding and head.
    public var matrices: OptimizerGroup
    public var embedding: OptimizerGroup
    public var head: OptimizerGroup
    /// Norms and biases.
    public var scalars: OptimizerGroup
}

/// One group's rule and numbers. Rates are peaks, to be multiplied with the schedule's factor.
public struct OptimizerGroup: Sendable, Equatable {
    public var kind: OptimizerKind
    public var learningRate: Double
    public var weightDecay: Double
    public var beta1: Double
    public var beta2: Double
    public var epsilon: Double
    /// Muon's.
    public var momentum: Double
}

extension TrainingConfig {
    /// Checks all settings together and fills the gaps.
    /// - Parameter vocabulary: rows of the embedding, from the tokenizer.
    /// - Throws: `TrainingError.impossible` with every problem found, `.unknownPreset`.
    public func plan(vocabulary: Int) throws(TrainingError) -> TrainingPlan {
        let recipe = try recipe(vocabulary: vocabulary)
        let shape = shape(recipe.shape, vocabulary: vocabulary)
        var problems = shape.problems
        if preset != nil, depth != nil { problems.append("preset and depth: give one of them") }
        let sequence = sequence ?? min(recipe.sequence, shape.context)
        if sequence > shape.context, shape.family == .gpt2 {
            problems.append("max_seq_len: \(sequence) is longer than the model's \(shape.context) positions")
        }
        let batch = batch ?? recipe.batch
        let accumulation = accumulation(recipe, batch, sequence, &problems)
        let steps = steps(recipe, shape, tokensPerStep: product(batch, sequence, accumulation), &problems)
        let warmup = warmupSteps ?? Int((warmupRatio ?? 0.02) * Double(steps))
        if warmupSteps != nil, warmupRatio != nil { problems.append("warmup_steps and warmup_ratio: give one of them") }
        if warmup > steps { problems.append("warmup_steps: \(warmup) are more than the run's \(steps) steps") }
        guard problems.isEmpty else { throw .impossible(problems) }

        var plan = TrainingPlan(
            settings: self, shape: shape, batch: batch, sequence: sequence, accumulation: accumulation, steps: steps,
            schedule: Schedule(
                schedule, steps: steps, warmup: warmup, decay: Int(warmdownRatio * Double(steps)), floor: finalFraction),
            evalEvery: evalEvery ?? max(1, steps / 10), evalTokens: evalTokens ?? max(4096, 8 * batch * sequence),
            sampleEvery: sampleEvery ?? max(1, steps / 5), saveEvery: saveEvery ?? max(1, min(1000, steps / 10)),
            groups: groups(rate: learningRate ?? recipe.learningRate))
        plan.fillSettings(rate: learningRate ?? recipe.learningRate, warmup: warmup)
        return plan
    }

    private func recipe(vocabulary: Int) throws(TrainingError) -> Preset {
        if let preset { return try Preset.named(preset) }
        if let depth { return try Preset.depth(depth, vocabulary: vocabulary) }
        return try Preset.named("nano")
    }

    private func shape(_ base: ModelShape, vocabulary: Int) -> ModelShape {
        var shape = base
        shape.vocabulary = vocabulary
        if let layers { shape.layers = layers }
        if let width {
            shape.width = width
            if feedForward == nil { shape.feedForward = base.family == .gpt2 ? 4 * width : (width * 8 / 3 + 63) / 64 * 64 }
        }
        if let feedForward { shape.feedForward = feedForward }
        if let heads {
            shape.heads = heads
            shape.kvHeads = heads
        }
        if let kvHeads { shape.kvHeads = kvHeads }
        if let context { shape.context = context } else if let sequence, sequence > shape.context { shape.context = sequence }
        return shape
    }

    private func accumulation(_ recipe: Preset, _ batch: Int, _ sequence: Int, _ problems: inout [String]) -> Int {
        if let totalBatch {
            if accumulation != nil { problems.append("total_batch_size and gradient_accumulation_steps: give one of them") }
            let pass = batch * sequence
            if totalBatch % pass != 0 {
                problems.append("total_batch_size: \(totalBatch) is no multiple of the \(pass) tokens of one pass (\(batch) x \(sequence))")
            }
            return max(1, totalBatch / pass)
        }
        // A preset's accumulation belongs to its own batch; a person who sets the batch means the whole step.
        return accumulation ?? (self.batch == nil && self.sequence == nil ? recipe.accumulation : 1)
    }

    private func steps(_ recipe: Preset, _ shape: ModelShape, tokensPerStep: Int?, _ problems: inout [String]) -> Int {
        if [steps != nil, tokens != nil, tokensPerParameter != nil].filter({ $0 }).count > 1 {
            problems.append("max_steps, max_tokens and target_param_data_ratio: give one of them")
        }
        guard let tokensPerStep else {
            problems.append("batch, sequence and accumulation: their product is too big")
            return 1
        }
        if let steps { return steps }
        let own = shape.problems.isEmpty ? shape.parameterCount : 0
        let wanted = tokens.map(Double.init) ?? tokensPerParameter.map { $0 * Double(own) } ?? recipe.tokens.map(Double.init) ?? 20 * Double(own)
        return max(1, Int((min(wanted, 1e15) / Double(tokensPerStep)).rounded(.up)))
    }

    private func product(_ a: Int, _ b: Int, _ c: Int) -> Int? {
        let (ab, first) = a.multipliedReportingOverflow(by: b)
        let (abc, second) = ab.multipliedReportingOverflow(by: c)
        return first || second || abc > 1 << 50 ? nil : abc
    }

    private func groups(rate: Double) -> OptimizerGroups {
        func group(_ kind: OptimizerKind, _ rate: Double, decay: Double) -> OptimizerGroup {
            OptimizerGroup(
                kind: kind, learningRate: rate, weightDecay: decay, beta1: beta1, beta2: beta2, epsilon: epsilon, momentum: momentum)
        }
        // 0.02: Muon's rate of Jordan 2024; its update has unit spectral norm, so the rate does not depend on the width.
        let matrix = matrixRate ?? (optimizer == .muon ? 0.02 : rate)
        return OptimizerGroups(
            matrices: group(optimizer, matrix, decay: weightDecay), embedding: group(.adamw, embeddingRate ?? rate, decay: weightDecay),
            head: group(.adamw, headRate ?? rate, decay: weightDecay), scalars: group(.adamw, scalarRate ?? rate, decay: 0))
    }
}

extension TrainingPlan {
    fileprivate mutating func fillSettings(rate: Double, warmup: Int) {
        settings.batch = batch
        settings.sequence = sequence
        settings.accumulation = accumulation
        settings.totalBatch = nil
        settings.steps = steps
        settings.tokens = nil
        settings.tokensPerParameter = nil
        settings.learningRate = rate
        settings.warmupSteps = warmup
        settings.warmupRatio = nil
        settings.evalEvery = evalEvery
        settings.evalTokens = evalTokens
        settings.sampleEvery = sampleEvery
        settings.saveEvery = saveEvery
        settings.layers = shape.layers
        settings.width = shape.width
        settings.heads = shape.heads
        settings.kvHeads = shape.kvHeads
        settings.feedForward = shape.feedForward
        settings.context = shape.context
    }

    /// The Hugging Face `config.json` of the model this plan trains.
    public func configuration(beginOfText: Int? = nil, endOfText: Int? = nil) -> JSON {
        shape.configuration(beginOfText: beginOfText, endOfText: endOfText, dropout: settings.dropout)
    }
}
