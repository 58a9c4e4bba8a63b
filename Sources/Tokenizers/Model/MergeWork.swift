/// The symbols of one word while its neighbours merge; the memory is reused from word to word.
struct MergeWork {
    private var ids: UnsafeMutablePointer<Int32>
    private var ranks: UnsafeMutablePointer<UInt32>  // rank of (i, i + 1)
    private var merged: UnsafeMutablePointer<Int32>  // what (i, i + 1) becomes
    private var capacity: Int
    private var count = 0
    private var pendingUnknown: Int32 = -1
    /// Up to here a scan for the lowest rank beats a heap.
    private static let longestScan = 48

    init() {
        capacity = 64
        (ids, ranks, merged) = Self.memory(capacity)
    }

    private static func memory(
        _ capacity: Int
    ) -> (UnsafeMutablePointer<Int32>, UnsafeMutablePointer<UInt32>, UnsafeMutablePointer<Int32>) {
        (.allocate(capacity: capacity), .allocate(capacity: capacity), .allocate(capacity: capacity))
    }

    func deallocate() {
        ids.deallocate()
        ranks.deallocate()
        merged.deallocate()
    }

    /// Starts a word of at most `capacity` symbols.
    @inline(__always)
    mutating func begin(capacity wanted: Int) {
        count = 0
        pendingUnknown = -1
        if wanted >= capacity { grow(wanted + 1) }
    }

    @inline(never)
    private mutating func grow(_ wanted: Int) {
        deallocate()
        capacity = wanted
        (ids, ranks, merged) = Self.memory(capacity)
    }

    /// A known symbol; an unknown one before it is written first.
    @inline(__always)
    mutating func add(_ id: Int32) {
        if pendingUnknown >= 0 { flushUnknown() }
        ids[count] = id
        count &+= 1
    }

    /// A byte token: the peer writes these before an unknown token that is still pending.
    mutating func addKeepingUnknown(_ id: Int32) {
        ids[count] = id
        count += 1
    }

    mutating func addUnknown(_ id: Int32, fuse: Bool) {
        if !fuse { flushUnknown() }
        pendingUnknown = id
    }

    mutating func flushUnknown() {
        guard pendingUnknown >= 0 else { return }
        ids[count] = pendingUnknown
        count += 1
        pendingUnknown = -1
    }

    func write(to sink: inout IDSink) {
        sink.reserve(count)
        (sink.base + sink.count).update(from: ids, count: count)
        sink.count += count
    }

    /// Merges the pair of lowest rank, leftmost first, until no pair merges.
    mutating func merge(_ table: MergeTable.View) {
        if count < 2 { return }
        if count <= Self.longestScan { mergeByScanning(table) } else { mergeByHeap(table) }
    }

    private mutating func mergeByScanning(_ table: MergeTable.View) {
        for index in 0..<count - 1 { (ranks[index], merged[index]) = table.find(ids[index], ids[index + 1]) }
        while true {
            var best = MergeTable.none
            var at = 0
            for index in 0..<count - 1 where ranks[index] < best {
                best = ranks[index]
                at = index
            }
            if best == MergeTable.none { return }
            ids[at] = merged[at]
            count -= 1
            for index in at + 1..<max(count, at + 1) {
                ids[index] = ids[index + 1]
                ranks[index] = ranks[index + 1]
                merged[index] = merged[index + 1]
            }
            if at > 0 { (ranks[at - 1], merged[at - 1]) = table.find(ids[at - 1], ids[at]) }
            if at + 1 < count { (ranks[at], merged[at]) = table.find(ids[at], ids[at + 1]) }
            if count < 2 { return }
        }
    }

    /// The same merges for long words in O(n log n): a heap of (rank, position) and a linked list of symbols.
    private mutating func mergeByHeap(_ table: MergeTable.View) {
        let next = UnsafeMutablePointer<Int32>.allocate(capacity: count)
        let previous = UnsafeMutablePointer<Int32>.allocate(capacity: count)
        var heap = PairHeap()
        defer {
            next.deallocate()
            previous.deallocate()
        }
        for index in 0..<count {
            next[index] = index + 1 < count ? Int32(index + 1) : -1
            previous[index] = Int32(index - 1)
            ranks[index] = MergeTable.none
            if index + 1 < count { (ranks[index], merged[index]) = table.find(ids[index], ids[index + 1]) }
            if ranks[index] != MergeTable.none { heap.append(ranks[index], Int32(index)) }
        }
        heap.heapify()
        while let (rank, position) = heap.pop() {
            let at = Int(position)
            if ranks[at] != rank { continue }  // merged away, or its pair changed since
            ids[at] = merged[at]
            let gone = Int(next[at])
            next[at] = next[gone]
            ranks[gone] = MergeTable.none
            if next[at] >= 0 { previous[Int(next[at])] = position }
            update(at, next, table, &heap)
            if previous[at] >= 0 { update(Int(previous[at]), next, table, &heap) }
        }
        compact(next)
    }

    private mutating func update(
        _ at: Int, _ next: UnsafeMutablePointer<Int32>, _ table: MergeTable.View, _ heap: inout PairHeap
    ) {
        ranks[at] = MergeTable.none
        guard next[at] >= 0 else { return }
        (ranks[at], merged[at]) = table.find(ids[at], ids[Int(next[at])])
        if ranks[at] != MergeTable.none { heap.push(ranks[at], Int32(at)) }
    }

    private mutating func compact(_ next: UnsafeMutablePointer<Int32>) {
        var at = Int32(0)
        count = 0
        while at >= 0 {
            ids[count] = ids[Int(at)]
            count += 1
            at = next[Int(at)]
        }
    }
}

/// A binary heap of (rank, position), lowest first; both in one machine word.
struct PairHeap {
    private var keys: [UInt64] = []

    mutating func append(_ rank: UInt32, _ position: Int32) {
        keys.append(UInt64(rank) << 32 | UInt64(UInt32(bitPattern: position)))
    }

    mutating func heapify() {
        for index in stride(from: keys.count / 2 - 1, through: 0, by: -1) { siftDown(index) }
    }

    mutating func push(_ rank: UInt32, _ position: Int32) {
        append(rank, position)
        var child = keys.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            if keys[parent] <= keys[child] { return }
            keys.swapAt(parent, child)
            child = parent
        }
    }

    mutating func pop() -> (rank: UInt32, position: Int32)? {
        guard let first = keys.first, let last = keys.popLast() else { return nil }
        if !keys.isEmpty {
            keys[0] = last
            siftDown(0)
        }
        return (UInt32(truncatingIfNeeded: first >> 32), Int32(truncatingIfNeeded: first))
    }

    private mutating func siftDown(_ start: Int) {
        var parent = start
        while true {
            var child = parent * 2 + 1
            if child >= keys.count { return }
            if child + 1 < keys.count, keys[child + 1] < keys[child] { child += 1 }
            if keys[parent] <= keys[child] { return }
            keys.swapAt(parent, child)
            parent = child
        }
    }
}
