internal import QuintetFiles

extension SourceFormat {
    /// Tar archives (ustar, pax and GNU names); nothing is unpacked to the disk.
    static let tar = SourceFormat(name: "tar", endings: ["tar"], recognizes: TarReader.begins) {
        input, _ throws(FileError) in TarReader(input)
    }
}

/// The members of a tar archive, read in place.
final class TarReader: DocumentReader {
    private let input: Input
    private let stream: ByteStream
    private var memberEnd = 0
    private var longName: String?
    private var longSize: Int?

    init(_ input: Input) {
        self.input = input
        stream = input.stream
    }

    static let begins: @Sendable (UnsafeRawBufferPointer) -> Bool = { head in
        head.count >= 512 && head[257..<262].elementsEqual(Array("ustar".utf8)) && TarHeader.isSound(UnsafeRawBufferPointer(rebasing: head.prefix(512)))
    }

    func next() throws(FileError) -> ReadItem? {
        guard try stream.skip(max(0, memberEnd - stream.offset)) else { throw tooShort() }
        while true {
            let start = stream.offset
            let block = try stream.peek(512)
            if block.isEmpty { return nil }
            guard block.count >= 512 else { throw tooShort() }
            let header = UnsafeRawBufferPointer(rebasing: block.prefix(512))
            if header.allSatisfy({ $0 == 0 }) { return nil }
            guard TarHeader.isSound(header), let head = TarHeader(header) else {
                throw FileError("the archive is damaged", path: input.name, offset: start, expected: "a member's header with its checksum", hint: "get the file again")
            }
            stream.advance(512)
            if try take(head, start) { continue }
            return try member(head, start)
        }
    }

    private func tooShort() -> FileError {
        FileError("the archive ends too early", path: input.name, offset: stream.offset, hint: "the file is truncated; get it again")
    }

    /// Headers that speak of the next member (pax records, GNU's long names) are taken here.
    private func take(_ head: TarHeader, _ start: Int) throws(FileError) -> Bool {
        guard ["x", "g", "L", "K"].contains(head.type) else { return false }
        guard head.size <= 1 << 20 else { throw FileError("the archive is damaged", path: input.name, offset: start, found: "a name of \(head.size) bytes") }
        let padded = (head.size + 511) / 512 * 512
        let body = try Array(ByteStream(BoundedSource(stream, size: padded, "name"), name: input.name).readAll(limit: padded) ?? []).prefix(head.size)
        if head.type == "L" { longName = TextDecoding.string(Array(body.prefix { $0 != 0 })) }
        if head.type == "x" { takePax(body) }
        return true
    }

    /// Records "LENGTH KEY=VALUE\n".
    private func takePax(_ body: ArraySlice<UInt8>) {
        var rest = body
        while let space = rest.firstIndex(of: 32), let length = Int(String(decoding: rest[..<space], as: UTF8.self)), length > space - rest.startIndex + 1, length <= rest.count {
            let record = rest[(space + 1)..<(rest.startIndex + length)].dropLast()
            if let equal = record.firstIndex(of: 0x3D) {
                let value = TextDecoding.string(Array(record[(equal + 1)...]))
                switch String(decoding: record[..<equal], as: UTF8.self) {
                case "path": longName = value
                case "size": longSize = Int(value).flatMap { $0 >= 0 ? $0 : nil }
                default: break
                }
            }
            rest = rest.dropFirst(length)
        }
    }

    private func member(_ head: TarHeader, _ start: Int) throws(FileError) -> ReadItem {
        let name = longName ?? head.name
        let size = head.hasContent ? longSize ?? head.size : 0
        (longName, longSize) = (nil, nil)
        let (end, overflow) = stream.offset.addingReportingOverflow(size)
        guard !overflow, end <= Int.max - 512 else { throw FileError("the archive is damaged", path: input.name, offset: start, found: "a member of \(size) bytes") }
        memberEnd = (end - stream.offset + 511) / 512 * 512 + stream.offset
        func refusal(_ reason: String) -> ReadItem { .refused(Refusal(reason: reason, offset: start, detail: name)) }
        switch head.type {
        case "0", "7", "\0": break
        case "5": return .passedOver("folder in an archive")
        case "1", "2": return refusal("a link in an archive")
        case "3", "4", "6": return refusal("a device in an archive")
        default: return .passedOver("member of an unknown type")
        }
        let parts = name.split(separator: "/", omittingEmptySubsequences: false)
        if name.hasPrefix("/") || parts.contains("..") || name.utf8.contains(0) { return refusal("a member's name leaves the archive") }
        if parts.contains(where: { $0.hasPrefix(".") && $0 != "." }) { return .passedOver("hidden file in an archive") }
        let label = input.name + "/" + parts.filter { $0 != "." && !$0.isEmpty }.joined(separator: "/")
        guard let kind = FileKind(path: label) else { return .passedOver("unknown kind of file") }
        let content = ByteStream(BoundedSource(stream, size: size, "member"), name: label)
        return .member(
            Input(
                name: label, stream: try Compression.decoded(content, input.expansion), kind: kind, created: Timestamp.text(head.changed),
                metadata: input.metadata, depth: input.depth + 1, expansion: input.expansion))
    }
}

/// The fields of a member's header that matter here.
struct TarHeader {
    var name: String
    var size: Int
    var changed: Int
    var type: Character

    /// nil where a number cannot be read.
    init?(_ block: UnsafeRawBufferPointer) {
        func text(_ range: Range<Int>) -> String { TextDecoding.string(Array(block[range].prefix { $0 != 0 })) }
        guard let size = Self.number(block[124..<136]) else { return nil }
        self.size = size
        changed = Self.number(block[136..<148]) ?? 0
        type = Character(Unicode.Scalar(block[156]))
        let prefix = block[257..<262].elementsEqual(Array("ustar".utf8)) && block[262] == 0 ? text(345..<500) : ""
        name = prefix.isEmpty ? text(0..<100) : prefix + "/" + text(0..<100)
    }

    /// Links and folders have a size at times, but no content.
    var hasContent: Bool { !["1", "2", "3", "4", "5", "6"].contains(type) }

    /// Octal digits, or binary where the first bit is set.
    private static func number(_ field: Slice<UnsafeRawBufferPointer>) -> Int? {
        if let first = field.first, first & 0x80 != 0 {
            var value = Int(first & 0x3F)
            for byte in field.dropFirst() {
                guard value < 1 << 50 else { return nil }
                value = value << 8 | Int(byte)
            }
            return value
        }
        let digits = field.drop { $0 == 32 || $0 == 0 }.prefix { $0 != 32 && $0 != 0 }
        return digits.isEmpty ? 0 : Int(String(decoding: digits, as: UTF8.self), radix: 8).flatMap { $0 >= 0 ? $0 : nil }
    }

    /// Whether the checksum is right.
    static func isSound(_ block: UnsafeRawBufferPointer) -> Bool {
        guard let expected = number(block[148..<156]) else { return false }
        var sum = 8 * 32
        for i in 0..<512 where !(148..<156).contains(i) { sum += Int(block[i]) }
        return sum == expected
    }
}
