import QuintetTensors

/// Single pages, for who keeps them elsewhere and brings them back.
extension KVCache {
    /// Bytes that a page takes over all layers.
    public var bytesPerPage: Int { slabs.reduce(0) { $0 + 2 * $1.pageBytes } }

    /// Copies a page: layer by layer, keys before values. `bytes` has room for `bytesPerPage`.
    public func read(_ page: Int32, into bytes: UnsafeMutableRawBufferPointer) {
        forEachPart(of: page, bytes.count) { place, part in bytes[part].copyBytes(from: UnsafeRawBufferPointer(start: place, count: part.count)) }
    }

    /// Fills a page that the caller alone holds with what `read` copied.
    public func write(_ page: Int32, from bytes: UnsafeRawBufferPointer) {
        precondition(owners(of: page) == 1, "page \(page) is shared")
        forEachPart(of: page, bytes.count) { place, part in
            UnsafeMutableRawBufferPointer(start: place, count: part.count).copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[part]))
        }
    }

    private var slabs: [CachePages] { layers.compactMap { if case .pages(let pages) = $0 { pages } else { nil } } }

    private func forEachPart(of page: Int32, _ room: Int, _ body: (UnsafeMutableRawPointer, Range<Int>) -> Void) {
        precondition(page >= 0 && Int(page) < pageCount && room == bytesPerPage)
        var start = 0
        for slab in slabs {
            for storage in [slab.keys, slab.values] {
                body(storage.base + Int(page) * slab.pageBytes, start..<start + slab.pageBytes)
                start += slab.pageBytes
            }
        }
    }
}
