import Foundation
import Testing

/// Scrub as people run it: killed again and again, on a full disk, with wrong arguments.
@Suite struct ScrubKillTests {
    private static func corpus(_ folder: String) throws -> String {
        let words = ["river", "garden", "teacher", "letter", "winter", "harbor", "engine", "village", "morning", "painter"]
        var lines = ""
        for i in 0..<3000 {
            var state = UInt64(i / 3 * 3 == i ? i : i - i % 2) &* 0x9E37_79B9_7F4A_7C15 | 1
            var text = ""
            for _ in 0..<14 {
                func pick() -> String {
                    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                    return words[Int(state >> 33) % words.count]
                }
                text += "The \(pick()) of the \(pick()) was with the \(pick()) and the \(pick()) near a \(pick()) to be \(pick()). "
            }
            lines += "{\"id\": \"d\(i)\", \"text\": \"\(text)\"}\n"
        }
        try FileManager.default.createDirectory(atPath: folder + "/in", withIntermediateDirectories: true)
        try lines.write(toFile: folder + "/in/a.jsonl", atomically: true, encoding: .utf8)
        try "unit_bytes: 200000\n".write(toFile: folder + "/c.yaml", atomically: true, encoding: .utf8)
        return folder
    }

    private static func bytes(_ folder: String) throws -> [String: Data] {
        var all: [String: Data] = [:]
        for part in ["documents", "audit"] {
            for name in try FileManager.default.contentsOfDirectory(atPath: folder + "/" + part) {
                all[part + "/" + name] = try Data(contentsOf: URL(fileURLWithPath: folder + "/" + part + "/" + name))
            }
        }
        return all
    }

    @Test func killedRunsEndInTheSameBytes() throws {
        let folder = try Self.corpus(try Program.scratch("scrub"))
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let whole = try Program.run("scrub", folder + "/in", "--into", folder + "/whole", "--config", folder + "/c.yaml", "--json")
        #expect(whole.status == 0, "\(whole.errors)")
        var finished = false
        var kills = 0
        for round in 0..<200 where !finished {
            let process = try Program.start(["scrub", folder + "/in", "--into", folder + "/killed", "--config", folder + "/c.yaml", "--json"])
            let deadline = Date().addingTimeInterval(0.02 + Double(round) * 0.04)
            while process.isRunning, Date() < deadline { usleep(1000) }
            if process.isRunning {
                kill(process.processIdentifier, SIGKILL)
                kills += 1
            }
            process.waitUntilExit()
            finished = FileManager.default.fileExists(atPath: folder + "/killed/report.json")
                && !FileManager.default.fileExists(atPath: folder + "/killed/.scrub")
        }
        #expect(finished && kills > 0)
        let (one, other) = (try Self.bytes(folder + "/whole"), try Self.bytes(folder + "/killed"))
        #expect(one.count > 4 && one == other)
    }

    /// As a job array runs it: three processes a submission, submitted until all stages are done.
    @Test func tasksAsProcesses() throws {
        let folder = try Self.corpus(try Program.scratch("scrub-tasks"))
        defer { try? FileManager.default.removeItem(atPath: folder) }
        #expect(try Program.run("scrub", folder + "/in", "--into", folder + "/whole", "--config", folder + "/c.yaml", "--quiet").status == 0)
        var submissions = 0
        while submissions < 30, !FileManager.default.fileExists(atPath: folder + "/tasks/report.json") {
            let tasks = try (0..<3).map { task in
                _ = FileManager.default.createFile(atPath: folder + "/errors-\(task)", contents: nil)
                let errors = try FileHandle(forWritingTo: URL(fileURLWithPath: folder + "/errors-\(task)"))
                return try Program.start(
                    ["scrub", folder + "/in", "--into", folder + "/tasks", "--config", folder + "/c.yaml", "--task", "\(task)/3", "--json"], errors: errors)
            }
            for (i, task) in tasks.enumerated() {
                task.waitUntilExit()
                let errors = try Program.text(folder + "/errors-\(i)")
                #expect(task.terminationStatus == 0, "\(errors)")
            }
            submissions += 1
        }
        #expect(submissions > 1)
        #expect(try Self.bytes(folder + "/whole") == Self.bytes(folder + "/tasks"))
    }

    @Test func mistakesAreUsageErrors() throws {
        for arguments in [["--task", "3/3"], ["--threads", "0"], ["--task", "x"]] {
            #expect(try Program.run("scrub", "nowhere", "--into", "somewhere", arguments[0], arguments[1]).status == 2)
        }
        #expect(try Program.run("scrub", "/nonexistent/x", "--into", "/tmp/never-made").status == 1)
        #expect(try Program.run("scrub", "--print-config").output.contains("\"min_doc_words\": 50"))
    }
}
