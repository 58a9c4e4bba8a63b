import QuintetTensors
import Testing

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The fused projection and loss against a plain f64 computation and central differences, whatever the chunking.
@Suite struct CrossEntropyTests {
    static let targets = Tensor([3, 0, -1, 6, 2] as [Int32], [5])

    /// Mean-free loss in f64: sum of -log softmax over targets that count.
    static func reference(_ x: [Float], _ w: [Float], width: Int, vocabulary: Int) -> Double {
        var total = 0.0
        for (row, target) in targets.integers.enumerated() where target >= 0 {
            let logits = (0..<vocabulary).map { v -> Double in
                var sum = 0.0
                for c in 0..<width { sum += Double(x[row * width + c]) * Double(w[v * width + c]) }
                return sum
            }
            let top = logits.max() ?? 0
            total += log(logits.reduce(0) { $0 + exp($1 - top) }) + top - logits[Int(target)]
        }
        return total
    }

    @Test(arguments: [1 << 20, 7 * 4 * 2, 1])
    func lossAndGradientsEqualTheReference(chunkBytes: Int) throws {
        let (width, vocabulary) = (4, 7)
        let specs = [ParameterSpec(name: "w", shape: [vocabulary, width], role: .head, start: .normal(deviation: 1))]
        let store = ParameterStore(specs)
        store.initialize(seed: 5)
        let tape = Tape(parameters: store)
        let x = tape.input(random([5, width], seed: 8))
        let losses = projectedCrossEntropy(
            x, store.tensor(0), targets: Self.targets, scale: 0.5, chunkBytes: chunkBytes, tape)
        let (xs, ws) = (x.floats, store.master(0).floats)
        let expected = Self.reference(xs, ws, width: width, vocabulary: vocabulary)
        #expect(abs(losses.floats.reduce(0) { $0 + Double($1) } - expected) < 1e-4)
        #expect(losses.floats[2] == 0)
        let gradients = tape.backward(from: losses, gradient: losses)
        let dx = try #require(gradients[x]).floats
        for index in xs.indices {
            var (up, down) = (xs, xs)
            up[index] += 0.01
            down[index] -= 0.01
            let slope = (Self.reference(up, ws, width: width, vocabulary: vocabulary)
                - Self.reference(down, ws, width: width, vocabulary: vocabulary)) / Double(up[index] - down[index])
            #expect(abs(Double(dx[index]) - 0.5 * slope) < 1e-4)
        }
        let dw = store.gradient(0).floats
        for index in ws.indices {
            var (up, down) = (ws, ws)
            up[index] += 0.01
            down[index] -= 0.01
            let slope = (Self.reference(xs, up, width: width, vocabulary: vocabulary)
                - Self.reference(xs, down, width: width, vocabulary: vocabulary)) / Double(up[index] - down[index])
            #expect(abs(Double(dw[index]) - 0.5 * slope) < 1e-4)
        }
    }
}
