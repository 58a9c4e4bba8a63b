import QuintetTensors
import Testing

@Suite struct TensorTests {
    @Test func viewsShareBytesAndCopiesDoNot() {
        let x = Tensor((0..<24).map(Float.init), [2, 3, 4])
        #expect(x.permuted([2, 0, 1]).floats.prefix(3) == [0, 4, 8])
        #expect(x.slice(1, 1..<2).floats == [4, 5, 6, 7, 16, 17, 18, 19])
        #expect(x.reshaped([4, 6]).transposed.floats.prefix(4) == [0, 6, 12, 18])
        #expect(x.slice(0, 0..<0).floats.isEmpty)
    }

    @Test func castsRoundToNearestEven() {
        let x = Tensor([1, 1.00390625, -2.5, 65504, 1e-8], [5])
        #expect(x.cast(to: .f16).floats == [1, 1.00390625, -2.5, 65504, 0])
        #expect(x.cast(to: .bf16).floats[1] == 1)
        #expect(x.cast(to: .bf16).dtype == .bf16)
    }

    @Test func sizeClassesHoldWhatIsAsked() {
        for bytes in [1, 63, 64, 65, 511, 513, 4096, 100_000, 3 << 20, (5 << 20) + 1] {
            let tensor = Tensor(uninitialized: [bytes], dtype: .u8)
            #expect(tensor.storage.byteCount == bytes)
            #expect(UInt(bitPattern: tensor.data) % 64 == 0)
        }
    }

    @Test func freedBlocksAreHandedOutAgain() {
        func round() { for size in [100, 5000, 70_000] { _ = Tensor.filled([size]) } }
        round()
        let before = Allocator.shared.statistics.systemRequests
        for _ in 0..<100 { round() }
        // Other tests run beside this one and may ask for memory of their own, but not hundreds of times for these sizes.
        #expect(Allocator.shared.statistics.systemRequests - before < 100)
    }

    @Test func randomNumbersDependOnSeedStreamAndPlaceOnly() {
        let long = random([1000], seed: 3).floats
        let short = random([10], seed: 3).floats
        #expect(Array(long.prefix(10)) == short)
        #expect(random([10], seed: 4).floats != short)
        let mean = long.reduce(0, +) / 1000
        #expect(abs(mean) < 0.15)
    }

    @Test func parametersStartTheSameAndGradientsOverwriteThenAdd() throws {
        let specs = [
            ParameterSpec(name: "a", shape: [3, 2], role: .matrix(rows: [3]), start: .normal(deviation: 0.02)),
            ParameterSpec(name: "b", shape: [3], role: .vector, start: .fill(1)),
        ]
        let (one, two) = (ParameterStore(specs), ParameterStore(specs))
        one.initialize(seed: 1)
        two.initialize(seed: 1)
        #expect(one.values.floats == two.values.floats)
        #expect(one.master(1).floats == [1, 1, 1])
        let x = Tensor([1, 2], [1, 2])
        for _ in 0..<2 {
            let tape = Tape(parameters: one)
            let y = matmul(x, .dense(one.tensor(0)), Epilogue(bias: one.tensor(1)), tape)
            _ = tape.backward(from: y, gradient: Tensor([1, 1, 1], [1, 3]))
        }
        #expect(one.gradient(0).floats == [2, 4, 2, 4, 2, 4])
        #expect(one.gradient(1).floats == [2, 2, 2])
        one.clearGradients()
        one.completeGradients()
        #expect(one.gradients.floats.allSatisfy { $0 == 0 })
    }

    @Test func recordedCallsRunAgainOnNewInput() {
        let input = Tensor([1, 2, 3], [1, 3])
        let weights = Tensor([1, 0, 0, 0, 2, 0], [2, 3])
        var output = Tensor([0], [1])
        let recording = Recording({ scale(matmul(input, .dense(weights)), by: 10) }, result: { output = $0 })
        #expect(output.floats == [10, 40])
        input.copyIn(Tensor([5, 6, 7], [1, 3]))
        recording.replay()
        #expect(output.floats == [50, 120])
        #expect(recording.callCount == 2)
    }
}
