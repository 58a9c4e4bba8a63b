import QuintetFiles

/// A zip archive whose entries are stored, not compressed: what `torch.save` writes. Nothing in it is believed before it is compared.
///
/// The directory at the end and the header before each entry have to agree, entries may not overlap, names stay inside.
/// Format: PKWARE APPNOTE 6.3, with zip64.
struct ZipArchive {
    /// One entry: where its bytes lie in the file, and what their CRC-32 has to be.
    struct Entry {
        let name: String
        let range: Range<Int>
        let crc: UInt32
    }

    static let maximumEntries = 1 << 20
    static let maximumNameLength = 1024

    let entries: [Entry]
    private let index: [ExactName: Int]

    init(_ bytes: UnsafeRawBufferPointer, source: String) throws(FileError) {
        var parser = Parser(bytes, source)
        entries = try parser.entries()
        var index: [ExactName: Int] = [:]
        for (position, entry) in entries.enumerated() where index.updateValue(position, forKey: ExactName(entry.name)) != nil {
            throw FileError("two entries of an archive have the same name", path: source, field: entry.name, offset: entry.range.lowerBound)
        }
        self.index = index
    }

    subscript(name: String) -> Entry? { index[ExactName(name)].map { entries[$0] } }

    /// Whether bytes begin like a zip archive.
    static func isOne(_ bytes: UnsafeRawBufferPointer) -> Bool { bytes.starts(with: [0x50, 0x4B, 3, 4]) }
}

/// One record of the central directory, with the zip64 numbers in place.
private struct DirectoryRecord {
    let name: String
    let size: Int, headerOffset: Int
    let crc: UInt32
    let directoryOffset: Int
}

private struct Parser {
    let source: String
    private var reader: ByteReader

    init(_ bytes: UnsafeRawBufferPointer, _ source: String) {
        self.source = source
        reader = ByteReader(bytes, source: source)
    }

    mutating func entries() throws(FileError) -> [ZipArchive.Entry] {
        let directory = try end()
        try reader.seek(directory.offset, "directory")
        var entries: [ZipArchive.Entry] = []
        for _ in 0..<directory.count {
            let record = try directoryRecord()
            let next = reader.offset
            entries.append(try localEntry(record))
            try reader.seek(next, "directory")
        }
        guard reader.offset == directory.offset + directory.size else {
            throw wrong("directory size", reader.offset, "\(directory.size) bytes", "\(reader.offset - directory.offset)")
        }
        try checkOverlap(entries, directory.offset)
        return entries
    }

    /// The record at the end of the archive, found from the back; a comment of up to 64 KiB may follow it.
    private mutating func end() throws(FileError) -> (offset: Int, size: Int, count: Int) {
        let bytes = reader.bytes
        var at = bytes.count - 22
        let lowest = max(0, bytes.count - 22 - 65_535)
        while at >= lowest, at >= 0 {
            if bytes.loadUnaligned(fromByteOffset: at, as: UInt32.self).littleEndian == 0x0605_4B50 { break }
            at -= 1
        }
        guard at >= lowest, at >= 0 else {
            throw FileError(
                "not a whole zip archive: its directory is missing", path: source, field: "end of directory", offset: bytes.count,
                hint: "the file is truncated or damaged; get it again")
        }
        try reader.seek(at + 4, "end of directory")
        let disk = try reader.integer(UInt16.self, "disk"), directoryDisk = try reader.integer(UInt16.self, "disk of the directory")
        let here = try reader.integer(UInt16.self, "entries of this disk"), count = try reader.integer(UInt16.self, "entries")
        let size = try reader.integer(UInt32.self, "directory size"), offset = try reader.integer(UInt32.self, "directory offset")
        let comment = try reader.integer(UInt16.self, "comment length")
        guard Int(comment) == reader.remaining else { throw wrong("comment length", at + 20, "\(reader.remaining)", "\(comment)") }
        let isLarge = count == .max || size == .max || offset == .max
        if isLarge || hasLocator(before: at) { return try largeEnd(before: at) }
        guard disk == 0, directoryDisk == 0, here == count else { throw wrong("disk", at + 4, "an archive of one piece", "several disks") }
        return try checked(Int(offset), Int(size), Int(count), end: at)
    }

    private func hasLocator(before end: Int) -> Bool {
        end >= 20 && reader.bytes.loadUnaligned(fromByteOffset: end - 20, as: UInt32.self).littleEndian == 0x0706_4B50
    }

    private mutating func largeEnd(before end: Int) throws(FileError) -> (offset: Int, size: Int, count: Int) {
        guard hasLocator(before: end) else { throw wrong("zip64 locator", end, "a zip64 locator", "none") }
        try reader.seek(end - 16, "zip64 locator")
        let disk = try reader.integer(UInt32.self, "zip64 disk")
        let at = try reader.count("zip64 end of directory", limit: reader.bytes.count)
        let disks = try reader.integer(UInt32.self, "zip64 disks")
        guard disk == 0, disks <= 1 else { throw wrong("zip64 disks", end - 4, "an archive of one piece", "\(disks)") }
        try reader.seek(at, "zip64 end of directory")
        guard try reader.integer(UInt32.self, "zip64 end of directory") == 0x0606_4B50 else {
            throw wrong("zip64 end of directory", at, "its signature", "other bytes")
        }
        let length = try reader.count("zip64 record length", limit: reader.bytes.count)
        guard length >= 44 else { throw wrong("zip64 record length", at + 4, "at least 44", "\(length)") }
        _ = try reader.bytes(12, "zip64 versions")
        let here = try reader.count("zip64 entries of this disk"), count = try reader.count("zip64 entries")
        let size = try reader.count("zip64 directory size"), offset = try reader.count("zip64 directory offset")
        guard here == count else { throw wrong("zip64 entries", at + 24, "\(count)", "\(here)") }
        return try checked(offset, size, count, end: at)
    }

    private func checked(_ offset: Int, _ size: Int, _ count: Int, end: Int) throws(FileError) -> (offset: Int, size: Int, count: Int) {
        let (stop, overflow) = offset.addingReportingOverflow(size)
        guard offset >= 0, size >= 0, !overflow, stop <= end else {
            throw wrong("directory offset", end, "a directory before byte \(end)", "\(size) bytes from \(offset)")
        }
        // A record takes at least 46 bytes, so the count is bounded before anything is kept.
        guard count <= ZipArchive.maximumEntries, count <= size / 46 else {
            throw wrong("entries", end, "at most \(min(ZipArchive.maximumEntries, size / 46))", "\(count)")
        }
        return (offset, size, count)
    }

    private mutating func directoryRecord() throws(FileError) -> DirectoryRecord {
        let at = reader.offset
        guard try reader.integer(UInt32.self, "directory entry") == 0x0201_4B50 else {
            throw wrong("directory entry", at, "its signature", "other bytes")
        }
        _ = try reader.integer(UInt32.self, "versions")
        try checkStored(flags: try reader.integer(UInt16.self, "flags"), method: try reader.integer(UInt16.self, "method"), at)
        _ = try reader.integer(UInt32.self, "time")
        let crc = try reader.integer(UInt32.self, "CRC")
        var packed = UInt64(try reader.integer(UInt32.self, "packed size")), size = UInt64(try reader.integer(UInt32.self, "size"))
        let nameLength = try reader.integer(UInt16.self, "name length"), extraLength = try reader.integer(UInt16.self, "extra length")
        let commentLength = try reader.integer(UInt16.self, "comment length")
        _ = try reader.bytes(8, "disk and attributes")
        var offset = UInt64(try reader.integer(UInt32.self, "header offset"))
        let name = try name(Int(nameLength))
        try largeNumbers(Int(extraLength), &size, &packed, &offset)
        _ = try reader.bytes(Int(commentLength), "entry comment")
        guard packed == size, let size = Int(exactly: size), let offset = Int(exactly: offset), size <= reader.bytes.count, offset < reader.bytes.count
        else { throw wrong(name, at, "a stored entry inside the file", "\(packed) of \(size) bytes at \(offset)") }
        return DirectoryRecord(name: name, size: size, headerOffset: offset, crc: crc, directoryOffset: at)
    }

    /// The zip64 field of an entry: the numbers that did not fit, in their order.
    private mutating func largeNumbers(_ length: Int, _ size: inout UInt64, _ packed: inout UInt64, _ offset: inout UInt64) throws(FileError) {
        var extra = ByteReader(try reader.bytes(length, "extra"), source: source)
        while extra.remaining >= 4 {
            let kind = try extra.integer(UInt16.self, "extra kind"), count = Int(try extra.integer(UInt16.self, "extra length"))
            var field = ByteReader(try extra.bytes(count, "extra field"), source: source)
            guard kind == 1 else { continue }
            if size == UInt64(UInt32.max) { size = try field.integer(UInt64.self, "zip64 size") }
            if packed == UInt64(UInt32.max) { packed = try field.integer(UInt64.self, "zip64 packed size") }
            if offset == UInt64(UInt32.max) { offset = try field.integer(UInt64.self, "zip64 header offset") }
        }
    }

    private mutating func name(_ length: Int) throws(FileError) -> String {
        let at = reader.offset
        guard length > 0, length <= ZipArchive.maximumNameLength else {
            throw wrong("entry name", at, "1 to \(ZipArchive.maximumNameLength) bytes", "\(length)")
        }
        let name = try reader.string(length, "entry name")
        let parts = name.split(separator: "/", omittingEmptySubsequences: false)
        guard !name.hasPrefix("/"), !name.utf8.contains(0), !name.utf8.contains(0x5C), !parts.contains(".."), !parts.contains(".") else {
            throw wrong("entry name", at, "a name inside the archive", name)
        }
        return name
    }

    private func checkStored(flags: UInt16, method: UInt16, _ at: Int) throws(FileError) {
        guard flags & 1 == 0 else { throw wrong("flags", at, "an entry that is not encrypted", "encryption") }
        guard method == 0 else {
            throw FileError(
                "compressed entries are not read", path: source, field: "method", offset: at, expected: "0 (stored, as torch.save writes)",
                found: "\(method)", hint: "load and save the file again with PyTorch, or use safetensors")
        }
    }

    /// The header in front of the entry's bytes has to say the same; sizes of zero with a descriptor behind are the writer's way of streaming.
    private mutating func localEntry(_ record: DirectoryRecord) throws(FileError) -> ZipArchive.Entry {
        try reader.seek(record.headerOffset, record.name)
        guard try reader.integer(UInt32.self, record.name) == 0x0403_4B50 else {
            throw wrong(record.name, record.headerOffset, "a header of an entry", "other bytes")
        }
        _ = try reader.integer(UInt16.self, "version")
        let flags = try reader.integer(UInt16.self, "flags")
        try checkStored(flags: flags, method: try reader.integer(UInt16.self, "method"), record.headerOffset)
        _ = try reader.integer(UInt32.self, "time")
        let crc = try reader.integer(UInt32.self, "CRC")
        var packed = UInt64(try reader.integer(UInt32.self, "packed size")), size = UInt64(try reader.integer(UInt32.self, "size"))
        let nameLength = Int(try reader.integer(UInt16.self, "name length")), extraLength = Int(try reader.integer(UInt16.self, "extra length"))
        let name = try reader.string(nameLength, "entry name")
        var offset: UInt64 = 0
        try largeNumbers(extraLength, &size, &packed, &offset)
        let isStreamed = flags & 8 != 0 && size == 0 && packed == 0 && crc == 0
        guard ExactName(name) == ExactName(record.name), isStreamed || (size == UInt64(record.size) && packed == size && crc == record.crc) else {
            throw FileError(
                "the directory and the entry disagree", path: source, field: record.name, offset: record.headerOffset,
                expected: "\(record.size) bytes, CRC \(record.crc)", found: "\(name), \(size) bytes, CRC \(crc)")
        }
        let start = reader.offset
        _ = try reader.bytes(record.size, record.name)
        return ZipArchive.Entry(name: record.name, range: start..<start + record.size, crc: record.crc)
    }

    /// No byte belongs to two entries, and none to the directory.
    private func checkOverlap(_ entries: [ZipArchive.Entry], _ directory: Int) throws(FileError) {
        var end = 0
        for entry in entries.sorted(by: { $0.range.lowerBound < $1.range.lowerBound }) {
            guard entry.range.lowerBound >= end + 30, entry.range.upperBound <= directory else {
                throw wrong(entry.name, entry.range.lowerBound, "bytes of its own", "bytes of another entry or of the directory")
            }
            end = entry.range.upperBound
        }
    }

    private func wrong(_ field: String, _ offset: Int, _ expected: String, _ found: String) -> FileError {
        FileError("the zip archive is wrong", path: source, field: field, offset: offset, expected: expected, found: found)
    }
}
