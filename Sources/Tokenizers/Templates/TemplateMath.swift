#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// The C library behind a template: powers and dates.
enum TemplateMath {
    static func power(_ a: Double, _ b: Double) -> Double { pow(a, b) }
}

/// What `strftime_now` reads: the system's clock, or a fixed time in tests.
public struct TemplateClock: Sendable {
    private let now: @Sendable () -> Int

    /// The system's clock and time zone.
    public static let system = TemplateClock { time(nil) }

    /// Always the same moment, in seconds since 1970.
    public static func fixed(_ seconds: Int) -> TemplateClock { TemplateClock { seconds } }

    private init(_ now: @escaping @Sendable () -> Int) { self.now = now }

    /// The time as `strftime` writes it; nil where the format is too long.
    func formatted(_ format: String) -> String? {
        if format.utf8.count > 1024 { return nil }
        var seconds = time_t(now())
        var parts = tm()
        guard localtime_r(&seconds, &parts) != nil else { return nil }
        var buffer = [CChar](repeating: 0, count: 1 << 14)
        let count = strftime(&buffer, buffer.count, format, &parts)
        return String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

extension TemplateMath {
    /// As C's `%.*f` writes it.
    static func fixed(_ value: Double, _ digits: Int) -> String {
        var buffer = [CChar](repeating: 0, count: 700)
        let count = withVaList([Int32(digits), value]) { vsnprintf(&buffer, buffer.count, "%.*f", $0) }
        return String(decoding: buffer.prefix(max(0, min(Int(count), buffer.count - 1))).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
