#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif
import QuintetFiles

/// Memory that this process may still take, and has taken.
public enum MachineMemory {
    /// The most bytes that this process has held.
    ///
    /// Linux carries `ru_maxrss` over `exec`, so that a process started by a large one seems large; `VmHWM` begins anew.
    public static var peak: Int {
        var usage = rusage()
        #if canImport(Darwin)
            getrusage(RUSAGE_SELF, &usage)
            return usage.ru_maxrss
        #else
            getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
            return (field("VmHWM:", of: "/proc/self/status") ?? usage.ru_maxrss) * 1024
        #endif
    }

    /// Bytes: what the system calls available, or what is left of a container's limit where that is less.
    public static var available: Int {
        var free = field("MemAvailable:", of: "/proc/meminfo").map { $0 * 1024 } ?? physical
        for group in groups {
            guard let limit = number(in: group.limit), limit < physical, let used = number(in: group.used) else { continue }
            // What lies in a group as pages of files counts as used there, and is given up as soon as it is needed.
            let cached = ["inactive_file ", "active_file "].reduce(0) { $0 + (field($1, of: group.statistics) ?? 0) }
            free = min(free, max(0, limit - max(0, used - cached)))
        }
        return min(free, addressSpace)
    }

    /// Files with the limit, the use and the kinds of use of each control group that this process is in, as Linux lays them out (cgroups v2, then v1).
    private static var groups: [(limit: String, used: String, statistics: String)] {
        var folders = ["/sys/fs/cgroup"]
        // A line of v2 is "0::/system.slice/run.scope"; limits of the groups above count, too.
        if let path = text("/proc/self/cgroup")?.split(separator: "\n").first(where: { $0.hasPrefix("0::/") })?.dropFirst(4) {
            for name in path.split(separator: "/") { folders.append(Folder.join(folders[folders.count - 1], String(name))) }
        }
        let old = "/sys/fs/cgroup/memory/memory."
        return folders.map { ($0 + "/memory.max", $0 + "/memory.current", $0 + "/memory.stat") } + [(old + "limit_in_bytes", old + "usage_in_bytes", old + "stat")]
    }

    /// What the shell's limit (`ulimit -v`) leaves.
    private static var addressSpace: Int {
        var limit = rlimit()
        #if canImport(Glibc)
            let isKnown = getrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit) == 0
        #else
            let isKnown = getrlimit(RLIMIT_AS, &limit) == 0
        #endif
        guard isKnown, let most = Int(exactly: limit.rlim_cur) else { return .max }
        return max(0, most - (field("VmSize:", of: "/proc/self/status").map { $0 * 1024 } ?? 0))
    }

    private static var physical: Int { max(0, sysconf(Int32(_SC_PHYS_PAGES))) * max(0, sysconf(Int32(_SC_PAGESIZE))) }

    private static func text(_ path: String) -> String? {
        var bytes: [UInt8] = []
        do { try readPieces(path) { piece throws(FileError) in if bytes.count < 1 << 16 { bytes += piece } } } catch { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func number(in path: String) -> Int? { text(path).flatMap { Int($0.prefix { $0.isNumber }) } }

    private static func field(_ key: String, of path: String) -> Int? {
        for line in text(path)?.split(separator: "\n") ?? [] where line.hasPrefix(key) {
            return Int(line.dropFirst(key.count).drop(while: \.isWhitespace).prefix(while: \.isNumber))
        }
        return nil
    }
}
