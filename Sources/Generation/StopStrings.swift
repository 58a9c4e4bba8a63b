/// Finds stop strings in text that arrives in pieces, wherever the pieces are cut.
///
/// ```swift
/// var stops = StopStrings(["\n\n"])
/// stops.take("one\n")   // "one": the newline may be the beginning of a stop
/// stops.take("\ntwo")   // "", and stops.found is true
/// ```
public struct StopStrings: Sendable {
    /// True once a stop string has arrived; nothing comes out after that.
    public private(set) var found = false
    private let stops: [[UInt8]]
    private var held: [UInt8] = []

    /// Empty strings are left out: they would stop everything.
    public init(_ stops: [String]) {
        self.stops = stops.filter { !$0.isEmpty }.map { Array($0.utf8) }
    }

    /// Takes the next piece; gives what surely lies before any stop string.
    public mutating func take(_ piece: String) -> String {
        if stops.isEmpty || found { return found ? "" : piece }
        held += piece.utf8
        if let start = firstStop() {
            found = true
            return give(start, dropping: held.count)
        }
        let kept = longestBeginning()
        return give(held.count - kept, dropping: held.count - kept)
    }

    /// What was held back when the text ends without a stop string.
    public mutating func finish() -> String { give(held.count, dropping: held.count) }

    private mutating func give(_ count: Int, dropping: Int) -> String {
        let text = String(decoding: held.prefix(count), as: UTF8.self)
        held.removeFirst(dropping)
        return text
    }

    private func firstStop() -> Int? {
        held.indices.first { start in stops.contains { held[start...].starts(with: $0) } }
    }

    /// The length of the longest end of what is held that begins a stop string.
    private func longestBeginning() -> Int {
        let longest = min(held.count, stops.reduce(0) { max($0, $1.count) } - 1)
        return stride(from: longest, to: 0, by: -1).first { length in
            stops.contains { $0.count > length && $0.starts(with: held.suffix(length)) }
        } ?? 0
    }
}
