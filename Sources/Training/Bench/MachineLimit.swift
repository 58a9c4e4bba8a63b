import CQuintetKernels

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// What this machine can do at most, measured now.
enum MachineLimit {
    /// f32 multiply-adds in GFLOP/s with that many threads.
    static func fmaGflops(threads: Int) -> Double { qk_measure_fma_gflops(Int32(clamping: threads), 0.2) }

    /// Streaming reads in GB/s with that many threads.
    static func readGBPerSecond(threads: Int) -> Double { qk_measure_read_gb_per_second(Int32(clamping: threads), 0.2) }

    /// The most memory this process has held, in bytes.
    static var peakResidentBytes: Int {
        var usage = rusage()
        #if canImport(Darwin)
            getrusage(RUSAGE_SELF, &usage)
            return usage.ru_maxrss
        #else
            getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
            return usage.ru_maxrss * 1024
        #endif
    }
}
