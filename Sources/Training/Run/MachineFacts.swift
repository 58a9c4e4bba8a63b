#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif
import QuintetFiles
import QuintetReports

/// What a run was computed on, for its report: facts that explain its speed and its bits.
public struct MachineFacts: Sendable, Equatable {
    public var processor: String
    public var cores: Int
    /// Bytes.
    public var memory: Int
    public var system: String
    public var swift: String
    /// Quintet's.
    public var version: String
    /// The kernels' set, such as "avx2".
    public var instructionSet: String
    public var threads: Int

    /// Looks at this machine; what only the caller knows is handed in.
    public static func current(version: String, instructionSet: String, threads: Int) -> MachineFacts {
        MachineFacts(
            processor: processorName(), cores: max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))),
            memory: max(0, sysconf(Int32(_SC_PHYS_PAGES))) * max(0, sysconf(Int32(_SC_PAGESIZE))), system: systemName(),
            swift: swiftVersion, version: version, instructionSet: instructionSet, threads: threads)
    }

    /// The facts as rows of a table, in a fixed order.
    public var rows: [(String, String)] {
        [
            ("Processor", processor), ("Cores", "\(cores)"), ("Threads used", "\(threads)"), ("Instruction set", instructionSet),
            ("Memory", "\(Number.short(Double(memory) / 1_073_741_824, digits: 1)) GiB"), ("System", system), ("Compiler", swift),
            ("Quintet", version),
        ]
    }

    private static var swiftVersion: String {
        #if swift(>=6.5)
        "Swift 6.5 or later"
        #elseif swift(>=6.4)
        "Swift 6.4"
        #elseif swift(>=6.3)
        "Swift 6.3"
        #else
        "Swift 6.2"
        #endif
    }

    private static func processorName() -> String {
        #if canImport(Darwin)
        var size = 0
        sysctlbyname("machdep.cpu.brand_string", nil, &size, nil, 0)
        var bytes = [UInt8](repeating: 0, count: size)
        sysctlbyname("machdep.cpu.brand_string", &bytes, &size, nil, 0)
        return String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        #else
        field("model name", of: "/proc/cpuinfo", separator: ":") ?? "unknown"
        #endif
    }

    private static func systemName() -> String {
        var info = utsname()
        uname(&info)
        let kernel = withUnsafeBytes(of: info.sysname) { text($0) } + " " + withUnsafeBytes(of: info.release) { text($0) }
        let machine = withUnsafeBytes(of: info.machine) { text($0) }
        let name = field("PRETTY_NAME", of: "/etc/os-release", separator: "=").map { "\($0), " } ?? ""
        return "\(name)\(kernel) (\(machine))"
    }

    private static func text(_ bytes: UnsafeRawBufferPointer) -> String { String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self) }

    /// The value of `key` in a file of lines `key SEPARATOR value`; such files in /proc have no size, so they are streamed.
    private static func field(_ key: String, of path: String, separator: Character) -> String? {
        var bytes: [UInt8] = []
        try? readPieces(path) { piece throws(FileError) in if bytes.count < 1 << 16 { bytes += piece } }
        for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") where line.hasPrefix(key) {
            guard let at = line.firstIndex(of: separator) else { continue }
            return String(line[line.index(after: at)...].drop { $0 == " " || $0 == "\t" || $0 == "\"" }.prefix { $0 != "\"" })
        }
        return nil
    }
}
