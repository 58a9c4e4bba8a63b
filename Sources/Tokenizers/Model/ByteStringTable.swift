/// Byte strings numbered in the order of insertion, found by content: vocabularies and long words.
struct ByteStringTable: Sendable {
    private(set) var bytes: [UInt8] = []
    private(set) var ends: [Int] = []
    private var hashes: [UInt64] = []
    /// Number of the string and the upper half of its hash, so that a lookup rarely touches a string that is another one.
    private var slots: [Slot]
    private let seed = ByteHash.seed

    private struct Slot {
        var index: Int32 = -1
        var tag: UInt32 = 0
    }

    var count: Int { ends.count }

    init(capacity: Int = 0) {
        slots = [Slot](repeating: Slot(), count: max(16, (capacity * 2).nextPowerOfTwo))
    }

    @inline(__always)
    func range(of index: Int) -> Range<Int> { (index == 0 ? 0 : ends[index - 1])..<ends[index] }

    /// The string with the given number.
    subscript(index: Int) -> ArraySlice<UInt8> { bytes[range(of: index)] }

    /// Number of the string, or nil.
    func index(of key: UnsafeBufferPointer<UInt8>) -> Int? {
        let slot = slot(of: key, hash: hash(key))
        return slots[slot].index < 0 ? nil : Int(slots[slot].index)
    }

    /// Number of the string, inserting it if it is new.
    mutating func insert(_ key: UnsafeBufferPointer<UInt8>) -> (index: Int, isNew: Bool) {
        let hash = hash(key)
        var slot = slot(of: key, hash: hash)
        if slots[slot].index >= 0 { return (Int(slots[slot].index), false) }
        if (ends.count + 1) * 2 > slots.count {
            grow()
            slot = self.slot(of: key, hash: hash)
        }
        slots[slot] = Slot(index: Int32(ends.count), tag: Self.tag(hash))
        bytes.append(contentsOf: key)
        ends.append(bytes.count)
        hashes.append(hash)
        return (ends.count - 1, true)
    }

    func index(of text: some StringProtocol) -> Int? {
        var text = String(text)
        return text.withUTF8 { index(of: $0) }
    }

    func index(of key: [UInt8]) -> Int? { key.withUnsafeBufferPointer { index(of: $0) } }

    @discardableResult
    mutating func insert(_ key: [UInt8]) -> (index: Int, isNew: Bool) { key.withUnsafeBufferPointer { insert($0) } }

    @discardableResult
    mutating func insert(_ text: String) -> (index: Int, isNew: Bool) {
        var text = text
        return text.withUTF8 { insert($0) }
    }

    private func hash(_ key: UnsafeBufferPointer<UInt8>) -> UInt64 {
        guard let base = key.baseAddress else { return ByteHash.mix(seed, 1) }
        return ByteHash.hash(base, key.count, seed: seed)
    }

    /// The slot that holds the key, or the empty one where it belongs.
    private func slot(of key: UnsafeBufferPointer<UInt8>, hash: UInt64) -> Int {
        let mask = slots.count - 1
        var slot = Int(truncatingIfNeeded: hash) & mask
        let tag = Self.tag(hash)
        return slots.withUnsafeBufferPointer { slots in
            while slots[slot].index >= 0 {
                if slots[slot].tag == tag, isEqual(Int(slots[slot].index), key) { break }
                slot = (slot &+ 1) & mask
            }
            return slot
        }
    }

    private static func tag(_ hash: UInt64) -> UInt32 { UInt32(truncatingIfNeeded: hash >> 32) }

    private func isEqual(_ index: Int, _ key: UnsafeBufferPointer<UInt8>) -> Bool {
        let range = range(of: index)
        return range.count == key.count && bytes.withUnsafeBufferPointer { $0[range].elementsEqual(key) }
    }

    private mutating func grow() {
        slots = [Slot](repeating: Slot(), count: slots.count * 2)
        let mask = slots.count - 1
        for (index, hash) in hashes.enumerated() {
            var slot = Int(truncatingIfNeeded: hash) & mask
            while slots[slot].index >= 0 { slot = (slot + 1) & mask }
            slots[slot] = Slot(index: Int32(index), tag: Self.tag(hash))
        }
    }
}

extension Int {
    /// The smallest power of two that is not less.
    var nextPowerOfTwo: Int { self <= 1 ? 1 : 1 << (Int.bitWidth - (self - 1).leadingZeroBitCount) }
}
