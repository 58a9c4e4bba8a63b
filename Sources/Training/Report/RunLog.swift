public import QuintetFiles

/// What a run has to tell, step by step: `metrics.jsonl` for programs, event files for TensorBoard, rows for the report.
///
/// A row's `step` is the number of updates done. Rows of a step are written before the checkpoint of that step, so
/// that a continued run, whose log is cut back to its checkpoint, writes what an uninterrupted one would have.
///
///     let log = try RunLog(run: "run", keepThrough: 0)
///     log.write(step: 1, ["train/loss": 8.1, "lr": 1e-4, "tok/sec": 51_000])
///     log.write(step: 1, ["sample": "func main() {"])
public final class RunLog {
    public static let fileName = "metrics.jsonl"
    /// Keys whose values depend on the clock and the machine; all others are the same from run to run.
    public static let timingKeys: Set<String> = ["tok/sec", "mfu", "gflops", "seconds", "ms_per_step", "peak_rss_bytes"]

    /// One line of `metrics.jsonl`, `step` included.
    public private(set) var rows: [JSONObject]
    private let lines: AppendFile
    private let events: EventFile?

    /// Opens the log of the run folder, cut back to rows of at most `step` (0: from the start).
    /// - Throws: `FileError` where the run folder cannot be written to.
    public init(run: String, keepThrough step: Int, tensorBoard: Bool = true) throws {
        let path = Folder.join(run, Self.fileName)
        rows = step > 0 ? try Self.cut(path, keepThrough: step) : []
        if step == 0 { try Folder.remove(path) }
        lines = try AppendFile(path)
        events = tensorBoard ? try EventFile(folder: Folder.join(run, "tensorboard"), keepThrough: step == 0 ? -1 : step) : nil
    }

    /// Adds a row. Numbers become scalars in TensorBoard, texts become text panels; nulls are left out there.
    public func write(step: Int, _ values: JSONObject) {
        var row: JSONObject = ["step": JSON(step)]
        for (key, value) in values { row[key] = Self.finite(value) }
        rows.append(row)
        lines.append(Array((JSON.object(row).serialized() + "\n").utf8))
        for (key, value) in values {
            if let number = value.double { events?.scalar(key, number, step: step) }
            // TensorBoard renders Markdown; four spaces keep a sample's line breaks.
            if let text = value.string { events?.text(key, "    " + text.replacing("\n", with: "\n    "), step: step) }
        }
    }

    /// What kept the last rows off the disk; nil where all are there.
    public var problem: FileError? { lines.problem ?? events?.problem }

    /// JSON has no NaN and no infinity; they are written as texts.
    private static func finite(_ value: JSON) -> JSON {
        guard case .number(let number) = value, !number.isFinite else { return value }
        return .string(number.isNaN ? "nan" : number < 0 ? "-inf" : "inf")
    }

    /// Rewrites the log without rows after `step` and without a torn last line; returns what stays.
    private static func cut(_ path: String, keepThrough step: Int) throws -> [JSONObject] {
        guard Folder.exists(path) else { return [] }
        let bytes = try readFile(path, limit: 1 << 30)
        var kept: [JSONObject] = []
        var text: [UInt8] = []
        for line in bytes.split(separator: UInt8(ascii: "\n")) {
            guard let row = (try? JSON.parse(String(decoding: line, as: UTF8.self), source: path))?.object,
                let rowStep = row["step"]?.int, rowStep <= step
            else { continue }
            kept.append(row)
            text += line
            text.append(UInt8(ascii: "\n"))
        }
        if text.count != bytes.count { try AtomicFile.write(path, text) }
        return kept
    }
}
