import QuintetFiles

/// Byte-pair encoding, ready to run: what a word starts from, and which neighbours merge first.
final class BPEModel: Sendable {
    /// What one symbol is before anything merges.
    enum Alphabet: Sendable { case bytes, characters }

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
        byteFallback = options.byteFallback ? Self.fallbacks(definition) : []
        unknown = try Self.unknownID(options, definition)
        wholeWords = options.ignoresMerges ? Self.wholeWords(definition, alphabet) : nil
    }

    var looksUpWholeWords: Bool { wholeWords != nil }

    /// Writes the ids of one word, `count >= 1` bytes at `p`.
    func encode(_ p: UnsafePointer<UInt8>, _ count: Int, _ work: inout MergeWork, _ sink: inout IDSink) {
        if let wholeWords, let index = wholeWords.index(of: UnsafeBufferPointer(start: p, count: count)) {
            sink.append(ids[index])
            return
        }
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

    /// Ids of `<0x00>` ... `<0xFF>`.
    private static func fallbacks(_ definition: TokenizerDefinition) -> [Int32] {
        (0..<256).map { byte in
            definition.tokens.index(of: byteTokenName(UInt8(byte))).map { definition.ids[$0] } ?? -1
        }
    }

    private static func unknownID(_ options: BPEOptions, _ definition: TokenizerDefinition) throws(FileError) -> Int32 {
        guard let name = options.unknownToken else { return -1 }
        if let index = definition.tokens.index(of: name) { return definition.ids[index] }
        throw FileError(
            "the unknown token is not in the vocabulary", path: definition.source, field: "model.unk_token", found: name)
    }

    private static func wholeWords(_ definition: TokenizerDefinition, _ alphabet: Alphabet) -> ByteStringTable {
        guard alphabet == .bytes else { return definition.tokens }
        var table = ByteStringTable(capacity: definition.tokens.count)
        for index in 0..<definition.tokens.count {
            // A text that two tokens share would shift the numbers: give the later one a name nobody looks up.
            if !table.insert(ByteAlphabet.decode(definition.tokens[index])).isNew {
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
    var unknownToken: String?
    var prefix = ""
    var suffix = ""
    var fusesUnknown = false
    var byteFallback = false
    var ignoresMerges = false

    init(_ model: JSONObject, source: String) throws(FileError) {
        unknownToken = model["unk_token"]?.string
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
