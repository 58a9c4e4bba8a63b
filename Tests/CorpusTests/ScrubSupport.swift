import QuintetCorpus
import QuintetFiles
import Testing

/// A scratch folder with documents, and runs of scrub over it.
final class ScrubFixture {
    let root: String
    init() throws { root = try Folder.temporary("scrub") }
    deinit { try? Folder.remove(root) }

    func path(_ name: String) -> String { Folder.join(root, name) }

    /// Writes rows (or raw lines) to `NAME.jsonl` in the folder `in`.
    func write(_ name: String, _ lines: [String]) throws {
        try Folder.create(path("in"))
        try AtomicFile.write(path("in/\(name).jsonl"), lines.joined(separator: "\n") + (lines.isEmpty ? "" : "\n"))
    }

    static func row(_ id: String, _ text: String, _ extra: JSONObject = [:]) -> String {
        var row: JSONObject = ["id": .string(id), "text": .string(text), "source": "test"]
        if !extra.isEmpty { row["metadata"] = .object(extra) }
        return JSON.object(row).serialized()
    }

    static func options(_ yaml: String, threads: Int = 1, strict: Bool = false) throws -> Scrub.Options {
        var options = Scrub.Options()
        options.config = try ScrubConfig(yaml: yaml)
        options.threads = threads
        options.strict = strict
        options.quiet = true
        return options
    }

    @discardableResult
    func scrub(_ yaml: String, into: String = "out", threads: Int = 1, strict: Bool = false) throws -> ScrubReport {
        guard case .finished(let report) = try Scrub(Self.options(yaml, threads: threads, strict: strict)).run(path("in"), into: path(into)) else {
            throw FileError("the run did not finish", path: into)
        }
        return report
    }

    /// The rows of a JSONL file.
    func rows(_ name: String) throws -> [JSON] {
        try String(decoding: readFile(path(name)), as: UTF8.self).split(separator: "\n").map { try JSON.parse(String($0)) }
    }

    /// Kept documents by id.
    func documents(_ folder: String = "out") throws -> [String: Document] {
        var found: [String: Document] = [:]
        try Document.forEach(in: path(folder)) { found[$0.id] = $0 }
        return found
    }

    /// All bytes of a folder's files, by name.
    func bytes(_ folder: String) throws -> [String: [UInt8]] {
        var all: [String: [UInt8]] = [:]
        for file in try Folder.files(under: path(folder)) { all[String(file.dropFirst(path(folder).count))] = try readFile(file) }
        return all
    }
}

/// Prose that every filter lets through; different for each number.
func prose(_ seed: Int, sentences: Int = 6) -> String {
    var state = UInt64(seed) &* 0x9E37_79B9_7F4A_7C15 | 1
    func pick(_ list: [String]) -> String {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return list[Int(state >> 33) % list.count]
    }
    let nouns = ["river", "garden", "teacher", "letter", "winter", "harbor", "engine", "village", "morning", "painter", "forest", "question", "window", "captain"]
    let verbs = ["carried", "remembered", "described", "followed", "repaired", "watched", "explained", "painted", "answered", "measured", "crossed"]
    let links = ["because of", "with", "and then", "before", "that was near", "without", "to reach", "instead of"]
    return (0..<sentences).map { _ in
        "The \(pick(nouns)) \(pick(verbs)) the \(pick(nouns)) \(pick(links)) the \(pick(nouns)), and the \(pick(nouns)) \(pick(verbs)) a \(pick(nouns)) to be \(pick(verbs))."
    }.joined(separator: " ")
}
