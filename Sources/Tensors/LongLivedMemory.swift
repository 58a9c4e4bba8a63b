import QuintetFiles

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Memory for weights and caches: one after the other in big pieces, so that huge pages are full and nothing is rounded up.
///
/// A piece goes when the last storage in it does.
// Sendable: base and capacity never change; `used` is only touched under `LongLivedMemory.current`.
final class LongLivedMemory: @unchecked Sendable {
    private let base: UnsafeMutableRawPointer
    private let capacity: Int
    private var used = 0

    private static let pieceBytes = 64 << 20
    private struct Current { weak var slab: LongLivedMemory? }
    private static let current = Guarded(Current())

    private init(_ bytes: Int) {
        capacity = (max(bytes, Self.pieceBytes) + Allocator.hugePage - 1) & ~(Allocator.hugePage - 1)
        base = Allocator.systemAllocate(capacity)
    }

    deinit { free(base) }

    /// Uninitialized bytes, 64-byte aligned.
    static func storage(_ byteCount: Int) -> Storage {
        let rounded = (max(byteCount, 1) + 63) & ~63
        return current.withLock { current in
            let slab: LongLivedMemory
            if let open = current.slab, open.used + rounded <= open.capacity { slab = open } else { slab = LongLivedMemory(rounded) }
            current.slab = slab
            defer { slab.used += rounded }
            return Storage(base: slab.base + slab.used, byteCount: byteCount, owner: slab)
        }
    }
}
