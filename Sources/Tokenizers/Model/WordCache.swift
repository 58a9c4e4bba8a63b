/// Remembers the ids of words of at most 15 bytes and at most 4 ids; two ways a set, the older one is replaced.
///
/// One set is a cache line (2 x 32 bytes), so a word that was seen costs one memory access.
struct WordCache {
    struct Slot {
        var low: UInt64
        var high: UInt64  // 0 is an empty slot: every key carries its length here
        var ids: SIMD4<Int32>  // -1 where there are fewer
    }

    static let sets = 1 << 15
    let slots: UnsafeMutablePointer<Slot>
    /// Kept here: reading the global one costs a call for each word.
    private let seed = ByteHash.seed

    init() {
        let memory = UnsafeMutableRawPointer.allocate(byteCount: Self.sets * 64, alignment: 64)
        slots = memory.bindMemory(to: Slot.self, capacity: Self.sets * 2)
        slots.initialize(repeating: Slot(low: 0, high: 0, ids: SIMD4(repeating: -1)), count: Self.sets * 2)
    }

    func deallocate() { UnsafeMutableRawPointer(slots).deallocate() }

    /// First slot of the key's set.
    @inline(__always)
    func set(of key: ShortKey) -> UnsafeMutablePointer<Slot> {
        slots + Int(truncatingIfNeeded: key.hash(seed: seed) >> 49) &* 2
    }

    /// Stores `count` ids in a set, moving the newer entry to the second way.
    func store(_ key: ShortKey, _ ids: UnsafePointer<Int32>, _ count: Int, in set: UnsafeMutablePointer<Slot>) {
        guard count <= 4 else { return }
        set[1] = set[0]
        set[0] = Slot(
            low: key.low, high: key.high,
            ids: SIMD4(
                count > 0 ? ids[0] : -1, count > 1 ? ids[1] : -1, count > 2 ? ids[2] : -1, count > 3 ? ids[3] : -1))
    }
}

/// Ids under construction: a growing buffer without Array's per-append cost.
struct IDSink {
    private(set) var base: UnsafeMutablePointer<Int32>
    private(set) var capacity: Int
    var count = 0

    init(capacity: Int) {
        self.capacity = max(capacity, 64)
        base = .allocate(capacity: self.capacity)
    }

    func deallocate() { base.deallocate() }

    @inline(__always)
    mutating func append(_ id: Int32) {
        if count == capacity { grow(by: 1) }
        base[count] = id
        count &+= 1
    }

    /// Appends up to four ids, -1 after the last; room for four must be there.
    @inline(__always)
    mutating func appendPadded(_ ids: SIMD4<Int32>) {
        UnsafeMutableRawPointer(base + count).storeBytes(of: ids, as: SIMD4<Int32>.self)
        count &+= 4 &+ Int((ids &>> 31).wrappedSum())
    }

    /// Empties the sink and gives large memory back.
    mutating func trim() {
        count = 0
        if capacity <= 1 << 18 { return }
        base.deallocate()
        capacity = 1024
        base = .allocate(capacity: capacity)
    }

    mutating func append(_ ids: UnsafeBufferPointer<Int32>) {
        reserve(ids.count)
        if let from = ids.baseAddress { (base + count).update(from: from, count: ids.count) }
        count += ids.count
    }

    /// Makes room for about as many ids as a text of so many bytes has; memory that is not needed is never touched.
    mutating func reserveForText(bytes: Int) { reserve(min(bytes, 1 << 28) / 8 * 3 + 4) }

    /// Makes room for `more` ids.
    @inline(__always)
    mutating func reserve(_ more: Int) {
        if count &+ more > capacity { grow(by: more) }
    }

    @inline(never)
    private mutating func grow(by more: Int) {
        capacity = max(capacity * 2, count + more)
        let larger = UnsafeMutablePointer<Int32>.allocate(capacity: capacity)
        larger.update(from: base, count: count)
        base.deallocate()
        base = larger
    }
}
