import QuintetFiles

/// The algorithm that turns one word into ids: the `model` of a tokenizer.json.
enum TokenModel: Sendable {
    case bpe(BPEModel)
    case unigram(UnigramModel)
    case wordPiece(WordPieceModel)
    case wordLevel(WordLevelModel)

    /// What one symbol of a word is: a byte of the text, or a character.
    enum Alphabet: Sendable { case bytes, characters }

    init(_ definition: TokenizerDefinition, alphabet: Alphabet) throws(FileError) {
        switch definition.kind {
        case .bpe: self = .bpe(try BPEModel(definition, alphabet: alphabet))
        case .unigram: self = .unigram(try UnigramModel(definition, alphabet: alphabet))
        case .wordPiece: self = .wordPiece(try WordPieceModel(definition, alphabet: alphabet))
        case .wordLevel: self = .wordLevel(try WordLevelModel(definition, alphabet: alphabet))
        }
    }

    /// Writes the ids of one word, `count >= 1` bytes at `p`.
    func encode(_ p: UnsafePointer<UInt8>, _ count: Int, _ work: inout ModelWork, _ sink: inout IDSink) {
        switch self {
        case .bpe(let model): model.encode(p, count, &work.merges, &sink)
        case .unigram(let model): model.encode(p, count, &work.lattice, &sink)
        case .wordPiece(let model): model.encode(p, count, &sink)
        case .wordLevel(let model): model.encode(p, count, &sink)
        }
    }
}

/// Names of the algorithms as tokenizer files write them.
enum ModelKind: String, Sendable, CaseIterable {
    case bpe = "BPE"
    case unigram = "Unigram"
    case wordPiece = "WordPiece"
    case wordLevel = "WordLevel"
}

/// The memory that models need for one word, reused from word to word.
struct ModelWork {
    var merges = MergeWork()
    var lattice = Lattice()

    func deallocate() {
        merges.deallocate()
        lattice.deallocate()
    }
}

extension TokenizerDefinition {
    /// The text of a token as the words of this alphabet hold it: raw bytes where symbols are bytes.
    func text(of index: Int, in alphabet: TokenModel.Alphabet) -> [UInt8] {
        alphabet == .bytes ? ByteAlphabet.decode(tokens[index]) : Array(tokens[index])
    }

    /// The id of the token that stands for what has none; nil where the model names none.
    func unknownID() throws(FileError) -> Int32? {
        guard let name = model["unk_token"]?.string else { return nil }
        if let index = tokens.index(of: name) { return ids[index] }
        throw FileError("the unknown token is not in the vocabulary", path: source, field: "model.unk_token", found: name)
    }
}
