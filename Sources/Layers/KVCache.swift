public import QuintetTensors
import Synchronization

/// Keys and values of everything read so far, in pages; each sequence owns the pages its table names.
///
/// Pages are given out on demand, so memory follows what is used. One thread at a time runs the model over a cache.
// Sendable: page bookkeeping is behind a mutex; slabs are written by the one thread that runs the model.
public final class KVCache: @unchecked Sendable {
    public let sequences: Int
    /// Positions a sequence may reach.
    public let capacity: Int
    let layers: [CachePages]
    private let table: Tensor
    private let maxPages: Int
    private struct State {
        var free: [Int32]
        var owned: [[Int32]]
    }
    private let state: Mutex<State>

    public init(_ spec: TransformerSpec, sequences: Int = 1, capacity: Int) {
        let pages = (capacity + CachePages.pageLength - 1) / CachePages.pageLength
        self.sequences = sequences
        self.capacity = capacity
        maxPages = pages
        let table = Tensor([Int32](repeating: 0, count: sequences * pages), [sequences, pages])
        self.table = table
        layers = spec.layers.map { block in
            switch block.mixer {
            case .attention(let attention): Self.slab(attention, pages * sequences, table)
            }
        }
        state = Mutex(State(free: (0..<Int32(pages * sequences)).reversed(), owned: Array(repeating: [], count: sequences)))
    }

    private static func slab(_ attention: AttentionSpec, _ pages: Int, _ table: Tensor) -> CachePages {
        let (heads, width, page) = (attention.kvHeads, attention.headWidth, CachePages.pageLength)
        return CachePages(
            keys: Tensor(uninitialized: [pages, heads, width, page]), values: Tensor(uninitialized: [pages, heads, page, width]),
            table: table)
    }

    /// Makes sure that `sequence` has pages for positions below `length`; false when it may not grow that far.
    @discardableResult
    public func reserve(_ length: Int, for sequence: Int = 0) -> Bool {
        guard length <= capacity else { return false }
        let needed = (length + CachePages.pageLength - 1) / CachePages.pageLength
        return state.withLock { state in
            while state.owned[sequence].count < needed {
                guard let page = state.free.popLast() else { return false }
                setPage(page, sequence, state.owned[sequence].count)
                state.owned[sequence].append(page)
            }
            return true
        }
    }

    /// Gives the sequence's pages back.
    public func release(_ sequence: Int = 0) {
        state.withLock { state in
            state.free.append(contentsOf: state.owned[sequence].reversed())
            state.owned[sequence].removeAll(keepingCapacity: true)
        }
    }

    /// Bytes of keys and values one position takes over all layers.
    public var bytesPerPosition: Int {
        layers.reduce(0) { $0 + 2 * $1.keys.shape[1] * $1.keys.shape[2] * $1.keys.dtype.byteCount }
    }

    private func setPage(_ page: Int32, _ sequence: Int, _ index: Int) {
        table.data.storeBytes(of: page, toByteOffset: (sequence * maxPages + index) * 4, as: Int32.self)
    }
}

/// A cache and which of its sequences each row belongs to.
public struct CacheView {
    public let cache: KVCache
    /// i32 [rows].
    public let sequences: Tensor

    public init(_ cache: KVCache, sequences: Tensor) {
        self.cache = cache
        self.sequences = sequences
    }
}
