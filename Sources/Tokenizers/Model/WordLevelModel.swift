import QuintetFiles

/// Every word is one token or unknown.
final class WordLevelModel: Sendable {
    private let words: ByteStringTable
    private let ids: [Int32]
    private let unknown: Int32

    init(_ definition: TokenizerDefinition, alphabet: TokenModel.Alphabet) throws(FileError) {
        words = definition.wholeWords(alphabet)
        ids = definition.ids
        let name = definition.model["unk_token"]?.string ?? "<unk>"
        unknown = definition.tokens.index(of: name).map { definition.ids[$0] } ?? -1
    }

    func encode(_ p: UnsafePointer<UInt8>, _ count: Int, _ sink: inout IDSink) {
        let id = words.index(of: UnsafeBufferPointer(start: p, count: count)).map { ids[$0] } ?? unknown
        if id >= 0 { sink.append(id) }
    }
}
