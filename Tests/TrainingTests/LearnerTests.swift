import QuintetLayers
import QuintetTensors
import QuintetTraining
import Testing

/// The training step: it learns, and its bits do not depend on threads or on what is recomputed.
@Suite(.serialized) struct LearnerTests {
    static let shapes = [
        ModelShape(.gpt2, layers: 2, width: 24, heads: 3, context: 16, vocabulary: 37),
        ModelShape(.llama, layers: 2, width: 24, heads: 3, feedForward: 40, context: 16, vocabulary: 37),
    ]

    static func groups(_ optimizer: OptimizerKind = .adamw) throws -> OptimizerGroups {
        var config = TrainingConfig()
        config.optimizer = optimizer
        config.learningRate = 3e-3
        config.steps = 10
        return try config.plan(vocabulary: 37).groups
    }

    static func batch(_ rows: Int) -> (inputs: Tensor, targets: Tensor) {
        let ids = (0...rows).map { (row: Int) -> Int32 in Int32((row * row * 7 + row * 3) % 37) }
        return (Tensor(Array(ids.dropLast()), [rows]), Tensor(Array(ids.dropFirst()), [rows]))
    }

    static func trained(
        _ shape: ModelShape, steps: Int, recompute: Recompute = .none, dtype: DType = .f32, optimizer: OptimizerKind = .adamw,
        dropout: Double = 0
    ) throws -> (weights: [Float], losses: [Double]) {
        let learner = try Learner(
            shape.spec(dropout: dropout), groups: groups(optimizer), seed: 7, matrixDType: dtype, recompute: recompute)
        var losses: [Double] = []
        for step in 0..<steps {
            let (inputs, targets) = batch(3 * 13)
            let seed = dropout > 0 ? UInt64(step + 1) : nil
            losses.append(learner.accumulate(inputs, targets, batch: 3, tokensPerUpdate: 39, dropoutSeed: seed) / 39)
            #expect(learner.update(rateFactor: 1, clip: 1).applied)
        }
        return (learner.store.values.floats, losses)
    }

    @Test(arguments: shapes, [OptimizerKind.adamw, .muon])
    func lossFalls(shape: ModelShape, optimizer: OptimizerKind) throws {
        let losses = try Self.trained(shape, steps: 40, optimizer: optimizer).losses
        #expect(losses[0] > 3.3 && losses[0] < 3.9, "a fresh model is close to uniform: ln 37 = 3.61")
        #expect(losses[39] < 0.6 * losses[0])
    }

    @Test(arguments: shapes)
    func bitsDoNotDependOnThreads(shape: ModelShape) throws {
        let threads = Threads.count
        defer { Threads.use(threads) }
        let results = try [1, 2, 3].map { count in
            Threads.use(count)
            return try Self.trained(shape, steps: 3, dropout: 0.1).weights
        }
        #expect(results[0] == results[1])
        #expect(results[0] == results[2])
    }

    @Test(arguments: shapes, [Recompute.activations, .block])
    func recomputingChangesNoBit(shape: ModelShape, level: Recompute) throws {
        let plain = try Self.trained(shape, steps: 3, dropout: 0.1).weights
        #expect(try Self.trained(shape, steps: 3, recompute: level, dropout: 0.1).weights == plain)
    }

    @Test(arguments: shapes)
    func dropoutCountsInEveryFamily(shape: ModelShape) throws {
        #expect(try Self.trained(shape, steps: 1, dropout: 0.3).losses != Self.trained(shape, steps: 1).losses)
    }

    @Test(arguments: shapes)
    func lowPrecisionMatricesStayClose(shape: ModelShape) throws {
        let exact = try Self.trained(shape, steps: 20).losses
        let rounded = try Self.trained(shape, steps: 20, dtype: .bf16).losses
        #expect(abs(exact[19] - rounded[19]) < 0.1)
    }

    @Test(arguments: shapes)
    func twoHalfBatchesGiveTheGradientOfOne(shape: ModelShape) throws {
        let (inputs, targets) = Self.batch(4 * 11)
        let whole = try Learner(shape.spec(), groups: Self.groups(), seed: 7)
        _ = whole.accumulate(inputs, targets, batch: 4, tokensPerUpdate: 44)
        let halves = try Learner(shape.spec(), groups: Self.groups(), seed: 7)
        for half in [0..<22, 22..<44] {
            _ = halves.accumulate(inputs.slice(0, half), targets.slice(0, half), batch: 2, tokensPerUpdate: 44)
        }
        let norm = whole.gradientNorm()
        _ = halves.gradientNorm()
        for (a, b) in zip(whole.store.gradients.floats, halves.store.gradients.floats) { #expect(abs(a - b) < 1e-5 * Float(norm)) }
    }

    @Test func aGradientThatIsNotFiniteMovesNothing() throws {
        let learner = try Learner(Self.shapes[0].spec(), groups: Self.groups(), seed: 7)
        let before = learner.store.values.floats
        let (inputs, targets) = Self.batch(11)
        _ = learner.accumulate(inputs, targets, batch: 1, tokensPerUpdate: 11)
        learner.store.gradient(3).fill(.nan)
        let outcome = learner.update(rateFactor: 1, clip: 1)
        #expect(!outcome.applied && !outcome.gradientNorm.isFinite)
        #expect(learner.store.values.floats == before)
        #expect(learner.optimizer.updates == 0)
    }

    /// Every parameter of a tiny model against central differences of the loss.
    @Test(arguments: shapes)
    func wholeModelGradient(shape: ModelShape) throws {
        var shape = shape
        shape.layers = 1
        let learner = try Learner(shape.spec(), groups: Self.groups(), seed: 3)
        let (inputs, targets) = Self.batch(2 * 5)
        for index in learner.store.entries.indices { learner.store.master(index).fillNormal(deviation: 0.3, seed: 5, stream: UInt64(index)) }
        _ = learner.accumulate(inputs, targets, batch: 2, tokensPerUpdate: 1)
        _ = learner.gradientNorm()
        for (index, entry) in learner.store.entries.enumerated() {
            let (value, gradient) = (learner.store.master(index), learner.store.gradient(index).floats)
            let scale = max(1, gradient.map(abs).max() ?? 0)
            for element in stride(from: 0, to: entry.shape.count, by: max(1, entry.shape.count / 9)) {
                let slope = Self.slope(learner, value, element) { learner.evaluate(inputs, targets, batch: 2) }
                #expect(abs(slope - Double(gradient[element])) < 3e-3 * Double(scale), "\(entry.name)[\(element)]")
            }
        }
    }

    private static func slope(_ learner: Learner, _ value: Tensor, _ element: Int, _ loss: () -> Double) -> Double {
        let place = value.data.assumingMemoryBound(to: Float.self) + element
        let (original, step) = (place.pointee, Float(0.01))
        func at(_ offset: Float) -> Double {
            place.pointee = original + offset
            return loss()
        }
        defer { place.pointee = original }
        return (8 * (at(step) - at(-step)) - (at(2 * step) - at(-2 * step))) / Double(12 * step)
    }
}
