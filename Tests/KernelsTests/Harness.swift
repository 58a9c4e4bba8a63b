import CQuintetKernels
import Testing

/// All tests of kernels, one after another: the instruction set and the thread count belong to the process.
/// Add to it with `extension KernelTests { @Suite struct ... }`.
@Suite(.serialized) enum KernelTests {}

/// Elements between two walls that no kernel may touch; `shift` moves the first one off its alignment.
final class Memory<Element: BitwiseCopyable & Equatable> {
    static var wall: Int { 16 }
    let count: Int
    private let block: UnsafeMutablePointer<Element>
    private let total: Int
    private let shift: Int
    private let brick: [UInt8]

    init(_ values: [Element], shift: Int = 1) {
        count = values.count
        self.shift = shift
        total = count + shift + 2 * Self.wall
        block = .allocate(capacity: total + 64)
        brick = [UInt8](repeating: 0xa5, count: MemoryLayout<Element>.stride * Self.wall)
        UnsafeMutableRawPointer(block).initializeMemory(as: UInt8.self, repeating: 0xa5, count: total * MemoryLayout<Element>.stride)
        for (i, value) in values.enumerated() { pointer[i] = value }
    }

    deinit { block.deallocate() }

    var pointer: UnsafeMutablePointer<Element> { block + shift + Self.wall }
    var raw: UnsafeMutableRawPointer { UnsafeMutableRawPointer(pointer) }
    var values: [Element] { (0..<count).map { pointer[$0] } }
    var wallsStand: Bool {
        let bytes = brick.count
        let before = UnsafeRawBufferPointer(start: raw - bytes, count: bytes), after = UnsafeRawBufferPointer(start: pointer + count, count: bytes)
        return before.elementsEqual(brick) && after.elementsEqual(brick)
    }
}

/// Deterministic numbers in a range, by a small generator of our own.
func numbers(_ count: Int, seed: UInt64 = 1, _ range: ClosedRange<Float> = -2...2) -> [Float] {
    var state = seed &* 0x9e37_79b9_7f4a_7c15 | 1
    return (0..<count).map { _ in
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return range.lowerBound + (range.upperBound - range.lowerBound) * Float(state >> 40) * 0x1p-24
    }
}

func makeCall(_ op: Int, kind: Int = 0, _ p: [UnsafeMutableRawPointer?], _ n: [Int], _ s: [Float] = []) -> QKCall {
    var call = QKCall()
    call.op = Int32(op)
    call.kind = Int32(kind)
    withUnsafeMutableBytes(of: &call.p) { for (i, value) in p.enumerated() { $0.bindMemory(to: UnsafeMutableRawPointer?.self)[i] = value } }
    withUnsafeMutableBytes(of: &call.n) { for (i, value) in n.enumerated() { $0.bindMemory(to: Int64.self)[i] = Int64(value) } }
    withUnsafeMutableBytes(of: &call.s) { for (i, value) in s.enumerated() { $0.bindMemory(to: Float.self)[i] = value } }
    return call
}

func run(_ op: Int, kind: Int = 0, _ p: [UnsafeMutableRawPointer?], _ n: [Int], _ s: [Float] = []) {
    var call = makeCall(op, kind: kind, p, n, s)
    qk_run(&call)
}

/// Runs `body` with an instruction set and a number of threads, and puts both back.
func with<Result>(isa: String, threads: Int = 1, _ body: () -> Result) -> Result {
    let before = String(cString: qk_isa()), count = qk_threads()
    qk_set_isa(isa)
    qk_set_threads(Int32(threads))
    defer {
        qk_set_isa(before)
        qk_set_threads(count)
    }
    return body()
}

/// The sets this machine can run, without the scalar twin.
let fastSets: [String] = ["avx2", "avx512", "neon"].filter { name in
    let before = String(cString: qk_isa())
    defer { qk_set_isa(before) }
    return qk_set_isa(name)
}

/// Whether two results are the same number for number, up to `relative` and `absolute`; NaN equals NaN.
func close(_ a: Float, _ b: Float, relative: Float, absolute: Float = 0) -> Bool {
    a == b || (a.isNaN && b.isNaN) || abs(a - b) <= relative * abs(b) + absolute
}

/// Holds every fast set against the scalar twin, and one thread against two and three bit for bit. Tolerances of zero ask for the twin's bits.
func check(
    relative: Float = 0, absolute: Float = 0, _ note: String = "", sourceLocation: SourceLocation = #_sourceLocation, _ body: () -> [Float]
) {
    let slow = with(isa: "scalar", body)
    for set in fastSets {
        let fast = with(isa: set, body)
        #expect(fast.count == slow.count, sourceLocation: sourceLocation)
        let wrong = fast.indices.first { !close(fast[$0], slow[$0], relative: relative, absolute: absolute) }
        if let wrong {
            Issue.record("\(set) \(note): [\(wrong)] is \(fast[wrong]), the twin says \(slow[wrong])", sourceLocation: sourceLocation)
        }
        for threads in [2, 3] {
            let other = with(isa: set, threads: threads, body)
            #expect(fast.map(\.bitPattern) == other.map(\.bitPattern), "\(set) \(note): \(threads) threads change the bits", sourceLocation: sourceLocation)
        }
    }
}

/// The gradient of `f` by 4-point central differences.
func differences(at x: [Double], step h: Double = 1e-3, _ f: ([Double]) -> Double) -> [Double] {
    var x = x
    return x.indices.map { i in
        let middle = x[i]
        func at(_ offset: Double) -> Double {
            x[i] = middle + offset * h
            return f(x)
        }
        let slope = (at(-2) - 8 * at(-1) + 8 * at(1) - at(2)) / (12 * h)
        x[i] = middle
        return slope
    }
}

func doubles(_ x: [Float]) -> [Double] { x.map(Double.init) }

/// The first place where a gradient leaves its reference, in words; nil where all is well.
func firstWrong(_ values: [Float], _ reference: [Double], relative: Double, absolute: Double) -> String? {
    guard values.count == reference.count else { return "\(values.count) values against \(reference.count)" }
    for (i, (a, b)) in zip(values, reference).enumerated() where !(abs(Double(a) - b) <= relative * abs(b) + absolute) {
        return "[\(i)] is \(a), the reference says \(b)"
    }
    return nil
}

let awkwardCounts = [0, 1, 2, 3, 5, 7, 8, 9, 13, 16, 17, 31, 32, 33, 61, 64, 65, 127, 257]
