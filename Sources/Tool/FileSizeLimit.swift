#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// The shell's limit on the size of files (`ulimit -f`).
enum FileSizeLimit {
    /// At the limit a write fails, and its error is told; without this the program ends there by a signal.
    static func isAnError() { _ = signal(SIGXFSZ, SIG_IGN) }
}
