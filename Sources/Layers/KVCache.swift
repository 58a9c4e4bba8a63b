import QuintetFiles
public import QuintetTensors

/// Keys and values of everything read so far, in pages; each sequence owns the pages its table names.
///
/// Pages are given out on demand, so memory follows what is used. A page may belong to several owners, sequences that begin
/// alike and whoever remembers beginnings: only full pages are shared, and nobody writes into those. One thread at a time runs
/// the model over a cache.
// Sendable: page bookkeeping is behind a lock; slabs are written by the one thread that runs the model.
public final class KVCache: @unchecked Sendable {
    public let sequences: Int
    /// Positions a sequence may reach.
    public let capacity: Int
    /// Pages there are.
    public let pageCount: Int
    let layers: [LayerCache]
    private let table: Tensor
    private let maxPages: Int
    private struct State {
        var free: [Int32]
        var owned: [[Int32]]
        /// How many hold each page.
        var owners: [Int32]

        mutating func drop(_ page: Int32) {
            owners[Int(page)] -= 1
            if owners[Int(page)] == 0 { free.append(page) }
        }
    }
    private let state: Guarded<State>

    /// Room for `sequences` of up to `capacity` positions, together no more than `pages` pages (as many as all of them need where nil).
    public init(_ spec: TransformerSpec, sequences: Int = 1, capacity: Int, pages pool: Int? = nil, type: CacheType = .f32) {
        let pages = (capacity + CachePages.pageLength - 1) / CachePages.pageLength
        let pool = max(pool ?? pages * sequences, pages)
        pageCount = pool
        self.sequences = sequences
        self.capacity = capacity
        maxPages = pages
        let table = Tensor([Int32](repeating: 0, count: sequences * pages), [sequences, pages])
        self.table = table
        layers = spec.layers.map { block in
            switch block.mixer {
            case .attention(let attention):
                .pages(CachePages(type, pages: pool, kvHeads: attention.kvHeads, headWidth: attention.headWidth, table: table))
            case .latentAttention(let attention):
                .pages(CachePages(type, pages: pool, kvHeads: 1, headWidth: attention.cachedWidth, table: table))
            case .stateSpace(let space):
                .states(
                    StateSlab(
                        inputs: Tensor.filled([sequences, space.taps - 1, space.inner]),
                        states: Tensor.filled([sequences, space.states, space.inner])))
            }
        }
        state = Guarded(
            State(
                free: (0..<Int32(pool)).reversed(), owned: Array(repeating: [], count: sequences),
                owners: Array(repeating: 0, count: pool)))
    }

    /// Makes sure that `sequence` has pages for positions below `length`; false when it may not grow that far.
    @discardableResult
    public func reserve(_ length: Int, for sequence: Int = 0) -> Bool {
        guard length <= capacity else { return false }
        let needed = (length + CachePages.pageLength - 1) / CachePages.pageLength
        return state.withLock { state in
            while state.owned[sequence].count < needed {
                guard let page = state.free.popLast() else { return false }
                state.owners[Int(page)] = 1
                setPage(page, sequence, state.owned[sequence].count)
                state.owned[sequence].append(page)
            }
            return true
        }
    }

    /// Gives the sequence's pages back.
    public func release(_ sequence: Int = 0) {
        state.withLock { state in
            for page in state.owned[sequence].reversed() { state.drop(page) }
            state.owned[sequence].removeAll(keepingCapacity: true)
        }
    }

    /// Bytes of keys and values one position takes over all layers.
    public var bytesPerPosition: Int {
        layers.reduce(0) { sum, layer in if case .pages(let pages) = layer { sum + pages.bytesPerPosition } else { sum } }
    }

    /// The pages of a sequence, in the order of its positions.
    public func pages(of sequence: Int) -> [Int32] { state.withLock { $0.owned[sequence] } }

    /// Begins a sequence that holds nothing with full pages of another one: their positions need not be read again.
    public func adopt(_ pages: [Int32], for sequence: Int) {
        state.withLock { state in
            precondition(state.owned[sequence].isEmpty, "sequence \(sequence) holds pages already")
            for (index, page) in pages.enumerated() {
                state.owners[Int(page)] += 1
                setPage(page, sequence, index)
            }
            state.owned[sequence] = pages
        }
    }

    /// A page that nobody holds, held by the caller now; nil where there is none.
    public func take() -> Int32? {
        state.withLock { state in
            guard let page = state.free.popLast() else { return nil }
            state.owners[Int(page)] = 1
            return page
        }
    }

    /// Holds a page beyond the life of the sequence that filled it.
    public func retain(_ page: Int32) { state.withLock { $0.owners[Int(page)] += 1 } }

    /// Lets go of a page that was retained.
    public func drop(_ page: Int32) { state.withLock { $0.drop(page) } }

    /// How many hold a page.
    public func owners(of page: Int32) -> Int { state.withLock { Int($0.owners[Int(page)]) } }

    /// Pages that sequences hold, each counted for every sequence that holds it.
    public var heldPages: Int { state.withLock { $0.owned.reduce(0) { $0 + $1.count } } }

    /// Pages nobody holds.
    public var freePages: Int { state.withLock { $0.free.count } }

    /// Bytes of the states of one sequence over all layers, whatever its length.
    public var stateBytes: Int {
        layers.reduce(0) { sum, layer in if case .states(let slab) = layer { sum + slab.bytesPerSequence } else { sum } }
    }

    /// Whether a sequence can go back to an earlier position: pages can, states have forgotten it.
    public var canGoBack: Bool { layers.allSatisfy { if case .states = $0 { false } else { true } } }

    private func setPage(_ page: Int32, _ sequence: Int, _ index: Int) {
        table.data.storeBytes(of: page, toByteOffset: (sequence * maxPages + index) * 4, as: Int32.self)
    }
}

/// What one layer remembers of the sequences.
enum LayerCache: Sendable {
    /// Keys and values of every position.
    case pages(CachePages)
    /// A state of fixed size; position 0 begins it anew.
    case states(StateSlab)
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
