public import QuintetFiles
import QuintetLayers
public import QuintetModels
public import QuintetTensors
import QuintetReports

/// How fast a training step of a preset runs on this machine, and how much memory it takes.
///
/// Random tokens, AdamW, clipping: everything a real step does but reading data.
public struct TrainBenchmark: Sendable {
    public var preset: Preset
    public var batch: Int
    public var sequence: Int
    public var threads: Int
    /// Timed steps; the median counts.
    public var steps = 5
    public var recompute: Recompute = .none
    public var matrixDType: DType = .f32
    public var optimizer: OptimizerKind = .adamw
    /// An adapter that learns in place of the model, which stays as it is stored; nil where the model itself learns.
    public var adapter: AdapterConfig?
    /// What the matrices of a model that stays as it is are stored in.
    public var stored = GGUFQuantization.f32
    /// Further steps in which every kernel call is timed; 0 for none.
    public var profiledSteps = 0

    public init(preset: Preset, batch: Int? = nil, sequence: Int? = nil, threads: Int) {
        self.preset = preset
        self.batch = batch ?? preset.batch
        self.sequence = sequence ?? preset.sequence
        self.threads = threads
    }

    /// Runs two steps to warm up, then the timed ones.
    public func run() throws -> Report {
        Threads.use(threads)
        var config = TrainingConfig()
        config.preset = preset.name
        config.batch = batch
        config.sequence = sequence
        config.optimizer = optimizer
        config.steps = steps
        let plan = try config.plan(vocabulary: preset.shape.vocabulary)
        let before = MachineLimit.fmaGflops(threads: threads)
        let learner = try self.learner(plan)
        for step in 0..<2 { _ = self.step(learner, step) }
        let seconds = (0..<steps).map { self.step(learner, $0 + 2) }
        let after = MachineLimit.fmaGflops(threads: threads)
        let profile = profiledSteps > 0 ? KernelProfile.measure(steps: profiledSteps) { profiled(learner) } : nil
        return Report(
            benchmark: self, parameters: learner.store.parameterCount, seconds: seconds.sorted(),
            flops: (adapter == nil ? 3 : 2) * learner.spec.forwardFlops(batch: batch, time: sequence), limits: [before, after],
            peakBytes: MachineMemory.peak, profile: profile)
    }

    private func learner(_ plan: TrainingPlan) throws -> Learner {
        let spec = try plan.shape.spec()
        guard let adapter else { return try Learner(spec, groups: plan.groups, seed: 1, matrixDType: matrixDType, recompute: recompute) }
        guard let family = Families.named(plan.shape.family.rawValue) else { throw TrainingError.impossible(["no family \(plan.shape.family.rawValue)"]) }
        let changes = try AdapterPlan(adapter, family, spec), store = ParameterStore(changes.parameters)
        store.initialize(seed: 1)
        let source = try RandomParameters(spec, stored)
        return Learner(spec, try changes.transformer(over: source, store, arithmetic: matrixDType == .bf16 ? .brain : .exact), store, groups: plan.groups, recompute: recompute)
    }

    /// Seconds of one whole step.
    private func step(_ learner: Learner, _ index: Int) -> Double {
        let ids = tokens(learner.spec.vocabulary, index)
        let clock = ContinuousClock()
        let time = clock.measure {
            _ = learner.accumulate(ids.inputs, ids.targets, batch: batch, tokensPerUpdate: batch * sequence)
            _ = learner.update(rateFactor: 1, clip: 1)
        }
        return Double(time.components.seconds) + Double(time.components.attoseconds) * 1e-18
    }

    private func profiled(_ learner: Learner) {
        for step in 0..<profiledSteps { _ = self.step(learner, steps + 2 + step) }
    }

    private func tokens(_ vocabulary: Int, _ seed: Int) -> (inputs: Tensor, targets: Tensor) {
        let count = batch * sequence
        let uniform = Tensor(uninitialized: [count + 1])
        uniform.fillUniform(low: 0, high: Float(vocabulary), seed: UInt64(seed))
        let ids = uniform.floats.map { min(Int32($0), Int32(vocabulary - 1)) }
        return (Tensor(Array(ids.dropLast()), [count]), Tensor(Array(ids.dropFirst()), [count]))
    }
}

extension TrainBenchmark {
    /// What was measured; times are sorted seconds per step.
    public struct Report: Sendable {
        public let benchmark: TrainBenchmark
        public let parameters: Int
        public let seconds: [Double]
        /// Floating-point operations of a step.
        public let flops: Double
        /// Multiply-add limits probed before and after, GFLOP/s.
        public let limits: [Double]
        public let peakBytes: Int
        /// Where a step's time goes, if that was asked for.
        public let profile: KernelProfile?

        public var median: Double { seconds[seconds.count / 2] }
        public var tokensPerSecond: Double { Double(benchmark.batch * benchmark.sequence) / median }
        public var gflops: Double { flops / median * 1e-9 }
        public var limit: Double { limits.reduce(0, +) / Double(limits.count) }

        /// One line for a person.
        public var summary: String {
            """
            \(benchmark.preset.name), \(benchmark.batch) x \(benchmark.sequence), \(benchmark.threads) threads, recompute \(benchmark.recompute.rawValue): \
            \(Number.significant(tokensPerSecond)) tokens/s, \(Number.significant(median * 1000)) ms a step, \
            \(Number.significant(gflops)) GFLOP/s (\(Number.significant(100 * gflops / limit)) % of the limit), \
            \(Number.short(Double(peakBytes) / 1e9, digits: 2)) GB
            """
        }

        public var json: JSON {
            [
                "preset": .string(benchmark.preset.name), "parameters": JSON(parameters), "batch": JSON(benchmark.batch),
                "sequence": JSON(benchmark.sequence), "threads": JSON(benchmark.threads),
                "recompute": .string(benchmark.recompute.rawValue), "adapter_rank": benchmark.adapter.map { JSON($0.rank) } ?? .null, "stored": .string("\(benchmark.stored)"), "optimizer": .string(benchmark.optimizer.rawValue),
                "dtype": .string("\(benchmark.matrixDType)"), "isa": .string(InstructionSet.name), "steps": JSON(seconds.count),
                "tokens_per_second": .number(tokensPerSecond), "milliseconds_per_step": .number(median * 1000),
                "milliseconds_min": .number((seconds.first ?? 0) * 1000), "milliseconds_max": .number((seconds.last ?? 0) * 1000),
                "gflops": .number(gflops), "limit_gflops": .array(limits.map { .number($0) }),
                "share_of_limit": .number(gflops / limit), "peak_rss_bytes": JSON(peakBytes),
                "profile": profile.map { .array(Self.rows($0).map(\.json)) } ?? .null,
            ]
        }

        /// The profile as a table, most expensive first.
        public var table: String? {
            profile.map { profile in
                Self.rows(profile).map { row in
                    let name = row.name.padding(to: 24), times = Number.short(row.calls, digits: 1).padding(to: 10)
                    let time = "\(Number.short(row.milliseconds, digits: 2)) ms".padding(to: 14)
                    let share = "\(Number.short(100 * row.share, digits: 1)) %".padding(to: 9)
                    return name + times + time + share + (row.gflops > 0 ? "\(Number.significant(row.gflops)) GFLOP/s" : "")
                }.joined(separator: "\n")
            }
        }

        private struct Row {
            let name: String
            let calls: Double, milliseconds: Double, share: Double, gflops: Double
            var json: JSON {
                [
                    "kernel": .string(name), "calls": .number(calls), "milliseconds": .number(milliseconds), "share": .number(share),
                    "gflops": .number(gflops),
                ]
            }
        }

        /// A row for each opcode, and one for what lies between the calls.
        private static func rows(_ profile: KernelProfile) -> [Row] {
            func row(_ name: String, _ calls: Double, _ seconds: Double, _ gflops: Double) -> Row {
                Row(name: name, calls: calls, milliseconds: seconds * 1000, share: seconds / profile.total, gflops: gflops)
            }
            return profile.entries.map { row($0.name, $0.calls, $0.seconds, $0.gflops) } + [row("between calls", 0, profile.between, 0)]
        }
    }
}

extension String {
    fileprivate func padding(to width: Int) -> String { self + String(repeating: " ", count: max(width - count, 1)) }
}
