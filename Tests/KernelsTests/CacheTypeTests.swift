import CQuintetKernels
import Testing

/// A cache in some type: slabs full of garbage, pages in no order.
private final class Slabs {
    let type: Int, heads: Int, width: Int
    let k: Memory<UInt8>, v: Memory<UInt8>
    let table = Memory<Int32>([2, 0, 3, 1])

    init(_ type: Int, heads: Int, width: Int) {
        (self.type, self.heads, self.width) = (type, heads, width)
        let bytes = 4 * heads * Int(qk_cache_page_bytes(Int64(type), Int64(width)))
        k = Memory([UInt8](repeating: 0xff, count: bytes), shift: 0)
        v = Memory([UInt8](repeating: 0xff, count: bytes), shift: 0)
    }

    func append(_ keys: Memory<Float>, _ values: Memory<Float>, _ rows: Range<Int>) {
        let positions = Memory(rows.map(Int32.init)), sequences = Memory(rows.map { _ in Int32(0) }), stride = heads * width
        run(
            QK_OP_CACHE_APPEND,
            [k.raw, v.raw, keys.raw + 4 * rows.lowerBound * stride, values.raw + 4 * rows.lowerBound * stride, table.raw, positions.raw, sequences.raw],
            [rows.count, 0, 0, 0, heads, width, 0, stride, stride, 0, 0, type, 4])
        #expect(k.wallsStand && v.wallsStand)
    }

    func attend(_ q: [Float], _ rows: Range<Int>) -> [Float] {
        let query = Memory(q), out = Memory([Float](repeating: 0, count: q.count)), stride = 2 * heads * width
        let positions = Memory(rows.map(Int32.init)), sequences = Memory(rows.map { _ in Int32(0) })
        run(
            QK_OP_ATTENTION_PAGED, [out.raw, query.raw, k.raw, v.raw, table.raw, positions.raw, sequences.raw],
            [rows.count, 0, 0, 2 * heads, heads, width, stride, 0, 0, stride, 0, type, 4], [1 / Float(width).squareRoot(), 0])
        return out.values
    }
}

extension KernelTests {
    @Suite struct CacheTypeTests {
        /// Three key heads, six query heads.
        private func run(_ type: Int, width: Int, cuts: [Range<Int>]) -> [Float] {
            let length = 150, keys = Memory(numbers(length * 3 * width, seed: 2)), values = Memory(numbers(length * 3 * width, seed: 3))
            let q = numbers(length * 6 * width, seed: 1), slabs = Slabs(type, heads: 3, width: width)
            return cuts.flatMap { rows in
                slabs.append(keys, values, rows)
                return slabs.attend(Array(q[rows.lowerBound * 6 * width..<rows.upperBound * 6 * width]), rows)
            }
        }

        @Test(arguments: [QK_F32, QK_F16, QK_Q8_0], [7, 40, 64]) func twinsCutsAndErrors(_ type: Int, _ width: Int) {
            let exact = with(isa: "scalar") { run(QK_F32, width: width, cuts: [0..<150]) }
            check(relative: 1e-5, absolute: 1e-5, "width \(width)") { run(type, width: width, cuts: [0..<150]) }
            for set in fastSets {
                let whole = with(isa: set) { run(type, width: width, cuts: [0..<150]) }
                let cut = with(isa: set, threads: 2) { run(type, width: width, cuts: [0..<61, 61..<140] + (140..<150).map { $0..<$0 + 1 }) }
                #expect(whole == cut, "\(set)")
                let tolerance: Float = type == QK_F32 ? 1e-5 : type == QK_F16 ? 2e-3 : 2e-2
                #expect(zip(whole, exact).allSatisfy { abs($0 - $1) < tolerance }, "\(set)")
            }
        }
    }
}
