import ArgumentParser
import QuintetFiles
import QuintetTensors

struct BenchGemmCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gemm",
        abstract: "Time the f32 matrix multiply C[m, n] = A[m, k] B[k, n].",
        discussion: """
            Example:
              quintet bench gemm --m 256 --n 3072 --k 768 --layout nt --threads 2 --json
            """)

    @Option(help: "Rows of C.") var m = 1024
    @Option(help: "Columns of C.") var n = 1024
    @Option(help: "Length of the sums.") var k = 1024
    @Option(help: "nn: both row-major; nt: B stored [n, k] as weights are; tn: A stored [k, m]; packed: B in panels.")
    var layout = "nn"
    @Option(help: "Threads; all processors by default.")
    var threads: Int?
    @Option(help: "Timed runs; the median counts.")
    var runs = 9
    @Flag(help: "Print one JSON object.")
    var json = false

    func validate() throws {
        for (name, value) in [("m", m), ("n", n), ("k", k), ("runs", runs)] where !(1...1_000_000).contains(value) {
            throw ValidationError("--\(name): expected 1 to 1000000, found \(value)")
        }
        if let threads, !(1...256).contains(threads) { throw ValidationError("--threads: expected 1 to 256, found \(threads)") }
        guard max(m * n, m * k, n * k) <= 1 << 30 else { throw ValidationError("a matrix has more than 2^30 elements") }
        guard GemmBenchmark.Layout(rawValue: layout) != nil else {
            throw ValidationError("--layout: expected nn, nt, tn or packed, found \(layout)")
        }
    }

    func run() throws {
        var benchmark = GemmBenchmark(m: m, n: n, k: k, threads: threads ?? Threads.count)
        benchmark.layout = GemmBenchmark.Layout(rawValue: layout) ?? .nn
        benchmark.runs = runs
        let report = benchmark.run()
        print(json ? object(benchmark, report).serialized() : line(benchmark, report))
    }

    private func object(_ benchmark: GemmBenchmark, _ report: GemmBenchmark.Report) -> JSON {
        [
            "m": JSON(m), "n": JSON(n), "k": JSON(k), "layout": .string(layout), "threads": JSON(benchmark.threads),
            "isa": .string(InstructionSet.name), "runs": JSON(report.runs), "gflops": .number(report.gflops.median),
            "gflops_spread": .array([.number(report.gflops.low), .number(report.gflops.high)]),
            "limit_gflops": .array(report.limits.map { .number($0) }), "share_of_limit": .number(report.share),
        ]
    }

    private func line(_ benchmark: GemmBenchmark, _ report: GemmBenchmark.Report) -> String {
        """
        \(m) x \(n) x \(k) \(layout), \(benchmark.threads) threads: \(tenths(report.gflops.median)) GFLOP/s \
        (\(tenths(report.gflops.low)) to \(tenths(report.gflops.high))), \(tenths(100 * report.share)) % of the limit
        """
    }
}
