import QuintetGeneration
import QuintetLayers
import QuintetTensors

extension Learner {
    /// At most `count` ids that the model as it stands writes after `prompt`; one of `ends` is where it stops, and is left out.
    func write(after prompt: [Int32], count: Int, _ options: SamplingOptions, ends: [Int32]) throws -> [Int32] {
        let session = try GenerationSession(model, capacity: prompt.count + count)
        var sampler = Sampler(options, vocabulary: spec.vocabulary)
        try session.prefill(prompt)
        var written: [Int32] = []
        while written.count < count {
            let next = sampler.next(session.logits)
            if ends.contains(next) { break }
            written.append(next)
            // Read, not stepped: a recorded step would keep all numbers that are made of a frozen base's blocks.
            if written.count < count { try session.prefill([next]) }
        }
        return written
    }
}
