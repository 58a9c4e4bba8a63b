import QuintetCorpus
import QuintetFiles
import QuintetGeneration
import QuintetLayers
import QuintetTensors
import QuintetTokenizers

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

extension PretrainTrainee {
    /// Loss, perplexity and bits per byte on about `evalTokens` of the validation split, spread evenly, in fixed order; nil where there are
    /// too few for one sequence.
    func evaluate(step: Int) -> EvaluationRecord? {
        var windows = ValidationWindows(
            dataset, sequence: plan.sequence, batch: plan.batch, limit: max(1, plan.evalTokens / plan.sequence))
        var inputs = [Int32](repeating: 0, count: plan.batch * windows.sequence)
        var targets = inputs
        var (nats, tokens, bytes) = (0.0, 0, 0)
        while let part = inputs.withUnsafeMutableBufferPointer({ x in
            targets.withUnsafeMutableBufferPointer { y in windows.next(into: x, targets: y) }
        }) {
            let count = part.rows * windows.sequence
            let (x, y) = (Tensor(Array(inputs[..<count]), [count]), Tensor(Array(targets[..<count]), [count]))
            nats += learner.evaluate(x, y, batch: part.rows)
            tokens += count
            bytes += part.bytes
        }
        guard tokens > 0, bytes > 0 else { return nil }
        let loss = nats / Double(tokens)
        return EvaluationRecord(
            step: step, loss: loss, perplexity: exp(loss), bitsPerByte: nats / log(2) / Double(bytes), tokens: tokens)
    }

    /// Lets the model write a little; the text depends on seed and step only.
    func sample(step: Int) throws -> SampleRecord? {
        guard plan.settings.sampleTokens > 0 else { return nil }
        let prompt = plan.settings.samplePrompt
        return SampleRecord(step: step, prompt: prompt, text: try write(prompt, tokens: plan.settings.sampleTokens, step: step))
    }

    /// A continuation of `prompt`; an empty prompt begins a document.
    func write(_ prompt: String, tokens: Int, step: Int) throws -> String {
        let endOfText = dataset.endOfText
        var ids = prompt.isEmpty ? [endOfText] : tokenizer.encode(prompt)
        ids = ids.suffix(max(1, plan.shape.context - tokens)).map { $0 }
        let count = min(tokens, plan.shape.context - ids.count)
        guard count > 0 else { return "" }
        let options = SamplingOptions(
            temperature: Float(plan.settings.sampleTemperature), topK: 50, seed: UInt64(bitPattern: Int64(plan.settings.seed &+ step)))
        return tokenizer.decode(try learner.write(after: ids, count: count, options, ends: [endOfText]))
    }
}
