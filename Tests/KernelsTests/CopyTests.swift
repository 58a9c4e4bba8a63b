import CQuintetKernels
import Testing

extension KernelTests {
    @Suite struct Copies {
        @Test(arguments: [1, 2, 4, 8]) func stridedCopies(width: Int) {
            // (dims, dst strides, src strides)
            let cases: [([Int], [Int], [Int])] = [
                ([1], [1], [1]), ([17], [1], [1]), ([17], [2], [3]), ([5, 7], [7, 1], [1, 5]), ([3, 4, 5], [20, 5, 1], [4, 1, 12]),
                ([2, 3, 4, 5], [60, 20, 5, 1], [60, 5, 15, 1]), ([200, 300], [301, 1], [300, 1]), ([2, 1, 3, 1, 2, 2], [12, 12, 4, 4, 2, 1], [12, 1, 4, 9, 1, 2]),
                ([0, 4], [4, 1], [4, 1]), ([300, 200], [200, 1], [1, 300]), ([], [], []),
            ]
            for (dims, to, from) in cases {
                let reach = { (strides: [Int]) in zip(dims, strides).reduce(1) { $0 + max(0, $1.0 - 1) * $1.1 } * width }
                let source = Memory((0..<reach(from)).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ $0 >> 8) }, shift: width)
                let pad = { (x: [Int]) in x + [Int](repeating: 0, count: 6 - x.count) }
                check("\(dims) \(to) \(from)") {
                    let out = Memory([UInt8](repeating: 3, count: reach(to)), shift: width)
                    run(QK_OP_COPY, kind: width, [out.raw, source.raw], [dims.count] + pad(dims) + pad(to) + pad(from))
                    #expect(out.wallsStand)
                    return out.values.map(Float.init)
                }
            }
        }

        @Test func casts() {
            let special: [Float] = [0, -0.0, 1, -1, 65504, 65520, 1e6, 6e-8, 3e-8, 1e-7, 5.96e-8, .infinity, -.infinity, .nan, 3e9, -3e9, 1.5, -2.5, 0.1, 0x1p-133]
            let values = special + numbers(40_000, -70_000...70_000) + numbers(500, -0.001...0.001) + numbers(500, -1e-6...1e-6)
            for count in [0, 1, 7, 9, values.count] {
                let x = Memory(Array(values.prefix(count)))
                for (type, width) in [(QK_F16, 2), (QK_BF16, 2), (QK_I32, 4)] {
                    check("to type \(type)") {
                        let narrow = Memory([UInt8](repeating: 0, count: count * width), shift: 4), back = Memory([Float](repeating: 0, count: count))
                        run(QK_OP_CAST, [narrow.raw, x.raw], [count, type, QK_F32])
                        run(QK_OP_CAST, [back.raw, narrow.raw], [count, QK_F32, type])
                        #expect(narrow.wallsStand && back.wallsStand)
                        // A NaN's sign and payload are nobody's business.
                        return back.values.map { $0.isNaN ? 12345 : $0 }
                    }
                }
            }
        }

        /// Large enough for the stores that pass the caches by.
        @Test func largeFillReachesEveryElement() {
            let count = (1 << 24) + 13, out = Memory([Float](repeating: 0, count: count))
            run(QK_OP_FILL, [out.raw], [count], [2.5])
            #expect(out.wallsStand && UnsafeBufferPointer(start: out.pointer, count: count).allSatisfy { $0 == 2.5 })
        }

        @Test func fillReachesEveryElement() {
            for count in awkwardCounts + [100_001] {
                check {
                    let out = Memory([Float](repeating: 0, count: count))
                    run(QK_OP_FILL, [out.raw], [count], [2.5])
                    #expect(out.wallsStand && out.values.allSatisfy { $0 == 2.5 })
                    return out.values
                }
            }
        }
    }
}
