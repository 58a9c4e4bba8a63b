/// Unicode's normalization form C for text outside of any tokenizer.
public enum NormalizedText {
    /// The text with characters composed ("e" + U+0301 becomes "é"); bytes that are no UTF-8 stay as they are.
    public static func composed(_ bytes: [UInt8]) -> [UInt8] {
        // Below U+0300 (lead byte 0xCC) every text is composed already.
        bytes.contains { $0 >= 0xCC } ? CanonicalForm.shared.apply(.nfc, to: bytes) : bytes
    }
}
