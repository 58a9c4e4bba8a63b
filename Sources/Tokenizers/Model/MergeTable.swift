/// (left id, right id) -> (rank, id of the merged token); lower ranks merge first.
final class MergeTable: @unchecked Sendable {
    // Safe to share: the memory is written by `init` and `insert` before the table is published, then only read.
    struct Slot {
        var key: UInt64
        var rank: UInt32
        var id: Int32
    }

    static let none = UInt32.max
    private static let empty = UInt64.max
    private var slots: UnsafeMutablePointer<Slot>
    private var capacity: Int
    private var shift: UInt64
    private(set) var count = 0

    init(capacity wanted: Int) {
        capacity = max(16, (wanted * 2).nextPowerOfTwo)
        shift = UInt64(64 - capacity.trailingZeroBitCount)
        slots = .allocate(capacity: capacity)
        slots.initialize(repeating: Slot(key: Self.empty, rank: Self.none, id: -1), count: capacity)
    }

    deinit { slots.deallocate() }

    /// A copy of the pointers for a hot loop; valid while the table lives.
    var view: View { View(slots: slots, mask: capacity - 1, shift: shift) }

    struct View {
        let slots: UnsafeMutablePointer<Slot>
        let mask: Int
        let shift: UInt64

        /// Rank and merged id of a pair; rank `MergeTable.none` if the pair does not merge.
        @inline(__always)
        func find(_ left: Int32, _ right: Int32) -> (rank: UInt32, id: Int32) {
            let key = MergeTable.key(left, right)
            var slot = Int(truncatingIfNeeded: (key &* 0x9E37_79B9_7F4A_7C15) &>> shift)
            while true {
                let found = slots[slot]
                if found.key == key { return (found.rank, found.id) }
                if found.key == MergeTable.empty { return (MergeTable.none, -1) }
                slot = (slot &+ 1) & mask
            }
        }
    }

    @inline(__always)
    static func key(_ left: Int32, _ right: Int32) -> UInt64 {
        UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
    }

    /// Adds a pair; false (and no change) if it is there already.
    func insert(_ left: Int32, _ right: Int32, rank: UInt32, id: Int32) -> Bool {
        if (count + 1) * 2 > capacity { grow() }
        let key = Self.key(left, right)
        let slot = free(for: key)
        if slots[slot].key == key { return false }
        slots[slot] = Slot(key: key, rank: rank, id: id)
        count += 1
        return true
    }

    private func free(for key: UInt64) -> Int {
        var slot = Int(truncatingIfNeeded: (key &* 0x9E37_79B9_7F4A_7C15) &>> shift)
        while slots[slot].key != key && slots[slot].key != Self.empty { slot = (slot + 1) & (capacity - 1) }
        return slot
    }

    private func grow() {
        let (old, oldCapacity) = (slots, capacity)
        capacity *= 2
        shift -= 1
        slots = .allocate(capacity: capacity)
        slots.initialize(repeating: Slot(key: Self.empty, rank: Self.none, id: -1), count: capacity)
        for index in 0..<oldCapacity where old[index].key != Self.empty { slots[free(for: old[index].key)] = old[index] }
        old.deallocate()
    }
}
