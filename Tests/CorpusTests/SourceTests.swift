import QuintetCorpus
import QuintetFiles
import Testing

/// A tar archive of regular files, or of members of another type.
func tar(_ members: [(name: String, content: String)], type: Character = "0") -> [UInt8] {
    func octal(_ value: Int, _ width: Int) -> [UInt8] {
        let digits = String(value, radix: 8)
        return Array((String(repeating: "0", count: width - 1 - digits.count) + digits).utf8) + [0]
    }
    var out: [UInt8] = []
    for (name, content) in members {
        let data = Array(content.utf8)
        var head = Array(name.utf8.prefix(100)) + [UInt8](repeating: 0, count: 100 - min(100, name.utf8.count))
        head += octal(0o644, 8) + octal(0, 8) + octal(0, 8) + octal(data.count, 12) + octal(1_500_000_000, 12) + [UInt8](repeating: 32, count: 8)
        head.append(type.asciiValue ?? 48)
        head += [UInt8](repeating: 0, count: 100) + Array("ustar\u{0}00".utf8)
        head += [UInt8](repeating: 0, count: 512 - head.count)
        let sum = head.reduce(0) { $0 + Int($1) }
        head.replaceSubrange(148..<156, with: octal(sum, 7) + [32])
        out += head + data + [UInt8](repeating: 0, count: (512 - data.count % 512) % 512)
    }
    return out + [UInt8](repeating: 0, count: 1024)
}

func warc(_ type: String, _ fields: [String], _ block: String, length: Int? = nil) -> String {
    let head = ["WARC/1.0", "WARC-Type: \(type)"] + fields + ["Content-Length: \(length ?? block.utf8.count)"]
    return head.joined(separator: "\r\n") + "\r\n\r\n" + block + "\r\n\r\n"
}

func response(_ url: String, _ body: String, _ headers: [String] = ["Content-Type: text/html; charset=utf-8"], status: String = "200 OK") -> String {
    warc(
        "response", ["WARC-Target-URI: \(url)", "WARC-Date: 2020-01-02T03:04:05Z", "Content-Type: application/http; msgtype=response"],
        "HTTP/1.1 \(status)\r\n" + headers.map { $0 + "\r\n" }.joined() + "\r\n" + body)
}

@Suite struct SourceTests {
    private func found(_ name: String, _ content: [UInt8], _ change: (inout Gather.Options) -> Void = { _ in }) throws -> (GatherReport, [Document], [JSON]) {
        try withFolder { folder in
            try Folder.create(folder + "/in")
            try AtomicFile.write(folder + "/in/" + name, content)
            try AtomicFile.write(folder + "/in/zz.txt", long)
            let report = try gather([folder + "/in/" + name, folder + "/in/zz.txt"], folder + "/out", change)
            #expect(report.documentsIn == report.documentsOut + report.documentsDropped)
            let html = try String(decoding: readFile(folder + "/out/report.html"), as: UTF8.self)
            #expect(html.contains("documents out") && !html.contains("<script>document"))
            let documents = try documents(folder + "/out").filter { $0.text != long }
            return (report, documents, try rows(folder + "/out/quarantine/00000.jsonl"))
        }
    }

    // MARK: Tables

    static let tables: [(String, String, [String], Int)] = [
        ("plain", "id,text\n1,hello there\n2,second row\n", ["hello there", "second row"], 0),
        ("quotes", "text,n\n\"a \"\"b\"\", c\",1\n\"two\nlines\",2\n", ["a \"b\", c", "two\nlines"], 0),
        ("returns", "text,n\rone text,1\rtwo text,2", ["one text", "two text"], 0),
        ("mixed ends", "text,n\r\none text,1\ntwo text,2\r", ["one text", "two text"], 0),
        ("ragged", "text,n\none text,1,3\ntwo text\nthree text,3\n", ["three text"], 2),
        ("quote within", "text,n\none\"text,1\n\"two\"x,2\nthree text,3\n", ["three text"], 2),
        ("open quote", "text,n\none text,1\n\"two text,2\nthree,3\n", ["one text"], 1),
        ("blank", "text,n\n\none text,1\n", ["one text"], 1),
        ("mark", "\u{feff}text,n\none text,1\n", ["one text"], 0),
        ("semicolons", "n;text\n1;one, text\n", ["one, text"], 0),
        ("unnamed", ",text\n0,one text\n", ["one text"], 0),
        ("formula", "text\n=cmd|' /C calc'!A0\n", ["=cmd|' /C calc'!A0"], 0),
    ]

    @Test(arguments: tables) func table(name: String, content: String, texts: [String], refused: Int) throws {
        let (report, documents, _) = try found("a.csv", Array(content.utf8))
        #expect(documents.map(\.text) == texts, "\(name)")
        #expect(report.documentsQuarantined == refused, "\(name)")
    }

    @Test func tablesThatCannotBeRead() throws {
        let wide = (0..<20_000).map { "c\($0)" }.joined(separator: ",")
        for content in ["", "\n", "a,a\n1,2\n", "a,b\n1,2\n", ",,\n", wide + "\n", "\"text"] {
            let (report, documents, aside) = try found("a.csv", Array(content.utf8))
            #expect(documents.isEmpty && report.documentsQuarantined == 1)
            #expect(aside.first?["line"]?.int == 1)
        }
    }

    @Test func otherColumnsBecomeMetadata() throws {
        let table = "source\tbody\tstars\nhere\tgood stuff\t5\nthere\the said \"hi\"\t4\nthere\t\"quoted\" text\t3\n"
        let (report, documents, _) = try found("a.tsv", Array(table.utf8)) { $0.textField = "body" }
        // Quotes in TSV are text.
        #expect(documents.map(\.text) == ["good stuff", "he said \"hi\"", "\"quoted\" text"] && report.documentsQuarantined == 0)
        #expect(documents.map(\.source) == ["here", "there", "there"])
        #expect(documents[0].metadata["stars"] == "5")
    }

    // MARK: JSON

    static let values: [(String, [String], Int)] = [
        ("[{\"text\":\"one text\"},{\"text\":\"two text\"}]", ["one text", "two text"], 0),
        (" [ \"one text\" ,\n\"two text\" ] \n", ["one text", "two text"], 0),
        ("{\"text\":\"one text\"}\n{\"text\":\n\"two text\"}", ["one text", "two text"], 0),
        ("[{\"text\":\"one [}\\\" text\"},{\"text\":1},nonsense,{\"text\":\"two text\"}]", ["one [}\" text", "two text"], 2),
        ("[{\"text\":\"one text\"}", ["one text"], 1),
        ("[{\"text\":\"one text\"}] x", ["one text"], 1),
        ("[" + String(repeating: "[", count: 100_000), [], 1),
        ("[{\"text\":\"one text\"},{\"text\":\"two te", ["one text"], 1), ("[{\"text\":\"one text\"},", ["one text"], 1),
        ("[]", [], 0), ("{\"text\":\"one text\"", [], 1),
    ]

    @Test(arguments: values) func json(content: String, texts: [String], refused: Int) throws {
        let (report, documents, _) = try found("a.json", Array(content.utf8))
        #expect(documents.map(\.text) == texts)
        #expect(report.documentsQuarantined == refused, "\(content.prefix(60))")
    }

    @Test func settingsInAFolderArePassedOver() throws {
        try withFolder { folder in
            try write(["in/package.json": "{\"name\":\"x\",\n\"version\":1}", "in/rows.csv": "a,b\n1,2\n", "in/a.txt": long], folder)
            let report = try gather([folder + "/in"], folder + "/out")
            #expect(report.documentsIn == 1 && report.passedOver == ["JSON without text": 1, "table without text": 1])
        }
    }

    @Test func returnsEndLinesOfJSON() throws {
        for end in ["\r", "\r\n", "\n"] {
            let (report, documents, _) = try found("a.jsonl", Array(["{\"text\":\"one\"}", "{\"text\":\"two\"}"].joined(separator: end).utf8))
            #expect(documents.map(\.text) == ["one", "two"] && report.documentsQuarantined == 0)
        }
    }

    // MARK: Encodings

    static let encodings: [(String, [UInt8], String)] = [
        ("utf-16le", [0xFF, 0xFE] + Array((long + " é").utf16).flatMap { [UInt8($0 & 255), UInt8($0 >> 8)] }, long + " é"),
        ("utf-16be", [0xFE, 0xFF] + Array((long + " 😀").utf16).flatMap { [UInt8($0 >> 8), UInt8($0 & 255)] }, long + " 😀"),
        ("utf-16le", Array((long + " bare").utf16).flatMap { [UInt8($0 & 255), UInt8($0 >> 8)] }, long + " bare"),
        ("windows-1252", Array(long.utf8) + [0x20, 0x93, 0xE9, 0x80, 0x94], long + " “é€”"),
        ("utf-8", Array((long + " e\u{301} \u{1}\u{7F}\u{85}x\u{2028}y").utf8), long + " é \nx\ny"),
        ("utf-8-sig", [0xEF, 0xBB, 0xBF] + Array((long + " é").utf8), long + " é"),
        ("utf-8", Array((long + " ééééééé").utf8) + [0xFF], long + " ééééééé\u{FFFD}"),
        ("utf-32be", [0, 0, 0xFE, 0xFF] + Array((long + " 32").unicodeScalars).flatMap { [0, UInt8($0.value >> 16), UInt8($0.value >> 8 & 255), UInt8($0.value & 255)] }, long + " 32"),
    ]

    @Test(arguments: encodings) func encoding(name: String, bytes: [UInt8], text: String) throws {
        let (report, documents, _) = try found("a.txt", bytes)
        #expect(documents.map(\.text) == [text])
        #expect(report.encodings[name, default: 0] >= 1)
    }

    @Test func encodingsOfRowsAreCounted() throws {
        let table = "id,text\n1,\(long) é\n"
        var wide: [UInt8] = [0xFF, 0xFE]
        for unit in table.replacing(",", with: "\t").utf16 { wide += [UInt8(unit & 255), UInt8(unit >> 8)] }
        let narrow: [UInt8] = Array(table.utf8.dropLast(3)) + [0xE9, 10]
        for (file, bytes, name) in [
            ("a.csv", Array(table.utf8), "utf-8"), ("a.csv", [0xEF, 0xBB, 0xBF] + Array(table.utf8), "utf-8-sig"), ("a.csv", narrow, "windows-1252"),
            ("a.tsv", wide, "utf-16le"), ("a.jsonl", [0xEF, 0xBB, 0xBF] + Array("{\"text\": \"\(long) é\"}\n".utf8), "utf-8-sig"),
        ] as [(String, [UInt8], String)] {
            let (report, documents, _) = try found(file, bytes)
            #expect(documents.map(\.text) == [long + " é"] && report.encodings[name, default: 0] >= 1, "\(file) \(name): \(report.encodings)")
        }
    }

    @Test func declaredEncodings() throws {
        let sentence = "Это предложение достаточно длинное, чтобы остаться там, где оно стоит, и его никто не выбросит."
        // windows-1251 has the letters А to я in a row from 0xC0.
        let bytes = sentence.unicodeScalars.map { $0.value >= 0x410 && $0.value < 0x450 ? UInt8($0.value - 0x410 + 0xC0) : UInt8($0.value) }
        let page = Array("<html><head><meta http-equiv=Content-Type content='text/html; charset=windows-1251'><title>t</title></head><body><p>".utf8) + bytes
        let (report, documents, _) = try found("a.html", page)
        #expect(documents.map(\.text) == [sentence] && report.encodings["windows-1251"] == 1)
        // Pages that declare what they are not.
        let mislabeled = Array("<html><head><meta charset=gb2312><title>t</title></head><body><p>".utf8) + Array(sentence.utf8)
        let (again, pages, _) = try found("a.html", mislabeled)
        #expect(pages.map(\.text) == [sentence] && again.encodings["utf-8", default: 0] >= 1 && again.encodings["gb2312"] == nil)
    }

    @Test func codeIsNotDamaged() throws {
        let code = "let a = \"e\u{301}\"\u{C}\n// \u{A0}two\tthree \u{2028}\r\nlet word = 1\n"
        let (_, documents, _) = try found("a.swift", Array(code.utf8))
        #expect(documents.map(\.text) == [code.replacing("\r\n", with: "\n")])
    }

    @Test func wideTablesAndLines() throws {
        func wide(_ text: String) -> [UInt8] { [0xFF, 0xFE] + Array(text.utf16).flatMap { [UInt8($0 & 255), UInt8($0 >> 8)] } }
        #expect(try found("a.csv", wide("text,n\nünd so,1\n")).1.map(\.text) == ["ünd so"])
        let rows = (0..<9000).map { "{\"text\":\"row \($0) 😀 é\"}" }.joined(separator: "\n")
        #expect(try found("a.jsonl", wide(rows)).1.map(\.text) == (0..<9000).map { "row \($0) 😀 é" })
    }

    // MARK: Archives

    @Test func tarMembers() throws {
        let name = String(repeating: "deep/", count: 18) + "c.jsonl"
        let archive = tar([("a/one.txt", long + " 1"), ("./b.swift", "let b = 2 // " + long), (name, "{\"text\":\"row in a tar\"}"), (".git/x.txt", long), ("x.png", "png")])
        let (report, documents, _) = try found("a.tar", archive)
        #expect(documents.map(\.text) == [long + " 1", "let b = 2 // " + long, "row in a tar"])
        #expect(documents[0].source.hasSuffix("/a.tar/a/one.txt") && documents[0].created == "2017-07-14T02:40:00Z")
        #expect(report.passedOver == ["hidden file in an archive": 1, "unknown kind of file": 1])
    }

    @Test(arguments: ["../x.txt", "/etc/x.txt", "a/../../x.txt"]) func tarSlip(name: String) throws {
        let (report, documents, aside) = try found("a.tar", tar([(name, long + " slip"), ("ok.txt", long + " fine")]))
        #expect(documents.map(\.text) == [long + " fine"])
        #expect(report.quarantined == ["a member's name leaves the archive": 1] && aside[0]["detail"]?.string == name)
    }

    @Test(arguments: [("1", "a link in an archive"), ("2", "a link in an archive"), ("3", "a device in an archive"), ("6", "a device in an archive")] as [(Character, String)])
    func tarLinks(type: Character, reason: String) throws {
        #expect(try found("a.tar", tar([("x.txt", "")], type: type)).0.quarantined == [reason: 1])
    }

    @Test func archivesNestOnlySoFar() throws {
        func nested(_ depth: Int) -> [UInt8] {
            var content = tar([("x.txt", long + " inside")])
            for level in 0..<depth {
                var outer = tar([("\(level).tar", String(repeating: "x", count: content.count))])
                outer.replaceSubrange(512..<512 + content.count, with: content)
                content = outer
            }
            return content
        }
        #expect(try found("a.tar", nested(2)).1.map(\.text) == [long + " inside"])
        #expect(try found("a.tar", nested(6)).0.quarantined == ["archives within archives within archives": 1])
    }

    // MARK: Web archives

    static let page = "<html lang=en><head><title>A title</title></head><body><nav><a href=x>Menu</a></nav><p>\(long) \(long)</p></body></html>"

    @Test func warcRecords() throws {
        let records = [
            warc("warcinfo", [], "software: x"), response("http://a.b/1", Self.page), response("http://a.b/2", "gone", status: "404 Not Found"),
            response("http://a.b/3", "png", ["Content-Type: image/png"]),
            response("http://a.b/4", "8\r\nThis is \r\n27\r\na text in chunks, which is long enough \r\n0\r\n\r\n", ["Content-Type: text/plain", "Transfer-Encoding: chunked"]),
            response("http://a.b/5", "This one says that it is chunked, and is not.", ["Content-Type: text/plain", "Transfer-Encoding: chunked"]),
            warc("conversion", ["WARC-Target-URI: <http://a.b/6>", "Content-Type: text/plain", "WARC-Identified-Content-Language: eng"], "Plain text from a WET file."),
        ]
        let (report, documents, _) = try found("a.warc", Array(records.joined().utf8))
        #expect(documents.map(\.source) == ["http://a.b/1", "http://a.b/4", "http://a.b/5", "http://a.b/6"])
        #expect(documents[0].text == long + " " + long && documents[0].metadata["title"] == "A title" && documents[0].metadata["language"] == "en")
        #expect(documents[0].created == "2020-01-02T03:04:05Z" && documents[0].metadata["content_type"] == "text/html")
        #expect(documents[1].text == "This is a text in chunks, which is long enough ")
        #expect(documents[3].metadata["content_language"] == "eng")
        #expect(report.documentsQuarantined == 0 && report.passedOver == ["WARC record warcinfo": 1, "HTTP status 4xx": 1, "content type image": 1])
    }

    @Test func badRecordsAreSkippedWithTheirPlace() throws {
        let good = response("http://a.b/1", Self.page)
        let last = response("http://a.b/2", Self.page.replacing("sentence", with: "phrase"))
        let bad = [
            "nonsense that is no record\r\n\r\n", warc("response", [], "x", length: -5), "WARC/1.0\r\nWARC-Type: response\r\n\r\nno length\r\n\r\n",
            warc("response", ["Content-Type: application/http"], "not HTTP at all"), warc("response", [], "a block that is longer than it says", length: 4),
            // Lengths that reach into the next record or beyond the end, of records that are read, passed over and too large.
            warc("response", [], "short", length: 50), warc("response", [], "short", length: 1_000_000), warc("request", [], "short", length: 300),
            warc("request", [], "short", length: 1_000_000), warc("metadata", [], "", length: Int.max), warc("resource", [], "short", length: 100 << 20),
        ]
        for record in bad {
            let (report, documents, aside) = try found("a.warc", Array((good + record + last).utf8))
            #expect(documents.map(\.source) == ["http://a.b/1", "http://a.b/2"])
            #expect(report.documentsQuarantined == 1 && aside[0]["offset"]?.int == good.utf8.count)
        }
        // Many lies in a row cost a few readings of the file, not one for each.
        let lies = String(repeating: warc("response", [], "x", length: 60_000_000), count: 3000)
        let (lying, found3000, _) = try found("a.warc", Array((lies + last).utf8))
        #expect(found3000.map(\.source) == ["http://a.b/2"] && lying.documentsQuarantined == 3000)
        let (report, documents, _) = try found("a.warc", Array((good + last).utf8.dropLast(40)))
        #expect(documents.count == 1 && report.quarantined == ["the record ends too early": 1])
    }

    @Test(.enabled(if: ScrubReferenceTests.data != nil, "no shared/data beside the repository")) func realArchives() throws {
        guard let folder = ScrubReferenceTests.data.map({ $0 + "/web" }) else { return }
        try withFolder { out in
            var counts: [String: [Int]] = [:]
            for name in ["warc-warcio/test/data/example.warc", "warc-warcio/test/data/example.warc.gz", "warc-whirlwind/whirlwind.warc.wet.gz", "warc-whirlwind/whirlwind.warc.gz", "warc-iipc/IAH-urls-wget.warc", "warc-warcio/test/data/example.arc.gz"] {
                let report = try gather([folder + "/" + name], out + "/\(counts.count)") { $0.minimumLetters = 1 }
                counts[name] = [report.documentsOut, report.documentsQuarantined]
            }
            #expect(counts["warc-warcio/test/data/example.warc"] == [1, 0])
            #expect(counts["warc-warcio/test/data/example.warc"] == counts["warc-warcio/test/data/example.warc.gz"])
            #expect(counts["warc-whirlwind/whirlwind.warc.wet.gz"] == [1, 0])
            #expect(counts["warc-whirlwind/whirlwind.warc.gz"] == [1, 0])
            #expect(counts["warc-warcio/test/data/example.arc.gz"] == [1, 0])
            // warcio's odd files: its own reader finds the same records, where it does not give the file up.
            let odd: [(String, documents: Int, refused: Int, passed: [String: Int])] = [
                ("example-bad-non-chunked.warc.gz", 1, 0, ["WARC record request": 2, "WARC record revisit": 1, "WARC record warcinfo": 2]),
                ("example-iana.org-chunked.warc", 1, 0, ["WARC record request": 1, "WARC record warcinfo": 1]),
                ("example-resource.warc.gz", 1, 0, ["WARC record warcinfo": 2]),
                ("example-wget-bad-target-uri.warc.gz", 3, 0, ["WARC record metadata": 1, "WARC record request": 1, "WARC record warcinfo": 1]),
                ("example-wrong-chunks.warc.gz", 1, 0, ["WARC record request": 1]),
                ("example-digest.warc", 0, 0, ["WARC record request": 4]),
                ("example-space-in-target-uri.warc.gz", 0, 0, ["WARC record warcinfo": 1, "content type image": 1]),
                ("post-test.warc.gz", 0, 0, ["WARC record request": 3, "content type application": 3]),
                ("example-trunc.warc", 0, 1, ["WARC record request": 1, "WARC record warcinfo": 2]),
                ("example-space-in-url.arc", 0, 1, ["ARC version block": 1]), ("bad.arc", 0, 5, [:]),
            ]
            for (name, documents, refused, passed) in odd {
                let path = out + "/" + name
                _ = try? gather([folder + "/warc-warcio/test/data/" + name], path) { $0.minimumLetters = 1 }
                let report = try JSON.read(path + "/report.json")
                #expect(report["documents_out"]?.int == documents, "\(name)")
                #expect((report["quarantined"]?.object ?? [:]).reduce(0) { $0 + ($1.value.int ?? 0) } == refused, "\(name)")
                #expect(report["passed_over"]?.object?.reduce(into: [:]) { $0[$1.key] = $1.value.int } == passed, "\(name)")
            }
        }
    }

    // MARK: Others

    @Test func parquetSaysHowToConvert() throws {
        let (report, _, aside) = try found("a.parquet", Array("PAR1....PAR1".utf8))
        #expect(report.quarantined == ["Parquet is not supported yet": 1])
        #expect(aside[0]["hint"]?.string?.contains("duckdb") == true)
    }

    @Test func scriptsAreKnownByTheirFirstLine() throws {
        try withFolder { folder in
            try write(["in/tool": "#!/usr/bin/env -S python3 -u\nprint('\(long)')\n", "in/LICENSE": long], folder)
            let report = try gather([folder + "/in"], folder + "/out")
            #expect(report.languages == ["python": 1] && report.skipped == ["unknown kind of file": 1])
        }
    }

    @Test func hiddenTextIsFlagged() throws {
        let (report, documents, _) = try found("a.md", Array((long + " pass\u{200B}word <!-- ignore all of this --> a\u{202E}b").utf8))
        #expect(report.flagged == ["direction override": 1, "hidden comment": 1, "zero width": 1] && documents.count == 1)
        let page = Self.page.replacing("<nav>", with: "<!-- x --><div style='display:none'>words that nobody is shown</div><nav>")
        #expect(try found("a.html", Array(page.utf8)).0.flagged == ["comments in HTML": 1, "hidden elements in HTML": 1])
    }

    @Test func contentTellsWhatANameDoesNot() throws {
        #expect(try found("a.dat", Array(response("http://a.b/1", Self.page).utf8)).1.map(\.source) == ["http://a.b/1"])
        #expect(try found("b.dat", Array(Self.page.utf8)).1.map { $0.metadata["format"] } == ["html"])
        #expect(try found("c.dat", Array("[{\"text\":\"one text\"}]".utf8)).1.map(\.text) == ["one text"])
    }

    @Test func compressedDocumentsAreReadAgain() throws {
        try withFolder { folder in
            try write(["in/a.txt": long, "in/b.txt": long + " b"], folder)
            _ = try gather([folder + "/in"], folder + "/packed") { $0.compression = .zstd }
            #expect(try Folder.names(in: folder + "/packed/documents") == ["00000.jsonl.zst"])
            _ = try gather([folder + "/packed"], folder + "/plain")
            #expect(try documents(folder + "/packed") == documents(folder + "/plain"))
        }
    }

    /// What README files are made of passes the rules that were made for web pages by.
    @Test func markdownHasItsOwnRoute() throws {
        try withFolder { folder in
            let readme = "# Tool\n\n* a\n* b\n* c\n\n```\nlet x = { 1 }\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n| 1 | 2 |\n\nThis tool reads the text and writes it to the files that you have named.\n"
            try write(["in/README.md": readme, "in/page.txt": readme + "x"], folder)
            _ = try gather([folder + "/in"], folder + "/out") { $0.compression = .zstd }
            var options = Scrub.Options()
            options.quiet = true
            options.config = try ScrubConfig(yaml: "language: {min_score: 0.1}")
            for target in ["/clean", "/again"] {
                guard case .finished = try Scrub(options).run(folder + (target == "/clean" ? "/out" : "/clean"), into: folder + target) else { return }
                #expect(try documents(folder + target).map(\.text) == [readme])
            }
        }
    }
}
