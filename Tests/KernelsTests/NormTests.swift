import CQuintetKernels
import Testing

extension KernelTests {
    /// Layer norm (kind 0) and RMS norm (kind 1).
    @Suite struct Norms {
        static let shapes = [(0, 3), (1, 1), (2, 3), (3, 7), (5, 8), (4, 17), (7, 65), (3, 1031), (60, 768), (300, 96)]

        @Test(arguments: [0, 1]) func forwardAgreesWithItsTwin(kind: Int) {
            for (rows, cols) in Self.shapes {
                let x = Memory(numbers(rows * (cols + 3), seed: 2, -1...4)), w = Memory(numbers(cols, seed: 3)), b = Memory(numbers(cols, seed: 4))
                for (weight, bias, offset) in [(w.raw, b.raw, Float(0)), (w.raw, nil, 1), (nil, nil, 0), (nil, b.raw, 0)] as [(UnsafeMutableRawPointer?, UnsafeMutableRawPointer?, Float)] {
                    check(relative: 1e-5, absolute: 4e-6) {
                        let y = Memory([Float](repeating: 7, count: rows * (cols + 1))), stats = Memory([Float](repeating: 0, count: 2 * rows))
                        run(QK_OP_NORM, kind: kind, [y.raw, x.raw, weight, bias, stats.raw], [rows, cols, cols + 3, cols + 1], [1e-5, offset])
                        #expect(y.wallsStand && stats.wallsStand && (rows == 0 || y.values[cols] == 7))
                        return cols == 1 ? y.values : y.values + stats.values
                    }
                }
            }
        }

        /// Vectors beside each other in a row, with one weight for all of them or one each, in place.
        @Test(arguments: [0, 1]) func vectorsInsideRowsAgreeWithPlainOnes(kind: Int) {
            for (rows, beside, cols) in [(1, 1, 5), (3, 2, 7), (4, 3, 16), (2, 5, 33)] {
                for own in [0, 1] {
                    let stride = beside * cols + 3
                    let x = numbers(rows * stride, seed: 2, -1...4), w = Memory(numbers(beside * cols, seed: 3)), b = Memory(numbers(beside * cols, seed: 4))
                    check(relative: 1e-5, absolute: 4e-6) {
                        let y = Memory(x), stats = Memory([Float](repeating: 0, count: 2 * rows * beside))
                        run(QK_OP_NORM, kind: kind, [y.raw, y.raw, w.raw, b.raw, stats.raw], [rows * beside, cols, stride, stride, beside, own], [1e-5, 1])
                        #expect(y.wallsStand && stats.wallsStand)
                        for row in 0..<rows {
                            #expect(Array(y.values[row * stride + beside * cols..<(row + 1) * stride]) == Array(x[row * stride + beside * cols..<(row + 1) * stride]))
                            for part in 0..<beside {
                                let at = row * stride + part * cols, shift = own * part * cols
                                let one = Memory(Array(x[at..<at + cols])), out = Memory([Float](repeating: 0, count: cols))
                                run(QK_OP_NORM, kind: kind, [out.raw, one.raw, w.raw + 4 * shift, b.raw + 4 * shift, nil], [1, cols, cols, cols], [1e-5, 1])
                                #expect(out.values == Array(y.values[at..<at + cols]))
                            }
                        }
                        return y.values + stats.values
                    }
                }
            }
        }

        /// The loss sum(dy * norm(x)) in f64.
        static func loss(_ x: [Double], _ w: [Double], _ b: [Double], _ dy: [Float], kind: Int, rows: Int, cols: Int, offset: Double) -> Double {
            (0..<rows).reduce(0) { total, r in
                let row = Array(x[r * cols..<(r + 1) * cols]), mean = kind == 0 ? row.reduce(0, +) / Double(cols) : 0
                let factor = 1 / (row.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(cols) + 1e-5).squareRoot()
                return total + (0..<cols).reduce(0) { $0 + Double(dy[r * cols + $1]) * ((row[$1] - mean) * factor * (w[$1] + offset) + b[$1]) }
            }
        }

        @Test(arguments: [0, 1]) func gradientsAgreeWithDifferences(kind: Int) {
            let rows = 3, cols = 13
            let x = Memory(numbers(rows * cols, seed: 1)), w = Memory(numbers(cols, seed: 2)), b = Memory(numbers(cols, seed: 3)), dy = Memory(numbers(rows * cols, seed: 4))
            let y = Memory(x.values), stats = Memory([Float](repeating: 0, count: 2 * rows))
            let flat = doubles(x.values + w.values + b.values), n = rows * cols
            let expected = differences(at: flat) {
                Self.loss(Array($0[..<n]), Array($0[n..<n + cols]), Array($0[(n + cols)...]), dy.values, kind: kind, rows: rows, cols: cols, offset: 1)
            }
            for set in fastSets + ["scalar"] {
                let dx = Memory([Float](repeating: 0, count: n)), dw = Memory([Float](repeating: 0, count: cols)), db = Memory([Float](repeating: 0, count: cols))
                with(isa: set) {
                    run(QK_OP_NORM, kind: kind, [y.raw, x.raw, w.raw, b.raw, stats.raw], [rows, cols, cols, cols], [1e-5, 1])
                    run(QK_OP_NORM_GRAD, kind: kind, [dx.raw, x.raw, w.raw, dy.raw, stats.raw], [rows, cols, 0], [0, 1])
                    run(QK_OP_NORM_GRAD_WEIGHT, kind: kind, [dw.raw, db.raw, x.raw, dy.raw, stats.raw], [rows, cols, 0])
                }
                #expect(firstWrong(dx.values + dw.values + db.values, expected, relative: 2e-5, absolute: 4e-6) == nil, "\(set)")
            }
        }

        @Test(arguments: [0, 1]) func backwardAgreesWithItsTwin(kind: Int) {
            for (rows, cols) in Self.shapes {
                let x = Memory(numbers(rows * cols, seed: 2)), w = Memory(numbers(cols, seed: 3)), dy = Memory(numbers(rows * cols, seed: 4))
                let stats = Memory((0..<rows).flatMap { _ in [kind == 0 ? Float(0.1) : 0, 0.8] })
                for add in [0, 1] {
                    for weight in [w.raw, nil] {
                        check(relative: 1e-5, absolute: 5e-6) {
                            let dx = Memory(numbers(rows * cols, seed: 9))
                            run(QK_OP_NORM_GRAD, kind: kind, [dx.raw, x.raw, weight, dy.raw, stats.raw], [rows, cols, add], [0, 0.5])
                            #expect(dx.wallsStand)
                            return dx.values
                        }
                    }
                    check("weight gradient") {
                        let dw = Memory(numbers(cols, seed: 5)), db = Memory(numbers(cols, seed: 6))
                        run(QK_OP_NORM_GRAD_WEIGHT, kind: kind, [dw.raw, db.raw, x.raw, dy.raw, stats.raw], [rows, cols, add])
                        run(QK_OP_NORM_GRAD_WEIGHT, kind: kind, [dw.raw, nil, x.raw, dy.raw, stats.raw], [rows, cols, add])
                        #expect(dw.wallsStand && db.wallsStand)
                        return dw.values + db.values
                    }
                }
            }
        }
    }
}
