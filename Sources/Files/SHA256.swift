internal import Crypto

/// SHA-256 that is fed piece by piece, given out as 64 hexadecimal digits.
public struct SHA256Stream: Sendable {
    private var state = Crypto.SHA256()

    public init() {}

    public mutating func update(_ bytes: UnsafeRawBufferPointer) { state.update(bufferPointer: bytes) }

    public mutating func update(_ text: String) {
        var text = text
        text.withUTF8 { state.update(bufferPointer: UnsafeRawBufferPointer($0)) }
    }

    /// The digest of everything so far; more may follow.
    public var bytes: [UInt8] { Array(state.finalize()) }
    public var hex: String { hexadecimal(bytes) }
}

/// SHA-256 of `bytes` as 64 hexadecimal digits.
public func sha256(_ bytes: UnsafeRawBufferPointer) -> String {
    var stream = SHA256Stream()
    stream.update(bytes)
    return stream.hex
}

/// SHA-256 of the UTF-8 bytes of `text`.
public func sha256(_ text: String) -> String {
    var stream = SHA256Stream()
    stream.update(text)
    return stream.hex
}

/// SHA-256 of a regular file, read in pieces of 1 MiB.
public func sha256(file path: String) throws(FileError) -> String {
    var stream = SHA256Stream()
    try readPieces(path) { piece throws(FileError) in stream.update(piece) }
    return stream.hex
}

/// Lower-case hexadecimal digits, two for each byte.
public func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
    let digits = Array("0123456789abcdef".utf8)
    var out: [UInt8] = []
    for byte in bytes { out += [digits[Int(byte >> 4)], digits[Int(byte & 15)]] }
    return String(decoding: out, as: UTF8.self)
}
