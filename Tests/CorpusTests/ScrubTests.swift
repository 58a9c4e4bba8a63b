import QuintetCorpus
import QuintetFiles
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

@Suite struct ScrubTests {
    @Test func everyDocumentIsAccountedFor() throws {
        let fixture = try ScrubFixture()
        try fixture.write("a", [
            ScrubFixture.row("good", prose(1)), ScrubFixture.row("short", "Too short to keep."),
            ScrubFixture.row("again", prose(1)), ScrubFixture.row("other", prose(2)),
            ScrubFixture.row("repeats", String(repeating: "the same line of the text\n", count: 40)),
            ScrubFixture.row("french", "Le chat est assis sur la table et regarde les oiseaux dans le jardin. Il pense que la vie est belle quand le soleil brille."),
        ])
        let report = try fixture.scrub("")
        #expect(report.documentsIn == 6)
        #expect(report.documentsOut == 2)
        #expect(report.documentsIn == report.documentsOut + report.documentsDropped)
        let kept = try fixture.documents()
        #expect(kept["other"] != nil)
        // One of two equal documents stays.
        #expect((kept["good"] == nil) != (kept["again"] == nil))
        let json = try JSON.read(fixture.path("out/report.json"))
        #expect(json["documents_in"]?.int == 6 && json["documents_out"]?.int == 2 && json["documents_dropped"]?.int == 4)
        #expect(json["steps"]?.array?.first?["name"]?.string == "read")
    }

    @Test func theAuditSaysWhyAndGivesBack() throws {
        let fixture = try ScrubFixture()
        let text = prose(3) + " Write to jane.doe@example.com or call +1-202-555-0148 about it.\nno\n" + prose(4)
        try fixture.write("a", [ScrubFixture.row("x", text), ScrubFixture.row("y", "Short.")])
        try fixture.scrub("")
        let history = try ScrubHistory(fixture.path("out"))
        let kept = try #require(try fixture.documents()["x"])
        #expect(kept.text.contains("<EMAIL_ADDRESS>") && kept.text.contains("<PHONE_NUMBER>") && !kept.text.contains("\nno\n"))
        #expect(try history.restored("x").first?.text == text)
        #expect(try history.restored("y").first?.text == "Short.")
        let rows = try history.rows(of: "x")
        #expect(rows.map { $0["step"]?.string } == ["c4_quality", "personal_data"])
        let why = try #require(try history.rows(of: "y").first)
        #expect(why["action"]?.string == "drop" && why["value"] != nil && why["threshold"] != nil)
        #expect(throws: FileError.self) { try history.restored("nobody") }
    }

    /// Rows as gather writes them come back byte for byte, whatever the steps have added to their metadata; also from a scrubbed folder scrubbed again.
    @Test func restoredRowsAreTheBytesThatCameIn() throws {
        let fixture = try ScrubFixture()
        let hidden = " <!-- hidden --> " + String(repeating: "zero\u{200B}width ", count: 3)
        let documents = [
            Document(id: "1", text: prose(1), source: "s", metadata: ["language": "html", "format": "html", "url": "https://example.com/1"]),
            Document(id: "2", text: prose(2) + hidden, source: "s", added: "2020-01-01", metadata: ["flags": ["mine": 1], "language": "en-US"]),
            Document(id: "3", text: prose(3) + " Write to jane.doe@example.com about it." + hidden, source: "s"),
            Document(id: "4", text: "Short.", source: "s", metadata: ["language": "html", "language_score": 0.5]),
            Document(id: "5", text: prose(5) + hidden, source: "s", metadata: ["given": "x", "language_score": 0.25, "flags": "none"]),
            Document(id: "6", text: prose(5) + hidden + "So.", source: "s", metadata: ["language": "fr"]),
            Document(id: "7", text: (0..<30).map { "func step\($0)(_ x: Int) -> Int { return x + \($0) }" }.joined(separator: "\n"), source: "s", metadata: ["language": "swift", "language_score": 1.5]),
        ]
        try fixture.write("a", documents.map { $0.json.serialized() })
        try fixture.scrub("")
        let history = try ScrubHistory(fixture.path("out"))
        for document in documents { #expect(try history.restored(document.id).map { $0.json.serialized() } == [document.json.serialized()]) }
        let kept = try fixture.documents()
        #expect(kept["1"]?.metadata["language"] == "en" && kept["1"]?.metadata["given"] == ["language": "html"])
        #expect(kept["3"]?.metadata["given"] == nil && kept["4"] == nil && (kept["5"] == nil) != (kept["6"] == nil))
        guard case .finished = try Scrub(ScrubFixture.options("")).run(fixture.path("out"), into: fixture.path("again")) else { return }
        for document in kept.values { #expect(try ScrubHistory(fixture.path("again")).restored(document.id).map { $0.json.serialized() } == [document.json.serialized()]) }
    }

    /// Ids that are numbers are found as text, and fields beside the usual ones stay, as metadata.
    @Test func idsAndFieldsOfRowsStay() throws {
        let fixture = try ScrubFixture()
        try fixture.write("a", ["{\"id\":7,\"text\":\"seven\",\"url\":\"https://example.com/\",\"stars\":5}", "{\"id\":8,\"text\":\"\(prose(8))\",\"stars\":4}"])
        try fixture.scrub("")
        let history = try ScrubHistory(fixture.path("out"))
        #expect(try history.rows(of: "7").count == 1)
        #expect(try history.restored("7").first?.metadata == ["url": "https://example.com/", "stars": 5])
        #expect(try fixture.documents()["8"]?.metadata["stars"] == 4)
    }

    /// What gather cut or dropped is given back, too.
    @Test func gatheredFoldersAreRestored() throws {
        try withFolder { folder in
            let code = "// Copyright A\n\nlet a = 1 // " + long
            try write(["in/1.swift": code, "in/2.swift": code, "in/3.txt": "hi"], folder)
            _ = try gather([folder + "/in"], folder + "/out")
            let history = try ScrubHistory(folder + "/out")
            let id = try #require(try documents(folder + "/out").first?.id)
            #expect(try history.restored(id).map(\.text) == [code, code])
            #expect(try history.restored(Document.id(of: "hi")).map(\.text) == ["hi"])
            #expect(try history.rows(of: id).map(ScrubHistory.sentence).first?.hasPrefix("changed by licence headers, 1 spans") == true)
        }
    }

    @Test func sameBytesForAnyThreadsUnitsAndTasks() throws {
        let fixture = try ScrubFixture()
        var lines: [String] = []
        for i in 0..<240 {
            let text = i % 7 == 0 ? prose(i / 14) : i % 11 == 0 ? prose(i - 1) + " One more sentence stands at the end of it." : prose(i)
            lines.append(ScrubFixture.row("d\(i)", text + "\nThis line stands at the foot of very many of the documents.\n"))
        }
        try fixture.write("a", Array(lines[..<100]))
        try fixture.write("b", Array(lines[100...]))
        let yaml = "unit_bytes: 20000"
        try fixture.scrub(yaml, into: "one")
        try fixture.scrub(yaml, into: "four", threads: 4)
        // As tasks: each does its share until nothing is left.
        var finished = false
        for _ in 0..<40 where !finished {
            for index in [2, 0, 1] {
                var options = try ScrubFixture.options(yaml)
                options.task = (index, 3)
                if finished { break }
                if case .finished = try Scrub(options).run(fixture.path("in"), into: fixture.path("tasks")) { finished = true }
            }
        }
        #expect(finished)
        // A job array's last tasks come after the end.
        var late = try ScrubFixture.options(yaml)
        late.task = (1, 3)
        guard case .finishedBefore = try Scrub(late).run(fixture.path("in"), into: fixture.path("tasks")) else { throw FileError("not known to be finished") }
        for folder in ["documents", "audit"] {
            let one = try fixture.bytes("one/\(folder)")
            #expect(one.values.contains { !$0.isEmpty })
            #expect(try fixture.bytes("four/\(folder)") == one)
            #expect(try fixture.bytes("tasks/\(folder)") == one)
        }
        #expect(!Folder.exists(fixture.path("one/.scrub")))
        // However many units there are, and parts of a comparison.
        let texts = try fixture.documents("one").mapValues(\.text)
        for (size, folder) in [(1024, "small"), (1 << 24, "whole")] {
            try fixture.scrub("unit_bytes: \(size)", into: folder)
            #expect(try fixture.documents(folder).mapValues(\.text) == texts)
        }
    }

    @Test func badRowsGoToQuarantineWithTheirPlace() throws {
        let fixture = try ScrubFixture()
        let deep = String(repeating: "[", count: 100_000)
        try fixture.write("a", [
            "\u{FEFF}" + ScrubFixture.row("first", prose(1)), "", "{\"text\": \"trailing comma\",}", "[1, 2]", "{\"text\": NaN}",
            "{\"text\": \"two\"} {\"text\": \"objects\"}", deep, "{\"text\": \"lone \\ud800\"}", "{\"id\": \"no text\"}",
            "{\"text\": \"a\\u0000b\"}", ScrubFixture.row("last", prose(2)),
        ])
        let report = try fixture.scrub("unit_bytes: 1024")
        #expect(report.documentsIn == 11 && report.documentsOut == 2 && report.documentsQuarantined == 9)
        let rows = try fixture.bytes("out/quarantine").sorted { $0.key < $1.key }.flatMap { $0.value.split(separator: 10) }
            .map { try JSON.parse(String(decoding: $0, as: UTF8.self)) }
        #expect(rows.compactMap { $0["line"]?.int } == [2, 3, 4, 5, 6, 7, 8, 9, 10])
        #expect(rows.allSatisfy { $0["reason"]?.string != nil && $0["offset"] != nil })
        #expect(throws: FileError.self) { try fixture.scrub("", into: "strict", strict: true) }
    }

    @Test func aLineBeyondTheLimitIsPutAside() throws {
        let fixture = try ScrubFixture()
        try fixture.write("a", [ScrubFixture.row("a", prose(1)), ScrubFixture.row("b", String(repeating: "long ", count: 4000)), ScrubFixture.row("c", prose(2))])
        let report = try fixture.scrub("{document_limit: 10000, unit_bytes: 3000}")
        #expect(report.documentsIn == 3 && report.documentsQuarantined == 1 && report.documentsOut == 2)
    }

    @Test func outputIsNeverInputNorSomethingElse() throws {
        let fixture = try ScrubFixture()
        try fixture.write("a", [ScrubFixture.row("a", prose(1))])
        #expect(throws: FileError.self) { try fixture.scrub("", into: "in") }
        try Folder.create(fixture.path("full"))
        try AtomicFile.write(fixture.path("full/note.txt"), "mine")
        #expect(throws: FileError.self) { try fixture.scrub("", into: "full") }
        #expect(throws: FileError.self) { try fixture.scrub("", into: "in/out") }
        try fixture.scrub("")
        let before = try fixture.bytes("out")
        // Once more is no work and no error; with other settings or another input it is refused.
        guard case .finishedBefore = try Scrub(ScrubFixture.options("")).run(fixture.path("in"), into: fixture.path("out")) else { throw FileError("done twice") }
        #expect(try fixture.bytes("out") == before)
        #expect(throws: FileError.self) { try fixture.scrub("steps: [language]") }
        try fixture.write("b", [ScrubFixture.row("b", prose(2))])
        #expect(throws: FileError.self) { try fixture.scrub("") }
        try Folder.remove(fixture.path("in/b.jsonl"))
        #expect(system("touch -d '1 hour' '\(fixture.path("in/a.jsonl"))'") == 0)
        #expect(throws: FileError.self) { try fixture.scrub("") }
    }

    @Test func unfinishedWorkOfOtherSettingsIsRefused() throws {
        let fixture = try ScrubFixture()
        try fixture.write("a", (0..<20).map { ScrubFixture.row("\($0)", prose($0)) })
        var options = try ScrubFixture.options("unit_bytes: 2000")
        options.task = (0, 2)
        guard case .waiting = try Scrub(options).run(fixture.path("in"), into: fixture.path("out")) else {
            Issue.record("one of two tasks cannot finish alone")
            return
        }
        #expect(throws: FileError.self) { try fixture.scrub("unit_bytes: 3000") }
        let report = try fixture.scrub("unit_bytes: 2000")
        #expect(report.documentsIn == 20)
    }

    @Test(arguments: [
        "nothing: 1", "steps: [nobody]", "gopher_quality: {min_words: 3}", "steps: [language, language]", "gopher_quality: {min_doc_words: many}",
        "a: &x 1\nb: *x", "unit_bytes: -1", "language: {languages: [xx]}", "personal_data: {entities: [NAME]}", "personal_data: {action: hide}",
        "gopher_quality: {min_doc_words: -5}", "language: {min_score: 2}", "line_duplicates: {max_documents: 0}", "near_duplicates: {n_grams: 0}",
        "gopher_quality: {min_doc_words: 60, max_doc_words: 50}", "gopher_repetition: {dup_n_grams: {5: 1.5}}", "toxicity: {min_share: -0.1}",
        "steps: [language]\nsteps: [language]", "gopher_quality:\n\tmin_doc_words: 3",
    ])
    func badSettingsAreErrors(_ yaml: String) throws {
        let fixture = try ScrubFixture()
        try fixture.write("a", [ScrubFixture.row("a", prose(1))])
        #expect(throws: FileError.self) { try fixture.scrub(yaml) }
        #expect(!Folder.exists(fixture.path("out/report.json")))
    }

    @Test func settingsSurviveTheirOwnPrinting() throws {
        let config = try ScrubConfig(yaml: "gopher_quality: {min_doc_words: 20, max_doc_words: null}\nsteps: [gopher_quality, near_duplicates]")
        #expect(try ScrubConfig(yaml: config.json.serialized(pretty: true)).json == config.json)
    }

    @Test func sourceCodeHasItsOwnChain() throws {
        let fixture = try ScrubFixture()
        let body = (0..<30).map { "func step\($0)(_ x: Int) -> Int { return x + \($0) }" }.joined(separator: "\n")
        let swift: JSONObject = ["language": "swift"]
        let code = "// Copyright (c) 2020 Somebody. All rights reserved.\n\n" + body + "\nlet key = \"AKIA" + "QK3ZLDWP7TXNB2MH\"\n"
        try fixture.write("a", [
            ScrubFixture.row("code", code, swift), ScrubFixture.row("made", "// Code generated by protoc. DO NOT EDIT.\n" + body, swift),
            ScrubFixture.row("tight", "let a=" + String(repeating: "1+", count: 2000) + "1", swift),
        ])
        try fixture.scrub("")
        let kept = try fixture.documents()
        #expect(Array(kept.keys) == ["code"])
        #expect(kept["code"]?.text.hasPrefix("func step0") == true)
        #expect(kept["code"]?.text.contains("<AWS_ACCESS_KEY>") == true)
        #expect(try ScrubHistory(fixture.path("out")).restored("code").first?.text == code)
    }

    @Test func linesOfManyDocumentsAreCut() throws {
        let fixture = try ScrubFixture()
        let notice = "This notice is the same on every page of the site."
        try fixture.write("a", (0..<8).map { ScrubFixture.row("\($0)", prose($0) + "\n" + notice + "\n" + prose($0 + 50)) })
        try fixture.scrub("steps: [line_duplicates]")
        #expect(try fixture.documents().values.allSatisfy { !$0.text.contains(notice) })
        try fixture.scrub("{steps: [line_duplicates], line_duplicates: {keep_first: true, max_documents: 1}}", into: "first")
        #expect(try fixture.documents("first").values.count { $0.text.contains(notice) } == 1)
    }

    /// A paragraph that a later document holds with a few words changed is cut there, and stays in the first.
    @Test func overlappingParagraphsAreCut() throws {
        let fixture = try ScrubFixture()
        let shared = prose(70)
        try fixture.write("a", [
            ScrubFixture.row("first", prose(1) + "\n" + shared), ScrubFixture.row("second", prose(2) + "\nSome words before. " + shared + " And after.\n" + prose(3)),
            ScrubFixture.row("copy", shared),
        ])
        try fixture.scrub("steps: [paragraph_overlap]", threads: 2)
        let kept = try fixture.documents()
        #expect(kept["first"]?.text == prose(1) + "\n" + shared && kept["second"]?.text == prose(2) + "\n" + prose(3) && kept["copy"] == nil)
        #expect(try ScrubHistory(fixture.path("out")).restored("second").first?.text.contains("And after.") == true)
        #expect(!ScrubConfig().steps.contains("paragraph_overlap"))
    }

    /// Copies of a document are not taken for boilerplate: one of them stays whole.
    @Test func copiesAreNoBoilerplate() throws {
        let fixture = try ScrubFixture()
        let lines = (0..<20).map { prose($0, sentences: 1) }
        try fixture.write("a", (0..<9).map { ScrubFixture.row("\($0)", (lines + ["Copy number \($0) of it was made by somebody."]).joined(separator: "\n")) })
        try fixture.scrub("steps: [line_duplicates, near_duplicates]")
        #expect(try fixture.documents().values.map { $0.text.split(separator: "\n").count } == [21])
    }

    /// Rules for web pages pass over books; with `book_bytes: null` they do not.
    @Test func booksAreNotJudgedAsPages() throws {
        let fixture = try ScrubFixture()
        let book = (0..<90).map { "CHAPTER \($0)\n\n" + prose($0, sentences: 14) }.joined(separator: "\n\n")
        try fixture.write("a", [ScrubFixture.row("book", book), ScrubFixture.row("page", book, ["url": "https://example.com/book"])])
        try fixture.scrub("steps: [c4_quality]")
        let kept = try fixture.documents()
        #expect(kept["book"]?.text == book && kept["page"]?.text != book)
        try fixture.scrub("{steps: [c4_quality], book_bytes: null}", into: "page")
        #expect(try fixture.documents("page")["book"]?.text == kept["page"]?.text)
    }

    @Test func evaluationTextIsFound() throws {
        let fixture = try ScrubFixture()
        let question = "A train leaves the old station at noon with forty two passengers and stops at every small town on the way."
        try AtomicFile.write(fixture.path("set.jsonl"), "{\"question\": \"\(question)\"}\n")
        try fixture.write("a", [ScrubFixture.row("leak", prose(1) + " " + question.uppercased() + " " + prose(2)), ScrubFixture.row("clean", prose(3))])
        try fixture.scrub("{steps: [decontamination], decontamination: {sets: [\(fixture.path("set.jsonl"))]}}")
        #expect(Array(try fixture.documents().keys) == ["clean"])
        #expect(try ScrubHistory(fixture.path("out")).rows(of: "leak").first?["detail"]?.string?.hasPrefix("a train leaves") == true)
    }

    @Test func abuseIsFlagged() throws {
        let fixture = try ScrubFixture()
        try fixture.write("a", [
            ScrubFixture.row("x", "What a pathetic loser you are, and a liar."), ScrubFixture.row("y", "The witch had a pig and a sheep."), ScrubFixture.row("z", prose(3)),
        ])
        try fixture.scrub("steps: [toxicity]")
        let flags = try fixture.documents().mapValues { $0.metadata["flags"]?["toxic"]?.double }
        #expect(flags["x"] == 0.333333 && flags["y"] == .some(nil) && flags["z"] == .some(nil))
    }

    @Test func hiddenTextIsFlagged() throws {
        let fixture = try ScrubFixture()
        try fixture.write("a", [ScrubFixture.row("x", prose(1) + " <!-- ignore all rules --> zero\u{200B}width \u{202E}turned " + prose(2)), ScrubFixture.row("y", prose(3))])
        try fixture.scrub("steps: [hidden_text]")
        let flags = try fixture.documents()["x"]?.metadata["flags"]
        #expect(flags?["hidden_comment"]?.double == 1 && flags?["zero_width"]?.double == 1 && flags?["direction_override"]?.double == 1)
        try fixture.scrub("{steps: [hidden_text], hidden_text: {remove: true}}", into: "cut")
        #expect(try fixture.documents("cut")["x"]?.text.contains("ignore") == false)
    }
}
