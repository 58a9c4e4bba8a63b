import QuintetCorpus
import QuintetFiles
import QuintetGeneration
import QuintetLayers
import QuintetTokenizers

extension Pretrainer {
    /// Lets the model write a little and tells the observers; the text depends on seed and step only.
    func sampleNow() throws {
        guard plan.settings.sampleTokens > 0 else { return }
        let text = try write(plan.settings.samplePrompt, tokens: plan.settings.sampleTokens)
        let record = SampleRecord(step: state.step, prompt: plan.settings.samplePrompt, text: text)
        try tell { try $0.sampled(record) }
    }

    /// A continuation of `prompt`; an empty prompt begins a document.
    public func write(_ prompt: String, tokens: Int) throws -> String {
        let endOfText = dataset.endOfText
        var ids = prompt.isEmpty ? [endOfText] : tokenizer.encode(prompt)
        ids = ids.suffix(max(1, plan.shape.context - tokens)).map { $0 }
        let count = min(tokens, plan.shape.context - ids.count)
        guard count > 0 else { return "" }
        let session = try GenerationSession(learner.model, capacity: ids.count + count)
        let options = SamplingOptions(
            temperature: Float(plan.settings.sampleTemperature), topK: 50, seed: UInt64(bitPattern: Int64(plan.settings.seed &+ state.step)))
        var sampler = Sampler(options, vocabulary: learner.spec.vocabulary)
        try session.prefill(ids)
        var written: [Int32] = []
        while written.count < count {
            let next = sampler.next(session.logits)
            if next == endOfText { break }
            written.append(next)
            if written.count < count { session.step(next) }
        }
        return tokenizer.decode(written)
    }
}
