#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// The members of a JSON object in their written order, with constant-time lookups.
///
/// Keys are told apart byte for byte. Small objects are searched in a row; bigger ones carry a hash table.
public struct JSONObject: Sendable, Equatable, Sequence, ExpressibleByDictionaryLiteral {
    private var storage: Members

    public init() { storage = Members() }
    init(_ storage: Members) { self.storage = storage }

    public init(dictionaryLiteral elements: (String, JSON)...) {
        self.init()
        for (key, value) in elements { self[key] = value }
    }

    public var keys: [String] { storage.keys }
    public var values: [JSON] { storage.values }
    public var count: Int { storage.keys.count }
    public var isEmpty: Bool { storage.keys.isEmpty }

    /// Gets, replaces (in place), appends (at the end) or removes (nil) a member.
    public subscript(key: String) -> JSON? {
        get { storage.find(key).map { storage.values[$0] } }
        set {
            if !isKnownUniquelyReferenced(&storage) { storage = Members(copying: storage) }
            switch (storage.find(key), newValue) {
            case (let index?, let value?): storage.values[index] = value
            case (let index?, nil): storage.remove(index)
            case (nil, let value?): _ = storage.append(key, value)
            case (nil, nil): break
            }
        }
    }

    public func makeIterator() -> AnyIterator<(key: String, value: JSON)> {
        let storage = storage
        var index = 0
        return AnyIterator {
            guard index < storage.keys.count else { return nil }
            defer { index += 1 }
            return (storage.keys[index], storage.values[index])
        }
    }

    /// Same members, whatever their order.
    public static func == (a: JSONObject, b: JSONObject) -> Bool {
        a.storage === b.storage || a.count == b.count && a.allSatisfy { b[$0.key] == $0.value }
    }
}

/// The storage behind a `JSONObject`; changed only while it has one owner.
final class Members: @unchecked Sendable {
    // Sendable: copy on write, so a shared instance is never changed.
    var keys: [String] = []
    var values: [JSON] = []
    /// Open addressing: 32 bits of hash above index + 1 (0 = free); empty while the object is small.
    private var table: [UInt64] = []

    init() {}

    init(copying other: Members) {
        keys = other.keys
        values = other.values
        table = other.table
    }

    /// Appends unless the key is there already; tells whether it was new.
    func append(_ key: String, _ value: JSON) -> Bool {
        if keys.count < 8 {
            for other in keys where sameBytes(other, key) { return false }
        } else {
            if table.count < 2 * (keys.count + 1) { grow(slots: 4 * keys.count) }
            let hash = hash(key)
            let (slot, found) = probe(key, hash)
            if found != nil { return false }
            table[slot] = hash << 32 | UInt64(keys.count + 1)
        }
        keys.append(key)
        values.append(value)
        return true
    }

    func find(_ key: String) -> Int? {
        table.isEmpty ? keys.firstIndex { sameBytes($0, key) } : probe(key, hash(key)).found
    }

    func remove(_ index: Int) {
        keys.remove(at: index)
        values.remove(at: index)
        table = []
        if keys.count < 8 { return }
        grow(slots: 4 * keys.count)
    }

    /// Makes the table at least `slots` long; the old entries know their hashes, a new table asks the keys.
    private func grow(slots: Int) {
        var size = 64
        while size < slots { size *= 2 }
        let entries =
            table.isEmpty ? keys.indices.map { hash(keys[$0]) << 32 | UInt64($0 + 1) } : table.filter { $0 != 0 }
        table = Array(repeating: 0, count: size)
        for entry in entries {
            var slot = Int(entry >> 32) & (size - 1)
            while table[slot] != 0 { slot = (slot + 1) & (size - 1) }
            table[slot] = entry
        }
    }

    /// The slot where `key` is or belongs, and its index if it is there.
    private func probe(_ key: String, _ hash: UInt64) -> (slot: Int, found: Int?) {
        var slot = Int(hash) & (table.count - 1)
        while table[slot] != 0 {
            let index = Int(table[slot] & 0xFFFF_FFFF) - 1
            if table[slot] >> 32 == hash, sameBytes(keys[index], key) { return (slot, index) }
            slot = (slot + 1) & (table.count - 1)
        }
        return (slot, nil)
    }

    /// The standard library's seeded hash, so that nobody can prepare colliding keys; it never reaches an output.
    private func hash(_ key: String) -> UInt64 {
        var hasher = Hasher()
        let done: Void? = key.utf8.withContiguousStorageIfAvailable { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
        if done == nil { for byte in key.utf8 { hasher.combine(byte) } }
        return UInt64(truncatingIfNeeded: hasher.finalize()) >> 32
    }
}

/// Equality of the UTF-8 bytes, without Unicode normalization.
func sameBytes(_ a: String, _ b: String) -> Bool {
    guard a.utf8.count == b.utf8.count else { return false }
    let same = a.utf8.withContiguousStorageIfAvailable { x in
        b.utf8.withContiguousStorageIfAvailable { y -> Bool in
            guard let p = x.baseAddress, let q = y.baseAddress else { return x.count == y.count }
            return memcmp(p, q, x.count) == 0
        }
    }
    return (same ?? nil) ?? a.utf8.elementsEqual(b.utf8)
}
