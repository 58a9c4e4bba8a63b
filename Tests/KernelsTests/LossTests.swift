import CQuintetKernels
import Testing

extension KernelTests {
    @Suite struct CrossEntropy {
        @Test(arguments: [0, 1]) func agreesWithItsTwin(kind: Int) {
            for (rows, cols) in [(1, 1), (3, 2), (5, 7), (9, 65), (4, 257), (3, 50_257)] {
                let x = Memory(numbers(rows * (cols + 1), seed: 2, -9...9)), targets = Memory((0..<rows).map { $0 == 2 ? -1 : Int32($0 * 31 % cols) })
                for cap: Float in [0, 5] {
                    for wantsLogSum in [true, false] {
                        check(relative: 1e-5, absolute: 1e-6, "\(rows) x \(cols) cap \(cap)") {
                            let logits = Memory(x.values), loss = Memory([Float](repeating: 9, count: rows)), lse = Memory([Float](repeating: 9, count: rows))
                            run(QK_OP_CROSS_ENTROPY, kind: kind, [logits.raw, targets.raw, loss.raw, wantsLogSum ? lse.raw : nil], [rows, cols, cols + 1], [0.7, cap])
                            #expect(logits.wallsStand && loss.wallsStand && lse.wallsStand)
                            if kind == 0 { #expect(logits.values == x.values) }
                            return logits.values + loss.values + lse.values
                        }
                    }
                }
            }
        }

        @Test func gradientAgreesWithDifferences() {
            let rows = 3, cols = 11, x = numbers(rows * cols, seed: 5), targets: [Int32] = [4, -100, 10]
            for cap in [0.0, 2.0] {
                let expected = differences(at: doubles(x)) { x in
                    [0, 2].reduce(0) { total, r in
                        let z = x[r * cols..<(r + 1) * cols].map { cap == 0 ? $0 : cap * Reference.tanh($0 / cap) }
                        return total + 0.3 * (Reference.log(z.reduce(0) { $0 + Reference.exp($1) }) - z[Int(targets[r])])
                    }
                }
                for set in fastSets + ["scalar"] {
                    let logits = Memory(x), ids = Memory(targets), loss = Memory([Float](repeating: 0, count: rows))
                    with(isa: set) { run(QK_OP_CROSS_ENTROPY, kind: 1, [logits.raw, ids.raw, loss.raw, nil], [rows, cols, cols], [0.3, Float(cap)]) }
                    #expect(firstWrong(logits.values, expected, relative: 1e-5, absolute: 1e-6) == nil)
                }
            }
        }

        @Test func aNaNLogitGivesANaNLoss() {
            for set in fastSets {
                let logits = Memory<Float>([1, 2, .nan] + numbers(30)), ids = Memory<Int32>([0]), loss = Memory<Float>([0])
                with(isa: set) { run(QK_OP_CROSS_ENTROPY, kind: 1, [logits.raw, ids.raw, loss.raw, nil], [1, 33, 33], [1, 0]) }
                #expect(loss.values[0].isNaN && logits.values[5].isNaN)
            }
        }
    }
}
