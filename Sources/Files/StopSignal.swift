#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif
internal import Synchronization

/// Ctrl-C and SIGTERM as a question that long work asks: has anybody asked me to stop?
///
/// The first signal is remembered, so that the work can tidy up (remove temporary files, save a checkpoint); a second one
/// ends the process at once.
///
/// ```swift
/// StopSignal.install()
/// for file in files { try StopSignal.check(); ... }
/// ```
public enum StopSignal {
    private static let flag = Atomic<Int32>(0)

    /// Thrown by `check()`; the command ends with exit code 128 + `number` (130 or 143).
    public struct Stopped: Error, Sendable, Equatable, CustomStringConvertible {
        public let number: Int32
        public var description: String { number == SIGINT ? "interrupted" : "stopped by signal \(number)" }
    }

    /// The signal that came, if any.
    public static var received: Int32? {
        let number = flag.load(ordering: .relaxed)
        return number == 0 ? nil : number
    }

    public static func check() throws {
        if let number = received { throw Stopped(number: number) }
    }

    /// Begins to listen for SIGINT and SIGTERM; calling it again does no harm.
    public static func install() {
        _ = received  // the flag exists before a handler can touch it
        for number in [SIGINT, SIGTERM] {
            signal(number) { number in
                if StopSignal.remember(number) { return }
                signal(number, SIG_DFL)
                raise(number)
            }
        }
    }

    /// True for the first signal.
    private static func remember(_ number: Int32) -> Bool {
        flag.exchange(number, ordering: .relaxed) == 0
    }

    /// Forgets the signal; for tests and for programs that go on.
    public static func reset() { flag.store(0, ordering: .relaxed) }
}
