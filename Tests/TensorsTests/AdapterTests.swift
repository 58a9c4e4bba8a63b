import QuintetTensors
import Testing

/// Products with frozen and adapted weights: what they compute, and what flows back.
@Suite struct AdapterTests {
    static let (rows, inputs, outputs) = (7, 64, 40)

    /// Two ranges of rows with ranks of their own, one row range twice, and rows that nothing changes.
    static func change(_ a: Tensor, _ b: [Tensor], magnitudes: [Tensor?] = [nil, nil, nil], dropout: Float = 0) -> LowRank {
        let rows = [0..<16, 16..<23, 0..<16], ranks = [0..<3, 3..<5, 5..<9]
        return LowRank(
            down: a,
            parts: (0..<3).map { LowRank.Part(rows: rows[$0], ranks: ranks[$0], up: b[$0], scale: 0.5 + Float($0), magnitude: magnitudes[$0], adapter: $0) },
            dropout: dropout, stream: 3)
    }

    static let a = random([9, inputs], seed: 11, deviation: 0.2)
    static let b = [random([16, 3], seed: 12), random([7, 2], seed: 13), random([16, 4], seed: 14)]
    static let w = random([outputs, inputs], seed: 15, deviation: 0.2)
    static let x = random([rows, inputs], seed: 16)

    /// The weight that an adapted one stands for, in f64.
    static func whole(_ w: Tensor = w) -> [Double] {
        let (wf, af) = (w.floats, a.floats)
        var sum = wf.map(Double.init)
        for part in change(a, b).parts {
            let up = part.up.floats
            for (row, o) in part.rows.enumerated() {
                for k in 0..<part.ranks.count {
                    for i in 0..<inputs { sum[o * inputs + i] += Double(part.scale * up[row * part.ranks.count + k]) * Double(af[(part.ranks.lowerBound + k) * inputs + i]) }
                }
            }
        }
        return sum
    }

    static func product(_ x: Tensor, _ w: [Double]) -> [Double] {
        let xs = x.floats
        return (0..<x.shape[0]).flatMap { row in
            (0..<outputs).map { o in (0..<inputs).reduce(0) { $0 + Double(xs[row * inputs + $1]) * w[o * inputs + $1] } }
        }
    }

    static func distance(_ y: [Float], _ z: [Double]) -> Double { Swift.zip(y, z).map { abs(Double($0) - $1) }.max() ?? .infinity }

    @Test func theProductIsThatOfTheSum() {
        let expected = Self.product(Self.x, Self.whole())
        for base in [Weight.dense(Self.w), .stored(StoredMatrix([Self.w.slice(0, 0..<9), Self.w.slice(0, 9..<Self.outputs)])), .packed(PackedMatrix(Self.w))] {
            let weight = Weight.adapted(AdaptedMatrix(base, Self.change(Self.a, Self.b)))
            #expect(Self.distance(matmul(Self.x, weight).floats, expected) < 2e-5)
        }
        let packed = AdaptedMatrix(.packed(PackedMatrix(Self.w)), Self.change(Self.a, Self.b), isPacked: true)
        let y = matmul(Self.x, .adapted(packed)).floats
        #expect(Self.distance(y, expected) < 2e-5)
        // A row's bits do not depend on the rows beside it.
        #expect(matmul(Self.x.slice(0, 3..<4), .adapted(packed)).floats == Array(y[3 * Self.outputs..<4 * Self.outputs]))
    }

    @Test(arguments: [Activation.identity, .geluTanh]) func gradientsAgreeWithDifferences(activation: Activation) {
        let bias = random([Self.outputs], seed: 21), residual = random([3, Self.outputs], seed: 22), gate = random([3, Self.outputs], seed: 23)
        // Small A and B, or a step in the other moves the activation's argument so far that differences say little.
        let a = scale(Self.a, by: 0.2), b = Self.b.map { scale($0, by: 0.2) }
        for dropout in [Float(0), 0.4] {
            checkGradients([Self.x.slice(0, 0..<3).copied(), a] + b + [bias, residual, gate], tolerance: 5e-4) { t, tape in
                let weight = Weight.adapted(AdaptedMatrix(.stored(StoredMatrix([Self.w])), Self.change(t[1], Array(t[2...4]), dropout: dropout)))
                let epilogue = Epilogue(bias: t[5], activation: activation, gate: activation == .identity ? nil : t[7], residual: t[6])
                return matmul(t[0], weight, epilogue, adapting: Adapting(dropoutSeed: 5), tape)
            }
        }
    }

    @Test func magnitudesStretchRows() throws {
        let lengths = random([16], seed: 31).floats.map { abs($0) + 1 }
        let m = Tensor(lengths, [16]), bias = random([Self.outputs], seed: 32)
        func adapted(_ t: [Tensor]) -> Weight {
            let change = LowRank(
                down: t[1],
                parts: [
                    LowRank.Part(rows: 5..<21, ranks: 0..<3, up: t[2], scale: 0.5, magnitude: t[3]),
                    LowRank.Part(rows: 21..<28, ranks: 3..<5, up: t[4], scale: 2),
                ])
            return .adapted(AdaptedMatrix(.dense(Self.w), change))
        }
        let a = random([5, Self.inputs], seed: 33, deviation: 0.2), up = [random([16, 3], seed: 34), random([7, 2], seed: 35)]
        let tape = Tape()
        let t = [Self.x, a, up[0], m, up[1]].map(tape.input)
        let y = matmul(t[0], adapted(t), Epilogue(bias: bias), tape)
        // Rows of the sum, at the lengths that the magnitudes say.
        var weight = Self.w.floats.map(Double.init)
        let (af, bf) = (a.floats, up.map(\.floats))
        for (part, start, first, rank, scale) in [(0, 5, 0, 3, 0.5), (1, 21, 3, 2, 2.0)] {
            for row in 0..<bf[part].count / rank {
                for k in 0..<rank { for i in 0..<Self.inputs { weight[(start + row) * Self.inputs + i] += scale * Double(bf[part][row * rank + k]) * Double(af[(first + k) * Self.inputs + i]) } }
            }
        }
        var gains = [Double](repeating: 1, count: Self.outputs)
        for row in 0..<16 {
            let length = (0..<Self.inputs).reduce(0) { $0 + weight[(5 + row) * Self.inputs + $1] * weight[(5 + row) * Self.inputs + $1] }.squareRoot()
            gains[5 + row] = Double(lengths[row]) / length
        }
        let raw = Self.product(Self.x, weight), bs = bias.floats
        let expected = raw.enumerated().map { $1 * gains[$0 % Self.outputs] + Double(bs[$0 % Self.outputs]) }
        #expect(Self.distance(y.floats, expected) < 1e-4)
        // The lengths count as constants: gradients are those of a weight whose rows were stretched once and for all.
        let dy = random(y.shape, seed: 36)
        let gradients = tape.backward(from: y, gradient: dy), dys = dy.floats
        let dm = try #require(gradients[t[3]]).floats
        for row in 0..<16 {
            let slope = (0..<Self.rows).reduce(0.0) { $0 + Double(dys[$1 * Self.outputs + 5 + row]) * raw[$1 * Self.outputs + 5 + row] } * gains[5 + row] / Double(lengths[row])
            #expect(abs(Double(dm[row]) - slope) < 1e-4)
        }
        let dx = try #require(gradients[t[0]]).floats
        for (index, value) in dx.enumerated() {
            let (row, i) = (index / Self.inputs, index % Self.inputs)
            let slope = (0..<Self.outputs).reduce(0.0) { $0 + Double(dys[row * Self.outputs + $1]) * gains[$1] * weight[$1 * Self.inputs + i] }
            #expect(abs(Double(value) - slope) < 2e-4)
        }
        let xs = Self.x.floats, db = try #require(gradients[t[2]]).floats
        for (index, value) in db.enumerated() {
            let (row, k) = (index / 3, index % 3)
            let slope = (0..<Self.rows).reduce(0.0) { sum, n in
                let u = (0..<Self.inputs).reduce(0.0) { $0 + Double(xs[n * Self.inputs + $1]) * Double(af[k * Self.inputs + $1]) }
                return sum + Double(dys[n * Self.outputs + 5 + row]) * gains[5 + row] * 0.5 * u
            }
            #expect(abs(Double(value) - slope) < 2e-4)
        }
        #expect(gradients[t[1]] != nil && gradients[t[4]] != nil)
    }

    /// Bytes from which every format makes finite numbers.
    static func blocks(_ dtype: DType, rows: Int, columns: Int) -> Tensor {
        let tensor = Tensor(uninitialized: [rows, columns], dtype: dtype)
        let noise = random([tensor.byteCount / 4 + 1], seed: UInt64(dtype.rawValue))
        noise.data.withMemoryRebound(to: UInt8.self, capacity: tensor.byteCount) { from in
            for index in 0..<tensor.byteCount { tensor.data.storeBytes(of: from[index] & 0x3B, toByteOffset: index, as: UInt8.self) }
        }
        return tensor
    }

    @Test(arguments: DType.allCases.filter(\.isBlockFormat)) func gradientsPassThroughBlocks(dtype: DType) throws {
        // Few rows and many; runs that are cut within a block.
        for (count, rows, columns) in [(5, 35, 512), (40, 70, 1280), (270, 530, 1536)] { try check(dtype, count, rows, columns) }
    }

    private func check(_ dtype: DType, _ count: Int, _ rows: Int, _ columns: Int) throws {
        let blocks = Self.blocks(dtype, rows: rows, columns: columns), plain = blocks.cast(to: .f32)
        let isFinite = plain.floats.allSatisfy { $0.isFinite }
        #expect(isFinite)
        let x = random([count, columns], seed: 41), dy = random([count, rows], seed: 42)
        var results: [(y: [Float], dx: [Float])] = []
        for weight in [Weight.stored(StoredMatrix([blocks.slice(0, 0..<3), blocks.slice(0, 3..<rows)])), .dense(plain)] {
            let tape = Tape(), input = tape.input(x)
            let y = matmul(input, weight, Epilogue(), tape)
            results.append((y.floats, try #require(tape.backward(from: y, gradient: dy)[input]).floats))
        }
        #expect(results[0].y == results[1].y)
        #expect(results[0].dx == results[1].dx)
    }

    @Test(arguments: [DType.f32, .bf16, .q4_0]) func roundedProductsAreThoseOfRoundedNumbers(dtype: DType) throws {
        let (rows, columns) = (61, 320)
        let w = random([rows, columns], seed: 61).cast(to: dtype), plain = w.cast(to: .f32)
        func rounded(_ x: Tensor) -> Tensor { x.cast(to: .bf16).cast(to: .f32) }
        for count in [1, 3, 40, 130] {
            let x = random([count, columns], seed: 62), dy = random([count, rows], seed: 63)
            func both(_ weight: Weight, _ x: Tensor, _ dy: Tensor) throws -> (y: [Float], dx: [Float]) {
                let tape = Tape(), input = tape.input(x)
                let y = matmul(input, weight, Epilogue(), tape)
                return (y.floats, try #require(tape.backward(from: y, gradient: dy)[input]).floats)
            }
            let ours = try both(.stored(StoredMatrix([w], .brain)), x, dy)
            let exact = try both(.dense(plain), x, dy), near = try both(.dense(rounded(plain)), rounded(x), rounded(dy))
            for (a, b, c) in [(ours.y, exact.y, near.y), (ours.dx, exact.dx, near.dx)] {
                let far = Swift.zip(a, c).map { abs($0 - $1) }.max() ?? 1
                // An odd number of outputs, and machines without such products, take numbers as they are.
                #expect(far < 1e-4 || a == b, "\(count) rows: \(far)")
            }
            // A row's bits do not depend on the others.
            #expect(try both(.stored(StoredMatrix([w], .brain)), x.slice(0, 0..<1).copied(), dy.slice(0, 0..<1).copied()).y == Array(ours.y[..<rows]))
        }
    }

    @Test func rowsChooseTheirAdapters() {
        let matrix = AdaptedMatrix(.packed(PackedMatrix(Self.w)), Self.change(Self.a, Self.b), isPacked: true)
        let plain = matmul(Self.x, .packed(PackedMatrix(Self.w))).floats, all = matmul(Self.x, .adapted(matrix)).floats
        var shares = [Float](repeating: 0, count: Self.rows * 3)
        for row in 0..<Self.rows where row % 2 == 1 { for adapter in 0..<3 { shares[row * 3 + adapter] = 1 } }
        let mixed = matmul(Self.x, .adapted(matrix), adapting: Adapting(shares: Tensor(shares, [Self.rows, 3]))).floats
        for row in 0..<Self.rows {
            let columns = row * Self.outputs..<(row + 1) * Self.outputs
            #expect(Array(mixed[columns]) == Array((row % 2 == 1 ? all : plain)[columns]), "row \(row)")
        }
    }

    @Test func aHeadWithAnAdapterLearns() throws {
        let store = ParameterStore([
            ParameterSpec(name: "a", shape: [2, 16], role: .matrix(rows: [2]), start: .normal(deviation: 0.3)),
            ParameterSpec(name: "b", shape: [11, 2], role: .matrix(rows: [11]), start: .normal(deviation: 0.3)),
        ])
        store.initialize(seed: 4)
        let w = random([11, 16], seed: 51, deviation: 0.3), x = random([6, 16], seed: 52)
        let targets = Tensor([3, 0, -1, 10, 2, 7] as [Int32], [6])
        func loss(_ tape: Tape?) -> Tensor {
            let change = LowRank(down: store.tensor(0), parts: [LowRank.Part(rows: 0..<11, ranks: 0..<2, up: store.tensor(1), scale: 1.5)])
            let weight = Weight.adapted(AdaptedMatrix(.stored(StoredMatrix([w])), change))
            return projectedCrossEntropy(x, weight, targets: targets, scale: 1, logitScale: 0.7, softcap: 3, chunkBytes: 4 * 11 * 2, tape)
        }
        let tape = Tape(parameters: store)
        let losses = loss(tape)
        _ = tape.backward(from: losses, gradient: losses)
        for index in 0..<2 {
            let (values, gradient) = (store.master(index).floats, store.gradient(index).floats)
            for element in values.indices {
                func at(_ step: Float) -> Double {
                    var moved = values
                    moved[element] += step
                    store.master(index).copyIn(Tensor(moved, store.master(index).shape))
                    defer { store.master(index).copyIn(Tensor(values, store.master(index).shape)) }
                    return loss(nil).floats.reduce(0) { $0 + Double($1) }
                }
                let slope = (at(0.02) - at(-0.02)) / 0.04
                #expect(abs(Double(gradient[element]) - slope) < 2e-3)
            }
        }
    }

    @Test func aFrozenBaseKeepsNoGradient() {
        let tape = Tape()
        // Nothing learns and nothing is asked: nothing is recorded.
        let y = matmul(Self.x, .stored(StoredMatrix([Self.w])), Epilogue(), tape)
        #expect(!tape.needs(y))
    }
}
