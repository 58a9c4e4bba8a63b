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
    fileprivate final class Body: Sendable {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    /// Runs `body` on a thread of its own.
    public static func start(_ body: @escaping @Sendable () -> Void) {
        let box = Unmanaged.passRetained(Body(body)).toOpaque()
        let failed = launch(box)
        precondition(failed == 0, "the system gives no thread: \(failed)")
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
    public static func run<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            start { continuation.resume(with: Result { try body() }) }
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
