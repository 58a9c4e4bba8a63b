#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif
internal import Synchronization

/// Keeps the process alive when somebody truncates a file while it is mapped.
///
/// Touching a lost page raises SIGBUS. The handler finds the map that the address lies in, puts zero pages in place of the
/// rest of that map, and marks it as damaged; whoever reads the map asks `MappedFile.checkIntact()` before trusting what it
/// read. A SIGBUS anywhere else ends the process as before.
enum BusGuard {
    /// One watched map; `start` 0 means the slot is free.
    private struct Slot: ~Copyable {
        let start = Atomic<UInt>(0)
        let end = Atomic<UInt>(0)
        let damaged = Atomic<Bool>(false)
    }

    private static let count = 4096
    /// Lives as long as the process: the handler may look at any time.
    nonisolated(unsafe) private static let slots: UnsafeMutablePointer<Slot> = {
        let slots = UnsafeMutablePointer<Slot>.allocate(capacity: count)
        for i in 0..<count { (slots + i).initialize(to: Slot()) }
        return slots
    }()
    private static let pageSize = UInt(getpagesize())
    private static let installed: Void = install()

    /// Watches a map; nil where all slots are taken (then a lost page ends the process).
    static func watch(_ map: UnsafeRawBufferPointer) -> Int? {
        _ = (slots, pageSize, installed)  // nothing of this may be made inside the handler
        guard let base = map.baseAddress else { return nil }
        let start = UInt(bitPattern: base)
        for i in 0..<count where slots[i].start.load(ordering: .relaxed) == 0 {
            if slots[i].start.compareExchange(expected: 0, desired: .max, ordering: .acquiring).exchanged {
                slots[i].damaged.store(false, ordering: .relaxed)
                slots[i].end.store(start + UInt(map.count), ordering: .relaxed)
                slots[i].start.store(start, ordering: .releasing)
                return i
            }
        }
        return nil
    }

    /// Ends the watch; to be called before the map goes away.
    static func release(_ slot: Int) { slots[slot].start.store(0, ordering: .releasing) }

    static func isDamaged(_ slot: Int) -> Bool { slots[slot].damaged.load(ordering: .acquiring) }

    private static func install() {
        #if canImport(Glibc) || canImport(Darwin)
            var action = sigaction()
            #if canImport(Darwin)
                action.__sigaction_u.__sa_sigaction = { number, info, _ in BusGuard.handle(number, info?.pointee.si_addr) }
            #else
                action.__sigaction_handler.sa_sigaction = { number, info, _ in
                    BusGuard.handle(number, info?.pointee._sifields._sigfault.si_addr)
                }
            #endif
            action.sa_flags = Int32(SA_SIGINFO)
            sigaction(SIGBUS, &action, nil)
        #endif
    }

    /// Runs inside the signal handler: atomic loads and `mmap`, nothing that allocates.
    private static func handle(_ number: Int32, _ address: UnsafeMutableRawPointer?) {
        let at = UInt(bitPattern: address)
        for i in 0..<count {
            let start = slots[i].start.load(ordering: .acquiring)
            let end = slots[i].end.load(ordering: .relaxed)
            if start == 0 || at < start || at >= end { continue }
            let page = at & ~(pageSize - 1)
            let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED
            let map = mmap(UnsafeMutableRawPointer(bitPattern: page), Int(end - page), PROT_READ, flags, -1, 0)
            if map != UnsafeMutableRawPointer(bitPattern: -1) {
                slots[i].damaged.store(true, ordering: .releasing)
                return
            }
        }
        signal(number, SIG_DFL)  // the access is tried again, and ends the process
    }
}
