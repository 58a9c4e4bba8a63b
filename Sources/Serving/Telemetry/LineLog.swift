import Logging
import QuintetFiles
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// A log of JSON lines, one event a line; control characters cannot break a line.
struct LineLog: LogHandler {
    /// Where the lines go; it stays open as long as the process.
    private let descriptor: Int32

    private init(descriptor: Int32) { self.descriptor = descriptor }

    /// - Throws: `ServerError` for a file that cannot be appended to.
    static func logger(_ target: LogTarget) throws(ServerError) -> Logger {
        var descriptor: Int32 = 2
        if case .file(let path) = target {
            descriptor = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o600)
            if descriptor < 0 { throw ServerError("the log \(path) cannot be written: \(String(cString: strerror(errno)))") }
        }
        let handler: any LogHandler = target == .none ? SwiftLogNoOpLogHandler() : LineLog(descriptor: descriptor)
        return Logger(label: "quintet") { _ in handler }
    }

    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.info

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var line: JSON = [
            "time": .string(Self.now()), "level": .string(event.level.rawValue), "message": .string(event.message.description),
        ]
        let all = metadata.merging(event.metadata ?? [:]) { $1 }
        for key in all.keys.sorted() where !key.hasPrefix("hb.") { line[key] = all[key].map { .string("\($0)") } }
        var bytes: [UInt8] = []
        line.write(into: &bytes)
        bytes.append(10)
        _ = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
    }

    /// UTC with milliseconds, as RFC 3339 has it.
    private static func now() -> String {
        var moment = timespec()
        clock_gettime(CLOCK_REALTIME, &moment)
        var parts = tm()
        var seconds = moment.tv_sec
        gmtime_r(&seconds, &parts)
        func padded(_ number: Int32, _ width: Int = 2) -> String {
            let digits = String(number)
            return String(repeating: "0", count: max(width - digits.count, 0)) + digits
        }
        return "\(1900 + parts.tm_year)-\(padded(parts.tm_mon + 1))-\(padded(parts.tm_mday))T\(padded(parts.tm_hour)):\(padded(parts.tm_min)):"
            + "\(padded(parts.tm_sec)).\(padded(Int32(moment.tv_nsec / 1_000_000), 3))Z"
    }
}
