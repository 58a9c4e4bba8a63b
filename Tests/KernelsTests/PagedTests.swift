import CQuintetKernels
import Testing

extension KernelTests {
    /// Attention through the cache against attention over the whole sequence, bit for bit.
    @Suite struct Paged {
        struct Options: Sendable {
            var heads = 4, kvHeads = 2, width = 16, window = 0
            var alibi = false, sinks = false
            var cap: Float = 0, rounded: Float = 0
        }

        /// Slabs of pages, filled with NaN as memory that nobody has written might be.
        final class Slabs {
            let k: Memory<Float>, v: Memory<Float>, table: Memory<Int32>
            let maxPages = 5
            init(_ o: Options, sequences: Int) {
                let pages = sequences * maxPages
                k = Memory([Float](repeating: .nan, count: pages * o.kvHeads * o.width * Int(QK_PAGE)))
                v = Memory([Float](repeating: .nan, count: pages * o.kvHeads * o.width * Int(QK_PAGE)))
                // Pages lie in no order.
                table = Memory((0..<pages).map { Int32(($0 * 7 + 3) % pages) })
            }
        }

        static func append(_ o: Options, _ slabs: Slabs, _ k: Memory<Float>, _ v: Memory<Float>, rows: Range<Int>, sequence: Int, stride: Int) {
            let positions = Memory(rows.map(Int32.init)), sequences = Memory(rows.map { _ in Int32(sequence) })
            run(
                QK_OP_CACHE_APPEND,
                [slabs.k.raw, slabs.v.raw, k.raw + 4 * rows.lowerBound * stride, v.raw + 4 * rows.lowerBound * stride, slabs.table.raw, positions.raw, sequences.raw],
                [rows.count, 0, 0, 0, o.kvHeads, o.width, 0, stride, stride, 0, 0, 0, slabs.maxPages])
        }

        static func attend(_ o: Options, _ slabs: Slabs, _ q: [Float], rows: [(position: Int, sequence: Int)]) -> [Float] {
            let query = Memory(q), out = Memory([Float](repeating: 0, count: q.count))
            let positions = Memory(rows.map { Int32($0.position) }), sequences = Memory(rows.map { Int32($0.sequence) })
            let slopes = Memory((0..<o.heads).map { 0.1 * Float($0 + 1) }), sinks = Memory((0..<o.heads).map { 0.3 * Float($0) })
            run(
                QK_OP_ATTENTION_PAGED,
                [out.raw, query.raw, slabs.k.raw, slabs.v.raw, slabs.table.raw, positions.raw, sequences.raw, o.alibi ? slopes.raw : nil, o.sinks ? sinks.raw : nil],
                [rows.count, 0, 0, o.heads, o.kvHeads, o.width, o.heads * o.width, 0, 0, o.heads * o.width, o.window, 0, slabs.maxPages],
                [1 / Float(o.width).squareRoot(), o.cap, 0, o.rounded])
            #expect(out.wallsStand)
            return out.values
        }

        @Test(arguments: [
            Options(), Options(heads: 3, kvHeads: 3, width: 7), Options(heads: 8, kvHeads: 1, width: 64), Options(heads: 2, kvHeads: 2, width: 40, window: 70),
            Options(alibi: true), Options(heads: 6, alibi: true, rounded: 0.7), Options(width: 33, sinks: true, cap: 3), Options(heads: 14, kvHeads: 2, width: 24, window: 9, alibi: true, sinks: true, cap: 2),
        ]) func cutsAndBatchesDoNotMatter(o: Options) {
            let t = 200, qStride = o.heads * o.width, stride = o.kvHeads * o.width
            let q = Memory(numbers(t * qStride, seed: 1), shift: 0), k = Memory(numbers(t * stride, seed: 2)), v = Memory(numbers(t * stride, seed: 3))
            for set in fastSets + ["scalar"] {
                for threads in [1, 3] {
                    with(isa: set, threads: threads) {
                        let whole = Memory([Float](repeating: 0, count: q.count))
                        let slopes = Memory((0..<o.heads).map { 0.1 * Float($0 + 1) }), sinks = Memory((0..<o.heads).map { 0.3 * Float($0) })
                        run(
                            QK_OP_ATTENTION, kind: 0, [whole.raw, q.raw, k.raw, v.raw, nil, nil, o.alibi ? slopes.raw : nil, o.sinks ? sinks.raw : nil],
                            [1, t, t, o.heads, o.kvHeads, o.width, qStride, stride, stride, qStride, o.window, 0], [1 / Float(o.width).squareRoot(), o.cap, 0, o.rounded])
                        let slabs = Slabs(o, sequences: 2)
                        // A prompt in two cuts, then one row at a time beside another sequence's rows.
                        Self.append(o, slabs, k, v, rows: 0..<90, sequence: 0, stride: stride)
                        Self.append(o, slabs, k, v, rows: 0..<200, sequence: 1, stride: stride)
                        var found = Self.attend(o, slabs, Array(q.values[..<(50 * qStride)]), rows: (0..<50).map { ($0, 0) })
                        found += Self.attend(o, slabs, Array(q.values[(50 * qStride)..<(90 * qStride)]), rows: (50..<90).map { ($0, 0) })
                        for position in 90..<t {
                            Self.append(o, slabs, k, v, rows: position..<position + 1, sequence: 0, stride: stride)
                            let row = Array(q.values[(position * qStride)..<((position + 1) * qStride)])
                            let both = Self.attend(o, slabs, Array(q.values[..<qStride]) + row, rows: [(0, 1), (position, 0)])
                            found += both[qStride...]
                        }
                        let wrong = zip(found, whole.values).enumerated().first { $0.element.0.bitPattern != $0.element.1.bitPattern }
                        #expect(wrong == nil, "\(set) \(threads) threads \(o): \(String(describing: wrong))")
                    }
                }
            }
        }

        @Test func appendTouchesOnlyItsSlots() {
            let o = Options(heads: 3, kvHeads: 3, width: 5), slabs = Slabs(o, sequences: 1)
            let k = Memory(numbers(70 * 15, seed: 1)), v = Memory(numbers(70 * 15, seed: 2))
            Self.append(o, slabs, k, v, rows: 60..<67, sequence: 0, stride: 15)
            #expect(slabs.k.values.count { !$0.isNaN } == 7 * 15 && slabs.v.values.count { !$0.isNaN } == 7 * 15 && slabs.k.wallsStand && slabs.v.wallsStand)
        }
    }
}
