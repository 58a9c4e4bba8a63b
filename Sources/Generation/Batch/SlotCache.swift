import QuintetLayers
import QuintetTensors

/// What a place in the cache held last.
struct LastText {
    let ids: [Int32]
    let owner: TextOwner
}

/// The beginning of a text with its keys and values, out of the cache: to be put back later, or elsewhere.
public struct CachedText: Sendable {
    /// As many tokens as whole pages hold.
    public let ids: [Int32]
    /// Every page's bytes, one after the other.
    public let pages: [UInt8]
    /// How much of each adapter it was read with.
    public let shares: [Float]

    public init(ids: [Int32], pages: [UInt8], shares: [Float]) {
        self.ids = ids
        self.pages = pages
        self.shares = shares
    }
}

extension BatchClient {
    /// Bytes that the keys and values of a page take, and how many tokens it holds.
    public func pageSize() async throws -> (bytes: Int, tokens: Int) { try await perform { ($0.cache.bytesPerPage, CachePages.pageLength) } }

    /// What a place read last, as far as it is in the cache still; nil where that is nothing, or somebody else's.
    public func cachedText(of slot: Int, tenant: String) async throws -> CachedText? {
        try await perform { $0.cachedText(of: slot, tenant: tenant) }
    }

    /// Puts a text's beginning back, so that texts that begin alike need not read it; how many tokens found room.
    public func restore(_ text: CachedText, to slot: Int, tenant: String) async throws -> Int {
        try await perform { $0.restore(text, to: slot, TextOwner(tenant: tenant, shares: text.shares)) }
    }

    /// Forgets what a place read last; how many tokens that were.
    public func erase(_ slot: Int, tenant: String) async throws -> Int { try await perform { $0.erase(slot, tenant: tenant) } }
}

extension BatchEngine {
    func cachedText(of slot: Int, tenant: String) -> CachedText? {
        guard let last = lastTexts[slot], last.owner.tenant == tenant else { return nil }
        let pages = prefixes.match(last.ids, last.owner)
        guard !pages.isEmpty else { return nil }
        let size = cache.bytesPerPage
        var bytes = [UInt8](repeating: 0, count: pages.count * size)
        bytes.withUnsafeMutableBytes { room in
            for (index, page) in pages.enumerated() { cache.read(page, into: UnsafeMutableRawBufferPointer(rebasing: room[index * size..<(index + 1) * size])) }
        }
        return CachedText(ids: Array(last.ids.prefix(pages.count * CachePages.pageLength)), pages: bytes, shares: last.owner.shares)
    }

    func restore(_ text: CachedText, to slot: Int, _ owner: TextOwner) -> Int {
        let size = cache.bytesPerPage
        guard sharesBeginnings, text.pages.count == text.ids.count / CachePages.pageLength * size, text.ids.count <= limits.context else { return 0 }
        var pages: [Int32] = []
        text.pages.withUnsafeBytes { bytes in
            while pages.count * size < bytes.count, let page = takePage() {
                cache.write(page, from: UnsafeRawBufferPointer(rebasing: bytes[pages.count * size..<(pages.count + 1) * size]))
                pages.append(page)
            }
        }
        let ids = Array(text.ids.prefix(pages.count * CachePages.pageLength))
        prefixes.insert(ids, pages: pages[...], owner, cache)
        // The tree holds them now, or had the same ones already.
        for page in pages { cache.drop(page) }
        lastTexts[slot] = LastText(ids: ids, owner: owner)
        return ids.count
    }

    /// A free page, at the expense of the beginning that nobody used for longest.
    private func takePage() -> Int32? {
        while true {
            if let page = cache.take() { return page }
            if !prefixes.evict(cache) { return nil }
        }
    }

    func erase(_ slot: Int, tenant: String) -> Int {
        guard let last = lastTexts[slot], last.owner.tenant == tenant else { return 0 }
        lastTexts[slot] = nil
        return prefixes.forget(last.ids, last.owner, cache) * CachePages.pageLength
    }
}
