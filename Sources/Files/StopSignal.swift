#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif
internal import Synchronization

/// The signal that asked the process to stop; 0 where none did. Only ever stored to by the handler.
private let pendingSignal = Atomic<Int32>(0)

/// Ctrl-C and SIGTERM as a question that a loop asks: the first one is remembered, the second ends the process at once.
///
///     StopSignal.install()
///     while step < steps, StopSignal.pending == nil { ... }
///     save(); if let signal = StopSignal.pending { exit(signal.exitCode) }
///
/// It is also the error that `check()` throws, for work that unwinds: `for file in files { try StopSignal.check(); ... }`.
public struct StopSignal: Error, Sendable, Equatable, CustomStringConvertible {
    public let number: Int32

    /// 130 for SIGINT, 143 for SIGTERM.
    public var exitCode: Int32 { 128 + number }
    public var name: String { number == SIGINT ? "Ctrl-C" : "SIGTERM" }

    /// The signal that came since `install()`, if one did.
    public static var pending: StopSignal? {
        let number = pendingSignal.load(ordering: .relaxed)
        return number == 0 ? nil : StopSignal(number: number)
    }

    public var description: String { "stopped by \(name)" }

    /// Throws the signal that came, if one did.
    public static func check() throws {
        if let signal = pending { throw signal }
    }

    /// Takes over SIGINT and SIGTERM.
    public static func install() {
        pendingSignal.store(0, ordering: .relaxed)  // also initializes it, which a handler must not do
        for number in [SIGINT, SIGTERM] {
            var action = sigaction()
            #if canImport(Darwin)
            action.__sigaction_u.__sa_handler = handler
            #else
            action.__sigaction_handler.sa_handler = handler
            #endif
            action.sa_flags = SA_RESTART
            sigaction(number, &action, nil)
        }
        unblock()
    }

    /// A parent may start us with signals blocked (a thread of a worker pool does); then no request to stop would arrive.
    private static func unblock() {
        var signals = sigset_t()
        sigemptyset(&signals)
        for number in [SIGINT, SIGTERM] { sigaddset(&signals, number) }
        pthread_sigmask(SIG_UNBLOCK, &signals, nil)
    }

    /// Forgets a signal and gives SIGINT and SIGTERM back to the system.
    public static func uninstall() {
        for number in [SIGINT, SIGTERM] { signal(number, SIG_DFL) }
        pendingSignal.store(0, ordering: .relaxed)
    }
}

/// Async-signal-safe: one atomic exchange, and `_exit` on the second call.
private let handler: @convention(c) (Int32) -> Void = { number in
    if pendingSignal.exchange(number, ordering: .relaxed) != 0 { _exit(128 + number) }
}
