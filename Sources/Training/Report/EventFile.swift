#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif
public import QuintetFiles

/// A TensorBoard event file that is appended to: `RUN/tensorboard/events.out.tfevents.SECONDS.quintet`.
///
/// A record is: length (u64), masked CRC-32C of it, the event, masked CRC-32C of that (TFRecord, little endian).
public final class EventFile {
    public let path: String
    private let file: AppendFile
    private let clock: @Sendable () -> Double

    /// Opens the run's event file, cut back to records of at most `step`; without one a new file begins.
    public convenience init(folder: String, keepThrough step: Int) throws {
        try Folder.create(folder)
        let name = try Folder.names(in: folder).filter { $0.hasPrefix("events.out.tfevents.") }.last
        let path = Folder.join(folder, name ?? "events.out.tfevents.\(Int(wallTime())).quintet")
        if name != nil { try Self.cut(path, keepThrough: step) }
        try self.init(path: path, clock: wallTime)
    }

    /// Appends to the file at `path`; `clock` gives seconds since 1970.
    public init(path: String, clock: @escaping @Sendable () -> Double) throws {
        self.path = path
        self.clock = clock
        file = try AppendFile(path)
        if file.size == 0 { append(EventRecord.version(wallTime: clock())) }
    }

    public func scalar(_ tag: String, _ value: Double, step: Int) {
        append(EventRecord.scalar(tag, Float(value), step: step, wallTime: clock()))
    }

    public func text(_ tag: String, _ text: String, step: Int) {
        append(EventRecord.text(tag, text, step: step, wallTime: clock()))
    }

    /// What kept the last records from being written; nil where all are.
    public var problem: FileError? { file.problem }

    private func append(_ event: [UInt8]) { file.append(Self.framed(event)) }

    static func framed(_ event: [UInt8]) -> [UInt8] {
        var out: [UInt8] = []
        let length = withUnsafeBytes(of: UInt64(event.count).littleEndian) { Array($0) }
        out += length
        withUnsafeBytes(of: CRC32C.masked(length).littleEndian) { out += $0 }
        out += event
        withUnsafeBytes(of: CRC32C.masked(event).littleEndian) { out += $0 }
        return out
    }

    /// Drops records after `step`, and a tail that is torn or damaged.
    static func cut(_ path: String, keepThrough step: Int) throws {
        let bytes = try readFile(path, limit: 1 << 30)
        var kept: [UInt8] = []
        var at = 0
        while let record = record(bytes, at) {
            let whole = bytes[at..<record.endIndex + 4]
            if let recordStep = EventRecord.step(of: record), recordStep <= step { kept += whole }
            at = whole.endIndex
        }
        if kept.count != bytes.count { try AtomicFile.write(path, kept) }
    }

    /// The event that is framed at `at`; nil where nothing whole is.
    private static func record(_ bytes: [UInt8], _ at: Int) -> ArraySlice<UInt8>? {
        guard bytes.count - at >= 16 else { return nil }
        let length = bytes[at..<at + 8]
        guard CRC32C.masked(length) == word(bytes, at + 8) else { return nil }
        let declared = length.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        guard let count = Int(exactly: declared), count <= bytes.count - at - 16 else { return nil }
        let event = bytes[at + 12..<at + 12 + count]
        return CRC32C.masked(event) == word(bytes, event.endIndex) ? event : nil
    }

    private static func word(_ bytes: [UInt8], _ at: Int) -> UInt32 {
        bytes[at..<at + 4].reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
    }
}

/// Seconds since 1970, for people; nothing is measured with it.
@Sendable func wallTime() -> Double {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    return Double(now.tv_sec) + Double(now.tv_nsec) * 1e-9
}
