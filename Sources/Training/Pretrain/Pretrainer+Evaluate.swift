import QuintetCorpus
import QuintetTensors

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

extension Pretrainer {
    /// Loss, perplexity and bits per byte on held-out text; remembers the best.
    func evaluateNow() throws -> EvaluationRecord? {
        guard let record = evaluate() else { return nil }
        if record.loss < state.bestLoss ?? .infinity {
            state.bestLoss = record.loss
            state.bestStep = state.step
        }
        try tell { try $0.evaluated(record) }
        return record
    }

    /// About `evalTokens` of the validation split, spread evenly, in fixed order; nil where there are too few for one sequence.
    func evaluate() -> EvaluationRecord? {
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
            step: state.step, loss: loss, perplexity: exp(loss), bitsPerByte: nats / log(2) / Double(bytes), tokens: tokens)
    }
}
