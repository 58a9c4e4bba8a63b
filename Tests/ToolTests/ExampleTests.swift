import Foundation
import Testing

/// The examples that people copy are compiled with the package and run here.
@Suite struct ExampleTests {
    @Test func theReadmeShowsTheExampleThatRuns() throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        let source = try Program.text(root.appendingPathComponent("Examples/WriteStory/main.swift").path)
        let readme = try Program.text(root.appendingPathComponent("README.md").path)
        let body = source.split(separator: "\n", omittingEmptySubsequences: false).dropFirst().joined(separator: "\n")
        #expect(readme.contains(body.trimmingCharacters(in: .newlines)), "README.md and Examples/WriteStory/main.swift differ")
    }

    @Test func theExampleWrites() throws {
        let corpus = try TinyCorpus.shared.get()
        let folder = try Program.scratch("example")
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let trained = try LifeTests.run(corpus.pretrain(into: folder + "/run", steps: 3, saveEvery: 3))
        #expect(trained.status == 0, "\(trained.errors)")
        let result = try Program.run(folder + "/run", program: "WriteStory")
        #expect(result.status == 0, "\(result.errors)")
        #expect(result.output.contains("tokens, "))
    }
}
