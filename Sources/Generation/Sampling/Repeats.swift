#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Makes tokens less likely that would go on repeating what stood in the text before, the more so the longer the repetition is: "don't repeat
/// yourself". Source: https://github.com/oobabooga/text-generation-webui/pull/5677
struct Repeats: Sendable {
    private let options: SamplingOptions
    private var history: [Int32] = []
    /// Tokens over which no repetition reaches.
    private var isBreaker: [Bool]
    /// For each token the longest repetition that it would go on with, and those for which there is one.
    private var longest: [Int]
    private var found: [Int32] = []

    /// Longer repetitions count as this long: the penalty is beyond all logits by then.
    private static let limit = 64

    init(_ options: SamplingOptions, vocabulary: Int) {
        self.options = options
        let count = options.dryMultiplier > 0 ? vocabulary : 0
        isBreaker = Array(repeating: false, count: count)
        longest = Array(repeating: 0, count: count)
        if count > 0 { history.reserveCapacity(1 << 12) }
        for id in options.dryBreakers where isBreaker.indices.contains(Int(id)) { isBreaker[Int(id)] = true }
    }

    mutating func add(_ id: Int32) { if longest.indices.contains(Int(id)) { history.append(id) } }

    mutating func apply(_ logits: UnsafeMutableBufferPointer<Float>) {
        guard let last = history.last, !isBreaker[Int(last)] else { return }
        let start = options.penaltyWindow > 0 ? max(0, history.count - options.penaltyWindow) : 0
        for place in start..<history.count - 1 where history[place] == last {
            let length = length(endingAt: place, start), next = history[place + 1]
            guard length >= options.dryAllowedLength, Int(next) < logits.count else { continue }
            if longest[Int(next)] == 0 { found.append(next) }
            longest[Int(next)] = max(longest[Int(next)], length)
        }
        for id in found {
            logits[Int(id)] -= options.dryMultiplier * powf(options.dryBase, Float(longest[Int(id)] - options.dryAllowedLength))
            longest[Int(id)] = 0
        }
        found.removeAll(keepingCapacity: true)
    }

    /// How many tokens up to `place` are the last ones of the text.
    private func length(endingAt place: Int, _ start: Int) -> Int {
        var length = 1
        while length < Self.limit, place - length >= start, history[place - length] == history[history.count - 1 - length],
            !isBreaker[Int(history[place - length])]
        { length += 1 }
        return length
    }
}
