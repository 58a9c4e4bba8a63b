import QuintetLayers

extension MemoryPlan {
    /// What a pretraining run needs: all of its weights learn.
    init(pretraining plan: TrainingPlan) throws {
        let spec = try plan.shape.spec(dropout: plan.settings.dropout)
        let rows = plan.batch.multipliedReportingOverflow(by: plan.sequence)
        self.init(
            spec, .full, trained: spec.parameterCount, frozen: 0, rows: rows.overflow ? 1 << 32 : min(rows.partialValue, 1 << 32),
            recompute: plan.settings.recompute.recompute, checks: false)
    }

    /// - Throws: `TrainingError.impossible` with advice where it will not fit.
    func checkPretraining(_ plan: TrainingPlan) throws(TrainingError) {
        guard needed > available else { return }
        var advice = ["a smaller model"]
        if activations > needed / 4 {
            advice = plan.batch > 1 ? ["a smaller batch with accumulation"] : ["a shorter sequence"]
            if plan.settings.recompute != .block { advice.append("recompute: block") }
        }
        throw .impossible([
            "this needs \(bytes(needed)) of memory and \(bytes(available)) are free: weights, gradients and moments \(bytes(trained)), "
                + "a step \(bytes(activations)). Try " + advice.joined(separator: ", or ")
        ])
    }
}
