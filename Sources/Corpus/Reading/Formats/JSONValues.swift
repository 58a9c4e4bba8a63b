internal import QuintetFiles

extension SourceFormat {
    /// One array of documents, or JSON values one after another, over as many lines as they like.
    static let json = SourceFormat(name: "json", endings: ["json"], recognizes: beginsLikeArray) {
        input, limits throws(FileError) in try JSONValuesReader(input, limits)
    }

    private static let beginsLikeArray: @Sendable (UnsafeRawBufferPointer) -> Bool = { head in
        let head = head.withoutLeadingSpace
        guard head.first == 0x5B else { return false }
        let rest = UnsafeRawBufferPointer(rebasing: head.dropFirst()).withoutLeadingSpace
        return rest.first == 0x7B || rest.first == 0x22
    }
}

/// Cuts a stream into the elements of its array (or its values) without holding more than one of them.
final class JSONValuesReader: DocumentReader {
    private let input: Input
    private let limits: ReadLimits
    private let stream: ByteStream
    private var isArray = false
    private var hasBegun = false
    private var isDone = false
    private var line = 1
    private var count = 0

    init(_ input: Input, _ limits: ReadLimits) throws(FileError) {
        self.input = try WideText.asUTF8(input)
        self.limits = limits
        stream = self.input.stream
    }

    func next() throws(FileError) -> ReadItem? {
        if isDone { return nil }
        try skipSpace(andCommas: count > 0)
        if !hasBegun {
            hasBegun = true
            if try stream.peek().first == 0x5B {
                isArray = true
                stream.advance(1)
                try skipSpace(andCommas: false)
            }
        }
        let (start, first) = (stream.offset, line)
        guard let byte = try stream.peek().first else {
            if isArray { throw FileError("the array does not end", path: input.name, offset: start, line: line) }
            return nil
        }
        if isArray, byte == 0x5D { return try end() }
        count += 1
        guard let value = try value() else {
            return .refused(Refusal(reason: "value longer than \(limits.document) bytes", line: first, offset: start))
        }
        if isArray, !value.isWhole {
            // The element that is cut is what the array lacks: one refusal for both.
            isDone = true
            return .refused(Refusal(reason: "the array does not end", line: first, offset: start, detail: "a cut element"))
        }
        return item(value.bytes, line: first, offset: start)
    }

    private func item(_ value: [UInt8], line: Int, offset: Int) -> ReadItem {
        do throws(FileError) {
            let row = try LineReader.Line(bytes: value, number: line, offset: offset).parsed(input.name)
            let item = JSONRow.item(row, input, limits, line: line, offset: offset)
            // A settings file in a folder is no document that went wrong.
            if case .refused = item, !input.isNamed, count == 1 {
                isDone = true
                return .passedOver("JSON without text")
            }
            return item
        } catch {
            return .refused(Refusal(error))
        }
    }

    private func end() throws(FileError) -> ReadItem? {
        stream.advance(1)
        isArray = false
        try skipSpace(andCommas: false)
        if try stream.peek().isEmpty { return nil }
        throw FileError("other bytes follow the array", path: input.name, offset: stream.offset, line: line)
    }

    private func skipSpace(andCommas: Bool) throws(FileError) {
        while let byte = try stream.peek().first, byte == 32 || byte &- 9 < 5 || andCommas && isArray && byte == 0x2C {
            if byte == 10 { line += 1 }
            stream.advance(1)
        }
    }

    /// The bytes of one value, told by brackets and quotes alone, and whether it ends; nil if it is beyond the limit (then it is passed over).
    private func value() throws(FileError) -> (bytes: [UInt8], isWhole: Bool)? {
        var out: [UInt8]? = []
        var scan = ValueScan()
        while !scan.isOver {
            let ready = try stream.peek()
            if ready.isEmpty { break }
            let used = scan.take(ready)
            line += ready.prefix(used).reduce(0) { $0 + ($1 == 10 ? 1 : 0) }
            if let count = out?.count, count + used > limits.document { out = nil }
            out?.append(contentsOf: ready.prefix(used))
            stream.advance(used)
        }
        return out.map { ($0, scan.isOver) }
    }
}

/// Finds where a JSON value ends, whatever is in it.
private struct ValueScan {
    var isOver = false
    private var depth = 0
    private var hasBegun = false
    private var isQuoted = false
    private var isEscaped = false

    /// How many of these bytes belong to the value.
    mutating func take(_ bytes: UnsafeRawBufferPointer) -> Int {
        for (index, byte) in bytes.enumerated() {
            if isQuoted {
                quoted(byte)
            } else {
                if depth == 0, hasBegun, [0x2C, 0x5D, 0x7D, 32, 9, 10, 13].contains(byte) {
                    isOver = true
                    return index
                }
                plain(byte)
            }
            hasBegun = true
            if isOver { return index + 1 }
        }
        return bytes.count
    }

    private mutating func quoted(_ byte: UInt8) {
        if isEscaped {
            isEscaped = false
        } else if byte == 0x5C {
            isEscaped = true
        } else if byte == 0x22 {
            isQuoted = false
            isOver = depth == 0
        }
    }

    private mutating func plain(_ byte: UInt8) {
        switch byte {
        case 0x22: isQuoted = true
        case 0x7B, 0x5B: depth += 1
        case 0x7D, 0x5D:
            depth = max(0, depth - 1)
            isOver = depth == 0
        default: break
        }
    }
}
