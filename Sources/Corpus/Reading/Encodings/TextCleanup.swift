internal import QuintetFiles
internal import QuintetTokenizers

/// Makes text that was decoded plain: LF line ends, no control characters, composed characters (NFC).
enum TextCleanup {
    /// In code only line ends change: form feeds, odd spaces and decomposed characters may carry meaning there.
    static func plain(_ text: [UInt8], isCode: Bool) -> [UInt8] {
        let text = needsCleaning(text) ? cleaned(text, isCode: isCode) : text
        return isCode ? text : NormalizedText.composed(text)
    }

    private static func needsCleaning(_ text: [UInt8]) -> Bool {
        text.contains { $0 < 32 && $0 != 10 && $0 != 9 || $0 == 0x7F || $0 == 0xC2 || $0 == 0xE2 }
    }

    private static func cleaned(_ text: [UInt8], isCode: Bool) -> [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(text.count)
        var at = 0
        while at < text.count {
            let byte = text[at]
            at += 1
            if byte == 13 {
                if at == text.count || text[at] != 10 { out.append(10) }
            } else if isCode || byte >= 32 && byte != 0x7F && byte != 0xC2 && byte != 0xE2 || byte == 10 || byte == 9 {
                out.append(byte)
            } else if byte == 0xC2, at < text.count, text[at] < 0xA0 {
                if text[at] == 0x85 { out.append(10) }  // C1 controls go; NEL is a line end
                at += 1
            } else if byte == 0xE2, at + 1 < text.count, text[at] == 0x80, text[at + 1] == 0xA8 || text[at + 1] == 0xA9 {
                out.append(10)  // line and paragraph separators
                at += 2
            } else if byte == 12 || byte == 11 {
                out.append(10)
            } else if byte >= 0x80 {
                out.append(byte)
            }
        }
        return out
    }
}
