import CQuintetKernels
import Testing

/// Every block format with GGML's number, and checksums of what the `gguf` package makes of pseudo-random blocks and numbers
/// (`Tests/Interop/blocks.py` prints them).
private struct Format: Sendable, CustomStringConvertible {
    let name: String, type: Int, read: UInt64, made: UInt64?
    var description: String { name }
    var length: Int { Int(qk_block_length(Int64(type))) }
    var bytes: Int { Int(qk_block_bytes(Int64(type))) }

    init(_ name: String, _ type: Int, read: UInt64, made: UInt64? = nil) {
        self.name = name
        self.type = type
        self.read = read
        self.made = made
    }

    static let all = [
        Format("q4_0", QK_Q4_0, read: 0x759b_c83b_d2db_bb25, made: 0x2490_4f27_49ca_9387),
        Format("q4_1", QK_Q4_1, read: 0x764d_9ea9_c397_e10b, made: 0xb24a_cc7d_c460_af5e),
        Format("q5_0", QK_Q5_0, read: 0x8a75_9ead_e67d_8325, made: 0x06c9_4f76_a5bd_072a),
        Format("q5_1", QK_Q5_1, read: 0x7974_b67e_e1b8_51d8, made: 0x4a94_9d9c_4fd4_3f39),
        Format("q8_0", QK_Q8_0, read: 0x0e9f_d8d4_9e1d_7b65, made: 0xe227_c9c0_d20c_ff96),
        Format("q2_K", QK_Q2_K, read: 0xff4a_4f64_2694_e694), Format("q3_K", QK_Q3_K, read: 0xbda7_4b3a_462b_ee65),
        Format("q4_K", QK_Q4_K, read: 0x4f64_af4d_7ccb_3835), Format("q5_K", QK_Q5_K, read: 0xbf94_3057_7109_7cae),
        Format("q6_K", QK_Q6_K, read: 0x9eca_941a_a9ef_c85b), Format("iq4_nl", QK_IQ4_NL, read: 0x8c9f_f645_fc08_cba5),
        Format("iq4_xs", QK_IQ4_XS, read: 0x576d_73e2_270b_8f53),
        Format("mxfp4", QK_MXFP4, read: 0xdae8_3244_ebb1_9725, made: 0x670e_ecd3_958c_0eb1),
    ]
}

private let blockCount = 200

private func states(_ format: Format, _ count: Int) -> [UInt64] {
    var state = UInt64(format.type - Int(QK_BLOCKS))
    return (0..<count).map { _ in
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return state
    }
}

private func checksum(_ words: some Sequence<UInt32>) -> UInt64 {
    words.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
}

private func read(_ format: Format, _ blocks: [UInt8], as type: Int = Int(QK_F32)) -> [Float] {
    let count = blocks.count / format.bytes * format.length, from = Memory(blocks), to = Memory([Float](repeating: 7, count: count))
    run(QK_OP_CAST, [to.raw, from.raw], [count, Int(QK_F32), format.type])
    #expect(to.wallsStand)
    return to.values
}

private func made(_ format: Format, _ x: [Float]) -> [UInt8] {
    let from = Memory(x), to = Memory([UInt8](repeating: 7, count: x.count / format.length * format.bytes))
    run(QK_OP_CAST, [to.raw, from.raw], [x.count, format.type, Int(QK_F32)])
    #expect(to.wallsStand)
    return to.values
}

extension KernelTests {
    @Suite struct BlockTests {
        @Test("every format reads to the reference's bits, scales that are infinite, not numbers or subnormal included", arguments: Format.all)
        private func reads(_ format: Format) {
            let blocks = states(format, blockCount * format.bytes).map { UInt8($0 >> 56) }
            for set in fastSets + ["scalar"] {
                let words = with(isa: set, threads: 2) { read(format, blocks) }.map { $0.isNaN ? 0x7fc0_0000 : $0.bitPattern }
                #expect(checksum(words) == format.read, "\(set)")
            }
        }

        @Test("formats that GGML defines by a rule get the reference's bytes", arguments: Format.all.filter { $0.made != nil })
        private func makesTheReferenceBytes(_ format: Format) {
            let x = states(format, blockCount * 32).enumerated().map { index, state in
                Float(Int(state >> 40) - 1 << 23) * Float(sign: .plus, exponent: index / 32 % 40 - 40, significand: 1)
            }
            for set in fastSets + ["scalar"] {
                let bytes = with(isa: set, threads: 2) { made(format, x) }
                #expect(checksum(bytes.lazy.map(UInt32.init)) == format.made, "\(set)")
            }
        }

        /// RMS error over RMS value of normal numbers. The K formats' are what llama.cpp's own search reaches, with 1 % to spare.
        @Test("the search for scales leaves as little error as the reference's", arguments: [
            (QK_Q4_0, 0.0885), (QK_Q4_1, 0.079), (QK_Q5_0, 0.0432), (QK_Q5_1, 0.0383), (QK_Q8_0, 0.0055), (QK_MXFP4, 0.13),
            (QK_Q4_K, 0.0721), (QK_Q5_K, 0.0366), (QK_Q6_K, 0.0179),
        ])
        func errors(_ type: Int, _ most: Double) throws {
            let format = try #require(Format.all.first { $0.type == type })
            let count = 1 << 16, normal = Memory([Float](repeating: 0, count: count))
            run(QK_OP_RANDOM, kind: 0, [normal.raw], [count, 0, 5, 0], [0, 1])
            let back = read(format, made(format, normal.values))
            let squares = zip(back, normal.values).reduce(0.0) { $0 + Double($1.0 - $1.1) * Double($1.0 - $1.1) }
            let error = (squares / Double(count)).squareRoot()
            #expect(error < most, "\(format) leaves \(error)")
            let slow = with(isa: "scalar") { made(format, normal.values) }
            for set in fastSets { #expect(with(isa: set, threads: 3) { made(format, normal.values) } == slow, "\(set)") }
        }

        @Test("nothing traps on zeros, infinities and numbers at the end of the range", arguments: Format.all)
        private func odd(_ format: Format) {
            guard ![QK_Q2_K, QK_Q3_K, QK_IQ4_NL, QK_IQ4_XS].contains(format.type) else { return }
            let odd: [Float] = [0, -0.0, .infinity, -.infinity, .nan, .leastNonzeroMagnitude, .greatestFiniteMagnitude, 1e-30, -1e30]
            for value in odd {
                var x = [Float](repeating: value, count: 512)
                for i in stride(from: 0, to: 512, by: 3) { x[i] = 1 }
                let slow = with(isa: "scalar") { made(format, x) }
                for set in fastSets { #expect(with(isa: set) { made(format, x) } == slow, "\(set) \(value)") }
            }
            #expect(read(format, made(format, [Float](repeating: 0, count: 256))).allSatisfy { $0 == 0 })
        }
    }
}
