internal import QuintetFiles

/// Which documents are held out for validation: decided by a document's id alone, so never by order, threads or other documents.
public struct HoldOut: Sendable, Equatable {
    public enum Method: String, Sendable {
        /// Documents whose hash falls into the share.
        case documents
        /// There is one document only: its last part is held out.
        case tail
    }
    public var method: Method
    /// Share of the documents (or of the only document's text) that is held out.
    public var share: Double
    /// Decides for documents where chance left one side empty.
    var forced: [String: Split] = [:]

    public init(share: Double, method: Method = .documents) {
        self.share = share
        self.method = method
    }

    /// The side of a document, by its id.
    public func split(of id: String) -> Split {
        if let side = forced[id] { return side }
        return Self.position(of: id) < share ? .validation : .train
    }

    /// Where a document stands between 0 and 1, by hash.
    static func position(of id: String) -> Double {
        let digest = sha256("quintet hold-out " + id)
        let top = UInt64(digest.prefix(13), radix: 16) ?? 0  // 52 bits, exact in a double
        return Double(top) / Double(1 << 52 as UInt64)
    }

    var json: JSON {
        var out: JSON = ["method": .string(method.rawValue), "share": JSON(share)]
        if !forced.isEmpty {
            out["forced"] = .array(
                forced.sorted { Folder.precedes($0.key, $1.key) }.map { [.string($0.key), .string($0.value.rawValue)] })
        }
        return out
    }

    init(_ fields: Fields) throws(FileError) {
        guard let method = Method(rawValue: try fields.string("method")) else {
            throw fields.error("method", "documents or tail", try fields.string("method"))
        }
        self.init(share: try fields.double("share"), method: method)
        for row in fields.value["forced"]?.array ?? [] {
            guard let id = row[0]?.string, let side = Split(rawValue: row[1]?.string ?? "") else {
                throw fields.error("forced", "pairs of id and split", row.kind)
            }
            forced[id] = side
        }
    }

    /// The only document in two: cut at the end of a line (or a character) near the share's border.
    public func cut(_ text: String) -> (head: String, tail: String) {
        let text = Array(text.utf8)
        var at = min(max(Int(Double(text.count) * (1 - share)), 1), max(text.count - 1, 0))
        if let line = text[at...].firstIndex(of: 10), line + 1 < text.count { at = line + 1 }
        while at < text.count, text[at] & 0xC0 == 0x80 { at += 1 }
        return (String(decoding: text[..<at], as: UTF8.self), String(decoding: text[at...], as: UTF8.self))
    }
}
