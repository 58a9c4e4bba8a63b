#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// A thread of the operating system, for work that computes or blocks for long: the cooperative pool has a thread for each
/// core and must not be held.
public enum SystemThread {
    /// Who comes first where processors are few.
    public enum Priority: Sendable {
        case normal
        /// Threads that answer take the processor from this one, and from those it starts (Linux: five nice levels; elsewhere as `normal`).
        case yielding
    }

    fileprivate final class Body: Sendable {
        private let priority: Priority
        private let body: @Sendable () -> Void

        init(_ priority: Priority, _ body: @escaping @Sendable () -> Void) { (self.priority, self.body) = (priority, body) }

        func run() {
            #if os(Linux)
                if priority == .yielding { _ = nice(5) }  // on Linux a thread's own
            #endif
            body()
        }
    }

    /// The system has no thread left to give.
    public struct NoneLeft: Error, Sendable, CustomStringConvertible {
        public let code: Int32
        public var description: String { "the system gives no more threads (\(String(cString: strerror(code))))" }
    }

    /// Runs `body` on a thread of its own.
    /// - Throws: `NoneLeft` where there is none; nothing ran then.
    public static func start(_ priority: Priority = .normal, _ body: @escaping @Sendable () -> Void) throws(NoneLeft) {
        let box = Unmanaged.passRetained(Body(priority, body))
        let code = launch(box.toOpaque())
        guard code != 0 else { return }
        box.release()
        throw NoneLeft(code: code)
    }

    private static func launch(_ box: UnsafeMutableRawPointer) -> Int32 {
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        #if canImport(Darwin)
            var thread: pthread_t?
            return pthread_create(&thread, &attributes, enter, box)
        #else
            var thread = pthread_t()
            return pthread_create(&thread, &attributes, enterIfThere, box)
        #endif
    }

    /// Runs `body` on a thread of its own and waits for its result without holding one of the pool.
    /// - Throws: what `body` throws, `NoneLeft`.
    public static func run<Value: Sendable>(_ priority: Priority = .normal, _ body: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await handedOver { give in
            do { try start(priority) { give(Result { try body() }) } } catch { give(.failure(error)) }
        }
    }
}

private func enter(_ argument: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer? {
    Unmanaged<SystemThread.Body>.fromOpaque(argument).takeRetainedValue().run()
    return nil
}

private func enterIfThere(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let argument else { return nil }
    return enter(argument)
}
