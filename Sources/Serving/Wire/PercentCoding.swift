extension String {
    /// With `%41` as the byte it stands for; nil where that is no text.
    var percentDecoded: String? {
        var bytes: [UInt8] = []
        var rest = utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let value = UInt8(decoding(rest.prefix(2)), radix: 16), rest.count >= 2 else { return nil }
            bytes.append(value)
            rest = rest.dropFirst(2)
        }
        return String(validating: bytes, as: UTF8.self)
    }

    private func decoding(_ bytes: Substring.UTF8View) -> String { String(decoding: bytes, as: UTF8.self) }
}
