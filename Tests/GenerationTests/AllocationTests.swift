import AllocationCounter
import QuintetGeneration
import QuintetLayers
import QuintetTensors
import Testing

/// A decode step allocates nothing after warm-up: no heap block, no Swift object.
@Suite struct AllocationTests {
    @Test func theCounterCounts() {
        guard allocations_can_be_counted() else { return }
        allocations_start()
        let values = (0..<100).map { $0 * 2 }
        #expect(allocations_stop() > 0 && values.count == 100)
    }

    @Test(.enabled(if: allocations_can_be_counted(), "allocations can be counted with glibc only"), arguments: [false, true])
    func decodeStepAllocatesNothing(rotary: Bool) throws {
        let threads = Threads.count
        // One thread, so that all the work is done, and counted, on this one.
        Threads.use(1)
        defer { Threads.use(threads) }
        let session = try GenerationSession(Self.model(rotary: rotary), capacity: 200)
        try session.prefill([1, 2, 3])
        var sampler = Sampler(SamplingOptions(temperature: 0.8, topK: 10, topP: 0.9, seed: 4), vocabulary: 31)
        for _ in 0..<4 { session.step(sampler.next(session.logits)) }
        allocations_start()
        // Far enough to cross into the second and third page of the cache.
        for _ in 0..<150 { session.step(sampler.next(session.logits)) }
        let count = allocations_stop()
        #expect(count == 0)
        #expect(session.count == 157)
    }

    private static func model(rotary: Bool) throws -> Transformer {
        let attention = AttentionSpec(
            heads: 4, kvHeads: 2, headWidth: 8, positions: rotary ? .rotary(Rotary(width: 8)) : .none)
        let block = BlockSpec(
            mixer: .attention(attention),
            feedForward: rotary ? .gated(hidden: 40, .silu, .none) : .plain(hidden: 64, .geluTanh, .both),
            norm: rotary ? .rms(epsilon: 1e-5, offset: 0) : .layer(epsilon: 1e-5, .weightAndBias))
        let spec = TransformerSpec(
            vocabulary: 31, width: 32, context: 256, embedding: EmbeddingSpec(positions: rotary ? .none : .learned()),
            layers: LayerPattern(block, count: 2), finalNorm: block.norm)
        let store = ParameterStore(spec.parameters, gradients: false)
        store.initialize(seed: 1)
        return try Transformer(spec, ParameterScope(store, .packed()))
    }
}
