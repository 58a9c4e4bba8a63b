import AllocationCounter
import QuintetGeneration
import QuintetLayers
import QuintetTensors
import Testing

/// Models with experts, latent attention or a state space: the cache gives the bits of the whole sequence, however it is cut.
@Suite(.serialized) struct SparseModelTests {
    static let norm = Norm.rms(epsilon: 1e-5, offset: 0)
    static let routing = Routing(experts: 6, chosen: 2, scoring: .softmaxOverAll, normalization: .sum(plus: 0))

    /// Blocks by a name that a failing test can show.
    static let blocks: [(name: String, block: BlockSpec)] = [
        ("experts", BlockSpec(mixer: .attention(plain), feedForward: .experts(ExpertsSpec(routing: routing, hidden: 20)), norm: norm)),
        ("clamped", BlockSpec(mixer: .attention(sinks), feedForward: .experts(clamped), norm: norm)),
        ("latent", BlockSpec(mixer: .latentAttention(latent), feedForward: .experts(grouped), norm: norm)),
        ("direct latent", BlockSpec(mixer: .latentAttention(direct), feedForward: .gated(hidden: 24, .silu, .none), norm: norm)),
        ("state space", BlockSpec(mixer: .stateSpace(StateSpaceSpec(inner: 40, states: 5, taps: 4, stepRank: 3)), feedForward: .none, norm: norm)),
    ]
    private static let plain = AttentionSpec(heads: 4, kvHeads: 2, headWidth: 8, positions: .rotary(Rotary(width: 8)))
    private static let sinks = AttentionSpec(
        heads: 4, kvHeads: 2, headWidth: 8, span: .window(9), positions: .rotary(Rotary(width: 8)), biases: .both, sinks: .learned)
    private static let clamped = ExpertsSpec(
        routing: Routing(experts: 5, chosen: 3, scoring: .softmaxOverChosen), hidden: 12, gate: .clamped(alpha: 1.702, limit: 7), biases: .both,
        router: .biased)
    private static let grouped = ExpertsSpec(
        routing: Routing(
            experts: 8, chosen: 3, scoring: .sigmoid, groups: .init(count: 4, kept: 2), normalization: .sum(plus: 1e-20), factor: 2.5), hidden: 12,
        router: .corrected, shared: .gated(hidden: 16, .silu))
    private static let latent = LatentAttentionSpec(
        heads: 3, plainWidth: 6, rotaryWidth: 4, valueWidth: 10, latentWidth: 12, query: .latent(rank: 14),
        rotary: Rotary(width: 4, pairing: .interleaved), scale: 0.3, norm: norm, biases: .both)
    private static let direct: LatentAttentionSpec = {
        var spec = latent
        spec.query = .direct
        spec.biases = .none
        return spec
    }()

    private func model(_ index: Int) throws -> Transformer {
        let block = Self.blocks[index].block
        return try randomModel {
            $0.layers = LayerPattern(block, count: 2)
            $0.finalNorm = Self.norm
        }
    }

    @Test(arguments: blocks.indices) func bitsDoNotDependOnTheCuts(_ index: Int) throws {
        let model = try model(index), name = Self.blocks[index].name
        let ids = (0..<140).map { Int32(($0 * 37 + 11) % 61) }
        let whole = try GenerationSession(model, capacity: 160)
        try whole.prefill(ids)
        let expected = Array(whole.logits)
        for cut in [1, 2, 64, 139] {
            let session = try GenerationSession(model, capacity: 160)
            try session.prefill(Array(ids[..<cut]))
            try session.prefill(Array(ids[cut...]))
            #expect(Array(session.logits) == expected, "\(name), cut at \(cut)")
        }
        let stepped = try GenerationSession(model, capacity: 160)
        try stepped.prefill([ids[0]])
        for id in ids.dropFirst() { stepped.step(id) }
        #expect(Array(stepped.logits) == expected, "\(name), step by step")
        var pass = Pass.sequences(batch: 1, time: ids.count)
        pass.length = 160
        let hidden = model(Tensor(ids, [ids.count]), &pass)
        let plain = model.logits(hidden.slice(0, 139..<140).contiguous()).floats
        for (a, b) in zip(plain, expected) { #expect(abs(a - b) <= 1e-5 * max(1, abs(b)), "\(name), without a cache") }
    }

    @Test(arguments: blocks.indices) func bitsDoNotDependOnThreads(_ index: Int) throws {
        let model = try model(index), before = Threads.count
        defer { Threads.use(before) }
        var results: [[Int32]] = []
        for threads in [1, 2, 3] {
            Threads.use(threads)
            results.append(try GenerationSession(model, capacity: 120).greedy([5, 6, 7], count: 80))
        }
        #expect(results[0] == results[1] && results[0] == results[2], "\(Self.blocks[index].name)")
        let session = try GenerationSession(model, capacity: 120)
        _ = try session.greedy([9, 8], count: 20)
        #expect(try session.greedy([5, 6, 7], count: 80) == results[0], "\(Self.blocks[index].name), begun again")
    }

    @Test(.enabled(if: allocations_can_be_counted(), "allocations can be counted with glibc only"), arguments: blocks.indices)
    func decodeStepAllocatesNothing(_ index: Int) throws {
        let threads = Threads.count
        Threads.use(1)
        defer { Threads.use(threads) }
        let session = try GenerationSession(model(index), capacity: 120)
        try session.prefill([1, 2, 3])
        for id in 0..<4 { session.step(Int32(id)) }
        allocations_start()
        for id in 0..<80 { session.step(Int32(id % 61)) }
        #expect(allocations_stop() == 0, "\(Self.blocks[index].name)")
    }

    /// Several sequences in one cache, rows mixed: each has the bits it has alone.
    @Test(arguments: blocks.indices) func neighborsDoNotMatter(_ index: Int) throws {
        let model = try model(index)
        let texts: [[Int32]] = [[3, 9, 27, 20, 60], [1, 2], [44, 44, 44, 44, 44, 44, 44, 44]]
        let alone = try texts.map { ids -> [Float] in
            let session = try GenerationSession(model, capacity: 16)
            try session.prefill(ids)
            return Array(session.logits)
        }
        let cache = KVCache(model.spec, sequences: 3, capacity: 16)
        for sequence in 0..<3 { cache.reserve(16, for: sequence) }
        let rows = texts.enumerated().flatMap { sequence, ids in ids.enumerated().map { (sequence, Int32($0), $1) } }
        let owners = Tensor(rows.map { Int32($0.0) }, [rows.count])
        var pass = Pass(batch: 1, positions: Tensor(rows.map(\.1), [rows.count]), length: 16, cache: CacheView(cache, sequences: owners))
        let hidden = model(Tensor(rows.map(\.2), [rows.count]), &pass)
        var end = 0
        for (sequence, ids) in texts.enumerated() {
            end += ids.count
            #expect(model.logits(hidden.slice(0, end - 1..<end).contiguous()).floats == alone[sequence], "\(Self.blocks[index].name), sequence \(sequence)")
        }
    }

    /// A training step moves every parameter: gradients flow through routers, experts, latents and states. Sinks stay as they are:
    /// the backward pass of attention gives them nothing yet.
    @Test(arguments: blocks.indices) func everyParameterGetsAGradient(_ index: Int) throws {
        let block = Self.blocks[index].block
        let spec = TransformerSpec(
            vocabulary: 31, width: 16, context: 32, layers: LayerPattern(block, count: 1), finalNorm: Self.norm, head: HeadSpec(.own),
            initialization: Initialization(deviation: 0.3, outputs: .same))
        let store = ParameterStore(spec.parameters)
        store.initialize(seed: 2)
        let model = try Transformer(spec, ParameterScope(store, .dense))
        let tape = Tape(parameters: store)
        var pass = Pass.sequences(batch: 2, time: 16, tape: tape)
        let ids = Tensor((0..<32).map { Int32(($0 * 7 + 3) % 31) }, [32]), targets = Tensor((0..<32).map { Int32(($0 * 7 + 10) % 31) }, [32])
        store.clearGradients()
        let losses = model.losses(ids, targets: targets, scale: 1, &pass)
        _ = tape.backward(from: losses, gradient: losses)
        store.completeGradients()
        for (place, entry) in store.entries.enumerated() where !["correction", "sinks"].contains(where: entry.name.hasSuffix) {
            let isThere = store.gradient(place).floats.contains { $0 != 0 }
            #expect(isThere, "\(Self.blocks[index].name): \(entry.name)")
            let isFinite = store.gradient(place).floats.allSatisfy { $0.isFinite }
            #expect(isFinite, "\(Self.blocks[index].name): \(entry.name)")
        }
    }
}
