import CQuintetKernels
import Testing

extension KernelTests {
    @Suite struct Embeddings {
        static let ids: [Int32] = [3, 0, 3, -1, 6, 99, 3, 2, 7]

        @Test(arguments: [QK_F32, QK_F16, QK_BF16]) func rowsComeFromTheTable(type: Int) {
            for cols in [1, 3, 8, 17, 64, 130, 768] {
                let table = Memory((0..<7 * cols * 4).map { UInt8(truncatingIfNeeded: $0 &* 31 & 0x3f) }, shift: 4), ids = Memory(Self.ids)
                for add in [0, 1] {
                    check {
                        let out = Memory(numbers(Self.ids.count * cols))
                        run(QK_OP_EMBED, [out.raw, table.raw, ids.raw], [Self.ids.count, cols, 7, type, add], [1.5])
                        #expect(out.wallsStand)
                        if add == 0 { #expect(out.values[3 * cols..<4 * cols].allSatisfy { $0 == 0 }) }
                        return out.values
                    }
                }
            }
        }

        @Test func rowsMayBeginLater() {
            for offset in [0, 2, 5] {
                let table = Memory(numbers(7 * 9, seed: 3)), ids = Memory(Self.ids), dy = Memory(numbers(Self.ids.count * 9, seed: 2))
                check {
                    let out = Memory(numbers(Self.ids.count * 9)), dtable = Memory(numbers(7 * 9))
                    run(QK_OP_EMBED, [out.raw, table.raw, ids.raw], [Self.ids.count, 9, 7, QK_F32, 0, offset], [2])
                    run(QK_OP_EMBED_GRAD, [dtable.raw, dy.raw, ids.raw], [Self.ids.count, 9, 7, 0, 0, offset], [0.5])
                    #expect(out.wallsStand && dtable.wallsStand)
                    for (row, id) in Self.ids.enumerated() {
                        let at = Int(id) + offset
                        let expected = (0..<7).contains(at) ? table.values[at * 9..<at * 9 + 9].map { 2 * $0 } : [Float](repeating: 0, count: 9)
                        #expect(Array(out.values[row * 9..<row * 9 + 9]) == expected)
                    }
                    return out.values + dtable.values
                }
            }
        }

        @Test func gradientAddsRowsInOrder() {
            for cols in [1, 3, 8, 17, 64, 130, 768] {
                let dy = Memory(numbers(Self.ids.count * cols, seed: 2)), ids = Memory(Self.ids)
                check {
                    let table = Memory(numbers(7 * cols))
                    run(QK_OP_EMBED_GRAD, [table.raw, dy.raw, ids.raw], [Self.ids.count, cols, 7], [0.5])
                    #expect(table.wallsStand)
                    return table.values
                }
            }
        }

        @Test(arguments: [0, 1]) func ropeTurnsPairsAndBack(kind: Int) {
            for (heads, width, rotary) in [(1, 2, 2), (2, 8, 8), (3, 10, 6), (4, 64, 64), (2, 80, 32), (12, 64, 64)] {
                let rows = 9, positions = Memory<Int32>([0, 1, 2, 3, 4, 5, 4, 2, 0]), stride = heads * width + 5
                let angles = (0..<6 * rotary / 2).map { Double($0 / (rotary / 2)) * Reference.pow(100, -Double($0 % (rotary / 2)) / Double(rotary)) }
                var table: [Float] = []
                for position in 0..<6 {
                    let row = angles[position * rotary / 2..<(position + 1) * rotary / 2]
                    table += row.map { Float(Reference.cos($0)) } + row.map { Float(Reference.sin($0)) }
                }
                let tables = Memory(table), x = Memory(numbers(rows * stride, seed: 3))
                check {
                    let out = Memory([Float](repeating: 7, count: rows * stride))
                    run(QK_OP_ROPE, kind: kind, [out.raw, x.raw, tables.raw, positions.raw], [rows, heads, width, rotary, stride, stride], [1])
                    #expect(out.wallsStand && out.values[heads * width] == 7)
                    return out.values
                }
                let turned = Memory(x.values)
                run(QK_OP_ROPE, kind: kind, [turned.raw, turned.raw, tables.raw, positions.raw], [rows, heads, width, rotary, stride, stride], [1])
                let i = rotary > 2 ? 1 : 0, half = rotary / 2, first = kind == 0 ? i : 2 * i, second = kind == 0 ? half + i : 2 * i + 1
                let at = 5 * stride + (heads - 1) * width, angle = angles[5 * half + i], a = Double(x.values[at + first]), b = Double(x.values[at + second])
                #expect(abs(Double(turned.values[at + first]) - (a * Reference.cos(angle) - b * Reference.sin(angle))) < 1e-6)
                #expect(abs(Double(turned.values[at + second]) - (b * Reference.cos(angle) + a * Reference.sin(angle))) < 1e-6)
                run(QK_OP_ROPE, kind: kind, [turned.raw, turned.raw, tables.raw, positions.raw], [rows, heads, width, rotary, stride, stride], [-1])
                #expect(zip(turned.values, x.values).allSatisfy { abs($0 - $1) < 2e-6 })
            }
        }
    }
}
