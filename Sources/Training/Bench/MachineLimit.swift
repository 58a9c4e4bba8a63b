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
            return highWaterMark ?? usage.ru_maxrss * 1024
        #endif
    }

    /// Linux carries `ru_maxrss` over `exec`, so that a process started by a large one seems large; this mark begins anew.
    private static var highWaterMark: Int? {
        let file = open("/proc/self/status", O_RDONLY)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var text = [UInt8](repeating: 0, count: 4096)
        let count = max(0, read(file, &text, text.count))
        let lines = String(decoding: text.prefix(count), as: UTF8.self).split(separator: "\n")
        let fields = lines.first { $0.hasPrefix("VmHWM:") }?.split(whereSeparator: \.isWhitespace)
        return fields.flatMap { $0.count > 1 ? Int($0[1]) : nil }.map { $0 * 1024 }
    }
}
