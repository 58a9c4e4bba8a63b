import CQuintetKernels

/// What this machine can do at most, measured now.
enum MachineLimit {
    /// f32 multiply-adds in GFLOP/s with that many threads.
    static func fmaGflops(threads: Int) -> Double { qk_measure_fma_gflops(Int32(clamping: threads), 0.2) }

    /// Streaming reads in GB/s with that many threads.
    static func readGBPerSecond(threads: Int) -> Double { qk_measure_read_gb_per_second(Int32(clamping: threads), 0.2) }
}
