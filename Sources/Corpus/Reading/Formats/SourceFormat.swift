internal import QuintetFiles

/// One kind of input: how it is told and how documents are read from it.
struct SourceFormat: Sendable {
    /// As `--format` and reports have it.
    let name: String
    /// Endings of file names, in lower case.
    var endings: [String] = []
    /// Whether content that begins like this (up to 512 bytes) is of this format, whatever its name.
    var recognizes: (@Sendable (UnsafeRawBufferPointer) -> Bool)?
    let open: @Sendable (Input, ReadLimits) throws(FileError) -> any DocumentReader

    /// Every format that is read, one line each; recognized in this order.
    static let all: [SourceFormat] = [
        .text, .markdown, .source, .html, .jsonLines, .json, .csv, .tsv, .warc, .arc, .tar, .parquet, .zip,
    ]

    static func named(_ name: String) -> SourceFormat? { all.first { $0.name == name } }
}

extension UnsafeRawBufferPointer {
    /// Whether the bytes begin with ASCII text, letters compared without case; `text` is in lower case.
    func beginsWithoutCase(_ text: StaticString) -> Bool {
        guard count >= text.utf8CodeUnitCount else { return false }
        for i in 0..<text.utf8CodeUnitCount {
            let byte = self[i]
            if (byte &- 65 < 26 ? byte | 32 : byte) != text.utf8Start[i] { return false }
        }
        return true
    }

    /// Without white space (and a byte order mark) at the start.
    var withoutLeadingSpace: UnsafeRawBufferPointer {
        let start = starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
        return UnsafeRawBufferPointer(rebasing: self[start...].drop { $0 == 32 || $0 &- 9 < 5 })
    }
}
