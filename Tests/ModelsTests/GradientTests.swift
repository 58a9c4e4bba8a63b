import QuintetLayers
import QuintetTensors
import Testing

/// Gradients of whole models through every slot, against differences along random directions.
@Suite struct GradientTests {
    static let rms = Norm.rms(epsilon: 1e-3, offset: 1), layerNorm = Norm.layer(epsilon: 1e-3, .weightAndBias)

    static func spec(_ change: (inout AttentionSpec, inout BlockSpec, inout TransformerSpec) -> Void) -> TransformerSpec {
        var attention = AttentionSpec(heads: 4, kvHeads: 2, headWidth: 6, positions: .rotary(Rotary(width: 6)))
        var block = BlockSpec(mixer: .attention(attention), feedForward: .gated(hidden: 20, .silu, .none), norm: rms)
        var spec = TransformerSpec(
            vocabulary: 23, width: 16, context: 32, layers: LayerPattern(block, count: 2), finalNorm: layerNorm,
            initialization: Initialization(deviation: 0.25, outputs: .same))
        change(&attention, &block, &spec)
        block.mixer = .attention(attention)
        spec.layers = LayerPattern(block, count: 2)
        return spec
    }

    static let specs: [(name: String, spec: TransformerSpec)] = [
        ("window, cap, norms of heads", spec { a, _, _ in (a.span, a.softcap, a.queryKeyNorm) = (.window(3), 2, .heads(rms)) }),
        ("ALiBi, clip, norms of their own", spec { a, _, _ in
            (a.positions, a.clip, a.queryKeyNorm) = (.alibi(maxBias: 8, factor: 0.7), 2.5, .headsOwn(layerNorm))
        }),
        ("sandwich, whole norms, biases", spec { a, b, _ in (b.residual, a.queryKeyNorm, a.biases) = (.sandwich, .whole(layerNorm), .both) }),
        ("post norm, narrow rows, later positions", spec { a, b, s in
            (b.residual, b.norm, a.positions) = (.post, layerNorm, .none)
            s.embedding = EmbeddingSpec(scale: 2, tokenWidth: 7, positions: .learned(offset: 2), norm: layerNorm)
        }),
        ("output norm, scaled branches, bias of the head", spec { _, b, s in
            (b.residual, b.branchScale, s.head) = (.output, 0.4, HeadSpec(.tiedWithBias, scale: 0.5, softcap: 5))
        }),
        ("normalized stream, plain", spec { _, b, s in
            (b.residual, b.feedForward) = (.normalized, .plain(hidden: 18, .geluQuick, .both))
            s.embedding.positions = .sinusoidal(Sinusoidal(offset: 2))
        }),
        ("sinks, window", spec { a, _, _ in (a.sinks, a.span) = (.learned, .window(4)) }),
        ("parallel, own head", spec { a, b, s in
            (b.residual, s.head, a.positions) = (.parallel, HeadSpec(.ownWithBias), .rotary(Rotary(width: 4, spread: 3, pairing: .interleaved)))
        }),
    ]

    @Test(arguments: specs.indices) func agreeWithDifferences(_ index: Int) throws {
        let spec = Self.specs[index].spec
        for recompute in Recompute.allCases {
            let store = ParameterStore(spec.parameters)
            store.initialize(seed: 5)
            // Norms and biases away from their starts.
            let noise = Tensor(uninitialized: store.values.shape)
            noise.fillNormal(deviation: 0.1, seed: 6)
            move(store, along: noise.floats, by: 1)
            let model = try Transformer(spec, ParameterScope(store, .dense))
            let tape = Tape(parameters: store, recompute: recompute)
            let losses = loss(model, tape).losses
            _ = tape.backward(from: losses, gradient: losses)
            store.completeGradients()
            let gradient = store.gradients.floats
            for seed in 0..<4 as Range<UInt64> {
                let direction = Tensor(uninitialized: store.values.shape)
                direction.fillNormal(deviation: 1, seed: 100 + seed)
                let along = Swift.zip(gradient, direction.floats).reduce(0) { $0 + Double($1.0) * Double($1.1) }
                let numeric = difference(store, model, direction.floats)
                #expect(abs(along - numeric) <= 3e-3 * max(1, abs(numeric)), "\(Self.specs[index].name), \(recompute): \(along) is not \(numeric)")
            }
        }
    }

    private func difference(_ store: ParameterStore, _ model: Transformer, _ direction: [Float]) -> Double {
        let start = store.values.floats
        func at(_ step: Float) -> Double {
            set(store, Swift.zip(start, direction).map { $0 + step * $1 })
            return loss(model, nil).total
        }
        let h: Float = 2e-3
        defer { set(store, start) }
        return (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / Double(12 * h)
    }

    private func move(_ store: ParameterStore, along direction: [Float], by step: Float) {
        set(store, Swift.zip(store.values.floats, direction).map { $0 + step * $1 })
    }

    private func set(_ store: ParameterStore, _ values: [Float]) { store.values.copyIn(Tensor(values, store.values.shape)) }

    private func loss(_ model: Transformer, _ tape: Tape?) -> (losses: Tensor, total: Double) {
        let ids = Tensor((0..<14).map { Int32(($0 * 7 + 3) % 23) }, [14]), targets = Tensor((0..<14).map { Int32(($0 * 5 + 1) % 23) }, [14])
        var pass = Pass.sequences(batch: 2, time: 7, tape: tape)
        let losses = model.losses(ids, targets: targets, &pass)
        return (losses, losses.floats.reduce(0) { $0 + Double($1) })
    }
}
