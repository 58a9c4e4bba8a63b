import QuintetFiles

/// Unigram: of all ways to write a word as pieces, the one whose scores add up highest.
///
/// Ties and roundings fall as in the reference libraries: `tokenizers` adds in 64 bits, SentencePiece in 32.
final class UnigramModel: Sendable {
    /// In which precision scores are added.
    enum Arithmetic: String, Sendable { case single, double }

    private let alphabet: TokenModel.Alphabet
    private let trie: ByteTrie
    private let scores: [Double]  // by the number of the piece
    private let ids: [Int32]
    private let unknown: Int32  // id, -1 for none
    private let unknownPiece: Int32
    private let unknownScore: Double
    private let byteFallback: [Int32]
    private let arithmetic: Arithmetic
    /// What a piece scores below the lowest when it stands for an unknown character.
    private static let penalty = 10.0

    init(_ definition: TokenizerDefinition, alphabet: TokenModel.Alphabet) throws(FileError) {
        let roles = definition.pieceRoles
        self.alphabet = alphabet
        ids = definition.ids
        arithmetic = definition.model["arithmetic"]?.string.flatMap { Arithmetic(rawValue: $0) } ?? .double
        let unknownPiece = try Self.unknownPiece(definition)
        self.unknownPiece = Int32(unknownPiece ?? -1)
        unknown = unknownPiece.map { definition.ids[$0] } ?? -1
        byteFallback = definition.model["byte_fallback"]?.bool == true ? definition.byteTokens : []
        trie = ByteTrie(bytes: definition.tokens.bytes.count)
        let normal = definition.scores.indices.filter { roles.isEmpty || roles[$0] == .normal }.map { definition.scores[$0] }
        let (lowest, highest) = (normal.min() ?? 0, normal.max() ?? 0)
        unknownScore = arithmetic == .single ? Double(Float(lowest) - Float(Self.penalty)) : lowest - Self.penalty
        var scores = definition.scores
        for index in definition.ids.indices where roles.isEmpty || roles[index].isFoundInText {
            let text = definition.text(of: index, in: alphabet)
            trie.insert(text, Int32(index))
            // A piece the user asked for always wins; the length is in bytes, as the peer counts.
            if !roles.isEmpty, roles[index] == .userDefined {
                scores[index] = Double(Float(text.count) * Float(highest)) - 0.1
            }
        }
        self.scores = scores
    }

    private static func unknownPiece(_ definition: TokenizerDefinition) throws(FileError) -> Int? {
        guard let value = definition.model["unk_id"], !value.isNull else { return nil }
        guard let index = value.int, definition.ids.indices.contains(index) else {
            throw FileError(
                "the unknown piece is not in the vocabulary", path: definition.source, field: "model.unk_id",
                expected: "0 to \(definition.ids.count - 1)", found: value.serialized())
        }
        return index
    }

    func encode(_ p: UnsafePointer<UInt8>, _ count: Int, _ lattice: inout Lattice, _ sink: inout IDSink) {
        lattice.begin(count)
        switch arithmetic {
        case .single: search(p, count, lattice) { Double(Float($0)) }
        case .double: search(p, count, lattice) { $0 }
        }
        write(p, count, &lattice, &sink)
    }

    /// Fills the lattice from left to right: for each end, the best piece that ends there.
    @inline(__always)
    private func search(_ p: UnsafePointer<UInt8>, _ count: Int, _ lattice: Lattice, _ stored: (Double) -> Double) {
        scores.withUnsafeBufferPointer { scores in
            var start = 0
            while start < count {
                let so = lattice.best[start]
                let character = alphabet == .bytes ? 1 : decodeScalar(p + start, count - start)?.1 ?? 1
                var coversCharacter = false
                trie.forEachPrefix(p + start, count - start) { length, piece in
                    lattice.offer(scores[Int(piece)] + so, stored, from: start, to: start + length, piece)
                    if length == character { coversCharacter = true }
                }
                if !coversCharacter {
                    lattice.offer(unknownScore + so, stored, from: start, to: start + character, unknownPiece)
                }
                start += character
            }
        }
    }

    /// Walks the best path back to front, then writes it; neighbouring unknown characters are one token.
    private func write(_ p: UnsafePointer<UInt8>, _ count: Int, _ lattice: inout Lattice, _ sink: inout IDSink) {
        var end = count
        var steps = 0
        while end > 0 {
            lattice.path[steps] = Int32(end)
            steps += 1
            end = Int(lattice.starts[end])
        }
        var step = steps - 1
        while step >= 0 {
            let stop = Int(lattice.path[step])
            let start = Int(lattice.starts[stop])
            var end = stop
            let piece = lattice.pieces[stop]
            step -= 1
            guard piece == unknownPiece else {
                sink.append(ids[Int(piece)])
                continue
            }
            while step >= 0, lattice.pieces[Int(lattice.path[step])] == unknownPiece {
                end = Int(lattice.path[step])
                step -= 1
            }
            addUnknown(p + start, end - start, &sink)
        }
    }

    private func addUnknown(_ p: UnsafePointer<UInt8>, _ count: Int, _ sink: inout IDSink) {
        if !byteFallback.isEmpty, (0..<count).allSatisfy({ byteFallback[Int(p[$0])] >= 0 }) {
            for index in 0..<count { sink.append(byteFallback[Int(p[index])]) }
        } else if unknown >= 0 {
            sink.append(unknown)
        }
    }
}

/// The best way to reach each byte of a word: score, where the last piece begins, and which piece it is.
struct Lattice {
    fileprivate var best: UnsafeMutablePointer<Double>
    fileprivate var starts: UnsafeMutablePointer<Int32>
    fileprivate var pieces: UnsafeMutablePointer<Int32>
    fileprivate var path: UnsafeMutablePointer<Int32>
    private var capacity = 64

    init() {
        best = .allocate(capacity: capacity)
        starts = .allocate(capacity: capacity)
        pieces = .allocate(capacity: capacity)
        path = .allocate(capacity: capacity)
    }

    func deallocate() {
        best.deallocate()
        starts.deallocate()
        pieces.deallocate()
        path.deallocate()
    }

    mutating func begin(_ count: Int) {
        if count >= capacity || capacity > 1 << 20 && count < 1 << 12 {
            deallocate()
            capacity = max(64, count + 1)
            best = .allocate(capacity: capacity)
            starts = .allocate(capacity: capacity)
            pieces = .allocate(capacity: capacity)
            path = .allocate(capacity: capacity)
        }
        best.initialize(repeating: 0, count: count + 1)
        starts.initialize(repeating: -1, count: count + 1)
    }

    @inline(__always)
    fileprivate func offer(_ score: Double, _ stored: (Double) -> Double, from start: Int, to end: Int, _ piece: Int32) {
        let score = stored(score)
        guard starts[end] < 0 || score > best[end] else { return }
        best[end] = score
        starts[end] = Int32(truncatingIfNeeded: start)
        pieces[end] = piece
    }
}
