import QuintetGeneration
import QuintetLayers
import QuintetTensors
import Testing

@Suite(.serialized) struct SessionTests {
    private func logits(_ session: GenerationSession) -> [Float] { Array(session.logits) }

    private static let changes: [@Sendable (inout TransformerSpec) -> Void] = [
        { _ in }, { $0.embedding.positions = .learned() }, { $0.head = HeadSpec(.tied, scale: 0.5, softcap: 3) },
    ]

    /// However the prompt is cut, and whether tokens come one by one or together, the bits are the same.
    @Test(arguments: 0..<3) func bitsDoNotDependOnTheCuts(_ change: Int) throws {
        let model = try randomModel(Self.changes[change])
        let ids = (0..<150).map { Int32(($0 * 37 + 11) % 61) }
        let whole = try GenerationSession(model, capacity: 160)
        try whole.prefill(ids)
        for cut in [1, 2, 63, 64, 65, 100, 149] {
            let session = try GenerationSession(model, capacity: 160)
            try session.prefill(Array(ids[..<cut]))
            try session.prefill(Array(ids[cut...]))
            #expect(logits(session) == logits(whole))
        }
        let stepped = try GenerationSession(model, capacity: 160)
        try stepped.prefill([ids[0]])
        for id in ids.dropFirst() { stepped.step(id) }
        #expect(logits(stepped) == logits(whole))
        var pass = Pass.sequences(batch: 1, time: ids.count)
        pass.length = 160
        let hidden = model(Tensor(ids, [ids.count]), &pass)
        let plain = model.logits(hidden.slice(0, 149..<150).contiguous()).floats
        for (a, b) in zip(plain, logits(whole)) { #expect(abs(a - b) <= 1e-5 * max(1, abs(b))) }
    }

    /// A long prompt is left between two chunks; what was read stays, and the rest goes on from there.
    @Test func aPromptCanBeLeft() throws {
        let model = try randomModel()
        let ids = (0..<1300).map { Int32(($0 * 37 + 11) % 61) }
        let whole = try GenerationSession(model, capacity: 1400), left = try GenerationSession(model, capacity: 1400)
        var asked = 0
        let isRead = try left.prefill(ids) {
            asked += 1
            return asked == 2
        }
        #expect(!isRead && left.count == 1024 && asked == 2)
        let rest = try left.prefill(Array(ids[1024...]))
        try whole.prefill(ids)
        #expect(rest && logits(left) == logits(whole))
    }

    @Test func bitsDoNotDependOnThreads() throws {
        let model = try randomModel()
        let before = Threads.count
        defer { Threads.use(before) }
        var results: [[Int32]] = []
        for threads in [1, 2, 3] {
            Threads.use(threads)
            results.append(try GenerationSession(model, capacity: 200).greedy([5, 6, 7], count: 150))
        }
        #expect(results[0] == results[1])
        #expect(results[0] == results[2])
    }

    @Test func aSessionStartsAgain() throws {
        let session = try GenerationSession(try randomModel(), capacity: 64)
        let first = try session.greedy([1, 2, 3], count: 40)
        #expect(try session.greedy([1, 2, 3], count: 40) == first)
        #expect(first.count == 40)
    }

    @Test func refusesWhatDoesNotFit() throws {
        let model = try randomModel()
        let session = try GenerationSession(model, capacity: 8)
        #expect(throws: OptionError.self) { try session.prefill([Int32](repeating: 1, count: 9)) }
        #expect(throws: OptionError.self) { try session.prefill([]) }
        #expect(throws: OptionError.self) { try session.prefill([61]) }
        #expect(throws: OptionError.self) { try session.prefill([-1]) }
        #expect(throws: OptionError.self) { try GenerationSession(model, capacity: 0) }
        let learned = try randomModel { $0.embedding.positions = .learned() }
        #expect(throws: OptionError.self) { try GenerationSession(learned, capacity: 257) }
        #expect(session.count == 0)
    }
}
