#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// A value that threads touch one at a time.
///
/// ```swift
/// let seen = Guarded<Set<String>>([])
/// let isNew = seen.withLock { $0.insert("a").inserted }
/// ```
/// The package's one lock, used as `Synchronization.Mutex` is; the thread sanitizer sees what it orders (Decisions/0008).
// Sendable: the value is only touched under the lock; both live at fixed addresses until the owner is gone.
public final class Guarded<Value: ~Copyable>: @unchecked Sendable {
    @usableFromInline let lock: SystemLock
    @usableFromInline let value: UnsafeMutablePointer<Value>

    @inlinable public init(_ initial: consuming sending Value) {
        lock = SystemLock()
        value = .allocate(capacity: 1)
        value.initialize(to: initial)
    }

    @inlinable deinit {
        value.deinitialize(count: 1)
        value.deallocate()
        lock.destroy()
    }

    /// Does something with the value while nobody else does; not to be called again from `body`.
    @inlinable public func withLock<Result: ~Copyable, Failure: Error>(
        _ body: (inout sending Value) throws(Failure) -> sending Result
    ) throws(Failure) -> sending Result {
        lock.take()
        defer { lock.giveBack() }
        return try body(&value.pointee)
    }
}

/// A mutex of the system's threads, at a fixed address until it is destroyed.
@usableFromInline struct SystemLock {
    let mutex: UnsafeMutablePointer<pthread_mutex_t>

    @usableFromInline init() {
        mutex = .allocate(capacity: 1)
        pthread_mutex_init(mutex, nil)
    }

    @usableFromInline func destroy() {
        pthread_mutex_destroy(mutex)
        mutex.deallocate()
    }

    @usableFromInline func take() { pthread_mutex_lock(mutex) }
    @usableFromInline func giveBack() { pthread_mutex_unlock(mutex) }
}
