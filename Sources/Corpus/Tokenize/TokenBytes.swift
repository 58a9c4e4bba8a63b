internal import QuintetTokenizers

/// Bytes of text that each id of a tokenizer stands for: 0 for special tokens, exact for byte-level tokenizers.
///
/// An id is decoded after another one, because some decoders strip the space before a text's first token.
func tokenBytes(_ tokenizer: Tokenizer) -> [Int] {
    let anchor = tokenizer.encode("a", addSpecialTokens: false).suffix(1)
    let base = tokenizer.decodeBytes(anchor).count
    return (0..<Int32(clamping: tokenizer.vocabularySize)).map { id in
        guard let name = tokenizer.token(of: id), !tokenizer.isSpecial(id) else { return 0 }
        if name.utf8.count == 6, name.hasPrefix("<0x"), name.hasSuffix(">") { return 1 }  // byte fallback
        return max(0, tokenizer.decodeBytes(anchor + [id]).count - base)
    }
}
