import QuintetFiles

/// Which samples the next batch has: every epoch all of them once, in an order that depends on seed and epoch alone.
///
/// A place of a batch is one sample, or with packing as many as fit into `room` tokens. The cursor is two numbers.
struct SampleFeed {
    private let sizes: [Int]
    /// Tokens of a packed place; nil: a sample for each place.
    private let room: Int?
    private let seed: UInt64
    private var epoch = 0
    private var next = 0
    private var places: [[Int]] = []

    /// `sizes`: tokens of each sample, none bigger than `room`.
    init(sizes: [Int], room: Int?, seed: UInt64) {
        precondition(!sizes.isEmpty)
        self.sizes = sizes
        self.room = room
        self.seed = seed
        places = plan(0)
    }

    /// The samples of the next `count` places.
    mutating func batch(_ count: Int) -> [Int] {
        var samples: [Int] = []
        for _ in 0..<count {
            if next == places.count {
                epoch += 1
                next = 0
                places = plan(epoch)
            }
            samples += places[next]
            next += 1
        }
        return samples
    }

    /// Places of the first epoch: how many batches an epoch has follows from them.
    var placesPerEpoch: Int { epoch == 0 ? places.count : plan(0).count }

    var cursor: JSON { ["epoch": JSON(epoch), "next": JSON(next)] }

    mutating func restore(_ cursor: JSON, source: String) throws(TrainingError) {
        let reader = StateReader(json: cursor, source: source + ": cursor")
        epoch = try reader.whole("epoch")
        next = try reader.whole("next")
        places = plan(epoch)
        guard next <= places.count else {
            throw .badState(path: source, field: "cursor", expected: "at most \(places.count)", found: "\(next)")
        }
    }

    private func plan(_ epoch: Int) -> [[Int]] {
        let order = Array(Shuffle(count: sizes.count, seed: seed &+ UInt64(epoch) &* 0xD1B5_4A32_D192_ED03))
        guard let room else { return order.map { [$0] } }
        return packed(order, room)
    }

    /// First fit over the last 64 places that are still open: near enough to full, and linear.
    private func packed(_ order: [Int], _ room: Int) -> [[Int]] {
        var places: [[Int]] = []
        var open: [(place: Int, left: Int)] = []
        for sample in order {
            if let slot = open.firstIndex(where: { $0.left >= sizes[sample] }) {
                places[open[slot].place].append(sample)
                open[slot].left -= sizes[sample]
                if open[slot].left < 2 { open.remove(at: slot) }
            } else {
                open.append((places.count, room - sizes[sample]))
                places.append([sample])
                if open.count > 64 { open.removeFirst() }
            }
        }
        return places
    }
}
