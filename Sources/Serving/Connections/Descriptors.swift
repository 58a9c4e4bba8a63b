import QuintetFiles

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// File descriptors: how many connections there can be before the process has none left for its own files.
enum Descriptors {
    /// Kept for models, logs and slots.
    private static let reserve = 16
    /// Connections that are accepted in one go, before anybody can say that it is enough.
    private static let burst = 16

    /// Connections that may be open at once, as the process stands now.
    static var connections: Int {
        let open = (try? Folder.names(in: folder).count) ?? 64
        return max(limit - open - reserve - burst, 4)
    }

    /// Asks for as many descriptors as the system lets this process have.
    static func raise() {
        var limits = rlimit()
        guard getrlimit(resource, &limits) == 0, limits.rlim_cur < limits.rlim_max else { return }
        limits.rlim_cur = min(limits.rlim_max, 1 << 20)
        _ = setrlimit(resource, &limits)
    }

    private static var limit: Int {
        var limits = rlimit()
        guard getrlimit(resource, &limits) == 0 else { return 1024 }
        return Int(clamping: min(limits.rlim_cur, 1 << 20))
    }

    #if canImport(Glibc)
        private static let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    #else
        private static let resource = RLIMIT_NOFILE
    #endif

    #if canImport(Darwin)
        private static let folder = "/dev/fd"
    #else
        private static let folder = "/proc/self/fd"
    #endif
}
