import QuintetFiles

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A caching allocator of 64-byte aligned blocks in size classes.
///
/// A freed block goes on the free list of its class and is handed out again, so a steady training step or decode step asks the
/// system for nothing. Blocks of 2 MiB and more are aligned to huge pages and ask for them.
public final class Allocator: Sendable {
    public static let shared = Allocator()

    private struct State: ~Copyable {
        var free: [[UInt]] = Array(repeating: [], count: Allocator.classCount)
        var bytesInUse = 0
        var mostInUse = 0
        var bytesCached = 0
        var systemRequests = 0
    }
    private let state = Guarded(State())

    /// What the allocator holds at this moment, in bytes, and how often it asked the system.
    public struct Statistics: Sendable, Equatable {
        public let bytesInUse: Int, bytesCached: Int, systemRequests: Int
    }
    public var statistics: Statistics {
        state.withLock { Statistics(bytesInUse: $0.bytesInUse, bytesCached: $0.bytesCached, systemRequests: $0.systemRequests) }
    }

    // Classes: 64 << e, in eight steps between powers of two.
    private static let classCount = 8 * 42
    static func sizeClass(_ bytes: Int) -> Int {
        let units = (max(bytes, 64) + 63) / 64
        let exponent = Int.bitWidth - 1 - units.leadingZeroBitCount
        guard exponent >= 3 else { return units - 1 }
        let step = 1 << (exponent - 3)
        let index = 8 * (exponent - 2) + (units - (1 << exponent) + step - 1) / step
        return index - 1
    }
    static func classBytes(_ sizeClass: Int) -> Int {
        let index = sizeClass + 1
        guard index >= 8 else { return index * 64 }
        let exponent = index / 8 + 2
        return ((1 << exponent) + (index % 8) * (1 << (exponent - 3))) * 64
    }

    func allocate(_ bytes: Int) -> (UnsafeMutableRawPointer, Int) {
        let sizeClass = Self.sizeClass(bytes)
        let size = Self.classBytes(sizeClass)
        let cached = state.withLock { state -> UInt? in
            state.bytesInUse += size
            state.mostInUse = max(state.mostInUse, state.bytesInUse)
            guard let address = state.free[sizeClass].popLast() else {
                state.systemRequests += 1
                return nil
            }
            state.bytesCached -= size
            return address
        }
        if let cached, let pointer = UnsafeMutableRawPointer(bitPattern: cached) { return (pointer, sizeClass) }
        return (Self.systemAllocate(size), sizeClass)
    }

    func recycle(_ pointer: UnsafeMutableRawPointer, _ sizeClass: Int) {
        let size = Self.classBytes(sizeClass)
        state.withLock {
            $0.bytesInUse -= size
            $0.bytesCached += size
            $0.free[sizeClass].append(UInt(bitPattern: pointer))
        }
    }

    /// Gives every cached block back to the system.
    public func trim() {
        state.withLock { state in
            for sizeClass in state.free.indices {
                for address in state.free[sizeClass] { free(UnsafeMutableRawPointer(bitPattern: address)) }
                state.free[sizeClass].removeAll()
            }
            state.bytesCached = 0
        }
    }

    /// The same where the cache is larger than the most that was in use at once needs: batches of many lengths leave blocks of many sizes.
    public func trimExcess() {
        let isExcess = state.withLock { $0.bytesCached > ($0.mostInUse - $0.bytesInUse) / 8 * 9 }
        if isExcess { trim() }
    }

    static let hugePage = 2 << 20

    static func systemAllocate(_ size: Int) -> UnsafeMutableRawPointer {
        var pointer: UnsafeMutableRawPointer?
        let alignment = size >= hugePage ? hugePage : 64
        guard posix_memalign(&pointer, alignment, size) == 0, let pointer else {
            fatalError("out of memory: \(size) bytes could not be allocated")
        }
        #if os(Linux)
            if size >= hugePage { madvise(pointer, size, 14) }  // MADV_HUGEPAGE
        #endif
        return pointer
    }
}
