import ArgumentParser

struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measure speed and memory as a share of what this machine can do.",
        discussion: """
            Example:
              quintet bench machine --json
              quintet bench gemm --m 1024 --n 3072 --k 768 --threads 2 --json
              quintet bench train --preset gpt2-124m --batch 4 --sequence 64 --json
            """,
        subcommands: [BenchMachineCommand.self, BenchGemmCommand.self, BenchTrainCommand.self, BenchModelCommand.self, BenchServeCommand.self])
}
