import CQuintetKernels
import Testing

extension KernelTests {
    @Suite struct Elementwise {
        static let functions = Array(0..<Int(QK_FUNCTION_COUNT))

        /// The functions in f64.
        static func reference(_ kind: Int, _ x: Double) -> Double {
            switch kind {
            case QK_RELU: max(x, 0)
            case QK_GELU: x * normal(x)
            case QK_GELU_TANH: 0.5 * x * (1 + tanh(0.797_884_560_802_865_4 * (x + 0.044715 * x * x * x)))
            case QK_SILU: x / (1 + exp(-x))
            case QK_SIGMOID: 1 / (1 + exp(-x))
            case QK_TANH: tanh(x)
            case QK_EXP: exp(x)
            case QK_LOG: log(x)
            case QK_SQUARE: x * x
            case QK_SQRT: x.squareRoot()
            case QK_RSQRT: 1 / x.squareRoot()
            case QK_RECIPROCAL: 1 / x
            case QK_NEGATE: -x
            case QK_AFFINE: 1.5 * x - 0.25
            case QK_RELU_SQUARED: max(x, 0) * max(x, 0)
            case QK_GELU_QUICK: x / (1 + exp(-1.702 * x))
            case QK_CLIP: min(max(x, -1.5), 1.5)
            default: x
            }
        }
        static func exp(_ x: Double) -> Double { Reference.exp(x) }
        static func log(_ x: Double) -> Double { Reference.log(x) }
        static func tanh(_ x: Double) -> Double { Reference.tanh(x) }
        static func normal(_ x: Double) -> Double { 0.5 * Reference.erfc(-x * 0.707_106_781_186_547_5) }
        static func needsPositive(_ kind: Int) -> Bool { kind == QK_LOG || kind == QK_SQRT || kind == QK_RSQRT || kind == QK_RECIPROCAL }

        @Test(arguments: functions) func mapAgreesWithItsTwin(kind: Int) {
            for count in awkwardCounts + [20_011] {
                let x = Memory(numbers(count, Self.needsPositive(kind) ? 0.01...9 : -9...9), shift: count % 5)
                check(relative: 2e-6, absolute: 1e-13, "kind \(kind) count \(count)") {
                    let out = Memory([Float](repeating: 0, count: count), shift: 3)
                    run(QK_OP_MAP, kind: kind, [out.raw, x.raw], [count], [1.5, -0.25])
                    #expect(out.wallsStand)
                    return out.values
                }
            }
        }

        @Test(arguments: functions) func mapIsAccurate(kind: Int) {
            let range: ClosedRange<Float> = Self.needsPositive(kind) ? 0.001...40 : -6...6
            let x = Memory(numbers(4096, seed: 7, range)), out = Memory([Float](repeating: 0, count: 4096))
            for set in fastSets {
                with(isa: set) { run(QK_OP_MAP, kind: kind, [out.raw, x.raw], [4096], [1.5, -0.25]) }
                let expected = x.values.map { Self.reference(kind, Double($0)) }
                #expect(firstWrong(out.values, expected, relative: 1.2e-6, absolute: kind == QK_AFFINE ? 1e-6 : 1e-9) == nil, "\(set) kind \(kind)")
            }
        }

        @Test(arguments: functions) func mapGradientAgreesWithDifferences(kind: Int) {
            let x = Memory(numbers(301, seed: 3, Self.needsPositive(kind) ? 0.3...4 : -4...4).map { abs($0) < 0.01 ? 0.5 : $0 }), dy = Memory(numbers(301, seed: 4))
            let expected = zip(x.values, dy.values).map { x, dy in Double(dy) * differences(at: [Double(x)]) { Self.reference(kind, $0[0]) }[0] }
            for set in fastSets + ["scalar"] {
                let dx = Memory([Float](repeating: 1, count: 301))
                with(isa: set) { run(QK_OP_MAP_GRAD, kind: kind, [dx.raw, x.raw, dy.raw], [301, 1], [1.5, -0.25]) }
                #expect(firstWrong(dx.values.map { $0 - 1 }, expected, relative: 2e-5, absolute: 1e-6) == nil, "\(set) kind \(kind)")
            }
        }

        @Test(arguments: functions) func specialValuesGoThrough(kind: Int) {
            let x = Memory<Float>([.nan, 0, -0.0, 1, 100, -100, 1e30, 0x1p-140, .infinity])
            for set in fastSets {
                let out = Memory([Float](repeating: 5, count: x.count)), dx = Memory([Float](repeating: 5, count: x.count))
                with(isa: set) {
                    run(QK_OP_MAP, kind: kind, [out.raw, x.raw], [x.count], [1, 0])
                    run(QK_OP_MAP_GRAD, kind: kind, [dx.raw, x.raw, x.raw], [x.count], [1, 0])
                }
                #expect(out.values[0].isNaN && dx.values[0].isNaN)
                let twin = with(isa: "scalar") {
                    run(QK_OP_MAP, kind: kind, [out.raw, x.raw], [x.count], [1, 0])
                    return out.values
                }
                with(isa: set) { run(QK_OP_MAP, kind: kind, [out.raw, x.raw], [x.count], [1, 0]) }
                for (i, (a, b)) in zip(out.values, twin).enumerated() {
                    #expect(close(a, b, relative: 2e-6, absolute: 1e-37), "kind \(kind) of \(x.values[i]): \(a), the twin says \(b)")
                }
            }
        }

        @Test(arguments: [QK_ADD, QK_SUBTRACT, QK_MULTIPLY, QK_DIVIDE, QK_MAXIMUM, QK_MINIMUM]) func zipHasTheBitsOfItsTwin(kind: Int) {
            for (rows, cols) in [(1, 1), (3, 7), (5, 8), (7, 33), (1, 70_001), (300, 129), (0, 5), (5, 0)] {
                for (rowStride, colStride) in [(cols, 1), (0, 1), (1, 0), (0, 0), (cols + 3, 1)] {
                    let a = Memory(numbers(rows * cols, seed: 2)), b = Memory(numbers(rows * (cols + 3) + 1, seed: 9, 0.5...3))
                    check("kind \(kind) \(rows) x \(cols) strides \(rowStride) \(colStride)") {
                        let out = Memory(a.values, shift: 2)
                        run(QK_OP_ZIP, kind: kind, [out.raw, out.raw, b.raw], [rows, cols, rowStride, colStride])
                        #expect(out.wallsStand)
                        return out.values
                    }
                }
            }
        }

        @Test(arguments: [QK_GELU, QK_GELU_TANH, QK_SILU, QK_SIGMOID, QK_IDENTITY, QK_RELU]) func gates(kind: Int) {
            for (rows, cols) in [(1, 1), (3, 5), (7, 33), (40, 257), (1, 20_000)] {
                let stride = 2 * cols + 1
                let both = Memory(numbers(rows * stride, seed: 5)), dout = Memory(numbers(rows * (cols + 2), seed: 6))
                check(relative: 2e-6, absolute: 1e-12) {
                    let out = Memory([Float](repeating: 7, count: rows * (cols + 2)))
                    run(QK_OP_GATE, kind: kind, [out.raw, both.raw, both.raw + 4 * cols], [rows, cols, stride, stride, cols + 2])
                    #expect(out.wallsStand && out.values[cols] == 7)
                    return out.values
                }
                check(relative: 1e-5, absolute: 4e-6) {
                    let d = Memory([Float](repeating: 7, count: rows * stride))
                    run(
                        QK_OP_GATE_GRAD, kind: kind, [d.raw, d.raw + 4 * cols, both.raw, both.raw + 4 * cols, dout.raw], [rows, cols, stride, stride, cols + 2])
                    #expect(d.wallsStand && d.values[2 * cols] == 7)
                    return d.values
                }
            }
        }

        @Test func gateGradientAgreesWithDifferences() {
            let gate = numbers(40, seed: 1), up = numbers(40, seed: 2), dout = numbers(40, seed: 3)
            for kind in [QK_GELU, QK_GELU_TANH, QK_SILU] {
                let expected = differences(at: doubles(gate + up)) { x in
                    (0..<40).reduce(0) { $0 + Self.reference(kind, x[$1]) * x[40 + $1] * Double(dout[$1]) }
                }
                let d = Memory([Float](repeating: 0, count: 80)), x = Memory(gate + up), dy = Memory(dout)
                run(QK_OP_GATE_GRAD, kind: kind, [d.raw, d.raw + 160, x.raw, x.raw + 160, dy.raw], [4, 10, 10, 10, 10])
                #expect(firstWrong(d.values, expected, relative: 1e-5, absolute: 1e-6) == nil)
            }
        }

        @Test func adamw() {
            for count in [0, 1, 7, 8, 31, 40_003] {
                check(relative: 1e-6, absolute: 1e-9) {
                    let p = Memory(numbers(count, seed: 1)), g = Memory(numbers(count, seed: 2)), m = Memory(numbers(count, seed: 3))
                    let v = Memory(numbers(count, seed: 4, 0...1)), narrow = Memory([UInt16](repeating: 0, count: count))
                    run(QK_OP_ADAMW, [p.raw, g.raw, m.raw, v.raw, narrow.raw], [count], [1e-2, 0.9, 0.999, 1e-8, 0.1, 0.271, 0.002_997, 0.5])
                    #expect(p.wallsStand && m.wallsStand && v.wallsStand && narrow.wallsStand)
                    #expect(zip(narrow.values, p.values).allSatisfy { abs(Float(bitPattern: UInt32($0) << 16) - $1) <= abs($1) * 0.004 })
                    return p.values + m.values + v.values
                }
            }
        }

        @Test func adamwFollowsThePaper() {
            let p = Memory<Float>([0.5]), g = Memory<Float>([0.2]), m = Memory<Float>([0]), v = Memory<Float>([0])
            var weight = 0.5, first = 0.0, second = 0.0
            for step in 1...5 {
                let correction1 = 1 - Reference.pow(0.9, Double(step)), correction2 = 1 - Reference.pow(0.95, Double(step))
                run(QK_OP_ADAMW, [p.raw, g.raw, m.raw, v.raw, nil], [1], [0.01, 0.9, 0.95, 1e-8, 0.1, Float(correction1), Float(correction2), 1])
                first = 0.9 * first + 0.1 * 0.2
                second = 0.95 * second + 0.05 * 0.04
                weight = weight * (1 - 0.001) - 0.01 * (first / correction1) / ((second / correction2).squareRoot() + 1e-8)
                #expect(abs(Double(p.values[0]) - weight) < 1e-6)
            }
        }
    }
}
