import QuintetFiles

/// What a file calls its text and its label, where it does not call them so.
public struct FieldNames: Sendable, Equatable {
    public var text: String?
    public var label: String?

    public init(text: String? = nil, label: String? = nil) { (self.text, self.label) = (text, label) }

    /// The row with these fields under their usual names; one that lacks them stays as it is and is skipped by its format.
    /// - Throws: `FileError` with the fields that there are, where the first row lacks one.
    func applied(to row: JSONObject, _ path: String, _ position: DataRow.Position, isFirst: Bool) throws(FileError) -> JSONObject {
        var out = row
        for (wanted, name) in [("text", text), ("label", label)] {
            guard let name, name != wanted else { continue }
            if let value = row[name] {
                out[wanted] = value
            } else if isFirst {
                throw FileError(
                    "there is no field of this name", path: path, field: name, expected: "one of \(row.keys.prefix(20).joined(separator: ", "))",
                    hint: nearestHint(name, Array(row.keys)), line: position.isLine ? position.number : nil)
            } else {
                out[wanted] = nil
            }
        }
        return out
    }
}

extension JSONObject {
    /// FNV-1a of what it says.
    var key: UInt64 { JSON.object(self).serialized().utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 } }
}
