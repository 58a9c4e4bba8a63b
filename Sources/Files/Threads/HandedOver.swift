/// Waits, without holding a thread of the pool, for what another thread gives.
///
/// ```swift
/// let sum = try await handedOver { give in worker.post { give(Result { try add() }) } }
/// ```
/// `start` is called at once; `give` has to be called once. The result goes through the package's lock, whose order the thread sanitizer sees: that of a
/// continuation lies in the runtime's library, which is not instrumented (Decisions/0008).
/// - Throws: the failure that is given.
public func handedOver<Value: Sendable>(_ start: (_ give: @escaping @Sendable (Result<Value, any Error>) -> Void) -> Void) async throws -> Value {
    let place = Guarded<Result<Value, any Error>?>(nil)
    await withCheckedContinuation { continuation in
        start { result in
            place.withLock { $0 = result }
            continuation.resume()
        }
    }
    guard let result = place.withLock({ $0 }) else { throw CancellationError() }
    return try result.get()
}
