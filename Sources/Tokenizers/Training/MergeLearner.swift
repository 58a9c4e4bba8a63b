/// Learns merges from counted words: the most frequent pair first, ties by the lower pair of ids.
///
/// Exactly the order of the `tokenizers` library, whose queue holds (pair, count, words where the pair arose) and looks
/// at counts only when an entry comes up; a pair that arises twice has two entries, and each merges its own words.
struct MergeLearner {
    /// Symbols of all words, one after another; a word's symbols move together as they merge.
    private var symbols: [Int32] = []
    private var starts: [Int] = [0]
    private var lengths: [Int32] = []
    private var counts: [Int64] = []
    private var pairs = PairCounts()
    private var queue = PairQueue()
    /// Pairs that got more frequent in this merge, and in which words.
    private var touched: [Int] = []
    private var arisen: [Int: [Int32]] = [:]

    /// Adds a word as the ids of its bytes.
    mutating func add(_ ids: some Sequence<Int32>, count: Int64) {
        symbols.append(contentsOf: ids)
        starts.append(symbols.count)
        lengths.append(Int32(symbols.count - starts[starts.count - 2]))
        counts.append(count)
    }

    /// Fills the queue with the pairs of the words as they are.
    mutating func begin() {
        var words: [[Int32]] = []
        for word in lengths.indices {
            let start = starts[word]
            for index in start..<max(start, start + Int(lengths[word]) - 1) {
                let pair = pairs.index(of: symbols[index], symbols[index + 1])
                pairs.counts[pair] += counts[word]
                if pair == words.count { words.append([]) }
                if words[pair].last != Int32(word) { words[pair].append(Int32(word)) }
            }
        }
        for (pair, list) in words.enumerated() { queue.push(pairs.counts[pair], pairs.keys[pair], list) }
    }

    /// The pair to merge next, or nil when none occurs `minimumCount` times (or at all).
    mutating func next(minimumCount: Int64) -> (left: Int32, right: Int32, words: [Int32])? {
        while let entry = queue.pop() {
            let (left, right) = PairCounts.ids(entry.key)
            let count = pairs.counts[pairs.index(of: left, right)]
            if count != entry.count {
                queue.push(count, entry.key, entry.words)
                continue
            }
            return count < max(1, minimumCount) ? nil : (left, right, entry.words)
        }
        return nil
    }

    /// Replaces the pair by `id` in the given words and queues the pairs that arise.
    mutating func merge(_ left: Int32, _ right: Int32, into id: Int32, words: [Int32]) {
        for word in words { merge(left, right, into: id, word: word) }
        for pair in touched {
            guard let list = arisen.removeValue(forKey: pair), pairs.counts[pair] > 0 else { continue }
            queue.push(pairs.counts[pair], pairs.keys[pair], list)
        }
        touched.removeAll(keepingCapacity: true)
    }

    private mutating func merge(_ left: Int32, _ right: Int32, into id: Int32, word: Int32) {
        let start = starts[Int(word)]
        let end = start + Int(lengths[Int(word)])
        let count = counts[Int(word)]
        var read = start
        var write = start
        while read < end {
            guard symbols[read] == left, read + 1 < end, symbols[read + 1] == right else {
                symbols[write] = symbols[read]
                read += 1
                write += 1
                continue
            }
            if write > start {
                change(symbols[write - 1], left, by: -count)
                arise(symbols[write - 1], id, count, word)
            }
            if read + 2 < end {
                change(right, symbols[read + 2], by: -count)
                arise(id, symbols[read + 2], count, word)
            }
            symbols[write] = id
            read += 2
            write += 1
        }
        lengths[Int(word)] = Int32(write - start)
    }

    private mutating func change(_ left: Int32, _ right: Int32, by count: Int64) {
        pairs.counts[pairs.index(of: left, right)] += count
    }

    private mutating func arise(_ left: Int32, _ right: Int32, _ count: Int64, _ word: Int32) {
        let pair = pairs.index(of: left, right)
        pairs.counts[pair] += count
        if arisen[pair] == nil { touched.append(pair) }
        if arisen[pair]?.last != word { arisen[pair, default: []].append(word) }
    }
}

/// Pairs of ids, numbered as they appear, with their counts.
struct PairCounts {
    var counts: [Int64] = []
    private(set) var keys: [UInt64] = []
    private var slots = [Int32](repeating: -1, count: 1 << 16)

    static func ids(_ key: UInt64) -> (Int32, Int32) {
        (Int32(truncatingIfNeeded: key >> 32), Int32(truncatingIfNeeded: key))
    }

    /// Number of a pair; a new pair starts with count 0.
    mutating func index(of left: Int32, _ right: Int32) -> Int {
        let key = MergeTable.key(left, right)
        var slot = slot(key)
        while slots[slot] >= 0 {
            if keys[Int(slots[slot])] == key { return Int(slots[slot]) }
            slot = (slot + 1) & (slots.count - 1)
        }
        slots[slot] = Int32(keys.count)
        keys.append(key)
        counts.append(0)
        if keys.count * 2 > slots.count { grow() }
        return keys.count - 1
    }

    private func slot(_ key: UInt64) -> Int {
        Int(truncatingIfNeeded: (key &* 0x9E37_79B9_7F4A_7C15) >> 20) & (slots.count - 1)
    }

    private mutating func grow() {
        slots = [Int32](repeating: -1, count: slots.count * 2)
        for (index, key) in keys.enumerated() {
            var slot = slot(key)
            while slots[slot] >= 0 { slot = (slot + 1) & (slots.count - 1) }
            slots[slot] = Int32(index)
        }
    }
}

/// A binary heap: highest count first, then the lower pair, then the older entry.
struct PairQueue {
    struct Entry {
        var count: Int64
        var key: UInt64
        var order: Int
        var words: [Int32]

        func precedes(_ other: Entry) -> Bool {
            if count != other.count { return count > other.count }
            return key != other.key ? key < other.key : order < other.order
        }
    }

    private var entries: [Entry] = []
    private var pushed = 0

    mutating func push(_ count: Int64, _ key: UInt64, _ words: [Int32]) {
        entries.append(Entry(count: count, key: key, order: pushed, words: words))
        pushed += 1
        var child = entries.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            if !entries[child].precedes(entries[parent]) { return }
            entries.swapAt(parent, child)
            child = parent
        }
    }

    mutating func pop() -> Entry? {
        guard let last = entries.popLast() else { return nil }
        guard let first = entries.first else { return last }
        entries[0] = last
        var parent = 0
        while true {
            var child = parent * 2 + 1
            if child >= entries.count { break }
            if child + 1 < entries.count, entries[child + 1].precedes(entries[child]) { child += 1 }
            if !entries[child].precedes(entries[parent]) { break }
            entries.swapAt(parent, child)
            parent = child
        }
        return first
    }
}
