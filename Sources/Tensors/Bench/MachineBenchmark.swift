import CQuintetKernels

/// What a machine can do at most with some number of threads: the yardstick of every speed we give.
public struct MachineLimits: Sendable, Equatable {
    public let threads: Int
    /// f32 multiply-adds in GFLOP/s that never leave the registers: median and range over the runs.
    public let fma: Spread
    /// Streaming reads in GB/s from a buffer that fits no cache.
    public let read: Spread
}

/// A median and what lies around it.
public struct Spread: Sendable, Equatable {
    public let median, low, high: Double

    public init(_ values: [Double]) {
        let sorted = values.sorted()
        median = sorted.isEmpty ? 0 : sorted[sorted.count / 2]
        low = sorted.first ?? 0
        high = sorted.last ?? 0
    }
}

/// Probes of the machine's limits, taken now.
public enum MachineBenchmark {
    /// Probes with each thread count in turn, `runs` times, interleaved so that a slow moment hits all alike.
    public static func limits(threads: [Int], runs: Int = 5, seconds: Double = 0.1) -> [MachineLimits] {
        var fma = threads.map { _ in [Double]() }, read = fma
        for _ in 0..<runs {
            for (i, count) in threads.enumerated() {
                fma[i].append(fmaGflops(threads: count, seconds: seconds))
                read[i].append(readGBPerSecond(threads: count, seconds: seconds))
            }
        }
        return threads.indices.map { MachineLimits(threads: threads[$0], fma: Spread(fma[$0]), read: Spread(read[$0])) }
    }

    /// f32 multiply-adds in GFLOP/s.
    public static func fmaGflops(threads: Int, seconds: Double = 0.1) -> Double { qk_measure_fma_gflops(Int32(clamping: threads), seconds) }

    /// Streaming reads in GB/s.
    public static func readGBPerSecond(threads: Int, seconds: Double = 0.1) -> Double {
        qk_measure_read_gb_per_second(Int32(clamping: threads), seconds)
    }
}
