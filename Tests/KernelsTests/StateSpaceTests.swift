import CQuintetKernels
import Testing

extension KernelTests {
    /// The convolution and the scan: against their twins, and cut in every way.
    @Suite struct StateSpace {
        static let shapes = [(1, 1, 1, 1), (6, 3, 2, 3), (10, 65, 4, 5), (14, 130, 3, 7), (3, 16, 8, 3)]

        @Test(arguments: shapes) func convolutionAndItsGradient(rows: Int, cols: Int, taps: Int, time: Int) {
            let stride = cols + 3
            let x = Memory(numbers(rows * stride, seed: 1)), w = Memory(numbers(taps * cols, seed: 2)), b = Memory(numbers(cols, seed: 3)), d = Memory(numbers(rows * cols, seed: 4))
            check(relative: 2e-6, absolute: 2e-6) {
                let out = Memory([Float](repeating: 0, count: rows * cols))
                run(QK_OP_CONVOLVE, [out.raw, x.raw, w.raw, b.raw], [rows, cols, taps, stride, 0, time])
                #expect(out.wallsStand)
                return out.values
            }
            for add in [0, 1] {
                check(relative: 2e-6, absolute: 5e-6) {
                    let dx = Memory([Float](repeating: 0, count: rows * cols)), dw = Memory(numbers(taps * cols, seed: 5)), db = Memory(numbers(cols, seed: 6))
                    run(QK_OP_CONVOLVE_GRAD, [dx.raw, dw.raw, db.raw, x.raw, w.raw, d.raw], [rows, cols, taps, stride, 0, time, add, add])
                    #expect(dx.wallsStand && dw.wallsStand && db.wallsStand)
                    return dx.values + dw.values + db.values
                }
            }
        }

        @Test(arguments: shapes) func scanAndItsGradient(rows: Int, cols: Int, states: Int, time: Int) {
            let x = Memory(numbers(rows * cols, seed: 1)), delta = Memory(numbers(rows * cols, seed: 2, -9...3)), decay = Memory(numbers(states * cols, seed: 3, -1...2))
            let bc = Memory(numbers(rows * (2 * states + 1), seed: 4)), skip = Memory(numbers(cols, seed: 5)), d = Memory(numbers(rows * cols, seed: 6))
            let n = [rows, cols, states, 2 * states + 1, 0, time]
            check(relative: 5e-6, absolute: 5e-6) {
                let out = Memory([Float](repeating: 0, count: rows * cols))
                run(QK_OP_SCAN, [out.raw, x.raw, delta.raw, decay.raw, bc.raw, skip.raw], n)
                #expect(out.wallsStand)
                return out.values
            }
            for add in [0, 1] {
                check(relative: 2e-5, absolute: 5e-5) {
                    let dx = Memory([Float](repeating: 0, count: rows * cols)), dd = Memory([Float](repeating: 0, count: rows * cols))
                    let da = Memory(numbers(states * cols, seed: 7)), dbc = Memory([Float](repeating: 0, count: rows * 2 * states)), ds = Memory(numbers(cols, seed: 8))
                    let work = Memory([Float](repeating: 0, count: (cols + 63) / 64 * rows * 2 * states))
                    run(
                        QK_OP_SCAN_GRAD, [dx.raw, dd.raw, da.raw, dbc.raw, ds.raw, x.raw, delta.raw, decay.raw, bc.raw, skip.raw, d.raw, work.raw],
                        n + [add, add])
                    #expect(dx.wallsStand && dd.wallsStand && da.wallsStand && dbc.wallsStand && ds.wallsStand && work.wallsStand)
                    return dx.values + dd.values + da.values + dbc.values + ds.values
                }
            }
        }

        /// Rows one by one, in cuts and beside another sequence give the bits of the whole sequence; the first row forgets what was there.
        @Test func cutsAndBatchesDoNotMatter() {
            let time = 23, cols = 37, taps = 4, states = 5
            let x = numbers(time * cols, seed: 1), w = Memory(numbers(taps * cols, seed: 2)), b = Memory(numbers(cols, seed: 3))
            let delta = numbers(time * cols, seed: 4, -5...1), decay = Memory(numbers(states * cols, seed: 5, -1...1)), bc = numbers(time * 2 * states, seed: 6)
            let skip = Memory(numbers(cols, seed: 7))
            for set in fastSets + ["scalar"] {
                with(isa: set, threads: 2) {
                    let all = Memory(x), deltas = Memory(delta), bcs = Memory(bc), convolved = Memory(x), scanned = Memory(x)
                    run(QK_OP_CONVOLVE, [convolved.raw, all.raw, w.raw, b.raw], [time, cols, taps, cols, 0, time])
                    run(QK_OP_SCAN, [scanned.raw, all.raw, deltas.raw, decay.raw, bcs.raw, skip.raw], [time, cols, states, 2 * states, 0, time])
                    let inputs = Memory([Float](repeating: .nan, count: 2 * (taps - 1) * cols)), memory = Memory([Float](repeating: .nan, count: 2 * states * cols))
                    var found: [Float] = [], foundScan: [Float] = []
                    var at = 0
                    for count in [2, 1, 7, 1, 1, 11] {
                        // Sequence 0 reads its first row again and again beside.
                        let rows = [0] + Array(at..<at + count)
                        let part = Memory(rows.flatMap { Array(x[$0 * cols..<($0 + 1) * cols]) }), partDelta = Memory(rows.flatMap { Array(delta[$0 * cols..<($0 + 1) * cols]) })
                        let partBC = Memory(rows.flatMap { Array(bc[$0 * 2 * states..<($0 + 1) * 2 * states]) }), out = Memory([Float](repeating: 0, count: rows.count * cols))
                        let positions = Memory(rows.map(Int32.init)), sequences = Memory([0] + [Int32](repeating: 1, count: count))
                        run(QK_OP_CONVOLVE, [out.raw, part.raw, w.raw, b.raw, inputs.raw, positions.raw, sequences.raw], [rows.count, cols, taps, cols])
                        found += out.values[cols...]
                        run(
                            QK_OP_SCAN, [out.raw, part.raw, partDelta.raw, decay.raw, partBC.raw, skip.raw, memory.raw, positions.raw, sequences.raw],
                            [rows.count, cols, states, 2 * states])
                        foundScan += out.values[cols...]
                        #expect(out.values[..<cols].map(\.bitPattern) == scanned.values[..<cols].map(\.bitPattern))
                        at += count
                    }
                    #expect(found.map(\.bitPattern) == convolved.values.map(\.bitPattern), "\(set)")
                    #expect(foundScan.map(\.bitPattern) == scanned.values.map(\.bitPattern), "\(set)")
                    #expect(inputs.wallsStand && memory.wallsStand)
                }
            }
        }

        @Test func smallStepsKeepTheirDigits() {
            // softplus(-20) is 2e-9: with a state of one and no decay to speak of, y = d * B * x * C.
            let out = Memory<Float>([0]), x = Memory<Float>([1]), delta = Memory<Float>([-20]), decay = Memory<Float>([0]), bc = Memory<Float>([1, 1]), skip = Memory<Float>([0])
            for set in fastSets {
                with(isa: set) { run(QK_OP_SCAN, [out.raw, x.raw, delta.raw, decay.raw, bc.raw, skip.raw], [1, 1, 1, 2, 0, 1]) }
                #expect(close(out.values[0], 2.0611536e-9, relative: 1e-5), "\(set)")
            }
        }
    }
}
