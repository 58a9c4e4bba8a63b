#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// A value that threads change under a lock, and wait for (Hoare's monitor).
///
/// ```swift
/// let left = Monitor(3)
/// runOnThreads(3) { _ in left.change { $0 -= 1 } }
/// left.wait { $0 == 0 ? () : nil }
/// ```
// Sendable: the value is only touched under the lock; the condition lives at a fixed address until the last owner is gone.
public final class Monitor<Value>: @unchecked Sendable {
    private let guarded: Guarded<Value>
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

    public init(_ value: sending Value) {
        guarded = Guarded(value)
        pthread_cond_init(condition, nil)
    }

    deinit {
        pthread_cond_destroy(condition)
        condition.deallocate()
    }

    /// Changes the value; whoever waits looks at it again.
    public func change<Result>(_ body: (inout Value) throws -> Result) rethrows -> Result {
        let (lock, value) = (guarded.lock, guarded.value)
        lock.take()
        defer {
            pthread_cond_broadcast(condition)
            lock.giveBack()
        }
        return try body(&value.pointee)
    }

    /// Returns what `take` gives, as soon as it gives something.
    public func wait<Result>(_ take: (inout Value) -> Result?) -> Result {
        let (lock, value) = (guarded.lock, guarded.value)
        lock.take()
        defer { lock.giveBack() }
        while true {
            if let result = take(&value.pointee) { return result }
            pthread_cond_wait(condition, lock.mutex)
        }
    }

    /// Returns what `take` gives, or nil after `milliseconds`.
    public func wait<Result>(milliseconds: Int, _ take: (inout Value) -> Result?) -> Result? {
        var end = timespec()
        clock_gettime(CLOCK_REALTIME, &end)
        end.tv_sec += milliseconds / 1000
        end.tv_nsec += milliseconds % 1000 * 1_000_000
        if end.tv_nsec >= 1_000_000_000 {
            end.tv_sec += 1
            end.tv_nsec -= 1_000_000_000
        }
        let (lock, value) = (guarded.lock, guarded.value)
        lock.take()
        defer { lock.giveBack() }
        while true {
            if let result = take(&value.pointee) { return result }
            if pthread_cond_timedwait(condition, lock.mutex, &end) != 0 { return take(&value.pointee) }
        }
    }
}
