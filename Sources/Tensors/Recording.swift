import CQuintetKernels

/// The kernel calls of one step, kept so that the step can run again without planning or allocating.
///
/// Everything that changes from step to step (ids, positions, page tables) lies in buffers that the calls read, so replaying is
/// writing those buffers and running the same calls.
// Sendable: calls and arena are fixed once recorded; one thread replays at a time.
public final class Recording: @unchecked Sendable {
    private let arena = Arena()
    private var calls: [KernelCall] = []

    /// Runs `body` once and keeps its kernel calls; tensors made inside live as long as the recording.
    public init<Result>(_ body: () throws -> Result, result: (Result) -> Void) rethrows {
        let outer = qk_thread_context()
        qk_set_thread_context(Unmanaged.passUnretained(arena).toOpaque())
        qk_record_begin()
        defer { qk_set_thread_context(outer) }
        do {
            result(try body())
        } catch {
            _ = qk_record_end()
            throw error
        }
        let count = qk_record_end()
        calls = Array(UnsafeBufferPointer(start: qk_recorded(), count: Int(count)))
    }

    /// Runs the recorded calls again, in order.
    public func replay() {
        calls.withUnsafeBufferPointer { qk_replay($0.baseAddress, Int64($0.count)) }
    }

    public var callCount: Int { calls.count }
}
