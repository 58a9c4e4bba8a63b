import QuintetLayers
import QuintetTensors

/// Places in the cache: who gets one, who has to give it back.
extension BatchEngine {
    /// Lets the next texts begin while there are places.
    func admit() {
        while let next = waiting.first, let slot = freeSlot(next.request.slot) {
            let known = sharesBeginnings ? prefixes.match(next.ids, next.request.owner) : []
            // The last token is always read: its logits are what the text goes on from.
            let pages = Array(known.prefix((next.ids.count - 1) / CachePages.pageLength))
            cache.adopt(pages, for: slot)
            next.cached = pages.count * CachePages.pageLength
            guard hasRoom(next.cached + 1, slot) else {
                cache.release(slot)
                next.cached = 0
                return
            }
            waiting.removeFirst()
            freeSlots.removeAll { $0 == slot }
            next.slot = slot
            running.append(next)
            if !next.isStarted {
                counts.prefixQueries += next.ids.count
                counts.prefixHits += next.cached
            }
            next.start(cachedTokens: next.cached)
        }
    }

    /// Room for positions below `length`, taken from beginnings that nobody uses where nothing is free.
    func hasRoom(_ length: Int, _ slot: Int) -> Bool {
        while !cache.reserve(length, for: slot) {
            if !prefixes.evict(cache) { return false }
        }
        return true
    }

    /// Makes room for `sequence`, at the expense of those that began after it; false where it has to go back to the queue itself.
    func makeRoom(_ length: Int, for sequence: BatchSequence) -> Bool {
        guard let slot = sequence.slot else { return false }
        while !hasRoom(length, slot) {
            guard let youngest = running.last else { return false }
            preempt(youngest)
            if youngest === sequence { return false }
        }
        return true
    }

    /// Back to the head of the queue: what it had read is read again later, and gives the same bits.
    private func preempt(_ sequence: BatchSequence) {
        counts.preemptions += 1
        running.removeAll { $0 === sequence }
        release(sequence)
        waiting.insert(sequence, at: 0)
    }

    /// Gives a text's place back; its full pages stay known as the beginning of a text.
    func release(_ sequence: BatchSequence) {
        guard let slot = sequence.slot else { return }
        remember(sequence)
        lastTexts[slot] = LastText(ids: Array(sequence.ids.prefix(sequence.cached)), owner: sequence.request.owner)
        cache.release(slot)
        freeSlots.append(slot)
        sequence.slot = nil
        sequence.cached = 0
        dropOldest()
    }

    /// The place a text would like, where it is free, or any.
    private func freeSlot(_ wanted: Int?) -> Int? { wanted.flatMap { freeSlots.contains($0) ? $0 : nil } ?? freeSlots.last }

    /// Lets beginnings go that no text needs now, beyond what may be kept of them.
    func dropOldest() {
        guard let kept = limits.keptPages else { return }
        while cache.pageCount - cache.freePages - busyPages > kept, prefixes.evict(cache) {}
    }

    /// Pages that running texts hold.
    private var busyPages: Int { Set(running.flatMap { $0.slot.map(cache.pages(of:)) ?? [] }).count }

    /// Makes the pages that are full available to texts that begin alike.
    func remember(_ sequence: BatchSequence) {
        let full = sequence.cached / CachePages.pageLength
        guard sharesBeginnings, full > 0, let slot = sequence.slot else { return }
        prefixes.insert(sequence.ids, pages: cache.pages(of: slot).prefix(full), sequence.request.owner, cache)
    }

    /// Keys that were turned by angles of one text's length are no use to another, and states hold a whole text, not its beginning.
    var sharesBeginnings: Bool { !model.spec.turnsByLength && cache.canGoBack }
}

extension TransformerSpec {
    /// Whether a position's angles depend on how long its text is.
    var turnsByLength: Bool {
        layers.cycle.contains { block in
            switch block.mixer {
            case .attention(let attention): if case .rotary(let rotary) = attention.positions { rotary.fixedLength != nil } else { false }
            case .latentAttention(let attention): attention.rotary.fixedLength != nil
            case .stateSpace: false
            }
        }
    }
}
