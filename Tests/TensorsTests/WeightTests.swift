import QuintetTensors
import Testing

private func random(_ shape: Shape, seed: UInt64) -> Tensor {
    let x = Tensor(uninitialized: shape)
    x.fillNormal(deviation: 1, seed: seed, stream: 0)
    return x
}

@Suite struct WeightTests {
    @Test("parts in several formats side by side give each part's own product") func mixedParts() {
        let x = random([5, 256], seed: 1)
        let rows = [48, 16, 40], types: [[DType]] = [[.q4_K, .q4_K, .q6_K], [.q4_K, .q6_K, .q8_0], [.q8_0, .q8_0, .q8_0], [.q5_1, .mxfp4, .q5_1]]
        for types in types {
            let parts = zip(rows, types).enumerated().map { random([$1.0, 256], seed: UInt64($0 + 2)).cast(to: $1.1) }
            let fused = Weight(packing: parts)
            guard case .quantized = fused else {
                Issue.record("\(types) are not held as they are")
                continue
            }
            #expect(fused.outputs == 104)
            // Panels of 16 rows, each part beginning on a line of its own.
            let padded = parts.reduce(0) { $0 + $1.dtype.bytes(($1.shape[0] + 15) / 16 * 16 * 256) }
            #expect(fused.byteCount >= padded * 9 / 10 && fused.byteCount <= padded * 5 / 4, "\(fused.byteCount) for \(padded)")
            let y = matmul(x, fused).floats
            var start = 0
            for part in parts {
                let own = matmul(x, Weight(packing: [part])).floats, width = part.shape[0]
                for r in 0..<5 { #expect(Array(y[r * 104 + start..<r * 104 + start + width]) == Array(own[r * width..<(r + 1) * width])) }
                start += width
            }
        }
    }

    @Test("parts that cannot lie side by side become f32; plain parts stay as they are") func otherParts() {
        let parts = [random([10, 64], seed: 1), random([20, 64], seed: 2)]
        for (types, kept) in [([DType.q8_0, .q4_0], DType.f32), ([.f16, .f16], .f16), ([.f16, .q8_0], .f32), ([.bf16, .f32], .f32)] {
            let stored = zip(parts, types).map { $0.cast(to: $1) }
            guard case .packed(let matrix) = Weight(packing: stored) else {
                Issue.record("\(types)")
                continue
            }
            #expect(matrix.dtype == kept && matrix.outputs == 30)
            let x = random([3, 64], seed: 3)
            let dense = concatenate(stored.map { $0.cast(to: .f32) }, axis: 0)
            #expect(matmul(x, .packed(matrix)).floats == matmul(x, .dense(dense)).floats)
        }
    }

    @Test("products in bf16: what frozen weights give, whatever rows are multiplied together", arguments: [(1, 2), (16, 64), (33, 130), (40, 1026), (70, 2100), (7, 63)])
    func packedBrain(_ rows: Int, _ columns: Int) {
        let stored = random([rows, columns], seed: 1).cast(to: .bf16), x = random([41, columns], seed: 2)
        let packed = Weight(packing: [stored.slice(0, 0..<rows / 2), stored.slice(0, rows / 2..<rows)], .brain)
        let y = matmul(x, packed).floats
        #expect(packed.byteCount == Weight(packing: [stored]).byteCount)
        // An odd number of columns, and machines without such products, take numbers as they are.
        let exact = matmul(x, Weight(packing: [stored])).floats
        #expect(y == matmul(x, .stored(StoredMatrix([stored], .brain))).floats || y == exact)
        if columns % 2 != 0 { #expect(y == exact) }
        for some in [0..<1, 3..<5, 7..<10, 2..<6, 5..<17, 9..<22, 1..<31] {
            #expect(matmul(x.slice(0, some), packed).floats == Array(y[some.lowerBound * rows..<some.upperBound * rows]), "\(some)")
        }
    }

    @Test("activations that meet f16 rounded to f16, whether the weights are packed or lie as in the file") func halves() {
        let stored = random([37, 130], seed: 1).cast(to: .f16), x = random([30, 130], seed: 2)
        let packed = Weight(packing: [stored], .stored), y = matmul(x, packed).floats
        #expect(y == matmul(x.cast(to: .f16).cast(to: .f32), Weight(packing: [stored])).floats)
        #expect(y == matmul(x, .stored(StoredMatrix([stored], .stored))).floats)
        #expect(y != matmul(x, Weight(packing: [stored])).floats)
        for some in [0..<1, 3..<5, 5..<17] { #expect(matmul(x.slice(0, some), packed).floats == Array(y[some.lowerBound * 37..<some.upperBound * 37])) }
        // Beyond the range of f16 numbers keep their eleven bits.
        let wide = Tensor([Float](repeating: 1e30, count: 130), [1, 130])
        #expect(matmul(wide, packed).floats.allSatisfy { $0.isFinite && $0 != 0 })
    }

    @Test("gate and up in one call equal two products") func gate() {
        let x = random([19, 256], seed: 1)
        for type in [DType.q4_K, .q8_0, .q6_K] {
            let weight = Weight(packing: [random([48, 256], seed: 2).cast(to: type), random([48, 256], seed: 3).cast(to: .q8_0)])
            let y = gatedProduct(x, weight, .function(.silu)).floats, both = gated(matmul(x, weight), .function(.silu)).floats
            #expect(zip(y, both).allSatisfy { abs($0 - $1) <= 1e-5 * abs($1) + 1e-6 })
            let one = gatedProduct(x.slice(0, 18..<19), weight, .function(.silu)).floats
            #expect(one == Array(y[18 * 48..<19 * 48]))
        }
    }

    @Test("rows of a table in a block format") func embedding() {
        let table = random([10, 256], seed: 4)
        for type in [DType.q4_0, .q8_0, .q6_K, .mxfp4] {
            let stored = table.cast(to: type), whole = stored.floats
            let y = embed(Tensor([Int32(7), 0, 99], [3]), stored, scale: 2).floats
            #expect(Array(y[0..<256]) == whole[7 * 256..<8 * 256].map { 2 * $0 } && Array(y[256..<512]) == whole[0..<256].map { 2 * $0 })
            #expect(y[512...].allSatisfy { $0 == 0 })
        }
    }
}
