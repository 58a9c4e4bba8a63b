import QuintetFiles
import QuintetTraining
import Testing

@Suite struct DemoTests {
    static let tests = Folder.parent(of: Folder.parent(of: #filePath))

    @Test func makesAModelAndAReportFromAFolder() throws {
        try withScratch { scratch in
            var demo = Demo(source: Self.tests, minutes: 0.001, folder: Folder.join(scratch, "demo"))
            demo.quiet = true
            let summary = try demo.run()
            // Twenty steps at least, and more where the machine makes them in the time.
            #expect(summary.outcome.end == .finished && summary.outcome.step >= 20)
            #expect(summary.comparison?.bars.count == 3 && !summary.completions.isEmpty)
            for name in ["config.json", "model.safetensors", "tokenizer.json", "report.html", "metrics.jsonl", "run.yaml"] {
                #expect(Folder.isFile(Folder.join(summary.run, name)), "\(name)")
            }
            let page = String(decoding: try readFile(summary.report), as: UTF8.self)
            #expect(page.contains("gzip -9") && page.contains("chart-loss") && page.contains("finished"))
            // The same folder again: refused, nothing changed.
            #expect(thrown(FileError.self) { _ = try demo.run() } != nil)
        }
    }

    @Test func nothingToLearnFromIsAnError() throws {
        try withScratch { scratch in
            let text = Folder.join(scratch, "text")
            try Folder.create(text)
            try AtomicFile.write(Folder.join(text, "a.txt"), "one short line of text, nothing else\n")
            var demo = Demo(source: text, minutes: 0.001, folder: Folder.join(scratch, "demo"))
            demo.quiet = true
            let error = thrown(FileError.self) { _ = try demo.run() }
            #expect("\(error.map { "\($0)" } ?? "")".contains("too little text"))
            demo.source = Folder.join(scratch, "missing")
            demo.folder = Folder.join(scratch, "other")
            #expect(thrown(FileError.self) { _ = try demo.run() } != nil)
        }
    }
}
