import ArgumentParser
import QuintetFiles
import QuintetTensors

struct BenchMachineCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "machine",
        abstract: "Measure this machine's limits: multiply-adds and streaming reads.",
        discussion: """
            Example:
              quintet bench machine --json
            """)

    @Option(name: .customLong("threads"), help: "Thread counts to probe; one and all processors by default.")
    var threadCounts: [Int] = []
    @Flag(help: "Print one JSON object.")
    var json = false

    func validate() throws {
        for count in threadCounts where !(1...256).contains(count) {
            throw ValidationError("--threads: expected 1 to 256, found \(count)")
        }
    }

    func run() throws {
        let counts = threadCounts.isEmpty ? (Threads.count > 1 ? [1, Threads.count] : [1]) : threadCounts
        let limits = MachineBenchmark.limits(threads: counts)
        if json {
            let object: JSON = ["isa": .string(InstructionSet.name), "limits": .array(limits.map(row))]
            print(object.serialized())
        } else {
            for limit in limits { print(line(limit)) }
        }
    }

    private func row(_ limit: MachineLimits) -> JSON {
        [
            "threads": JSON(limit.threads), "fma_gflops": .number(limit.fma.median),
            "fma_gflops_spread": .array([.number(limit.fma.low), .number(limit.fma.high)]),
            "read_gb_per_second": .number(limit.read.median),
            "read_gb_per_second_spread": .array([.number(limit.read.low), .number(limit.read.high)]),
        ]
    }

    private func line(_ limit: MachineLimits) -> String {
        """
        \(limit.threads) thread\(limit.threads == 1 ? "" : "s"): \(tenths(limit.fma.median)) GFLOP/s f32 multiply-adds, \
        \(tenths(limit.read.median)) GB/s reads (\(InstructionSet.name))
        """
    }
}

/// One digit after the point.
func tenths(_ value: Double) -> String { "\((value * 10).rounded() / 10)" }
