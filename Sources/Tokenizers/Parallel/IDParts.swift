internal import QuintetFiles

/// Ids of a long text that threads wrote into memories of their own, in the order of the text.
struct IDParts {
    private var pieces: [UnsafeBufferPointer<Int32>] = []
    private var memories: [IDSink] = []
    /// Ids in all.
    private(set) var count = 0

    mutating func add(_ piece: UnsafeBufferPointer<Int32>) {
        if piece.isEmpty { return }
        pieces.append(piece)
        count += piece.count
    }

    /// Takes over the memory that pieces lie in and leaves an empty sink.
    mutating func keep(_ sink: inout IDSink) {
        memories.append(sink)
        sink = IDSink(capacity: 1024)
    }

    /// Adds what a sink holds and takes its memory over.
    mutating func take(_ sink: inout IDSink) {
        if sink.count == 0 { return }
        add(UnsafeBufferPointer(start: sink.base, count: sink.count))
        keep(&sink)
    }

    /// Gives all memory back.
    mutating func removeAll() {
        for memory in memories { memory.deallocate() }
        self = IDParts()
    }

    /// Appends the ids to an array, each thread a share of them: half the time of a long copy goes into pages touched for the first time.
    func append(to ids: inout [Int32], threads: Int) {
        ids.append(addingCapacity: count) { span in
            span.withUnsafeMutableBufferPointer { free, initialized in
                guard let base = free.baseAddress else { return }
                copy(to: base + initialized, threads: threads)
                initialized += count
            }
        }
    }

    private func copy(to target: UnsafeMutablePointer<Int32>, threads: Int) {
        var start = 0
        let starts = pieces.map { piece in
            defer { start += piece.count }
            return start
        }
        let copy = PiecewiseCopy(pieces: pieces, starts: starts, target: target)
        let workers = max(1, min(threads, count >> 17, pieces.count))
        runOnThreads(workers) { worker in
            copy.run(worker * copy.pieces.count / workers..<(worker + 1) * copy.pieces.count / workers)
        }
    }
}

private struct PiecewiseCopy: @unchecked Sendable {
    // Safe to share: each thread reads and writes stretches of its own.
    let pieces: [UnsafeBufferPointer<Int32>]
    let starts: [Int]
    let target: UnsafeMutablePointer<Int32>

    func run(_ range: Range<Int>) {
        for index in range {
            if let from = pieces[index].baseAddress { (target + starts[index]).initialize(from: from, count: pieces[index].count) }
        }
    }
}
