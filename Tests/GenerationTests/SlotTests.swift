import QuintetGeneration
import QuintetLayers
import QuintetTensors
import Testing

/// Every slot of a spec: reading through the cache, in any pieces, equals the forward pass over the whole sequence.
@Suite(.serialized) struct SlotTests {
    /// A change of the small Llama-like model of `randomModel`.
    struct Slot: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let change: @Sendable (inout TransformerSpec) -> Void

        init(_ name: String, _ change: @escaping @Sendable (inout TransformerSpec) -> Void) {
            testDescription = name
            self.change = change
        }

        /// A change of every layer's attention.
        static func attention(_ name: String, _ change: @escaping @Sendable (inout AttentionSpec) -> Void) -> Slot {
            block(name) { block in
                guard case .attention(var attention) = block.mixer else { return }
                change(&attention)
                block.mixer = .attention(attention)
            }
        }

        static func block(_ name: String, _ change: @escaping @Sendable (inout BlockSpec) -> Void) -> Slot {
            Slot(name) { spec in
                var block = spec.layers[0]
                change(&block)
                spec.layers = LayerPattern(block, count: spec.layers.count)
            }
        }
    }

    static let layerNorm = Norm.layer(epsilon: 1e-5, .weightAndBias), rms = Norm.rms(epsilon: 1e-6, offset: 1)

    static let windows: [Slot] = [1, 5, 64, 70].map { width in Slot.attention("window of \(width)") { $0.span = .window(width) } }

    static let attentions: [Slot] = [
        .attention("softcap") { $0.softcap = 1.5 }, .attention("alibi") { $0.positions = .alibi(maxBias: 8, factor: 0.5) },
        .attention("rounded alibi") { $0.positions = .alibi(maxBias: 8, factor: 0.5, .brain) }, .attention("no positions") { $0.positions = .none }, .attention("clip") { $0.clip = 0.4 },
        .attention("norm of heads") { $0.queryKeyNorm = .heads(rms) }, .attention("norms of their own") { $0.queryKeyNorm = .headsOwn(layerNorm) },
        .attention("norm of all heads") { $0.queryKeyNorm = .whole(rms) }, .attention("biases") { $0.biases = .both },
        .attention("scale by depth") { $0.scale = .inverseSquareRootByDepth }, .attention("sinks") { $0.sinks = .learned },
        .attention("everything in one") { attention in
            (attention.span, attention.softcap, attention.queryKeyNorm, attention.clip) = (.window(9), 2, .whole(layerNorm), 1)
            attention.positions = .alibi(maxBias: 4)
        },
        .attention("part of a head") { $0.positions = .rotary(Rotary(width: 4, spread: 3, pairing: .interleaved)) },
        .attention("linear") { $0.positions = .rotary(Rotary(width: 8, scaling: .linear(factor: 4))) },
        .attention("llama3") { attention in
            attention.positions = .rotary(Rotary(width: 8, scaling: .llama3(factor: 8, lowFrequency: 1, highFrequency: 4, context: 16)))
        },
    ]

    static let blocks: [Slot] = [
        .block("post norm") { $0.residual = .post }, .block("sandwich") { $0.residual = .sandwich }, .block("output norm") { $0.residual = .output },
        .block("normalized stream") { $0.residual = .normalized }, .block("parallel") { $0.residual = .parallel },
        .block("parallel with two norms") { ($0.residual, $0.norm) = (.parallelTwoNorms, layerNorm) },
        .block("scaled branches") { ($0.branchScale, $0.residual) = (0.3, .sandwich) },
        .block("norm without weights") { $0.norm = .layer(epsilon: 1e-5, .none) },
        .block("plain") { $0.feedForward = .plain(hidden: 20, .geluQuick, .both) },
    ]

    static let models: [Slot] = [
        Slot("learned positions from a later row on") { $0.embedding.positions = .learned(offset: 2, counting: .tokens) },
        Slot("fixed waves") { $0.embedding.positions = .sinusoidal(Sinusoidal(offset: 2, zeroRow: 5)) },
        Slot("embedding with norm and factor") { $0.embedding = EmbeddingSpec(scale: 3, norm: layerNorm) },
        Slot("narrow token rows") { ($0.embedding.tokenWidth, $0.head) = (12, HeadSpec(.tied)) },
        Slot("tied head with bias") { $0.head = HeadSpec(.tiedWithBias, scale: 0.5, softcap: 4) },
        Slot("no final norm") { $0.finalNorm = nil },
        Slot("a pattern of layers") { spec in
            guard case .attention(var attention) = spec.layers[0].mixer else { return }
            var blocks: [BlockSpec] = []
            let kinds: [(Span, AttentionPositions)] = [
                (.window(6), .rotary(Rotary(base: 100, width: 8))), (.causal, .none), (.causal, .rotary(Rotary(width: 8))),
            ]
            for (span, positions) in kinds {
                (attention.span, attention.positions) = (span, positions)
                var block = spec.layers[0]
                block.mixer = .attention(attention)
                blocks.append(block)
            }
            spec.layers = LayerPattern(blocks)
        },
    ]

    @Test(arguments: windows + attentions + blocks + models) func theCacheEqualsTheWhole(_ slot: Slot) throws {
        let model = try randomModel(slot.change)
        let ids = (0..<150).map { Int32(($0 * 37 + 11) % 61) }
        let whole = try GenerationSession(model, capacity: 160)
        try whole.prefill(ids)
        for cut in [1, 64, 149] {
            let session = try GenerationSession(model, capacity: 160)
            try session.prefill(Array(ids[..<cut]))
            if cut < 100 { for id in ids[cut..<140] { session.step(id) } }
            try session.prefill(Array(ids[(cut < 100 ? 140 : cut)...]))
            #expect(Array(session.logits) == Array(whole.logits))
        }
        var pass = Pass.sequences(batch: 1, time: ids.count)
        let hidden = model(Tensor(ids, [ids.count]), &pass)
        let plain = model.logits(hidden.slice(0, 149..<150).contiguous()).floats
        let largest = plain.map(abs).max() ?? 1
        for (a, b) in zip(plain, whole.logits) { #expect(abs(a - b) <= 2e-5 * max(1, largest)) }
    }

    /// A text that grows past the length where its angles change is read again: nobody can tell that it began short.
    @Test func longRopeIsReadAgain() throws {
        let long = RopeScaling.LongRope(
            context: 20, short: [1, 1.1, 1.2, 1.3], long: [2, 3, 4, 5], attentionFactor: 1.2, crossing: .reread)
        let model = try randomModel { spec in
            Slot.attention("") { $0.positions = .rotary(Rotary(width: 8, scaling: .longrope(long))) }.change(&spec)
        }
        let ids = (0..<40).map { Int32(($0 * 37 + 11) % 61) }
        func logits(_ pieces: [Int], steps: Int) throws -> [Float] {
            let session = try GenerationSession(model, capacity: 64)
            var start = 0
            for piece in pieces {
                try session.prefill(Array(ids[start..<start + piece]))
                start += piece
            }
            for id in ids[start..<start + steps] { session.step(id) }
            return Array(session.logits)
        }
        #expect(try logits([5], steps: 35) == logits([40], steps: 0))
        #expect(try logits([5, 10, 10], steps: 15) == logits([40], steps: 0))
        #expect(try logits([20], steps: 0) == logits([5], steps: 15))
        #expect(try logits([21], steps: 0) == logits([20], steps: 1))
        let back = try GenerationSession(model, capacity: 64)
        try back.prefill(Array(ids[..<15]))
        for id in ids[15..<25] { back.step(id) }
        try back.rewind(to: 18)
        back.step(ids[18])
        #expect(try Array(back.logits) == logits([19], steps: 0))
        let session = try GenerationSession(model, capacity: 64)
        let first = try session.greedy(Array(ids[..<5]), count: 40)
        #expect(try session.greedy(Array(ids[..<5]), count: 40) == first)
    }

    /// Where it is not read again, what was turned stays as it is.
    @Test func longRopeKeepsItsKeys() {
        let long = RopeScaling.LongRope(context: 4, short: [1, 2], long: [3, 4], attentionFactor: 1, crossing: .keep)
        let rotary = Rotary(width: 4, scaling: .longrope(long))
        let (short, whole) = (rotary.table(length: 8, known: 2), rotary.table(length: 8, known: 8))
        #expect(Array(short[8..<16]) == Array(rotary.table(length: 4, known: 4)[8..<16]))
        #expect(Array(short[16...]) == Array(whole[16...]))
        #expect(Array(short[4..<8]) != Array(whole[4..<8]))
        #expect(rotary.rereadLength == nil)
    }

    @Test func bidirectionalModelsDoNotContinueTexts() throws {
        for span in [Span.bidirectional, .neighborhood(3)] {
            let model = try randomModel { spec in Slot.attention("") { $0.span = span }.change(&spec) }
            #expect(throws: OptionError.self) { try GenerationSession(model, capacity: 8) }
        }
    }
}
