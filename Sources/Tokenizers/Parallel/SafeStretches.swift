/// Cuts a long text into stretches of about `bytes` where every word rule ends a word whatever comes before.
///
/// That is a space after an ASCII letter: no pattern lets a word cross it, none looks back, and what looks ahead
/// (`\s+(?!\S)`) does so from a space, which the first stretch does not end in.
func safeStretches(of text: UnsafeBufferPointer<UInt8>, _ range: Range<Int>, bytes: Int) -> [Range<Int>] {
    var stretches: [Range<Int>] = []
    var start = range.lowerBound
    while range.upperBound - start > bytes, let cut = safeCut(in: text, start + bytes..<range.upperBound) {
        stretches.append(start..<cut)
        start = cut
    }
    stretches.append(start..<range.upperBound)
    return stretches
}

private func safeCut(in text: UnsafeBufferPointer<UInt8>, _ range: Range<Int>) -> Int? {
    range.first { index in
        let letter = text[index - 1] | 0x20
        let isSpace = text[index] == 0x20 || text[index] == 0xE2 && text[index...].starts(with: [0xE2, 0x96, 0x81])
        return isSpace && letter >= 0x61 && letter <= 0x7A
    }
}
