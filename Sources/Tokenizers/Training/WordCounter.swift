/// Counts words: short ones in a flat table with the bytes in the slot, long ones by content elsewhere.
struct WordCounter {
    private struct Slot {
        var low: UInt64 = 0
        var high: UInt64 = 0  // 0 is an empty slot: every key carries its length here
        var count: Int64 = 0
    }

    private var slots: UnsafeMutablePointer<Slot>
    private var capacity = 1 << 14
    private var used = 0
    private var long = ByteStringTable()
    private var longCounts: [Int64] = []

    init() {
        slots = .allocate(capacity: capacity)
        slots.initialize(repeating: Slot(), count: capacity)
    }

    func deallocate() { slots.deallocate() }

    /// Number of different words.
    var count: Int { used + long.count }

    /// Counts the words of one stretch of text.
    mutating func add(_ text: TextBytes, _ pattern: PreTokenizationPattern) {
        switch pattern {
        case .gpt2: add(text, GPT2Words())
        case .cl100k: add(text, CL100KWords(digits: 3, joinsTrailingSpace: true))
        case .llama3: add(text, CL100KWords(digits: 3, joinsTrailingSpace: false))
        case .qwen2: add(text, CL100KWords(digits: 1, joinsTrailingSpace: false))
        case .o200k: add(text, O200KWords(digits: 3, takesContractions: true))
        case .tekken: add(text, O200KWords(digits: 1, takesContractions: false))
        }
    }

    @inline(__always)
    private mutating func add(_ text: TextBytes, _ rule: some WordRule) {
        let seed = ByteHash.seed
        var start = 0
        while start < text.count {
            let end = rule.end(in: text, from: start)
            let word = text.base + start
            if end &- start <= ShortKey.longest {
                add(ShortKey(word, end &- start, readable: text.count &- start), 1, seed)
            } else {
                addLong(UnsafeBufferPointer(start: word, count: end - start), 1)
            }
            start = end
        }
    }

    @inline(__always)
    private mutating func add(_ key: ShortKey, _ times: Int64, _ seed: UInt64) {
        var slot = Int(truncatingIfNeeded: key.hash(seed: seed)) & (capacity &- 1)
        while true {
            if slots[slot].low == key.low && slots[slot].high == key.high {
                slots[slot].count &+= times
                return
            }
            if slots[slot].high == 0 { break }
            slot = (slot &+ 1) & (capacity &- 1)
        }
        slots[slot] = Slot(low: key.low, high: key.high, count: times)
        used += 1
        if used * 2 > capacity { grow(seed) }
    }

    private mutating func addLong(_ word: UnsafeBufferPointer<UInt8>, _ times: Int64) {
        let (index, isNew) = long.insert(word)
        if isNew { longCounts.append(0) }
        longCounts[index] += times
    }

    private mutating func grow(_ seed: UInt64) {
        let (old, oldCapacity) = (slots, capacity)
        capacity *= 2
        slots = .allocate(capacity: capacity)
        slots.initialize(repeating: Slot(), count: capacity)
        for index in 0..<oldCapacity where old[index].high != 0 {
            var slot = Int(truncatingIfNeeded: ByteHash.mix(old[index].low ^ seed, old[index].high ^ 0x9E37_79B9_7F4A_7C15))
            slot &= capacity - 1
            while slots[slot].high != 0 { slot = (slot + 1) & (capacity - 1) }
            slots[slot] = old[index]
        }
        old.deallocate()
    }

    /// Adds the counts of another counter.
    mutating func add(_ other: WordCounter) {
        other.forEachWord { word, count in
            guard let base = word.baseAddress else { return }
            if word.count <= ShortKey.longest {
                add(ShortKey(base, word.count, readable: word.count), count, ByteHash.seed)
            } else {
                addLong(word, count)
            }
        }
    }

    /// Calls `body` with every word and its count, in no particular order.
    func forEachWord(_ body: (UnsafeBufferPointer<UInt8>, Int64) -> Void) {
        for index in 0..<capacity where slots[index].high != 0 {
            let length = Int(slots[index].high >> 56)
            let bytes = SIMD2(slots[index].low.littleEndian, slots[index].high.littleEndian)
            withUnsafeBytes(of: bytes) { raw in
                body(UnsafeBufferPointer(rebasing: raw.bindMemory(to: UInt8.self)[..<length]), slots[index].count)
            }
        }
        for index in 0..<long.count {
            long[index].withUnsafeBufferPointer { body($0, longCounts[index]) }
        }
    }
}
