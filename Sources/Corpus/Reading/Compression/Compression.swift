internal import QuintetFiles

/// One way of compressing a stream: how it begins and how it is read.
struct Compression: Sendable {
    let name: String
    let endings: [String]
    /// Whether a stream begins like this; it is shown 6 bytes or more, where there are as many.
    let recognizes: @Sendable (UnsafeRawBufferPointer) -> Bool
    let open: @Sendable (ByteStream, Expansion) throws(FileError) -> any ByteSource

    /// Every compression that is read, one line each.
    static let all: [Compression] = [.gzip, .zstandard, .xz]

    /// The stream decompressed as often as its content says, three times at most.
    static func decoded(_ stream: ByteStream, _ expansion: Expansion? = nil) throws(FileError) -> ByteStream {
        let expansion = expansion ?? Expansion(of: stream)
        var stream = stream
        for _ in 0..<3 {
            let head = try stream.peek(6)
            guard let found = all.first(where: { $0.recognizes(head) }) else { return stream }
            stream = ByteStream(try found.open(stream, expansion), name: stream.name, isCompressed: true)
        }
        return stream
    }

    /// "a.txt" for "a.txt.gz", "a.tar" for "a.tgz".
    static func withoutEnding(_ name: String) -> String {
        let ending = Folder.fileExtension(of: name)
        if let short = ["tgz": "tar", "txz": "tar", "tzst": "tar"][ending] { return String(name.dropLast(ending.count)) + short }
        return all.contains { $0.endings.contains(ending) } ? String(name.dropLast(ending.count + 1)) : name
    }
}

/// Bounds what one input may grow to when it is decompressed, all layers together.
final class Expansion {
    /// Bytes out for each byte in; more is taken for a bomb. Honest text stays below 200.
    static let ratio = 1000
    /// Bytes that any input may come to.
    static let free = 1 << 24
    /// Bytes that no input may come to.
    static let limit = 1 << 44

    private let bottom: ByteStream
    private let start: Int

    /// For what is read from this stream, from its present position on.
    init(of stream: ByteStream) {
        bottom = stream
        start = stream.offset
    }

    /// Bytes that were read so far.
    var taken: Int { bottom.offset - start }

    /// Throws where a layer that has made `made` bytes is a bomb.
    func check(_ made: Int, _ name: String) throws(FileError) {
        guard made > Self.limit || made > Self.free && made / Self.ratio > taken else { return }
        throw FileError(
            "a decompression bomb", path: name, expected: "at most \(Self.ratio) bytes for each compressed one",
            found: "\(made) bytes from \(taken)", hint: "decompress it yourself if you trust it")
    }
}
