import CQuintetKernels
import Testing

extension KernelTests {
    @Suite struct RandomNumbers {
        static func words(_ count: Int, index: Int = 0, seed: UInt64 = 0, stream: UInt64 = 0) -> [UInt32] {
            let out = Memory([UInt32](repeating: 0, count: count))
            run(QK_OP_RANDOM, kind: 2, [out.raw], [count, index, Int(bitPattern: UInt(seed)), Int(bitPattern: UInt(stream))])
            return out.values
        }

        /// Philox4x32-10 as the paper writes it.
        static func philox(_ counter: [UInt32], _ key: [UInt32]) -> [UInt32] {
            var x = counter, k = key
            for _ in 0..<10 {
                let a = UInt64(x[0]) * 0xd251_1f53, b = UInt64(x[2]) * 0xcd9e_8d57
                x = [UInt32(b >> 32) ^ x[1] ^ k[0], UInt32(truncatingIfNeeded: b), UInt32(a >> 32) ^ x[3] ^ k[1], UInt32(truncatingIfNeeded: a)]
                k = [k[0] &+ 0x9e37_79b9, k[1] &+ 0xbb67_ae85]
            }
            return x
        }

        /// The known answers that come with Random123.
        @Test func philoxGivesThePublishedWords() {
            let ones = [UInt32](repeating: .max, count: 4)
            #expect(Self.philox([0, 0, 0, 0], [0, 0]) == [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8])
            #expect(Self.philox(ones, [.max, .max]) == [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd])
            #expect(
                Self.philox([0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344], [0xa409_3822, 0x299f_31d0])
                    == [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1])
            for set in fastSets + ["scalar"] {
                with(isa: set) {
                    #expect(Self.words(4) == [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8])
                    let index = 0x7_ffff_fff8, words = Self.words(64, index: index, seed: 0x299f_31d0_a409_3822, stream: 0x0370_7344_1319_8a2e)
                    for block in 0..<16 {
                        let counter = UInt64(index / 4 + block)
                        let expected = Self.philox([UInt32(truncatingIfNeeded: counter), UInt32(counter >> 32), 0x1319_8a2e, 0x0370_7344], [0xa409_3822, 0x299f_31d0])
                        #expect(Array(words[4 * block..<4 * block + 4]) == expected)
                    }
                }
            }
        }

        @Test(arguments: [0, 1, 2]) func anyCutOfTheSequenceIsTheSame(kind: Int) {
            for (count, index) in [(0, 0), (1, 0), (1, 3), (5, 2), (31, 1), (64, 0), (1000, 7), (30_000, 5)] {
                check(relative: 2e-6, absolute: kind == 0 ? 2e-6 : 0) {
                    let out = Memory([Float](repeating: 0, count: count))
                    run(QK_OP_RANDOM, kind: kind, [out.raw], [count, index, 42, 7], kind == 1 ? [-1, 3] : [0.5, 2])
                    #expect(out.wallsStand)
                    return kind == 2 ? out.values.map { Float($0.bitPattern >> 8) } : out.values
                }
            }
            let whole = Self.words(100, index: 0, seed: 9), part = Self.words(50, index: 37, seed: 9)
            #expect(Array(whole[37..<87]) == part)
        }

        @Test func momentsAreRight() {
            let count = 200_000, out = Memory([Float](repeating: 0, count: count))
            run(QK_OP_RANDOM, kind: 0, [out.raw], [count, 0, 1, 2], [1, 3])
            let mean = doubles(out.values).reduce(0, +) / Double(count)
            let variance = doubles(out.values).reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(count)
            #expect(abs(mean - 1) < 0.03 && abs(variance - 9) < 0.12)
            run(QK_OP_RANDOM, kind: 1, [out.raw], [count, 0, 1, 3], [2, 4])
            let middle = doubles(out.values).reduce(0, +) / Double(count)
            #expect(abs(middle - 3) < 0.01 && out.values.allSatisfy { $0 >= 2 && $0 < 4 })
        }

        @Test func dropoutKeepsAndScales() {
            for (count, index) in [(0, 0), (1, 1), (37, 0), (37, 3), (50_001, 2)] {
                let x = Memory(numbers(count))
                for p: Float in [0, 0.1, 0.5, 1] {
                    check {
                        let out = Memory([Float](repeating: 9, count: count))
                        run(QK_OP_DROPOUT, [out.raw, x.raw], [count, index, 3, 4], [p])
                        #expect(out.wallsStand)
                        if p == 0 { #expect(out.values == x.values) }
                        if p == 1 { #expect(out.values.allSatisfy { $0 == 0 }) }
                        return out.values
                    }
                }
            }
            let x = Memory([Float](repeating: 1, count: 100_000)), out = Memory(x.values)
            run(QK_OP_DROPOUT, [out.raw, x.raw], [100_000, 0, 3, 4], [0.25])
            let kept = out.values.filter { $0 != 0 }
            #expect(abs(Double(kept.count) / 100_000 - 0.75) < 0.01 && kept.allSatisfy { $0 == 1 / 0.75 })
        }
    }
}
