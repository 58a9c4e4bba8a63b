import CQuintetKernels
import Testing

/// One shape of attention, with everything that may be asked of it.
struct AttentionCase: Sendable, CustomStringConvertible {
    var batch = 1, tq = 5, tk = 5, heads = 2, kvHeads = 1, width = 8, window = 0, first = 0
    var causal = true, masked = false, alibi = false, sinks = false
    var cap: Float = 0, drop: Float = 0
    /// ALiBi rounded to bf16, times this.
    var rounded: Float = 0

    var description: String {
        "b\(batch) q\(tq) k\(tk) h\(heads)/\(kvHeads) w\(width) window \(window) first \(first) causal \(causal) masked \(masked) alibi \(alibi) sinks \(sinks) cap \(cap) drop \(drop) rounded \(rounded)"
    }
    var scale: Float { 1 / Float(width).squareRoot() }
    var qStride: Int { heads * width + 3 }
    var kvStride: Int { kvHeads * width + 2 }
    var outStride: Int { heads * width + 1 }
    var mask: [UInt8] { (0..<batch * tk).map { $0 % 7 == 3 || $0 % tk > tk - 2 ? 0 : 1 } }
    var slopes: [Float] { (0..<heads).map { Self.brain(Reference.power(rounded == 0 ? 0.5 : 0.7, $0 + 1)) } }
    static func brain(_ x: Float) -> Float { Float(bitPattern: (x.bitPattern + 0x7fff + (x.bitPattern >> 16 & 1)) & 0xffff_0000) }
    func bias(_ head: Int, _ position: Int, _ key: Int) -> Double {
        if !alibi { return 0 }
        if rounded == 0 { return -Double(slopes[head]) * Double(abs(position - key)) }
        return Double(rounded) * Double(Self.brain(slopes[head] * Self.brain(Float(key))))
    }
    var sinkLogits: [Float] { (0..<heads).map { Float($0) * 0.7 - 0.5 } }
    /// n0 to n13.
    var n: [Int] { [batch, tq, tk, heads, kvHeads, width, qStride, kvStride, kvStride, outStride, window, first, 99, 5] }
    /// What dropout multiplies the weights with, [batch, heads, tq, tk in whole pages].
    var kept: [Float] {
        let count = batch * heads * tq * ((tk + 63) / 64 * 64), ones = Memory([Float](repeating: 1, count: count)), out = Memory(ones.values)
        if drop > 0 { run(QK_OP_DROPOUT, [out.raw, ones.raw], [count, 0, 99, 5], [drop]) }
        return out.values
    }

    static let all: [AttentionCase] = {
        var cases: [AttentionCase] = []
        for (tq, tk, width) in [(1, 1, 1), (1, 7, 3), (5, 5, 8), (13, 13, 7), (64, 64, 32), (65, 65, 16), (130, 130, 20), (300, 300, 64), (70, 200, 33)] {
            cases.append(AttentionCase(batch: 2, tq: tq, tk: tk, heads: 2, kvHeads: 2, width: width, first: tk - tq))
        }
        cases.append(AttentionCase(tq: 33, tk: 150, heads: 6, kvHeads: 2, width: 24, causal: false))
        cases.append(AttentionCase(tq: 140, tk: 140, heads: 4, kvHeads: 1, width: 16, window: 20))
        cases.append(AttentionCase(tq: 140, tk: 140, heads: 7, kvHeads: 1, width: 16, window: 20, causal: false))
        cases.append(AttentionCase(batch: 3, tq: 70, tk: 70, heads: 4, kvHeads: 2, width: 16, masked: true))
        cases.append(AttentionCase(batch: 3, tq: 70, tk: 70, heads: 4, kvHeads: 2, width: 16, causal: false, masked: true, sinks: true))
        cases.append(AttentionCase(tq: 90, tk: 90, heads: 4, kvHeads: 2, width: 40, alibi: true, cap: 2))
        cases.append(AttentionCase(tq: 90, tk: 90, heads: 4, kvHeads: 2, width: 40, causal: false, alibi: true, sinks: true))
        cases.append(AttentionCase(tq: 300, tk: 300, heads: 4, kvHeads: 2, width: 12, alibi: true, rounded: 0.3))
        cases.append(AttentionCase(tq: 9, tk: 90, heads: 2, kvHeads: 2, width: 128, window: 5, first: 81, sinks: true, cap: 1))
        cases.append(AttentionCase(batch: 2, tq: 130, tk: 130, heads: 4, kvHeads: 2, width: 20, drop: 0.3))
        cases.append(AttentionCase(tq: 9, tk: 90, heads: 2, kvHeads: 2, width: 16, first: 81, masked: true, sinks: true, cap: 1, drop: 0.5))
        // Queries that see no key at all.
        cases.append(AttentionCase(tq: 6, tk: 3, heads: 1, kvHeads: 1, width: 4, window: 2))
        cases.append(AttentionCase(batch: 0, tq: 6, tk: 3))
        cases.append(AttentionCase(tq: 0, tk: 3))
        return cases
    }()
}

/// Inputs in memory, and the calls.
struct AttentionRun {
    let shape: AttentionCase
    let q, k, v, dout: Memory<Float>
    let mask: Memory<UInt8>, slopes: Memory<Float>, sinks: Memory<Float>

    init(_ shape: AttentionCase) {
        self.shape = shape
        q = Memory(numbers(shape.batch * shape.tq * shape.qStride, seed: 1))
        k = Memory(numbers(shape.batch * shape.tk * shape.kvStride, seed: 2))
        v = Memory(numbers(shape.batch * shape.tk * shape.kvStride, seed: 3))
        dout = Memory(numbers(shape.batch * shape.tq * shape.outStride, seed: 4))
        mask = Memory(shape.mask)
        slopes = Memory(shape.slopes)
        sinks = Memory(shape.sinkLogits)
    }

    func forward() -> (out: Memory<Float>, lse: Memory<Float>) {
        let out = Memory([Float](repeating: 7, count: shape.batch * shape.tq * shape.outStride))
        let lse = Memory([Float](repeating: 7, count: shape.batch * shape.heads * shape.tq))
        run(
            QK_OP_ATTENTION, kind: shape.causal ? 0 : 1,
            [
                out.raw, q.raw, k.raw, v.raw, lse.raw, shape.masked ? mask.raw : nil, shape.alibi ? slopes.raw : nil, shape.sinks ? sinks.raw : nil,
            ], shape.n, [shape.scale, shape.cap, shape.drop, shape.rounded])
        #expect(out.wallsStand && lse.wallsStand)
        return (out, lse)
    }

    func backward(_ out: Memory<Float>, _ lse: Memory<Float>) -> (dq: Memory<Float>, dk: Memory<Float>, dv: Memory<Float>) {
        let dq = Memory([Float](repeating: 7, count: q.count)), dk = Memory([Float](repeating: 7, count: k.count)), dv = Memory([Float](repeating: 7, count: v.count))
        run(
            QK_OP_ATTENTION_GRAD, kind: shape.causal ? 0 : 1,
            [
                dq.raw, dk.raw, dv.raw, q.raw, k.raw, v.raw, out.raw, dout.raw, lse.raw, shape.masked ? mask.raw : nil, shape.alibi ? slopes.raw : nil,
            ], shape.n, [shape.scale, shape.cap, shape.drop, shape.rounded])
        #expect(dq.wallsStand && dk.wallsStand && dv.wallsStand)
        return (dq, dk, dv)
    }

    /// The loss sum(dout * attention) in f64, straight from the definition.
    func loss(_ q: [Double], _ k: [Double], _ v: [Double]) -> Double {
        var total = 0.0
        let group = shape.heads / max(1, shape.kvHeads), kept = shape.kept, row = (shape.tk + 63) / 64 * 64
        for batch in 0..<shape.batch {
            for head in 0..<shape.heads {
                for i in 0..<shape.tq {
                    let position = i + shape.first, qAt = (batch * shape.tq + i) * shape.qStride + head * shape.width
                    var weights: [(at: Int, weight: Double, kept: Double)] = []
                    for j in 0..<shape.tk where sees(batch, position, j) {
                        let kAt = (batch * shape.tk + j) * shape.kvStride + head / group * shape.width
                        var s = (0..<shape.width).reduce(0.0) { $0 + q[qAt + $1] * k[kAt + $1] } * Double(shape.scale)
                        if shape.cap != 0 { s = Double(shape.cap) * Reference.tanh(s / Double(shape.cap)) }
                        s += shape.bias(head, position, j)
                        weights.append((kAt, Reference.exp(s), Double(kept[((batch * shape.heads + head) * shape.tq + i) * row + j])))
                    }
                    let sum = weights.reduce(shape.sinks ? Reference.exp(Double(shape.sinkLogits[head])) : 0) { $0 + $1.weight }
                    let outAt = (batch * shape.tq + i) * shape.outStride + head * shape.width
                    for (at, weight, kept) in weights {
                        for d in 0..<shape.width { total += Double(dout.values[outAt + d]) * v[at + d] * weight * kept / sum }
                    }
                }
            }
        }
        return total
    }

    private func sees(_ batch: Int, _ position: Int, _ key: Int) -> Bool {
        if shape.masked && shape.mask[batch * shape.tk + key] == 0 { return false }
        if shape.causal && key > position { return false }
        return shape.window == 0 || abs(position - key) < shape.window
    }
}

extension KernelTests {
    @Suite struct Attention {
        @Test(arguments: AttentionCase.all) func forwardAgreesWithItsTwin(shape: AttentionCase) {
            let run = AttentionRun(shape)
            check(relative: 1e-5, absolute: 5e-6, "\(shape)") {
                let (out, lse) = run.forward()
                return out.values + lse.values
            }
        }

        @Test(arguments: AttentionCase.all) func backwardAgreesWithItsTwin(shape: AttentionCase) {
            let run = AttentionRun(shape), (out, lse) = with(isa: "scalar") { run.forward() }
            check(relative: 2e-5, absolute: 3e-5, "\(shape)") {
                let (dq, dk, dv) = run.backward(out, lse)
                return dq.values + dk.values + dv.values
            }
        }

        @Test(arguments: [
            AttentionCase(batch: 2, tq: 4, tk: 4, heads: 2, kvHeads: 1, width: 3),
            AttentionCase(tq: 3, tk: 7, heads: 2, kvHeads: 2, width: 5, first: 4),
            AttentionCase(tq: 5, tk: 5, heads: 3, kvHeads: 1, width: 2, window: 2, causal: false, sinks: true),
            AttentionCase(batch: 2, tq: 5, tk: 8, heads: 2, kvHeads: 2, width: 4, first: 3, masked: true, alibi: true, cap: 1.5),
            AttentionCase(batch: 2, tq: 5, tk: 6, heads: 2, kvHeads: 1, width: 3, first: 1, drop: 0.4),
            AttentionCase(tq: 5, tk: 9, heads: 3, kvHeads: 1, width: 4, first: 4, alibi: true, rounded: 0.5),
        ]) func gradientsAgreeWithDifferences(shape: AttentionCase) {
            let run = AttentionRun(shape), q = doubles(run.q.values), k = doubles(run.k.values), v = doubles(run.v.values)
            let dq = differences(at: q) { run.loss($0, k, v) }, dk = differences(at: k) { run.loss(q, $0, v) }, dv = differences(at: v) { run.loss(q, k, $0) }
            for set in fastSets + ["scalar"] {
                let found = with(isa: set) {
                    let (out, lse) = run.forward()
                    return run.backward(out, lse)
                }
                for (values, expected, stride, columns) in [
                    (found.dq.values, dq, shape.qStride, shape.heads * shape.width), (found.dk.values, dk, shape.kvStride, shape.kvHeads * shape.width),
                    (found.dv.values, dv, shape.kvStride, shape.kvHeads * shape.width),
                ] {
                    let kept = values.indices.filter { $0 % stride < columns }
                    #expect(firstWrong(kept.map { values[$0] }, kept.map { expected[$0] }, relative: 1e-4, absolute: 4e-6) == nil, "\(set) \(shape)")
                    #expect(values.indices.allSatisfy { $0 % stride < columns || values[$0] == 7 })
                }
            }
        }
    }
}
