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

    /// dolma's own expected spans: of repeated lines, and of paragraphs whose runs of six words, three apart, stood before for the half
    /// (words are counted otherwise there; the spans are the same). At the end of a text dolma's span goes one past it.
    @Test(
        .enabled(if: data != nil, "no shared/data beside the repository"),
        arguments: [
            ("line_duplicates", "max_documents: 1, min_characters: 0, keep_first: true, max_share: null, min_document_characters: 0", "dedupe-paragraphs"),
            ("paragraph_overlap", "stride: 3, min_characters: 0, min_document_characters: 0", "dedupe-paragraph-ngrams"),
        ])
    func repetitionsAreDolmas(step: String, settings: String, expected: String) throws {
        guard let data = Self.data else { return }
        let dolma = data + "/web/dolma-fixtures/tests/data/"
        let fixture = try ScrubFixture()
        try Folder.create(fixture.path("in"))
        try AtomicFile.write(fixture.path("in/000.jsonl.gz"), readFile(dolma + "provided/deduper/documents/000.json.gz"))
        try fixture.scrub("steps: [\(step)]\n\(step): {\(settings)}")
        let (found, texts) = try characterSpans(fixture)
        try Folder.create(fixture.path("expected"))
        try AtomicFile.write(fixture.path("expected/a.json.gz"), readFile(dolma + "expected/\(expected).json.gz"))
        for (id, spans) in try Self.expected(fixture) {
            let length = String(decoding: texts[id] ?? [], as: UTF8.self).unicodeScalars.count
            #expect(found[id, default: []] == spans.map { [$0[0], min($0[1], length)] }, "\(id)")
        }
    }

    /// What was cut, by document, in characters, and the texts.
    private func characterSpans(_ fixture: ScrubFixture) throws -> (spans: [String: [[Int]]], texts: [String: [UInt8]]) {
        var texts: [String: [UInt8]] = [:]
        try Document.forEach(in: fixture.path("in")) { texts[$0.id] = Array($0.text.utf8) }
        var found: [String: [[Int]]] = [:]
        for row in try fixture.rows("out/audit/00000.jsonl") where row["action"] == "change" {
            guard let id = row["id"]?.string, let text = texts[id] else { continue }
            func characters(_ byte: Int?) -> Int { String(decoding: text.prefix(byte ?? 0), as: UTF8.self).unicodeScalars.count }
            found[id] = row["spans"]?.array?.map { [characters($0["start"]?.int), characters($0["end"]?.int)] }
        }
        return (found, texts)
    }

    /// dolma's documents, and the rows of one of its files of attributes by document.
    private func dolma(_ fixture: ScrubFixture, attributes: String) throws -> [String: JSON] {
        guard let data = Self.data.map({ $0 + "/web/dolma-fixtures/tests/data/" }) else { return [:] }
        try Folder.create(fixture.path("in"))
        try AtomicFile.write(fixture.path("in/000.jsonl.gz"), readFile(data + "provided/documents/000.json.gz"))
        try Folder.create(fixture.path("expected"))
        try AtomicFile.write(fixture.path("expected/a.json.gz"), readFile(data + attributes))
        return try Self.attributes(fixture)
    }

    /// The mail addresses that dolma's spans name with a score of 0.8; what it gives 0.1 is a Twitter handle, which is none.
    @Test(.enabled(if: data != nil, "no shared/data beside the repository"))
    func mailAddressesAreDolmas() throws {
        let fixture = try ScrubFixture()
        let expected = try dolma(fixture, attributes: "provided/attributes/pii/000.json.gz")
        try fixture.scrub("steps: [personal_data]")
        var texts: [String: [UInt8]] = [:]
        try Document.forEach(in: fixture.path("in")) { texts[$0.id] = Array($0.text.utf8) }
        var found: [String: [String]] = [:]
        for row in try fixture.rows("out/audit/00000.jsonl") {
            let spans = row["spans"]?.array?.filter { $0["rule"] == "EMAIL_ADDRESS" } ?? []
            if let id = row["id"]?.string, !spans.isEmpty { found[id] = spans.compactMap { $0["text"]?.string } }
        }
        var addresses: [String: [String]] = [:]
        for (id, row) in expected {
            let characters = String(decoding: texts[id] ?? [], as: UTF8.self).unicodeScalars.map(Character.init)
            let spans = row["pii"]?["email"]?.array?.filter { ($0[2]?.double ?? 0) > 0.5 } ?? []
            let here = spans.map { String(characters[($0[0]?.int ?? 0)..<($0[1]?.int ?? 0)]) }.filter { $0.contains("@") }
            if !here.isEmpty { addresses[id] = here }
        }
        #expect(addresses.count == 3 && found == addresses)
    }

    /// Of documents with one address one stays. dolma keeps the first; here it is the longest, whatever the order.
    @Test(.enabled(if: data != nil, "no shared/data beside the repository"))
    func equalAddressesAreDolmas() throws {
        let fixture = try ScrubFixture()
        let expected = try dolma(fixture, attributes: "expected/dedupe-by-url.json.gz")
        try fixture.scrub("steps: [exact_duplicates]\nexact_duplicates: {by: url}")
        let gone = expected.filter { $0.value["bff_duplicate_url"] != nil }
        let dropped = try fixture.rows("out/audit/00000.jsonl").filter { $0["rule"] == "same_url" }
        let kept = try fixture.documents().count
        #expect(gone.count == 1 && dropped.count == gone.count && kept == expected.count - gone.count)
        let ids = Set(gone.keys).union(dropped.compactMap { $0["id"]?.string }).union(dropped.compactMap { $0["detail"]?.string })
        #expect(ids.count == 2)
    }

    /// The expected spans, unpacked by gather: every row there has an id, but no text, so the id is taken for one.
    private static func expected(_ fixture: ScrubFixture) throws -> [String: [[Int]]] {
        try attributes(fixture).mapValues { row in row["bff_duplicate_paragraph_spans"]?.array?.map { [$0[0]?.int ?? -1, $0[1]?.int ?? -1] } ?? [] }
    }

    private static func attributes(_ fixture: ScrubFixture) throws -> [String: JSON] {
        var options = Gather.Options()
        options.quiet = true
        options.textField = "id"
        options.minimumLetters = 0
        try Gather(options).run([fixture.path("expected/a.json.gz")], into: fixture.path("truth"))
        var rows: [String: JSON] = [:]
        try Document.forEach(in: fixture.path("truth")) { row in rows[row.text] = row.metadata["attributes"] }
        return rows
    }
}
