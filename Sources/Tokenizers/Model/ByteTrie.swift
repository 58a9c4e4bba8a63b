/// A trie over byte strings: every stored string that begins a text is found in one walk.
///
/// Edges live in one open-addressing table keyed by (node, byte), so building is linear in the bytes of the vocabulary.
final class ByteTrie: @unchecked Sendable {
    // Safe to share: written by `insert` before it is published, then only read.
    private struct Edge {
        var key: UInt64
        var next: Int32
        var value: Int32
    }

    private static let empty = UInt64.max
    private var edges: UnsafeMutablePointer<Edge>
    private var mask: Int
    private var count = 0
    private var nodes: Int32 = 1
    /// The longest string stored, bytes.
    private(set) var longest = 0

    init(bytes: Int = 0) {
        let capacity = max(1024, (bytes * 2).nextPowerOfTwo)
        mask = capacity - 1
        edges = .allocate(capacity: capacity)
        edges.initialize(repeating: Edge(key: Self.empty, next: 0, value: -1), count: capacity)
    }

    deinit { edges.deallocate() }

    var isEmpty: Bool { longest == 0 }

    @inline(__always)
    private func slot(_ key: UInt64) -> Int {
        var slot = Int(truncatingIfNeeded: (key &* 0x9E37_79B9_7F4A_7C15) >> 20) & mask
        while edges[slot].key != key && edges[slot].key != Self.empty { slot = (slot &+ 1) & mask }
        return slot
    }

    @inline(__always)
    private static func key(_ node: Int32, _ byte: UInt8) -> UInt64 { UInt64(UInt32(bitPattern: node)) << 8 | UInt64(byte) }

    /// Stores a string with a value >= 0; the first value of a string stays.
    func insert(_ text: some Collection<UInt8>, _ value: Int32) {
        var node: Int32 = 0
        var last = -1
        for byte in text {
            let key = Self.key(node, byte)
            var at = slot(key)
            if edges[at].key == Self.empty {
                if count * 2 > mask {
                    grow()
                    at = slot(key)
                }
                edges[at] = Edge(key: key, next: nodes, value: -1)
                nodes += 1
                count += 1
            }
            last = at
            node = edges[at].next
        }
        if last >= 0, edges[last].value < 0 { edges[last].value = value }
        longest = max(longest, text.count)
    }

    private func grow() {
        let (old, capacity) = (edges, mask + 1)
        mask = capacity * 2 - 1
        edges = .allocate(capacity: capacity * 2)
        edges.initialize(repeating: Edge(key: Self.empty, next: 0, value: -1), count: capacity * 2)
        for index in 0..<capacity where old[index].key != Self.empty { edges[slot(old[index].key)] = old[index] }
        old.deallocate()
    }

    /// Calls `body(length, value)` for every stored string that `count` bytes at `p` begin with, shortest first.
    @inline(__always)
    func forEachPrefix(_ p: UnsafePointer<UInt8>, _ count: Int, _ body: (Int, Int32) -> Void) {
        var node: Int32 = 0
        var index = 0
        while index < count {
            let key = Self.key(node, p[index])
            let at = slot(key)
            if edges[at].key != key { return }
            index &+= 1
            if edges[at].value >= 0 { body(index, edges[at].value) }
            node = edges[at].next
        }
    }

    /// The longest stored string that the bytes begin with.
    @inline(__always)
    func longestPrefix(_ p: UnsafePointer<UInt8>, _ count: Int) -> (length: Int, value: Int32)? {
        var best: (length: Int, value: Int32)?
        forEachPrefix(p, count) { best = ($0, $1) }
        return best
    }
}
