import QuintetFiles
import QuintetTensors

extension Trainer {
    /// One optimizer step; gives its mean loss, nil where the run went back to a checkpoint instead, or a signal came.
    func step() throws -> Double? {
        let clock = ContinuousClock()
        let began = clock.now
        trainee.learner.discard()
        guard let loss = try accumulate() else { return nil }
        let norm = trainee.learner.gradientNorm()
        let verdict = guardian.judge(step: state.step, loss: loss.loss, gradientNorm: norm)
        guard let applied = try obey(verdict, loss, norm: norm) else { return nil }
        state.guardState = guardian.state
        state.cursor = trainee.cursor
        let seconds = began.duration(to: clock.now).seconds
        state.seconds += seconds
        try report(loss, norm, seconds, applied: applied)
        return loss.loss
    }

    /// The gradient of a step; nil where a signal came before it was whole. Weights, moments and `state` are still those after the last
    /// finished step, which is what is saved: a step of minutes is made again after a resume instead of being waited for.
    private func accumulate() throws -> StepLoss? {
        do { return try trainee.accumulate(step: state.step) } catch is StopSignal {
            trainee.learner.discard()
            return nil
        }
    }

    /// Does what the guard decided: true when the update was made, false when it was skipped, nil after a rollback.
    private func obey(_ verdict: StepGuard.Verdict, _ loss: StepLoss, norm: Double) throws -> Bool? {
        switch verdict {
        case .apply: break
        case .applyWithSpike(let deviations):
            try note("the loss is \(Int(deviations)) standard deviations above the recent ones")
        case .skip(let inRow):
            try note("loss or gradient is not finite: the step is skipped (\(inRow) in a row)")
            trainee.learner.discard()
            advance(loss)
            return false
        case .rollBack(let number):
            try rollBack(number)
            return nil
        case .stop(let explanation):
            throw TrainingError.diverged(explanation)
        }
        _ = trainee.learner.update(rateFactor: pace.schedule.factor(at: state.step), clip: pace.clip, norm: norm)
        state.updates = trainee.learner.optimizer.updates
        advance(loss)
        return true
    }

    private func advance(_ loss: StepLoss) {
        state.step += 1
        state.tokens += loss.tokens
    }

    private func report(_ loss: StepLoss, _ norm: Double, _ seconds: Double, applied: Bool) throws {
        let speed = Double(loss.tokens) / max(seconds, 1e-9)
        let record = StepRecord(
            step: state.step, loss: loss.loss, learningRate: pace.learningRate * pace.schedule.factor(at: state.step - 1),
            gradientNorm: norm, tokens: state.tokens, tokensPerSecond: speed, seconds: state.seconds,
            utilization: facts.flopsPerToken * speed * 1e-9 / max(facts.peakGflops, 1e-9), applied: applied, scores: loss.scores)
        try tell { try $0.stepped(record) }
    }
}

extension Duration {
    var seconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}
