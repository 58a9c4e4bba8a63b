import Foundation
import Testing

/// Gather and scrub where people run them: stopped by hand, at a limit, with odd names, without a home.
@Suite struct CorpusLifeTests {
    /// Rows of text, 12 MB of them.
    private static func corpus() throws -> String {
        let folder = try Program.scratch("life")
        let sentence = "The river of the garden was with the teacher and the letter near a harbor to be seen in winter. "
        let rows = (0..<20_000).map { "{\"id\": \"d\($0)\", \"text\": \"Number \($0). \(String(repeating: sentence, count: 6))\"}\n" }
        try rows.joined().write(toFile: folder + "/in.jsonl", atomically: true, encoding: .utf8)
        try "unit_bytes: 400000\n".write(toFile: folder + "/c.yaml", atomically: true, encoding: .utf8)
        return folder
    }

    private static func names(_ folder: String) throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: folder).sorted() }

    /// What a shell makes of a command; `quintet` is the program.
    private static func shell(_ command: String, in folder: String) throws -> (status: Int32, errors: String) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["-c", "quintet() { \"$PROGRAM\" \"$@\"; }; " + command]
        process.environment = ProcessInfo.processInfo.environment.merging(["PROGRAM": Program.path()]) { $1 }
        process.currentDirectoryURL = URL(fileURLWithPath: folder)
        let errors = folder + "/errors"
        _ = FileManager.default.createFile(atPath: errors, contents: nil)
        process.standardError = try FileHandle(forWritingTo: URL(fileURLWithPath: errors))
        process.standardOutput = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        return (Program.status(process), try Program.text(errors))
    }

    /// Ctrl-C once or twice: 130, nothing under a final name that is not whole, and a scrub goes on where it stopped.
    @Test(arguments: [1, 2]) func stoppedByHand(presses: Int) throws {
        let folder = try Self.corpus()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        for (command, pause) in [("gather", 30_000), ("scrub", 150_000)] as [(String, UInt32)] {
            let arguments = [command, folder + "/in.jsonl", "--into", folder + "/" + command] + (command == "scrub" ? ["--config", folder + "/c.yaml"] : [])
            let process = try Program.start(arguments)
            usleep(pause)
            for _ in 0..<presses {
                kill(process.processIdentifier, SIGINT)
                usleep(2000)
            }
            process.waitUntilExit()
            #expect([0, 130].contains(Program.status(process)))
            if Program.status(process) == 130 {
                #expect(!FileManager.default.fileExists(atPath: folder + "/\(command)/report.json"))
                #expect(command == "scrub" || !FileManager.default.fileExists(atPath: folder + "/gather"))
                #expect(try Program.run(arguments).status == 0)
            }
            #expect(FileManager.default.fileExists(atPath: folder + "/\(command)/report.json"))
        }
    }

    /// A limit on the size of files stands for a full disk: an error, nothing half done, and the next run ends the work.
    @Test func aFullDiskIsAnErrorAndNoMore() throws {
        let folder = try Self.corpus()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        for command in ["gather in.jsonl --into gathered", "scrub in.jsonl --into scrubbed --config c.yaml"] {
            let full = try Self.shell("ulimit -f 200; quintet " + command, in: folder)
            #expect(full.status > 0 && full.status < 128 && full.errors.contains("cannot write the file"), "\(full)")
            #expect(try Self.names(folder).filter { $0.hasPrefix(".tmp") }.isEmpty)
            #expect(try Self.shell("quintet " + command, in: folder).status == 0)
        }
        #expect(try Self.names(folder + "/scrubbed").contains("report.json") && !Self.names(folder + "/scrubbed").contains(".scrub"))
    }

    @Test func oddNamesAndPoorSurroundings() throws {
        let folder = try Program.scratch("odd")
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let odd = folder + "/new\nline \u{1F600}"
        let deep = folder + "/" + (0..<15).map { _ in String(repeating: "x", count: 200) }.joined(separator: "/")
        for (index, name) in [odd, folder + "/*[x]?", deep].enumerated() {
            try FileManager.default.createDirectory(atPath: name, withIntermediateDirectories: true)
            try "a text that is long enough to stay here, number \(index)".write(toFile: name + "/a b.txt", atomically: true, encoding: .utf8)
        }
        let found = try Self.shell("env -i TERM=dumb LANG=C \"$PROGRAM\" gather 'new\nline \u{1F600}' '*[x]?' 'xxx'* --into 'out \u{1F600}' </dev/null", in: folder)
        #expect(found.status == 0, "\(found)")
        #expect(try Program.text(folder + "/out \u{1F600}/documents/00000.jsonl").split(separator: "\n").count == 3)
        #expect(try Self.shell("quintet gather '\(deep)/\(String(repeating: "y", count: 255))/\(String(repeating: "z", count: 1200))' --into no", in: folder).status == 1)
        #expect(try Self.shell("mkdir gone; cd gone; rmdir ../gone; quintet gather a --into b", in: folder).status == 1)
        #expect(try Self.shell("mkdir gone; cd gone; rmdir ../gone; quintet gather '\(deep)' --into '\(folder)/there'", in: folder).status == 0)
    }

    /// Closed standard input is an error, a reader of standard output that goes away is none.
    @Test func closedStreams() throws {
        let folder = try Program.scratch("closed")
        defer { try? FileManager.default.removeItem(atPath: folder) }
        #expect(try Self.shell("quintet gather - --into a <&-", in: folder).status == 1)
        #expect(try Self.names(folder) == ["a", "errors"])  // the account of what could not be read
        #expect(try Self.shell("echo 'a text that is long enough to stay' | quintet gather - --into b >&-", in: folder).status == 0)
        #expect(try Self.shell("quintet scrub --print-config | head -c 1; quintet gather --help | head -c 1", in: folder).errors.isEmpty)
    }
}
