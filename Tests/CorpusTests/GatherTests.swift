import QuintetCorpus
import QuintetFiles
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Writes `files` under `folder`.
func write(_ files: [String: String], _ folder: String) throws {
    for (name, content) in files {
        let path = folder + "/" + name
        try Folder.create(Folder.parent(of: path))
        try AtomicFile.write(path, content)
    }
}

func gather(_ sources: [String], _ output: String, _ change: (inout Gather.Options) -> Void = { _ in }) throws -> GatherReport {
    var options = Gather.Options()
    options.quiet = true
    change(&options)
    return try Gather(options).run(sources, into: output)
}

func documents(_ path: String) throws -> [Document] {
    var all: [Document] = []
    try Document.forEach(in: path) { all.append($0) }
    return all
}

func rows(_ path: String) throws -> [JSON] {
    try String(decoding: readFile(path), as: UTF8.self).split(separator: "\n").map { try JSON.parse(String($0)) }
}

let long = "This sentence is long enough to stay where it is."

@Suite struct GatherTests {
    @Test func readsWhatIsTextAndPassesTheRest() throws {
        try withFolder { folder in
            try write(
                [
                    "a.txt": long, "b.md": "# Title\n" + long, "c/d.swift": "let word = 1 // " + long, "e.png": "\u{89}PNG",
                    ".git/x.txt": "hidden " + long, ".build/y.swift": "built " + long, "node_modules/z.js": "vendored " + long,
                    "rows.jsonl": "{\"text\":\"row one\"}\n{\"text\":\"row two\",\"source\":\"web\",\"metadata\":{\"k\":1}}\n",
                ], folder + "/in")
            let report = try gather([folder + "/in"], folder + "/out")
            let found = try documents(folder + "/out")
            #expect(found.map { $0.source.split(separator: "/").last } == ["a.txt", "b.md", "d.swift", "rows.jsonl", "web"])
            #expect(found.map { $0.metadata["language"]?.string } == ["text", "markdown", "swift", nil, nil])
            #expect(found[4].metadata["k"]?.int == 1)
            #expect(found[0].id == Document.id(of: long))
            #expect(report.documentsIn == 5 && report.documentsOut == 5)
            #expect(report.skipped == ["unknown kind of file": 1])
            try AtomicDirectory.verify(folder + "/out")
            // Named folders are taken, hidden or not; gathered folders can be gathered again.
            #expect(try gather([folder + "/in/.build"], folder + "/built").documentsOut == 1)
            #expect(try gather([folder + "/out"], folder + "/again").documentsOut == 5)
            #expect(try readFile(folder + "/out/documents/00000.jsonl") == readFile(folder + "/again/documents/00000.jsonl"))
        }
    }

    @Test func sameInputSameBytes() throws {
        try withFolder { folder in
            var files: [String: String] = [:]
            for i in 0..<60 { files["f\(i % 7)/\(i).swift"] = "// Copyright \(i)\n\nlet x\(i) = \(i % 50) // " + long }
            try write(files, folder + "/in")
            for name in ["a", "b"] { _ = try gather([folder + "/in"], folder + "/" + name) { $0.shardBytes = 2000 } }
            let names = try Folder.files(under: folder + "/a").map { $0.dropFirst(folder.count + 2) }
            #expect(names.count > 6)
            for name in names where name.hasPrefix("/documents") || name.hasPrefix("/audit") {
                #expect(try readFile(folder + "/a" + name) == readFile(folder + "/b" + name))
            }
        }
    }

    @Test func duplicatesAndNearEmptyFilesGoWithAReason() throws {
        try withFolder { folder in
            try write(
                [
                    "1.swift": "// Copyright A\n\nlet a = 1 // " + long, "2.swift": "/* Licensed under B */\nlet a = 1 // " + long,
                    "3.txt": "tiny", "4.txt": "", "5.txt": long, "6.txt": long,
                ], folder + "/in")
            let report = try gather([folder + "/in"], folder + "/out")
            #expect(report.documentsIn == 6 && report.documentsOut == 2 && report.documentsDropped == 4)
            let audit = try rows(folder + "/out/audit/00000.jsonl")
            #expect(audit.filter { $0["action"] == "drop" }.count == 4)
            #expect(audit.filter { $0["action"] == "cut" }.count == 2)
            // The cut text is in the audit, so that it can be put back.
            let cut = try #require(audit.first { $0["action"] == "cut" })
            #expect(cut["spans"]?[0]?["text"] == "// Copyright A\n\n")
            #expect(cut["id"]?.string == (try documents(folder + "/out")[0].id))
            let json = try JSON.read(folder + "/out/report.json")
            #expect(json["documents_in"]?.int == 6 && json["documents_dropped"]?.int == 4)
        }
    }

    static let heads: [(String, String, String)] = [
        ("a.swift", "// Copyright 2024\n// All rights reserved\n\nimport A\n", "import A\n"),
        ("a.swift", "// swift-tools-version:5.9\n// Copyright X\nimport A\n", "// swift-tools-version:5.9\nimport A\n"),
        ("a.swift", "//===---===//\n//\n// See LICENSE.txt for license\n//===---===//\nimport A\n", "import A\n"),
        ("a.swift", "//\n//  File.swift\n//\n\n/* SPDX-License-Identifier: MIT */\n\nimport A\n", "//\n//  File.swift\n//\n\nimport A\n"),
        ("a.swift", "/// The license of a package.\nstruct License {}\n", "/// The license of a package.\nstruct License {}\n"),
        ("a.swift", "/// Speaks of copyright or a licence.\nstruct A {}\n", "/// Speaks of copyright or a licence.\nstruct A {}\n"),
        ("a.js", "/**\n * @license MIT\n */\nlet a\n", "let a\n"),
        ("a.swift", "import A\n// Copyright in the middle\n", "import A\n// Copyright in the middle\n"),
        ("a.swift", "/* Copyright */ import A\n", "/* Copyright */ import A\n"),
        ("a.swift", "/* Copyright that never ends\nimport A\n", "/* Copyright that never ends\nimport A\n"),
        ("a.py", "#!/usr/bin/env python\n# -*- coding: utf-8 -*-\n# (c) 2020 A\n\nimport a\n", "#!/usr/bin/env python\n# -*- coding: utf-8 -*-\nimport a\n"),
        ("a.c", "/*\n * Copyright\n */\n\n#include <a.h>\n", "#include <a.h>\n"),
        ("a.lua", "--[[ Copyright ]]\nlocal a\n", "local a\n"),
        ("CMakeLists.txt", "## Copyright\nproject(a)\n", "project(a)\n"),
        ("a.txt", "// Copyright stays in text\n", "// Copyright stays in text\n"),
        ("a.rs", "// Copyright only", ""),
        ("a.swift", "", ""), ("a.swift", "\n\n  ", "\n\n  "),
        ("a.swift", "\n\n// Copyright\n    indented()\n", "\n\n    indented()\n"),
    ]

    @Test(arguments: heads) func licenceHeads(name: String, before: String, after: String) throws {
        try withFolder { folder in
            try write([name: before, "z.txt": long], folder + "/in")
            _ = try gather([folder + "/in"], folder + "/out") { $0.minimumLetters = 0 }
            #expect(try documents(folder + "/out")[0].text == after)
        }
    }

    @Test func badFilesAndRowsAreSetAside() throws {
        try withFolder { folder in
            try write(["good.txt": long, "bom.txt": "\u{feff}" + long + " again\r\nline\rend", "nul.txt": "a\u{0}b"], folder + "/in")
            try AtomicFile.write(folder + "/in/blob.txt", Array(0x01...0xFF))
            mkfifo(folder + "/in/pipe.txt", 0o644)
            try Folder.create(folder + "/in/inner")
            symlink("nowhere", folder + "/in/dangling.txt")
            symlink("inner", folder + "/in/linked")
            let bad = ["", "{", "[1]", "{\"text\":1}", "{\"text\":\"a\",}", "{\"text\":\"a\"} {\"text\":\"b\"}", "{\"text\":\"\\u0000\"}", "NaN", "{\"txt\":\"a\"}"]
            try write(["rows.jsonl": "{\"text\":\"fine\"}\r\n" + bad.joined(separator: "\n") + "\n{\"text\":\"last one\"}"], folder + "/in")
            let report = try gather([folder + "/in"], folder + "/out")
            #expect(report.documentsOut == 4)
            #expect(report.documentsQuarantined == 2 + bad.count)
            #expect(report.documentsIn == report.documentsOut + report.documentsDropped)
            #expect(report.quarantined["blank line"] == 1)
            #expect(report.skipped == ["a pipe (FIFO)": 1, "a dangling link": 1, "a link to a folder": 1])
            #expect(report.summary.contains("1 a dangling link"))
            #expect(try documents(folder + "/out").contains { $0.text == long + " again\nline\nend" })
            let aside = try rows(folder + "/out/quarantine/00000.jsonl")
            #expect(aside.filter { $0["source"]?.string?.hasSuffix("rows.jsonl") == true }.compactMap { $0["line"]?.int } == Array(2...10))
            #expect(throws: FileError.self) { try gather([folder + "/in"], folder + "/strict") { $0.strict = true } }
            #expect(try Folder.names(in: folder) == ["in", "out"])
        }
    }

    #if os(Linux)
        /// Names that are no UTF-8 (other systems do not allow them): in folders, in patterns, and named with U+FFFD, as arguments come.
        @Test func namesNeedNotBeUTF8() throws {
            try withFolder { folder in
                try write(["in/ok.txt": long], folder)
                for (name, text) in [("in/caf\\351.txt", long + " é"), ("in/d\\377r/inner.md", long + " inner")] {
                    #expect(system("cd '\(folder)'; f=$(printf '\(name)'); mkdir -p \"$(dirname \"$f\")\"; printf '\(text)' > \"$f\"") == 0)
                }
                for (number, source) in ["/in", "/in/*", "/i[n]"].enumerated() {
                    let report = try gather([folder + source], folder + "/out\(number)")
                    #expect(report.documentsOut == 3 && report.skipped.isEmpty)
                    #expect(try documents(folder + "/out\(number)").map { $0.source.dropFirst(folder.count) } == ["/in/caf\\xE9.txt", "/in/d\\xFFr/inner.md", "/in/ok.txt"])
                }
                #expect(try gather([folder + "/in/caf\u{FFFD}.txt", folder + "/in/d\u{FFFD}r"], folder + "/named").documentsOut == 2)
            }
        }
    #endif

    @Test func rowsKeepTheirIDs() throws {
        try withFolder { folder in
            let lines = [
                "{\"id\":\"mine\",\"text\":\"one text\"}", "{\"id\":7,\"text\":\"two text\"}", "{\"id\":9007199254740993,\"text\":\"three text\"}",
                "{\"id\":\"\",\"text\":\"four text\"}", "{\"id\":null,\"text\":\"five text\"}", "{\"id\":[1],\"text\":\"six text\"}", "{\"id\":\"mine\",\"text\":\"seven text\"}",
                "{\"id\":\"copy\",\"text\":\"one text\"}",
            ]
            try write(["in/a.jsonl": lines.joined(separator: "\n") + "\n", "in/b.csv": "id,text\n12,eight text\n"], folder)
            let report = try gather([folder + "/in"], folder + "/out")
            #expect(report.documentsOut == 8)
            let found = try documents(folder + "/out")
            #expect(found.map(\.id) == [
                "mine", "7", "9007199254740993", Document.id(of: "four text"), Document.id(of: "five text"), Document.id(of: "six text"), "mine", "12",
            ])
            #expect(found[5].metadata["id"] == [1])
            // An equal text under another id is a copy all the same; the account names it by its own id.
            #expect(try rows(folder + "/out/audit/00000.jsonl").map { $0["id"]?.string } == ["copy"])
        }
    }

    /// Nothing is left: the folder says where everything went, and the run fails.
    @Test func nothingLeftIsAccountedFor() throws {
        try withFolder { folder in
            try write(["tiny.txt": "hi", "bad.jsonl": "{\n[1]\n"], folder)
            #expect(throws: FileError.self) { try gather([folder + "/tiny.txt", folder + "/bad.jsonl"], folder + "/out") }
            let report = try JSON.read(folder + "/out/report.json")
            #expect(report["documents_in"]?.int == 3 && report["documents_out"]?.int == 0 && report["documents_dropped"]?.int == 3)
            #expect(try rows(folder + "/out/audit/00000.jsonl").map { $0["text"]?.string } == ["hi"])
            #expect(try rows(folder + "/out/quarantine/00000.jsonl").count == 2)
            #expect(Folder.isFile(folder + "/out/report.html"))
        }
    }

    @Test func whatAKilledRunLeftIsRemoved() throws {
        try withFolder { folder in
            try write(["in/a.txt": long], folder)
            // Numbers of processes end at 4,194,304.
            for name in [".tmp-out-99999999-1", ".tmp-out-99999999@elsewhere-1", ".tmp-out-1-99999999-1", ".tmp-out-\(getpid())-1", ".tmp-out"] { try write([name + "/documents/00000.jsonl": ""], folder) }
            _ = try gather([folder + "/in"], folder + "/out")
            #expect(try Folder.names(in: folder) == [".tmp-out", ".tmp-out-1-99999999-1", ".tmp-out-99999999@elsewhere-1", ".tmp-out-\(getpid())-1", "in", "out"].sorted())
        }
    }

    @Test func refusesWhatCannotWork() throws {
        try withFolder { folder in
            try write(["in/a.txt": long, "full/x": "x", "tiny/a.txt": "a", "none/a.bin": "x"], folder)
            mkfifo(folder + "/pipe", 0o644)
            let cases = [
                (["/missing"], "/out"), (["/in"], "/in"), (["/in"], "/full"), (["/none"], "/out"), (["/pipe"], "/out"),
                (["/in/*.nothing"], "/out"), (["/in"], "/in/a.txt"), (["/in/"], "/in/../in"), (["/in"], "/in/out"), (["/full/x", "/in"], "/in/deep/er"),
            ]
            for (sources, output) in cases {
                #expect(throws: FileError.self) { try gather(sources.map { folder + $0 }, folder + output) }
            }
            #expect(try Folder.names(in: folder) == ["full", "in", "none", "pipe", "tiny"])
            #expect(try Folder.names(in: folder + "/full") == ["x"])
            #expect(try gather([folder + "/in/*.t?t"], folder + "/out").documentsOut == 1)
            #expect(try gather([folder + "/full/x"], folder + "/named") { $0.minimumLetters = 1 }.documentsOut == 1)
        }
    }

    @Test func onlyTakesWhatIsAskedFor() throws {
        try withFolder { folder in
            try write(["a.swift": "let a = 1 // " + long, "b.py": "b = 1 # " + long, "c.txt": long], folder + "/in")
            #expect(try gather([folder + "/in"], folder + "/1") { $0.only = ["swift"] }.documentsOut == 1)
            #expect(try gather([folder + "/in"], folder + "/2") { $0.only = ["python", "txt"] }.documentsOut == 2)
            #expect { try gather([folder + "/in"], folder + "/3") { $0.only = ["swift", "nope"] } } throws: { ($0 as? FileError)?.found == "nope" }
        }
    }

    @Test func aLongLineIsSetAsideInFlatMemory() throws {
        try withFolder { folder in
            let line = "{\"text\":\"" + String(repeating: "x", count: 400_000) + "\"}\n"
            try write(["a.jsonl": line + "{\"text\":\"fine\"}\n" + line], folder + "/in")
            let report = try gather([folder + "/in"], folder + "/out") { $0.documentLimit = 300_000 }
            #expect(report.documentsOut == 1 && report.documentsQuarantined == 2)
        }
    }
}
