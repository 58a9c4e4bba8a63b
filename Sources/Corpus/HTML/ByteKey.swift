/// Bytes as a key: hashed and compared as a whole rather than one by one.
struct ByteKey: Hashable {
    private let bytes: ArraySlice<UInt8>

    init(_ bytes: ArraySlice<UInt8>) { self.bytes = bytes }
    init(_ text: String) { bytes = Array(text.utf8)[...] }

    func hash(into hasher: inout Hasher) { bytes.withUnsafeBytes { hasher.combine(bytes: $0) } }

    static func == (a: ByteKey, b: ByteKey) -> Bool {
        a.bytes.withUnsafeBytes { a in b.bytes.withUnsafeBytes { b in a.count == b.count && a.elementsEqual(b) } }
    }
}
