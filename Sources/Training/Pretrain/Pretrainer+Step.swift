import QuintetCorpus
import QuintetTensors

extension Pretrainer {
    /// One optimizer step; gives its mean loss, nil where the run went back to a checkpoint instead.
    func step() throws -> Double? {
        let clock = ContinuousClock()
        let began = clock.now
        let loss = accumulate()
        try dataset.checkIntact()  // before an update made of a truncated shard's zeros
        let norm = learner.gradientNorm()
        let verdict = guardian.judge(step: state.step, loss: loss, gradientNorm: norm)
        let applied = try obey(verdict, norm: norm)
        guard let applied else { return nil }
        state.guardState = guardian.state
        state.cursor = sampler.state
        let seconds = began.duration(to: clock.now).seconds
        state.seconds += seconds
        try report(loss, norm, seconds, applied: applied)
        return loss
    }

    /// Adds up the gradients of all passes of a step; gives the mean loss.
    private func accumulate() -> Double {
        learner.discard()
        let rows = plan.batch * plan.sequence
        var total = 0.0
        for pass in 0..<plan.accumulation {
            let (inputs, targets) = sampler.next()
            total += learner.accumulate(
                Tensor(inputs, [rows]), Tensor(targets, [rows]), batch: plan.batch, tokensPerUpdate: plan.tokensPerStep,
                dropoutSeed: dropoutSeed(pass))
        }
        return total / Double(plan.tokensPerStep)
    }

    /// Distinct for every pass of every step, and the same after a resume.
    private func dropoutSeed(_ pass: Int) -> UInt64? {
        guard plan.settings.dropout > 0 else { return nil }
        let place = UInt64(state.step) &* UInt64(plan.accumulation) &+ UInt64(pass)
        return UInt64(bitPattern: Int64(plan.settings.seed)) ^ (place &+ 1) &* 0x9E37_79B9_7F4A_7C15
    }

    /// Does what the guard decided: true when the update was made, false when it was skipped, nil after a rollback.
    private func obey(_ verdict: StepGuard.Verdict, norm: Double) throws -> Bool? {
        switch verdict {
        case .apply: break
        case .applyWithSpike(let deviations):
            try note("the loss is \(Int(deviations)) standard deviations above the recent ones")
        case .skip(let inRow):
            try note("loss or gradient is not finite: the step is skipped (\(inRow) in a row)")
            learner.discard()
            advance()
            return false
        case .rollBack(let number):
            try rollBack(number)
            return nil
        case .stop(let explanation):
            throw TrainingError.diverged(explanation)
        }
        _ = learner.update(rateFactor: plan.schedule.factor(at: state.step), clip: plan.settings.clip, norm: norm)
        state.updates = learner.optimizer.updates
        advance()
        return true
    }

    private func advance() {
        state.step += 1
        state.tokens += plan.tokensPerStep
    }

    private func report(_ loss: Double, _ norm: Double, _ seconds: Double, applied: Bool) throws {
        let record = StepRecord(
            step: state.step, loss: loss, learningRate: plan.groups.matrices.learningRate * plan.schedule.factor(at: state.step - 1),
            gradientNorm: norm, tokens: state.tokens, tokensPerSecond: Double(plan.tokensPerStep) / max(seconds, 1e-9),
            seconds: state.seconds, utilization: facts.flopsPerStep / max(seconds, 1e-9) * 1e-9 / max(facts.peakGflops, 1e-9),
            applied: applied)
        try tell { try $0.stepped(record) }
    }
}

extension Duration {
    var seconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}
