#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif
import CQuintetKernels

/// The bytes behind a tensor, 64-byte aligned, with an owner that frees them.
///
/// Bytes are immutable once the tensor is published; only a parameter store, an optimizer and a cache write in place, each with
/// one owner.
// Sendable: the pointer and owner never change, and published bytes are not written.
public final class Storage: @unchecked Sendable {
    public let base: UnsafeMutableRawPointer
    public let byteCount: Int
    private let owner: Owner

    private enum Owner {
        case pooled(sizeClass: Int)
        case object(AnyObject)
    }

    /// Uninitialized bytes: from the recording arena of this thread while one is open, else from the caching allocator.
    public init(byteCount: Int) {
        self.byteCount = byteCount
        if let arena = Arena.current {
            base = arena.allocate(byteCount)
            owner = .object(arena)
        } else {
            let (pointer, sizeClass) = Allocator.shared.allocate(byteCount)
            base = pointer
            owner = .pooled(sizeClass: sizeClass)
        }
    }

    /// Bytes that belong to somebody else, kept alive with the storage: a mapped file, a slab.
    public init(base: UnsafeMutableRawPointer, byteCount: Int, owner: AnyObject) {
        self.base = base
        self.byteCount = byteCount
        self.owner = .object(owner)
    }

    /// Tells whoever owns the bytes that these are not needed soon.
    func discard(_ bytes: UnsafeRawBufferPointer) {
        if case .object(let object) = owner, let pages = object as? any DiscardablePages { pages.discard(bytes) }
    }

    deinit {
        if case .pooled(let sizeClass) = owner { Allocator.shared.recycle(base, sizeClass) }
    }
}

/// Memory that lives as long as a recorded step: every tensor made while it is current lies in it.
// Sendable: only the thread that records allocates from it.
final class Arena: @unchecked Sendable {
    private var blocks: [Storage] = []
    private var offset = 0
    private static let blockBytes = 1 << 20

    func allocate(_ bytes: Int) -> UnsafeMutableRawPointer {
        let rounded = (max(bytes, 64) + 63) & ~63
        if let block = blocks.last, offset + rounded <= block.byteCount {
            defer { offset += rounded }
            return block.base + offset
        }
        let (pointer, _) = (Allocator.systemAllocate(max(rounded, Self.blockBytes)), 0)
        blocks.append(Storage(base: pointer, byteCount: max(rounded, Self.blockBytes), owner: MallocOwner(pointer)))
        offset = rounded
        return pointer
    }

    /// The arena of this thread, while one records.
    static var current: Arena? {
        guard let pointer = qk_thread_context() else { return nil }
        return Unmanaged<Arena>.fromOpaque(pointer).takeUnretainedValue()
    }
}

private final class MallocOwner {
    let pointer: UnsafeMutableRawPointer
    init(_ pointer: UnsafeMutableRawPointer) { self.pointer = pointer }
    deinit { free(pointer) }
}
