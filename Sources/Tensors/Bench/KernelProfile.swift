import CQuintetKernels

/// Where the time of some work goes: its kernel calls, counted and timed by opcode on the calling thread.
///
///     let profile = KernelProfile.measure(steps: 1) { _ = reduce(x, .sum) }
///     print(profile.entries.map(\.name))
public struct KernelProfile: Sendable {
    /// One opcode's share.
    public struct Entry: Sendable {
        public let name: String
        /// Per step.
        public let calls: Double, seconds: Double
        /// Of matrix products, 0 for all else.
        public let gflops: Double
    }

    /// The most expensive first.
    public let entries: [Entry]
    /// Seconds per step, what lies between the calls included.
    public let total: Double

    /// Runs `body`, which does the work of `steps` steps.
    public static func measure(steps: Int, _ body: () -> Void) -> KernelProfile {
        let clock = ContinuousClock()
        qk_profile_begin()
        let start = clock.now
        body()
        let total = (clock.now - start) / .seconds(1)
        guard let found = qk_profile_end() else { return KernelProfile(entries: [], total: total) }
        let entries = (0..<QK_OP_COUNT).filter { found[$0].calls > 0 }.map { op in
            let (one, name) = (found[op], String(cString: qk_op_name(Int32(op))))
            return Entry(
                name: name, calls: Double(one.calls) / Double(steps), seconds: one.seconds / Double(steps),
                gflops: one.seconds > 0 ? one.flops / one.seconds * 1e-9 : 0)
        }
        return KernelProfile(entries: entries.sorted { $0.seconds > $1.seconds }, total: total / Double(steps))
    }

    /// Seconds per step that no kernel call accounts for.
    public var between: Double { total - entries.reduce(0) { $0 + $1.seconds } }
}
