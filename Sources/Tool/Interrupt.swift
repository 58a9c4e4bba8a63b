import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

private let interrupts = Atomic<Int>(0)

/// Ctrl-C as a question: it stops an answer or a line, not the program.
enum Interrupt {
    /// Takes over SIGINT; a read that waits for a line returns when it comes.
    static func install() {
        interrupts.store(0, ordering: .relaxed)  // also initializes it, which a handler must not do
        var action = sigaction()
        #if canImport(Darwin)
            action.__sigaction_u.__sa_handler = { _ in interrupts.add(1, ordering: .relaxed) }
        #else
            action.__sigaction_handler.sa_handler = { _ in interrupts.add(1, ordering: .relaxed) }
        #endif
        sigaction(SIGINT, &action, nil)
    }

    static var isPending: Bool { interrupts.load(ordering: .relaxed) > 0 }

    /// Forgets what came so far; true where something had.
    @discardableResult
    static func take() -> Bool { interrupts.exchange(0, ordering: .relaxed) > 0 }
}
