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

    /// What would make a pretraining run of this plan smaller.
    func advice(pretraining plan: TrainingPlan) -> [String] {
        guard activations > needed / 4 else { return ["a smaller model"] }
        let smaller = plan.batch > 1 ? "a smaller batch with accumulation" : "a shorter sequence"
        return plan.settings.recompute == .block ? [smaller] : [smaller, "recompute: block"]
    }
}
