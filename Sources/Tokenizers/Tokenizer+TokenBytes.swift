extension Tokenizer {
    /// What each id adds to a text, in bytes; empty for special and unused ids. Nil where the decoder looks at more than one token.
    public var tokenBytes: [[UInt8]]? {
        guard decodePlan.separator.isEmpty, decodePlan.chain.isEmpty else { return nil }
        return (0..<Int32(truncatingIfNeeded: vocabularySize)).map { id in
            if token(of: id) == nil || isSpecial(id) { return [] }
            if !decodePlan.byteValues.isEmpty, decodePlan.byteValues[Int(id)] >= 0 { return [UInt8(decodePlan.byteValues[Int(id)])] }
            return Array(decodePlan.bytes[decodePlan.range(of: id)])
        }
    }
}
