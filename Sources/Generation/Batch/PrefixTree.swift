import QuintetLayers
import QuintetTensors

/// Beginnings of texts whose keys and values are still in the cache: a radix tree with a full page for each edge.
///
/// Each tenant has a tree of its own. The tree holds its pages; the ones that nobody else uses go, least recently used
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

    private var roots: [String: Node] = [:]
    private var clock: UInt64 = 0
    /// Pages the tree holds.
    private(set) var count = 0
    private static let pageLength = CachePages.pageLength

    /// The pages of the longest known beginning of `ids`, whole pages only.
    mutating func match(_ ids: [Int32], tenant: String) -> [Int32] {
        clock += 1
        var pages: [Int32] = []
        var node = roots[tenant]
        while let child = node?.children[Self.key(ids, pages.count)] {
            child.lastUse = clock
            pages.append(child.page)
            node = child
        }
        return pages
    }

    /// Remembers that `pages` hold the beginning of `ids`; pages of a beginning that is known already stay with their owner alone.
    mutating func insert(_ ids: [Int32], pages: ArraySlice<Int32>, tenant: String, _ cache: KVCache) {
        clock += 1
        var node = roots[tenant] ?? Node(page: -1, lastUse: clock)
        roots[tenant] = node
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
        for root in roots.values { Self.oldestLeaf(root, cache, &oldest) }
        guard let oldest else { return false }
        oldest.parent.children[oldest.key] = nil
        cache.drop(oldest.node.page)
        count -= 1
        return true
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
