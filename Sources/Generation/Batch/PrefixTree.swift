import QuintetLayers
import QuintetTensors

/// Beginnings of texts whose keys and values are still in the cache: a radix tree with a full page for each edge.
///
/// Each tenant has a tree of its own, and in it each choice of adapters: theirs are other keys and values for the same text. The tree holds its pages; the ones that nobody else uses go, least recently used
/// first, when the cache needs room. Source: RadixAttention (Zheng et al. 2023).
struct PrefixTree {
    private final class Node {
        let page: Int32
        var lastUse: UInt64
        var children: [[Int32]: Node] = [:]

        init(page: Int32, lastUse: UInt64) {
            self.page = page
            self.lastUse = lastUse
        }
    }

    private var roots: [TextOwner: Node] = [:]
    private var clock: UInt64 = 0
    /// Pages the tree holds.
    private(set) var count = 0
    private static let pageLength = CachePages.pageLength

    /// The pages of the longest known beginning of `ids`, whole pages only.
    mutating func match(_ ids: [Int32], _ owner: TextOwner) -> [Int32] {
        clock += 1
        var pages: [Int32] = []
        var node = roots[owner]
        while let child = node?.children[Self.key(ids, pages.count)] {
            child.lastUse = clock
            pages.append(child.page)
            node = child
        }
        return pages
    }

    /// Remembers that `pages` hold the beginning of `ids`; pages of a beginning that is known already stay with their owner alone.
    mutating func insert(_ ids: [Int32], pages: ArraySlice<Int32>, _ owner: TextOwner, _ cache: KVCache) {
        clock += 1
        var node = roots[owner] ?? Node(page: -1, lastUse: clock)
        roots[owner] = node
        for (index, page) in pages.enumerated() {
            let key = Self.key(ids, index)
            if let child = node.children[key] {
                node = child
            } else {
                let child = Node(page: page, lastUse: clock)
                cache.retain(page)
                count += 1
                node.children[key] = child
                node = child
            }
            node.lastUse = clock
        }
    }

    /// Lets go of the page that was not used for longest and that no text needs now; false where there is none.
    mutating func evict(_ cache: KVCache) -> Bool {
        var oldest: (parent: Node, key: [Int32], node: Node)?
        var found: TextOwner?
        for (owner, root) in roots {
            let before = oldest?.node
            Self.oldestLeaf(root, cache, &oldest)
            if oldest?.node !== before { found = owner }
        }
        guard let oldest, let found else { return false }
        remove(oldest.key, of: oldest.parent, cache)
        if roots[found]?.children.isEmpty ?? false { roots[found] = nil }
        return true
    }

    /// Forgets the end of a text, as far back as nothing else goes on from there and no text needs it now; how many pages that were.
    mutating func forget(_ ids: [Int32], _ owner: TextOwner, _ cache: KVCache) -> Int {
        var path: [(parent: Node, key: [Int32])] = []
        var node = roots[owner]
        while let parent = node, let child = parent.children[Self.key(ids, path.count)] {
            path.append((parent, Self.key(ids, path.count)))
            node = child
        }
        var forgotten = 0
        while let (parent, key) = path.popLast(), let last = parent.children[key], last.children.isEmpty, cache.owners(of: last.page) == 1 {
            remove(key, of: parent, cache)
            forgotten += 1
        }
        if roots[owner]?.children.isEmpty ?? false { roots[owner] = nil }
        return forgotten
    }

    private mutating func remove(_ key: [Int32], of parent: Node, _ cache: KVCache) {
        guard let child = parent.children.removeValue(forKey: key) else { return }
        cache.drop(child.page)
        count -= 1
    }

    /// Forgets everything.
    mutating func clear(_ cache: KVCache) {
        while evict(cache) {}
        roots.removeAll()
    }

    /// Uses differ in their clock along any path, so which leaf is oldest does not depend on the order of a dictionary.
    private static func oldestLeaf(_ node: Node, _ cache: KVCache, _ oldest: inout (parent: Node, key: [Int32], node: Node)?) {
        for (key, child) in node.children {
            if !child.children.isEmpty {
                oldestLeaf(child, cache, &oldest)
            } else if cache.owners(of: child.page) == 1, oldest.map({ child.lastUse < $0.node.lastUse }) ?? true {
                oldest = (node, key, child)
            }
        }
    }

    /// The ids of one page, empty where they do not fill it.
    private static func key(_ ids: [Int32], _ page: Int) -> [Int32] {
        let start = page * pageLength
        return start + pageLength <= ids.count ? Array(ids[start..<start + pageLength]) : []
    }
}

/// Whose a text is, and with which adapters it is read: what has to agree for keys and values to be shared.
struct TextOwner: Hashable, Sendable {
    let tenant: String
    let shares: [Float]
}

extension BatchRequest {
    var owner: TextOwner { TextOwner(tenant: tenant, shares: shares) }
}
