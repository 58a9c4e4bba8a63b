import CQuintetKernels
import Testing

extension KernelTests {
    /// Routing, combining and products with a matrix for each group.
    @Suite struct Experts {
        struct Routing: Sendable {
            var kind = 0, rows = 7, experts = 8, chosen = 2, groups = 0, kept = 0, divides = 0
            var bias = false
            var n: [Int] { [rows, experts, chosen, groups, kept, divides] }
            var s: [Float] { [1.5, divides == 1 ? 1e-20 : 0] }
        }

        static let routings = [
            Routing(), Routing(rows: 0), Routing(divides: 1), Routing(experts: 3, chosen: 3), Routing(experts: 67, chosen: 9, divides: 1), Routing(kind: 1),
            Routing(kind: 1, experts: 33, chosen: 4), Routing(kind: 2), Routing(kind: 2, divides: 1, bias: true), Routing(rows: 300, experts: 5, chosen: 1),
            Routing(kind: 2, experts: 24, chosen: 5, groups: 4, kept: 2, divides: 1, bias: true), Routing(kind: 2, experts: 8, chosen: 4, groups: 4, kept: 2),
        ]

        @Test(arguments: routings) func routesAreThoseOfTheTwin(o: Routing) {
            let x = Memory(numbers(o.rows * o.experts, seed: 1)), bias = Memory(numbers(o.experts, seed: 2, -0.3...0.3))
            var chosen: [Int32] = []
            check(relative: 2e-6, absolute: 1e-9, "\(o)") {
                let experts = Memory([Int32](repeating: -1, count: o.rows * o.chosen)), weights = Memory([Float](repeating: 0, count: o.rows * o.chosen))
                run(QK_OP_ROUTE, kind: o.kind, [experts.raw, weights.raw, x.raw, o.bias ? bias.raw : nil], o.n, o.s)
                #expect(experts.wallsStand && weights.wallsStand)
                if chosen.isEmpty { chosen = experts.values } else { #expect(chosen == experts.values) }
                return weights.values
            }
            expectBest(o, x.values, o.bias ? bias.values : nil, chosen)
        }

        /// Whoever is chosen scores at least as high as whoever is not, in the groups that stay.
        private func expectBest(_ o: Routing, _ x: [Float], _ bias: [Float]?, _ chosen: [Int32]) {
            for row in 0..<o.rows {
                let scores = (0..<o.experts).map { i in
                    let z = Double(x[row * o.experts + i])
                    return (o.kind == 2 ? 1 / (1 + Reference.exp(-z)) : z) + Double(bias?[i] ?? 0)
                }
                let own = chosen[row * o.chosen..<(row + 1) * o.chosen].map(Int.init)
                #expect(own == own.sorted() && Set(own).count == o.chosen)
                var open = Set(0..<o.experts)
                if o.groups > 0 {
                    let each = o.experts / o.groups
                    let worth = (0..<o.groups).map { g in scores[g * each..<(g + 1) * each].sorted().suffix(2).reduce(0, +) }
                    let kept = (0..<o.groups).sorted { (worth[$0], $1) > (worth[$1], $0) }.prefix(o.kept)
                    open = Set(kept.flatMap { $0 * each..<($0 + 1) * each })
                }
                #expect(open.isSuperset(of: own))
                let lowest = own.map { scores[$0] }.min() ?? 0
                #expect(open.subtracting(own).allSatisfy { scores[$0] <= lowest })
            }
        }

        @Test func equalAndUselessScoresStillChoose() {
            for set in fastSets + ["scalar"] {
                for (row, expected) in [
                    ([1, 1, 1, 1] as [Float], [0, 1] as [Int32]), ([0, 2, 1, 2], [1, 3]), ([.nan, .nan, .nan, .nan], [0, 1]), ([.nan, -1, .nan, 3], [1, 3]),
                    ([-.infinity, -.infinity, -.infinity, 0], [0, 3]),
                ] {
                    let x = Memory(row), experts = Memory<Int32>([-1, -1]), weights = Memory<Float>([0, 0])
                    with(isa: set) { run(QK_OP_ROUTE, kind: 1, [experts.raw, weights.raw, x.raw, nil], [1, 4, 2, 0, 0, 0], [1, 0]) }
                    #expect(experts.values == expected, "\(set) \(row)")
                }
            }
        }

        @Test(arguments: routings) func routeGradient(o: Routing) {
            let x = Memory(numbers(o.rows * o.experts, seed: 1)), bias = Memory(numbers(o.experts, seed: 2, -0.3...0.3)), d = Memory(numbers(o.rows * o.chosen, seed: 3))
            let experts = Memory([Int32](repeating: 0, count: o.rows * o.chosen)), weights = Memory([Float](repeating: 0, count: o.rows * o.chosen))
            run(QK_OP_ROUTE, kind: o.kind, [experts.raw, weights.raw, x.raw, o.bias ? bias.raw : nil], o.n, o.s)
            check(relative: 2e-5, absolute: 1e-6, "\(o)") {
                let dx = Memory([Float](repeating: 9, count: x.count))
                run(QK_OP_ROUTE_GRAD, kind: o.kind, [dx.raw, x.raw, experts.raw, d.raw], o.n, o.s)
                #expect(dx.wallsStand)
                return dx.values
            }
        }

        @Test func placesSortRowsByExpert() {
            let experts = Memory<Int32>([0, 2, 1, 2, 0, 4, 2, 4])
            let offsets = Memory([Int32](repeating: -1, count: 6)), sources = Memory([Int32](repeating: -1, count: 8)), places = Memory([Int32](repeating: -1, count: 8))
            run(QK_OP_ROUTE_PLACES, [offsets.raw, sources.raw, places.raw, experts.raw], [4, 5, 2])
            #expect(offsets.values == [0, 2, 3, 6, 6, 8] && sources.values == [0, 2, 1, 0, 1, 3, 2, 3] && places.values == [0, 3, 2, 4, 1, 6, 5, 7])
            #expect(offsets.wallsStand && sources.wallsStand && places.wallsStand)
        }

        @Test(arguments: [(1, 1, 1), (5, 33, 2), (9, 127, 3)]) func combineAndItsGradient(rows: Int, cols: Int, k: Int) {
            let y = Memory(numbers(rows * k * cols, seed: 1)), w = Memory(numbers(rows * k, seed: 2)), residual = Memory(numbers(rows * cols, seed: 3))
            let places = Memory((0..<rows * k).map { Int32(($0 * 7 + 3) % (rows * k)) }), dout = Memory(numbers(rows * cols, seed: 4))
            // 7 shares no factor with these counts, so the places are all different.
            #expect(Set(places.values).count == rows * k)
            check(relative: 2e-6, absolute: 1e-6) {
                let out = Memory([Float](repeating: 0, count: rows * cols)), bare = Memory([Float](repeating: 0, count: rows * cols))
                run(QK_OP_COMBINE, [out.raw, y.raw, w.raw, places.raw, residual.raw], [rows, cols, k, cols])
                run(QK_OP_COMBINE, [bare.raw, y.raw, w.raw, places.raw, nil], [rows, cols, k, 0])
                #expect(out.wallsStand && bare.wallsStand)
                return out.values + bare.values
            }
            check(relative: 2e-6, absolute: 2e-5) {
                let dy = Memory([Float](repeating: 0, count: y.count)), dw = Memory([Float](repeating: 0, count: w.count))
                run(QK_OP_COMBINE_GRAD, [dy.raw, dw.raw, dout.raw, y.raw, w.raw, places.raw], [rows, cols, k])
                #expect(dy.wallsStand && dw.wallsStand)
                return dy.values + dw.values
            }
        }

        /// Every group's product has the bits of a product of its own.
        @Test(arguments: [[0, 3, 3, 4, 60], [0, 1, 2, 3, 4], [0, 0, 0, 0, 2]] as [[Int32]]) func groupsEqualTheirOwnProducts(offsets: [Int32]) {
            let rows = Int(offsets[4]), n = 19, k = 23
            let x = Memory(numbers(rows * k, seed: 1)), w = Memory(numbers(4 * n * k, seed: 2)), bias = Memory(numbers(4 * n, seed: 3)), o = Memory(offsets, shift: 0)
            let table = Memory((0..<4).map { Int(bitPattern: w.raw + $0 * n * k * 4) }, shift: 0)
            for set in fastSets + ["scalar"] {
                for threads in [1, 3] {
                    with(isa: set, threads: threads) {
                        let out = Memory([Float](repeating: 0, count: rows * n)), own = Memory([Float](repeating: 0, count: rows * n))
                        run(QK_OP_GEMM_GROUPS, [out.raw, x.raw, table.raw, bias.raw, nil, nil, nil, o.raw], [rows, n, k, k, 1, 1, k, n, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4], [1])
                        for g in 0..<4 {
                            let first = Int(offsets[g]), count = Int(offsets[g + 1]) - first
                            run(
                                QK_OP_GEMM, [own.raw + first * n * 4, x.raw + first * k * 4, w.raw + g * n * k * 4, bias.raw + g * n * 4], [count, n, k, k, 1, 1, k, n],
                                [1])
                        }
                        #expect(out.values.map(\.bitPattern) == own.values.map(\.bitPattern) && out.wallsStand, "\(set)")
                    }
                }
            }
        }

        @Test func groupGradientsAddOnlyWhereRowsAre() {
            let m = 5, n = 7, offsets = Memory<Int32>([0, 2, 2, 5], shift: 0)
            let y = Memory(numbers(5 * m, seed: 1)), x = Memory(numbers(5 * n, seed: 2))
            for add in [0, 1] {
                check(relative: 1e-6, absolute: 1e-6) {
                    let d = Memory([Float](repeating: 3, count: 3 * m * n))
                    run(QK_OP_GEMM_GROUPS_GRAD, [d.raw, y.raw, x.raw, nil, nil, nil, nil, offsets.raw], [5, m, n, m, n, 0, 0, m * n, 0, 0, add, 0, 0, 0, 0, 0, 0, 3])
                    #expect(d.wallsStand && d.values[m * n..<2 * m * n].allSatisfy { $0 == (add == 1 ? 3 : 0) })
                    return d.values
                }
            }
        }
    }
}
