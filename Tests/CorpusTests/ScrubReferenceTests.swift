import QuintetCorpus
import QuintetFiles
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Against files that others made; skipped where they are absent.
@Suite struct ScrubReferenceTests {
    static let data = ["../shared/data", "../../shared/data"].first(where: Folder.isFolder)

    private func unpacked(_ archive: String, _ fixture: ScrubFixture) -> Bool {
        guard let data = Self.data else { return false }
        try? Folder.create(fixture.path("raw"))
        return system("tar -xJf '\(data)/\(archive)' -C '\(fixture.path("raw"))' 2>/dev/null") == 0
    }

    @Test(.enabled(if: data != nil, "no shared/data beside the repository"))
    func oneEditionOfEachBookStays() throws {
        let fixture = try ScrubFixture()
        try #require(unpacked("web/near-duplicates-gutenberg/nd.tar.xz", fixture))
        try Gather(quietGather()).run([fixture.path("raw")], into: fixture.path("in"))
        let report = try fixture.scrub("")
        let kept = try fixture.documents().values.filter { !$0.source.hasSuffix("SOURCE.txt") }
        let books = kept.map { $0.text.contains("Frankenstein") ? "frankenstein" : $0.text.contains("Alice") ? "alice" : $0.source }.sorted()
        #expect(books == ["alice", "frankenstein"], "kept \(kept.map(\.source)); \(report.summary)")
    }

    private func quietGather() -> Gather.Options {
        var options = Gather.Options()
        options.quiet = true
        return options
    }

    /// dolma's deduplication by paragraph: the same paragraphs go as in its expected attributes.
    @Test(.enabled(if: data != nil, "no shared/data beside the repository"))
    func paragraphsGoAsInDolma() throws {
        let fixture = try ScrubFixture()
        let folder = try #require(Self.data) + "/web/dolma-fixtures/tests/data"
        try Folder.create(fixture.path("in"))
        try AtomicFile.write(fixture.path("in/000.jsonl"), try content(folder + "/provided/deduper/documents/000.json.gz", fixture))
        try fixture.scrub(
            "{steps: [line_duplicates], line_duplicates: {keep_first: true, max_documents: 1, min_characters: 0, max_share: null, min_document_characters: 0}}")
        var expected: [String: [[Int]]] = [:]
        for line in try content(folder + "/expected/dedupe-paragraphs.json.gz", fixture).split(separator: "\n") {
            let row = try JSON.parse(String(line))
            expected[row["id"]?.string ?? ""] = row["attributes"]?["bff_duplicate_paragraph_spans"]?.array?.map { [$0[0]?.int ?? 0, $0[1]?.int ?? 0] }
        }
        let history = try ScrubHistory(fixture.path("out"))
        for (id, spans) in expected {
            let rows = try history.rows(of: id)
            let original = Array(try #require(try history.restored(id).first).text.utf8)
            let cut = rows.flatMap { $0["spans"]?.array ?? [] }.map { span -> [Int] in
                // dolma counts characters.
                let (start, end) = (span["start"]?.int ?? 0, span["end"]?.int ?? 0)
                func characters(_ n: Int) -> Int { original[..<n].reduce(0) { $0 + ($1 & 0xC0 != 0x80 ? 1 : 0) } }
                return [characters(start), characters(end)]
            }
            #expect(cut == spans, "\(id)")
        }
    }

    private func content(_ path: String, _ fixture: ScrubFixture) throws -> String {
        let target = fixture.path("plain")
        try #require(system("gzip -dc '\(path)' > '\(target)'") == 0)
        return String(decoding: try readFile(target), as: UTF8.self)
    }
}
