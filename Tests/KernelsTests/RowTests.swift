import CQuintetKernels
import Testing

extension KernelTests {
    @Suite struct Rows {
        static let shapes = [(0, 3), (1, 1), (2, 3), (3, 7), (5, 8), (4, 17), (3, 33), (7, 65), (2, 127), (3, 1031), (40, 768), (300, 96)]

        @Test(arguments: [QK_SUM, QK_MEAN, QK_MAX, QK_SUM_OF_SQUARES]) func reduceColumns(kind: Int) {
            for (rows, cols) in Self.shapes {
                let x = Memory(numbers(rows * cols, seed: 2))
                check(relative: 2e-6, absolute: 2e-5, "\(rows) x \(cols)") {
                    let out = Memory([Float](repeating: 0, count: rows))
                    run(QK_OP_REDUCE_COLS, kind: kind, [out.raw, x.raw], [rows, cols])
                    #expect(out.wallsStand)
                    return out.values
                }
            }
            let x = Memory<Float>([1, .nan, 3] + numbers(30)), out = Memory<Float>([0])
            run(QK_OP_REDUCE_COLS, kind: kind, [out.raw, x.raw], [1, 33])
            #expect(out.values[0].isNaN)
        }

        @Test(arguments: [QK_SUM, QK_MEAN, QK_MAX, QK_SUM_OF_SQUARES]) func reduceColumnsBackwards(kind: Int) {
            for (rows, cols) in Self.shapes {
                // Few values, so that maxima repeat.
                let x = Memory(numbers(rows * cols, seed: 2).map { ($0 * 2).rounded() }), dy = Memory(numbers(rows, seed: 3))
                check(relative: 1e-6, "\(rows) x \(cols)") {
                    let dx = Memory([Float](repeating: 7, count: rows * cols))
                    run(QK_OP_REDUCE_COLS_GRAD, kind: kind, [dx.raw, x.raw, dy.raw], [rows, cols])
                    #expect(dx.wallsStand)
                    return dx.values
                }
            }
        }

        @Test func reduceRowsHasTheBitsOfItsTwin() {
            for (rows, cols) in Self.shapes + [(1000, 3)] {
                let x = Memory(numbers(rows * (cols + 2), seed: 3))
                for add in [0, 1] {
                    check("\(rows) x \(cols)") {
                        let out = Memory(numbers(cols, seed: 8))
                        run(QK_OP_REDUCE_ROWS, kind: QK_SUM, [out.raw, x.raw], [rows, cols, cols + 2, add])
                        #expect(out.wallsStand)
                        return out.values
                    }
                }
            }
        }

        @Test func softmaxAndItsGradient() {
            for (rows, cols) in Self.shapes {
                let x = Memory(numbers(rows * cols, seed: 4, -9...9)), dy = Memory(numbers(rows * cols, seed: 5))
                for scale: Float in [1, 0.3, -0.5] {
                    check(relative: 5e-6, absolute: 1e-9) {
                        let y = Memory([Float](repeating: 0, count: rows * cols))
                        run(QK_OP_SOFTMAX, [y.raw, x.raw], [rows, cols], [scale])
                        #expect(y.wallsStand)
                        return y.values
                    }
                    let y = Memory([Float](repeating: 0, count: rows * cols))
                    with(isa: "scalar") { run(QK_OP_SOFTMAX, [y.raw, x.raw], [rows, cols], [scale]) }
                    check(relative: 1e-5, absolute: 1e-6) {
                        let dx = Memory([Float](repeating: 0, count: rows * cols))
                        run(QK_OP_SOFTMAX_GRAD, [dx.raw, y.raw, dy.raw], [rows, cols], [scale])
                        #expect(dx.wallsStand)
                        return dx.values
                    }
                }
            }
        }

        @Test func softmaxGradientAgreesWithDifferences() {
            let x = numbers(13, seed: 6), dy = numbers(13, seed: 7)
            let expected = differences(at: doubles(x)) { x in
                let e = x.map { Reference.exp(0.7 * $0) }, sum = e.reduce(0, +)
                return zip(e, dy).reduce(0) { $0 + $1.0 / sum * Double($1.1) }
            }
            let input = Memory(x), y = Memory(x), d = Memory(dy), dx = Memory(x)
            run(QK_OP_SOFTMAX, [y.raw, input.raw], [1, 13], [0.7])
            run(QK_OP_SOFTMAX_GRAD, [dx.raw, y.raw, d.raw], [1, 13], [0.7])
            #expect(firstWrong(dx.values, expected, relative: 1e-5, absolute: 1e-6) == nil)
        }

        @Test func squaredNorm() {
            for count in [0, 1, 7, 8, 16_383, 16_384, 16_385, 100_003] {
                var bits: Set<UInt64> = []
                for set in fastSets + ["scalar"] {
                    for threads in [1, 2, 3] {
                        let x = Memory(numbers(count, seed: 3)), out = Memory<Double>([-1]), work = Memory([Double](repeating: 0, count: count / 16384 + 1))
                        with(isa: set, threads: threads) { run(QK_OP_SQUARED_NORM, [out.raw, x.raw, work.raw], [count]) }
                        let expected = doubles(x.values).reduce(0) { $0 + $1 * $1 }
                        #expect(abs(out.values[0] - expected) <= 1e-12 * expected && work.wallsStand)
                        if set == fastSets.first { bits.insert(out.values[0].bitPattern) }
                    }
                }
                #expect(bits.count == 1)
            }
            let x = Memory<Float>([1, .infinity, 2]), out = Memory<Double>([0]), work = Memory<Double>([0])
            run(QK_OP_SQUARED_NORM, [out.raw, x.raw, work.raw], [3])
            #expect(!out.values[0].isFinite)
        }
    }
}
