import QuintetFiles

/// Normalization as SentencePiece does it itself: longest keys of its character map, spaces joined and written as "▁".
struct SentencePieceNormalizer: Sendable {
    private let map: CharacterMap?
    private let addsPrefix: Bool
    private let removesExtraSpaces: Bool
    /// The mark stands behind words instead of before them.
    private let marksEnd: Bool
    private let escapesSpaces: Bool
    private let userDefined = ByteTrie()

    /// Members: `precompiled_charsmap`, `add_dummy_prefix`, `remove_extra_whitespaces`, `treat_whitespace_as_suffix`,
    /// `escape_whitespaces`, `user_defined`.
    init(_ json: JSON, _ place: SlotPlace) throws(FileError) {
        let hasMap = json["precompiled_charsmap"].map { !$0.isNull } ?? false
        map = hasMap ? try CharacterMap(base64: json["precompiled_charsmap"], place) : nil
        addsPrefix = json["add_dummy_prefix"]?.bool ?? true
        removesExtraSpaces = json["remove_extra_whitespaces"]?.bool ?? true
        marksEnd = json["treat_whitespace_as_suffix"]?.bool ?? false
        escapesSpaces = json["escape_whitespaces"]?.bool ?? true
        for (index, text) in (json["user_defined"]?.array ?? []).enumerated() {
            userDefined.insert(Array((text.string ?? "").utf8), Int32(index))
        }
    }

    func apply(to bytes: [UInt8]) -> [UInt8] {
        bytes.withUnsafeBufferPointer { text in
            guard let base = text.baseAddress else { return [] }
            return apply(base, text.count)
        }
    }

    private func apply(_ base: UnsafePointer<UInt8>, _ count: Int) -> [UInt8] {
        let space = escapesSpaces ? Metaspace.usual : [0x20]
        var index = 0
        if removesExtraSpaces {
            while index < count {
                let (piece, length) = next(base + index, count - index)
                guard piece.elementsEqual([0x20]) else { break }
                index += length
            }
        }
        if index == count { return [] }
        var out: [UInt8] = []
        out.reserveCapacity(count + count / 4 + 8)
        if addsPrefix && !marksEnd { out += space }
        var isAfterSpace = removesExtraSpaces
        while index < count {
            if base[index] != 0x20, base[index] < 0x80, userDefined.isEmpty, map?.leavesAlone(base + index, count - index) ?? true {
                out.append(base[index])
                isAfterSpace = false
                index += 1
                continue
            }
            let (piece, length) = next(base + index, count - index)
            let kept = isAfterSpace ? piece.drop { $0 == 0x20 } : piece
            for byte in kept { if byte == 0x20 { out += space } else { out.append(byte) } }
            if !kept.isEmpty { isAfterSpace = removesExtraSpaces && kept.last == 0x20 }
            index += length
        }
        if removesExtraSpaces { while out.count >= space.count, out.suffix(space.count).elementsEqual(space) { out.removeLast(space.count) } }
        if addsPrefix && marksEnd { out += space }
        return out
    }

    /// What the next characters become, and how many bytes they are.
    private func next(_ p: UnsafePointer<UInt8>, _ count: Int) -> (ArraySlice<UInt8>, Int) {
        if !userDefined.isEmpty, let (length, _) = userDefined.longestPrefix(p, count) {
            return (Array(UnsafeBufferPointer(start: p, count: length))[...], length)
        }
        if let (text, length) = map?.longest(p, count) { return (text, length) }
        guard let (_, length) = decodeScalar(p, count) else { return ([0xEF, 0xBF, 0xBD], 1) }
        return (Array(UnsafeBufferPointer(start: p, count: length))[...], length)
    }
}
