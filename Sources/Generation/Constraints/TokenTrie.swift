/// The vocabulary's byte strings as a trie, laid out in the order of a walk: a subtree is a stretch, and is skipped in one step.
public struct TokenTrie: Sendable {
    /// A node for each byte of each prefix; a child follows its parent.
    struct Node: Sendable {
        let byte: UInt8
        let depth: UInt16
        /// The index after the last node below this one.
        var end: Int32
        /// Ids of the tokens that end here: a stretch of `ids`.
        var firstID: Int32
        var idCount: Int32
    }

    private(set) var nodes: [Node] = []
    private(set) var ids: [Int32] = []
    let vocabulary: Int
    let deepest: Int
    /// Bytes that some token spells alone.
    let single: ByteSet
    /// Tokens that end a text.
    let ends: [Int32]
    /// The bytes of every id; nothing for ids that a constrained text cannot hold.
    let bytes: [ArraySlice<UInt8>]

    /// `bytes[id]` is what a token adds to a text; empty for special and unused tokens, which no constraint lets through.
    public init(_ bytes: [[UInt8]], ends: [Int32]) {
        vocabulary = bytes.count
        self.ends = ends.filter { $0 >= 0 && Int($0) < bytes.count }
        self.bytes = bytes.map { $0.count <= Self.longest ? $0[...] : [] }
        let stored = self.bytes
        let order = stored.indices.filter { !stored[$0].isEmpty }.sorted {
            stored[$0].lexicographicallyPrecedes(stored[$1]) || (stored[$0].elementsEqual(stored[$1]) && $0 < $1)
        }
        var single = ByteSet()
        for token in stored where token.count == 1 { if let byte = token.first { single.insert(byte) } }
        self.single = single
        deepest = stored.reduce(0) { max($0, $1.count) }
        var open: [Int] = []
        var previous: ArraySlice<UInt8> = []
        for id in order {
            let token = stored[id]
            let shared = zip(previous, token).prefix { $0 == $1 }.count
            if token.count == shared, previous.count == shared, let last = open.last {
                nodes[last].idCount += 1
            } else {
                while open.count > shared { nodes[open.removeLast()].end = Int32(nodes.count) }
                for (offset, byte) in token.dropFirst(shared).enumerated() {
                    open.append(nodes.count)
                    nodes.append(Node(byte: byte, depth: UInt16(shared + offset), end: 0, firstID: Int32(ids.count), idCount: 0))
                }
                if let last = open.last { nodes[last].idCount = 1 }
            }
            ids.append(Int32(id))
            previous = token
        }
        while let last = open.popLast() { nodes[last].end = Int32(nodes.count) }
    }

    /// Tokens longer than this are never offered.
    private static let longest = 4096
}
