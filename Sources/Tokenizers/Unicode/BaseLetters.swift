/// The characters that a character is made of (form D) without its nonspacing marks: "e" for "é".
public func baseLetters(_ code: UInt32) -> [UInt32] {
    var pieces: [UInt32] = []
    CanonicalForm.shared.decompose(code, into: &pieces)
    return pieces.filter { Unicode.Scalar($0)?.properties.generalCategory != .nonspacingMark }
}
