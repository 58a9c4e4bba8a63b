import CQuintetKernels
import Testing

/// One matrix multiply, with everything that may be asked of it.
struct Product: Sendable, CustomStringConvertible {
    enum Order: CaseIterable, Sendable { case rows, columns, gaps }

    var m = 1, n = 1, k = 1
    var a = Order.rows, b = Order.rows
    var type = QK_F32, packed = false
    var activation = QK_IDENTITY, alpha: Float = 1
    var bias = false, residual = false, pre = false, gate = false, adds = false
    /// C passes the caches by where the set can.
    var past = false
    /// Unused elements at the end of every row.
    var gap = 0

    var description: String {
        "\(m) x \(n) x \(k) a \(a) b \(b) type \(type) packed \(packed) f \(activation) alpha \(alpha) bias \(bias) residual \(residual) pre \(pre) gate \(gate) adds \(adds) gap \(gap)"
    }

    /// Row and column strides of a [rows, columns] matrix, and the elements it spans.
    static func strides(_ order: Order, _ rows: Int, _ columns: Int, _ gap: Int) -> (row: Int, column: Int, count: Int) {
        switch order {
        case .rows: (columns + gap, 1, rows * (columns + gap))
        case .columns: (1, rows + gap, columns * (rows + gap))
        case .gaps: (2 * columns + 1, 2, rows * (2 * columns + 1))
        }
    }
    var aStrides: (row: Int, column: Int, count: Int) { Self.strides(a, m, k, gap) }
    var bStrides: (row: Int, column: Int, count: Int) { Self.strides(b, k, n, gap) }
    var row: Int { n + gap }
}

/// The operands of a product in memory.
final class ProductRun {
    let shape: Product
    let a: Memory<Float>, bias: Memory<Float>, residual: Memory<Float>, gate: Memory<Float>
    let b32: Memory<Float>, b16: Memory<UInt16>, panels: Memory<UInt8>

    init(_ shape: Product) {
        self.shape = shape
        a = Memory(numbers(shape.aStrides.count, seed: 1))
        let b = numbers(shape.bStrides.count, seed: 2)
        b32 = Memory(b)
        b16 = Memory(b.map { shape.type == QK_F16 ? Float16($0).bitPattern : UInt16($0.bitPattern >> 16) })
        bias = Memory(numbers(shape.n, seed: 3))
        residual = Memory(numbers(shape.m * shape.row, seed: 4))
        gate = Memory(numbers(shape.m * shape.row, seed: 5))
        panels = Memory([UInt8](repeating: 9, count: shape.packed ? qk_gemm_packed_bytes(Int64(shape.n), Int64(shape.k), Int32(shape.type)) : 0), shift: 0)
    }

    private var stored: UnsafeMutableRawPointer { shape.type == QK_F32 ? b32.raw : b16.raw }

    private func pack() {
        run(QK_OP_GEMM_PACK, [panels.raw, stored], [shape.n, shape.k, 0, 0, 0, shape.bStrides.row, shape.bStrides.column, 0, 0, 0, 0, shape.type])
        #expect(panels.wallsStand)
    }

    /// C, then the pre-activations.
    func callAsFunction() -> [Float] {
        let s = shape, c = Memory(numbers(s.m * s.row, seed: 6)), pre = Memory(numbers(s.m * s.row, seed: 7))
        if s.packed { pack() }
        run(
            QK_OP_GEMM, kind: s.activation,
            [
                c.raw, a.raw, s.packed ? panels.raw : stored, s.bias ? bias.raw : nil, s.residual ? residual.raw : nil, s.pre ? pre.raw : nil,
                s.gate ? gate.raw : nil,
            ],
            [
                s.m, s.n, s.k, s.aStrides.row, s.aStrides.column, s.bStrides.row, s.bStrides.column, s.row, s.row, s.row, s.adds ? 1 : 0, s.type,
                s.packed ? 1 : 0, s.row, s.past ? 1 : 0,
            ], [s.alpha])
        #expect(c.wallsStand && pre.wallsStand, "\(s)")
        return c.values + pre.values
    }
}

extension KernelTests {
    @Suite struct Products {
        static let heights = [1, 2, 5, 6, 7, 13, 24, 25, 31, 97, 151], widths = [1, 3, 16, 17, 33, 127], lengths = [0, 1, 2, 7, 8, 9, 63, 257, 400]

        /// Every chain is the plain loop of fused multiply-adds.
        @Test func everyElementIsOneChain() {
            for m in Self.heights {
                for n in Self.widths {
                    for k in Self.lengths where m * n * k < 600_000 {
                        let order = Product.Order.allCases[(m + n + k) % 3], other = Product.Order.allCases[(m + 2 * n + k) % 3]
                        let product = Product(m: m, n: n, k: k, a: order, b: other, adds: k % 2 == 1, gap: n % 3)
                        let once = ProductRun(product)
                        check("\(product)") { once() }
                    }
                }
            }
        }

        @Test func theTwinIsTheChain() {
            let product = Product(m: 3, n: 5, k: 70), once = ProductRun(product), c = with(isa: "scalar") { once() }
            for i in 0..<3 {
                for j in 0..<5 {
                    var sum: Float = 0
                    for p in 0..<70 { sum.addProduct(once.a.values[i * 70 + p], once.b32.values[p * 5 + j]) }
                    #expect(c[i * 5 + j] == sum)
                }
            }
        }

        @Test(arguments: [QK_F32, QK_F16, QK_BF16], [false, true]) func storedTypesAndPanels(type: Int, packed: Bool) {
            for (m, n, k) in [(1, 50, 70), (3, 33, 9), (6, 16, 300), (20, 100, 33), (40, 70, 513), (150, 35, 20), (1, 1, 1), (5, 130, 0), (2, 40, 50), (4, 20, 600)] {
                for b in Product.Order.allCases {
                    let product = Product(m: m, n: n, k: k, b: b, type: type, packed: packed, bias: true, gap: 1), once = ProductRun(product)
                    check("\(product)") { once() }
                }
            }
        }

        @Test(arguments: 0..<QK_FUNCTION_COUNT) func epilogues(activation: Int) {
            let exact = [QK_IDENTITY, QK_RELU, QK_SQUARE, QK_NEGATE, QK_RELU_SQUARED, QK_CLIP].contains(activation)
            for (m, n, k) in [(1, 20, 9), (7, 35, 12), (60, 50, 5), (30, 16, 500)] {
                for flags in 0..<16 {
                    var product = Product(m: m, n: n, k: k, activation: activation, gap: 3)
                    (product.bias, product.residual, product.pre, product.gate) = (flags & 1 > 0, flags & 2 > 0, flags & 4 > 0, flags & 8 > 0)
                    product.alpha = flags % 3 == 0 ? 1 : 0.37
                    let once = ProductRun(product)
                    check(relative: exact ? 0 : 1e-5, absolute: exact ? 0 : 1e-5, "\(product)") {
                        // Far out in an exponential, or near a pole, the last bits of the argument are everything.
                        once().map { abs($0) > 1e4 ? $0.sign == .minus ? -.infinity : .infinity : $0 }
                    }
                }
            }
        }

        /// Long chains, several blocks of columns, several pieces of k, either operand shared, either one cut into parts.
        @Test func manyBlocks() {
            for product in [
                Product(m: 30, n: 20, k: 7000, b: .columns), Product(m: 70, n: 700, k: 3500, a: .columns, bias: true),
                Product(m: 40, n: 3000, k: 700, type: QK_F16, gap: 3), Product(m: 50, n: 1400, k: 1100, adds: true, gap: 1),
                Product(m: 1100, n: 30, k: 600, a: .columns, residual: true), Product(m: 4200, n: 40, k: 1003, activation: QK_RELU, bias: true),
                Product(m: 70, n: 100, k: 61000, bias: true), Product(m: 70, n: 100, k: 61000, b: .columns, adds: true, gap: 2),
                Product(m: 70, n: 100, k: 61000, packed: true), Product(m: 1030, n: 1040, k: 9, past: true),
            ] {
                let once = ProductRun(product)
                for set in fastSets {
                    let one = with(isa: set) { once() }
                    for threads in [2, 3] { #expect(with(isa: set, threads: threads) { once() }.map(\.bitPattern) == one.map(\.bitPattern)) }
                    // A row by itself has the bits of that row in the whole.
                    for i in [0, product.m / 2, product.m - 1] { #expect(row(once, i, set) == Array(one[i * product.row..<i * product.row + product.n])) }
                }
            }
        }

        private func row(_ whole: ProductRun, _ i: Int, _ set: String) -> [Float] {
            let s = whole.shape, c = Memory(Array(numbers(s.m * s.row, seed: 6)[i * s.row..<(i + 1) * s.row]))
            with(isa: set) {
                let b = s.packed ? whole.panels.raw : s.type == QK_F32 ? whole.b32.raw : whole.b16.raw
                run(
                    QK_OP_GEMM, kind: s.activation,
                    [
                        c.raw, whole.a.raw + 4 * i * s.aStrides.row, b, s.bias ? whole.bias.raw : nil,
                        s.residual ? whole.residual.raw + 4 * i * s.row : nil,
                    ],
                    [
                        1, s.n, s.k, s.aStrides.row, s.aStrides.column, s.bStrides.row, s.bStrides.column, s.row, s.row, 0, s.adds ? 1 : 0, s.type,
                        s.packed ? 1 : 0,
                    ], [1])
            }
            return Array(c.values[..<s.n])
        }

        /// What is not a number stays in its own row and column.
        @Test func notANumberStaysWhereItIs() {
            for set in fastSets + ["scalar"] {
                let a = Memory(numbers(30 * 40)), b = Memory(numbers(40 * 50, seed: 2)), c = Memory([Float](repeating: 0, count: 1500))
                a.pointer[7 * 40 + 3] = .nan
                b.pointer[11 * 50 + 49] = .infinity
                with(isa: set) { run(QK_OP_GEMM, [c.raw, a.raw, b.raw], [30, 50, 40, 40, 1, 50, 1, 50], [1]) }
                for i in 0..<30 { for j in 0..<50 { #expect(c.values[i * 50 + j].isFinite == (i != 7 && j != 49)) } }
            }
        }
    }
}
