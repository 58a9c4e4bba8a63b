internal import QuintetFiles

/// Documents between two passes: lengths, then the fields as bytes. Written and read by this program alone, checked all the same.
enum Frames {
    /// Where a document stood in its unit's input.
    typealias Row = (ordinal: UInt32, kind: DocumentKinds, detected: DetectedLanguage?, document: Document, text: [UInt8])

    static func append(_ page: Page, _ ordinal: UInt32, to out: inout [UInt8]) {
        var metadata: [UInt8] = []
        JSON.object(page.metadata).write(into: &metadata)
        let fields: [[UInt8]?] = [Array(page.id.utf8), Array(page.source.utf8), page.added.map { Array($0.utf8) }, page.created.map { Array($0.utf8) }, metadata, page.detected.map(\.bytes)]
        out.append(number: ordinal)
        out.append(number: UInt32(truncatingIfNeeded: page.kind.rawValue))
        for field in fields { out.append(number: field.map { UInt32(truncatingIfNeeded: $0.count) } ?? .max) }
        out.append(number: UInt32(truncatingIfNeeded: page.text.count))
        for field in fields { out += field ?? [] }
        out += page.text
    }
}

/// Reads frames one after the other.
final class FrameReader {
    private let reader: FileReader
    private var buffer: [UInt8] = []
    private var at = 0
    private var ended = false

    init(_ path: String) throws(FileError) { reader = try FileReader(path) }

    func next() throws -> Frames.Row? {
        guard try fill(36) else { return nil }
        let head = buffer[at..<(at + 36)].withUnsafeBytes { raw in (0..<9).map { raw.u32(4 * $0) } }
        at += 36
        let sizes = head[2...].map { $0 == .max ? 0 : Int($0) }
        guard try fill(sizes.reduce(0, +)) else { throw broken() }
        var fields: [[UInt8]] = []
        for size in sizes {
            fields.append(Array(buffer[at..<(at + size)]))
            at += size
        }
        func text(_ i: Int) -> String { String(decoding: fields[i], as: UTF8.self) }
        let metadata = try fields[4].withUnsafeBytes { try JSON.parse($0, source: reader.path) }
        let document = Document(
            id: text(0), text: "", source: text(1), added: head[4] == .max ? nil : text(2), created: head[5] == .max ? nil : text(3),
            metadata: metadata.object ?? [:])
        return (head[0], DocumentKinds(rawValue: Int(head[1])), head[7] == .max ? nil : DetectedLanguage(bytes: fields[5]), document, fields[6])
    }

    /// Makes `count` bytes ready; false at the end of the file.
    private func fill(_ count: Int) throws -> Bool {
        if buffer.count - at >= count { return true }
        buffer.removeSubrange(..<at)
        at = 0
        while buffer.count < count, !ended {
            let size = max(1 << 18, count - buffer.count)
            var piece = [UInt8](repeating: 0, count: size)
            let n = try piece.withUnsafeMutableBytes { raw throws(FileError) in try reader.read(into: raw) }
            ended = n < size
            buffer += piece[..<n]
        }
        if buffer.count >= count { return true }
        if !buffer.isEmpty { throw broken() }
        return false
    }

    private func broken() -> FileError { FileError("the file ends too early", path: reader.path, hint: "remove the folder it is in and run again") }
}
