import CQuintetKernels

/// How fast C[m, n] = A[m, k] B[k, n] runs, as a share of the multiply-adds this machine can do.
public struct GemmBenchmark: Sendable {
    /// How the operands lie in memory.
    public enum Layout: String, CaseIterable, Sendable {
        /// Both row-major.
        case nn
        /// B stored [n, k], as weights are.
        case nt
        /// A stored [k, m], as in a weight's gradient.
        case tn
        /// B in packed panels, as for inference.
        case packed
    }

    public var m, n, k, threads: Int
    public var layout = Layout.nn
    /// Timed runs, each of about `seconds`.
    public var runs = 9
    public var seconds = 0.05

    public init(m: Int, n: Int, k: Int, threads: Int) {
        self.m = m
        self.n = n
        self.k = k
        self.threads = threads
    }

    public struct Report: Sendable {
        public let gflops: Spread
        /// Multiply-add limits probed before and after, GFLOP/s.
        public let limits: [Double]
        public let runs: Int
        public var limit: Double { limits.reduce(0, +) / Double(limits.count) }
        public var share: Double { limit > 0 ? gflops.median / limit : 0 }
    }

    /// Times C = A B over random numbers; every run is one or more whole products.
    public func run() -> Report {
        Threads.use(threads)
        let a = random(m * k, seed: 1), b = random(k * n, seed: 2), c = random(m * n, seed: 3)
        let panels = Storage(byteCount: layout == .packed ? qk_gemm_packed_bytes(Int64(n), Int64(k), Int32(QK_F32)) : 0)
        let call = call(a, layout == .packed ? pack(b, into: panels) : b, c)
        return withExtendedLifetime((a, b, c, panels)) { measure(call) }
    }
}

extension GemmBenchmark {
    private func random(_ count: Int, seed: Int64) -> Storage {
        let storage = Storage(byteCount: count * 4)
        var call = KernelCall(QK_OP_RANDOM, kind: 1)
        call.p.0 = storage.base
        (call.n.0, call.n.2) = (Int64(count), seed)
        (call.s.0, call.s.1) = (-1, 1)
        call.run()
        return storage
    }

    private func pack(_ b: Storage, into panels: Storage) -> Storage {
        var call = KernelCall(QK_OP_GEMM_PACK)
        (call.p.0, call.p.1) = (panels.base, b.base)
        (call.n.0, call.n.1, call.n.5, call.n.6) = (Int64(n), Int64(k), Int64(n), 1)
        call.run()
        return panels
    }

    private func call(_ a: Storage, _ b: Storage, _ c: Storage) -> KernelCall {
        var call = KernelCall(QK_OP_GEMM)
        (call.p.0, call.p.1, call.p.2) = (c.base, a.base, b.base)
        (call.n.0, call.n.1, call.n.2, call.n.7) = (Int64(m), Int64(n), Int64(k), Int64(n))
        (call.n.3, call.n.4) = layout == .tn ? (1, Int64(m)) : (Int64(k), 1)
        (call.n.5, call.n.6) = layout == .nt ? (1, Int64(k)) : (Int64(n), 1)
        call.n.12 = layout == .packed ? 1 : 0
        call.s.0 = 1
        return call
    }

    /// The first product warms the pool and tells how many make a run.
    private func measure(_ call: KernelCall) -> Report {
        let flops = 2 * Double(m) * Double(n) * Double(k)
        let before = MachineBenchmark.fmaGflops(threads: threads)
        call.run()
        let repeats = max(1, Int(seconds / max(timed(call, repeats: 1), 1e-9)))
        let gflops = (0..<runs).map { _ in flops * Double(repeats) / timed(call, repeats: repeats) * 1e-9 }
        return Report(
            gflops: Spread(gflops), limits: [before, MachineBenchmark.fmaGflops(threads: threads)], runs: runs)
    }

    private func timed(_ call: KernelCall, repeats: Int) -> Double {
        let time = ContinuousClock().measure { for _ in 0..<repeats { call.run() } }
        return Double(time.components.seconds) + Double(time.components.attoseconds) * 1e-18
    }
}
