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
}
