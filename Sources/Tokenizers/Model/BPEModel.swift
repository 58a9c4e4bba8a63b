import QuintetFiles

/// Byte-pair encoding, ready to run: what a word starts from, and which neighbours merge first.
final class BPEModel: Sendable {
    typealias Alphabet = TokenModel.Alphabet
    let alphabet: Alphabet
    let merges: MergeTable
    let vocabulary: ByteStringTable
    /// Texts as the words are: raw bytes for a byte alphabet. Only there when whole words are looked up.
    private let wholeWords: ByteStringTable?
    private let ids: [Int32]
    /// Id of a one-byte symbol by [position, byte]; position bit 0: first in the word, bit 1: last. -1 is unknown.
    private let singles: [Int32]
    private let byteFallback: [Int32]
    private let unknown: Int32
    private let fusesUnknown: Bool
    private let prefix: [UInt8]
    private let suffix: [UInt8]
    /// Pieces that are one symbol wherever they stand and never merge (SentencePiece's user-defined ones).
    private let userDefined: ByteTrie?

    init(_ definition: TokenizerDefinition, alphabet: Alphabet) throws(FileError) {
        let options = try BPEOptions(definition.model, source: definition.source)
        self.alphabet = alphabet
        vocabulary = definition.tokens
        ids = definition.ids
        prefix = Array(options.prefix.utf8)
        suffix = Array(options.suffix.utf8)
        fusesUnknown = options.fusesUnknown
        merges = try Self.mergeTable(definition)
        singles = Self.singles(definition, alphabet, prefix, suffix)
        byteFallback = options.byteFallback ? definition.byteTokens : []
        unknown = try definition.unknownID() ?? -1
        wholeWords = options.ignoresMerges ? definition.wholeWords(alphabet) : nil
        userDefined = Self.userDefined(definition)
    }

    var looksUpWholeWords: Bool { wholeWords != nil }

    /// Writes the ids of one word, `count >= 1` bytes at `p`.
    func encode(_ p: UnsafePointer<UInt8>, _ count: Int, _ work: inout MergeWork, _ sink: inout IDSink) {
        if let wholeWords, let index = wholeWords.index(of: UnsafeBufferPointer(start: p, count: count)) {
            sink.append(ids[index])
            return
        }
        if let userDefined { return encode(p, count, userDefined, &work, &sink) }
        encodeMerging(p, count, &work, &sink)
    }

    /// User-defined pieces as they are, the stretches between them on their own.
    private func encode(
        _ p: UnsafePointer<UInt8>, _ count: Int, _ userDefined: ByteTrie, _ work: inout MergeWork, _ sink: inout IDSink
    ) {
        var done = 0
        var index = 0
        while index < count {
            guard let (length, id) = userDefined.longestPrefix(p + index, count - index) else {
                index += decodeScalar(p + index, count - index)?.1 ?? 1
                continue
            }
            if done < index { encodeMerging(p + done, index - done, &work, &sink) }
            sink.append(id)
            index += length
            done = index
        }
        if done < count { encodeMerging(p + done, count - done, &work, &sink) }
    }

    private func encodeMerging(_ p: UnsafePointer<UInt8>, _ count: Int, _ work: inout MergeWork, _ sink: inout IDSink) {
        work.begin(capacity: count)
        if alphabet == .bytes && suffix.isEmpty && prefix.isEmpty {
            for index in 0..<count { add(singles[Int(p[index])], p + index, 1, &work) }
        } else {
            addCharacters(p, count, &work)
        }
        work.flushUnknown()
        work.merge(merges.view)
        work.write(to: &sink)
    }

    private func addCharacters(_ p: UnsafePointer<UInt8>, _ count: Int, _ work: inout MergeWork) {
        var index = 0
        while index < count {
            let length = alphabet == .bytes ? 1 : decodeScalar(p + index, count - index)?.1 ?? 1
            let position = (index == 0 ? 1 : 0) | (index + length == count ? 2 : 0)
            let isByte = length == 1 && (alphabet == .bytes || p[index] < 0x80)
            let id = isByte ? singles[position << 8 | Int(p[index])] : longSymbol(p + index, length, position)
            add(id, p + index, length, &work)
            index += length
        }
    }

    @inline(__always)
    private func add(_ id: Int32, _ p: UnsafePointer<UInt8>, _ length: Int, _ work: inout MergeWork) {
        if id >= 0 { work.add(id) } else { addUnknown(p, length, &work) }
    }

    private func longSymbol(_ p: UnsafePointer<UInt8>, _ length: Int, _ position: Int) -> Int32 {
        let bytes = UnsafeBufferPointer(start: p, count: length)
        if prefix.isEmpty && suffix.isEmpty { return vocabulary.index(of: bytes).map { ids[$0] } ?? -1 }
        let name = (position & 1 == 0 ? prefix : []) + Array(bytes) + (position & 2 != 0 ? suffix : [])
        return vocabulary.index(of: name).map { ids[$0] } ?? -1
    }

    /// A symbol without a token becomes its bytes, the unknown token, or nothing, in this order of preference.
    private func addUnknown(_ p: UnsafePointer<UInt8>, _ length: Int, _ work: inout MergeWork) {
        if !byteFallback.isEmpty, (0..<length).allSatisfy({ byteFallback[Int(p[$0])] >= 0 }) {
            for index in 0..<length { work.addKeepingUnknown(byteFallback[Int(p[index])]) }
        } else if unknown >= 0 {
            work.addUnknown(unknown, fuse: fusesUnknown)
        }
    }
}

extension BPEModel {
    private static func mergeTable(_ definition: TokenizerDefinition) throws(FileError) -> MergeTable {
        let table = MergeTable(capacity: definition.merges.count)
        for (rank, merge) in definition.merges.enumerated() {
            guard table.insert(merge.left, merge.right, rank: UInt32(rank), id: merge.id) else {
                throw FileError("a merge is there twice", path: definition.source, field: "model.merges[\(rank)]")
            }
        }
        return table
    }

    private static func singles(
        _ definition: TokenizerDefinition, _ alphabet: Alphabet, _ prefix: [UInt8], _ suffix: [UInt8]
    ) -> [Int32] {
        var singles = [Int32](repeating: -1, count: 4 * 256)
        for position in 0..<4 {
            for byte in 0..<(alphabet == .bytes ? 256 : 128) {
                var name: [UInt8] = position & 1 == 0 ? prefix : []
                appendScalar(alphabet == .bytes ? ByteAlphabet.scalars[byte] : UInt32(byte), to: &name)
                if position & 2 != 0 { name += suffix }
                if let index = definition.tokens.index(of: name) { singles[position << 8 | byte] = definition.ids[index] }
            }
        }
        return singles
    }

    private static func userDefined(_ definition: TokenizerDefinition) -> ByteTrie? {
        let pieces = definition.pieceRoles.indices.filter { definition.pieceRoles[$0] == .userDefined }
        if pieces.isEmpty { return nil }
        let trie = ByteTrie()
        for index in pieces { trie.insert(definition.tokens[index], definition.ids[index]) }
        return trie
    }
}

extension TokenizerDefinition {
    /// Ids of `<0x00>` ... `<0xFF>`, -1 where there is none.
    var byteTokens: [Int32] {
        (0..<256).map { byte in tokens.index(of: byteTokenName(UInt8(byte))).map { ids[$0] } ?? -1 }
    }

    /// The tokens by their text as words hold it, under the numbers of the vocabulary.
    func wholeWords(_ alphabet: TokenModel.Alphabet) -> ByteStringTable {
        guard alphabet == .bytes else { return tokens }
        var table = ByteStringTable(capacity: tokens.count)
        for index in 0..<tokens.count {
            // A text that two tokens share would shift the numbers: give the later one a name nobody looks up.
            if !table.insert(ByteAlphabet.decode(tokens[index])).isNew {
                table.insert([0xFF, 0xFE] + Array(String(index).utf8))
            }
        }
        return table
    }
}

/// `<0xE2>`: the name of a byte token.
func byteTokenName(_ byte: UInt8) -> String {
    let digits = Array("0123456789ABCDEF")
    return "<0x\(digits[Int(byte >> 4)])\(digits[Int(byte & 15)])>"
}

/// The members of a BPE model other than its vocabulary and merges.
struct BPEOptions {
    var prefix = ""
    var suffix = ""
    var fusesUnknown = false
    var byteFallback = false
    var ignoresMerges = false

    init(_ model: JSONObject, source: String) throws(FileError) {
        prefix = model["continuing_subword_prefix"]?.string ?? ""
        suffix = model["end_of_word_suffix"]?.string ?? ""
        fusesUnknown = model["fuse_unk"]?.bool ?? false
        byteFallback = model["byte_fallback"]?.bool ?? false
        ignoresMerges = model["ignore_merges"]?.bool ?? false
        if let dropout = model["dropout"], !dropout.isNull, dropout.double != 0 {
            throw FileError(
                "merge dropout is not supported", path: source, field: "model.dropout", expected: "null",
                found: dropout.serialized(), hint: "set it to null: encoding is deterministic here")
        }
    }
}
