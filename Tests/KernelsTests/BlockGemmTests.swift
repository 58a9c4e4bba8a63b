import CQuintetKernels
import Testing

/// C = A W^T with W in a block format.
private func product(_ type: Int, m: Int, n: Int, k: Int, blocks: [UInt8], x: [Float], bias: [Float]? = nil, residual: [Float]? = nil, kind: Int = 0) -> [Float] {
    let from = Memory(blocks), a = Memory(x), c = Memory([Float](repeating: 7, count: m * n))
    let panels = Memory([UInt8](repeating: 0, count: qk_gemm_packed_bytes(Int64(n), Int64(k), Int32(type)) + 64), shift: 0)
    let aligned = panels.raw + (64 - Int(bitPattern: panels.raw) % 64) % 64
    let b = bias.map { Memory($0) }, r = residual.map { Memory($0) }
    var n11 = [n, k] + [Int](repeating: 0, count: 9)
    n11.append(type)
    run(QK_OP_GEMM_PACK, [aligned, from.raw], n11)
    run(QK_OP_GEMM, kind: kind, [c.raw, a.raw, aligned, b?.raw, r?.raw], [m, n, k, k, 1, 0, 0, n, n, 0, 0, type, 1], [1])
    #expect(c.wallsStand && panels.wallsStand)
    return c.values
}

private func quantized(_ type: Int, _ x: [Float]) -> [UInt8] {
    let from = Memory(x), count = x.count / Int(qk_block_length(Int64(type))) * Int(qk_block_bytes(Int64(type)))
    let to = Memory([UInt8](repeating: 0, count: count))
    run(QK_OP_CAST, [to.raw, from.raw], [x.count, type, QK_F32])
    return to.values
}

/// Random bytes with scales of ordinary size: what no quantizer of ours makes is covered, too.
private func randomBlocks(_ type: Int, _ count: Int) -> [UInt8] {
    let width = Int(qk_block_bytes(Int64(type)))
    var bytes = numbers(count * width, seed: UInt64(type), 0...255.99).map { UInt8($0) }
    let halves: [Int: [Int]] = [
        QK_Q4_1: [0, 2], QK_Q5_1: [0, 2], QK_Q4_K: [0, 2], QK_Q5_K: [0, 2], QK_Q2_K: [80, 82], QK_Q3_K: [108], QK_Q6_K: [208],
    ]
    for block in 0..<count {
        if type == QK_MXFP4 { bytes[block * width] = 120 + bytes[block * width] % 8 }
        for at in type == QK_MXFP4 ? [] : halves[type] ?? [0] { bytes[block * width + at + 1] = 0x20 | bytes[block * width + at + 1] & 0x0f }
    }
    return bytes
}

private let types = [
    QK_Q4_0, QK_Q4_1, QK_Q5_0, QK_Q5_1, QK_Q8_0, QK_Q2_K, QK_Q3_K, QK_Q4_K, QK_Q5_K, QK_Q6_K, QK_IQ4_NL, QK_IQ4_XS, QK_MXFP4,
]

extension KernelTests {
    @Suite struct BlockGemmTests {
        @Test("the twin's bits on every instruction set, for any number of threads and rows", arguments: types)
        func equalsItsTwin(_ type: Int) {
            for (m, n, k) in [(1, 16, 256), (1, 50, 768), (3, 17, 512), (13, 33, 256), (33, 20, 512)] {
                let blocks = randomBlocks(type, n * k / Int(qk_block_length(Int64(type)))), x = numbers(m * k, seed: 3)
                check("\(m) x \(n) x \(k)") { product(type, m: m, n: n, k: k, blocks: blocks, x: x) }
            }
        }

        @Test("a row's bits do not depend on the rows beside it", arguments: types)
        func rowsAreAlone(_ type: Int) {
            let (m, n, k) = (21, 40, 512)
            let blocks = randomBlocks(type, n * k / Int(qk_block_length(Int64(type)))), x = numbers(m * k, seed: 5)
            for set in fastSets {
                with(isa: set) {
                    let all = product(type, m: m, n: n, k: k, blocks: blocks, x: x)
                    for r in 0..<m {
                        let row = product(type, m: 1, n: n, k: k, blocks: blocks, x: Array(x[r * k..<(r + 1) * k]))
                        #expect(row == Array(all[r * n..<(r + 1) * n]), "\(set) row \(r)")
                    }
                }
            }
        }

        @Test("near the product of what the codes stand for; the epilogue is the dense product's", arguments: types)
        func nearTheDenseProduct(_ type: Int) {
            let (m, n, k) = (5, 24, 512)
            let blocks = randomBlocks(type, n * k / Int(qk_block_length(Int64(type)))), x = numbers(m * k, seed: 7)
            let from = Memory(blocks), w = Memory([Float](repeating: 0, count: n * k))
            run(QK_OP_CAST, [w.raw, from.raw], [n * k, QK_F32, type])
            let bias = numbers(n, seed: 8), residual = numbers(m * n, seed: 9), weights = w.values
            let got = product(type, m: m, n: n, k: k, blocks: blocks, x: x, bias: bias, residual: residual, kind: QK_RELU)
            for i in 0..<m {
                for j in 0..<n {
                    let terms = (0..<k).map { Double(x[i * k + $0]) * Double(weights[j * k + $0]) }
                    let want = max(terms.reduce(Double(bias[j]), +), 0) + Double(residual[i * n + j])
                    let size = terms.reduce(0) { $0 + $1 * $1 }.squareRoot()
                    #expect(abs(Double(got[i * n + j]) - want) < 0.02 * size + 1e-4, "[\(i), \(j)] is \(got[i * n + j]), not \(want)")
                }
            }
        }

        @Test("activations that are not finite spoil their own row only") func notFinite() {
            var x = numbers(3 * 64, seed: 2)
            x[70] = .infinity
            let y = product(QK_Q8_0, m: 3, n: 16, k: 64, blocks: quantized(QK_Q8_0, numbers(16 * 64)), x: x)
            #expect(y[16..<32].allSatisfy(\.isNaN) && y[0..<16].allSatisfy(\.isFinite) && y[32..<48].allSatisfy(\.isFinite))
        }
    }
}
