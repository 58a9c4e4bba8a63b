import Foundation
import Testing

/// A run that is killed again and again ends with the bytes of one that nobody touched.
@Suite(.serialized) struct CrashTests {
    static let steps = 60

    /// The bytes that have to be equal: weights, moments, and everything the metrics say but times.
    static func result(_ run: String, steps: Int = steps) throws -> [String: Data] {
        let last = "\(run)/checkpoints/\(steps)"
        var files: [String: Data] = [:]
        for name in ["\(run)/model.safetensors", "\(last)/model.safetensors", "\(last)/optimizer.safetensors"] {
            files[String(name.dropFirst(run.count))] = try Data(contentsOf: URL(fileURLWithPath: name))
        }
        return files
    }

    static func stepsTold(_ run: String) throws -> Int {
        FileManager.default.fileExists(atPath: "\(run)/metrics.jsonl") ? try Program.text("\(run)/metrics.jsonl").split(separator: "\n").count { $0.contains("train/loss") } : 0
    }

    static func metrics(_ run: String) throws -> [String] {
        try Program.text("\(run)/metrics.jsonl").split(separator: "\n").compactMap { line in
            guard let row = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any], row["train/loss"] != nil else { return nil }
            return "\(row["step"] ?? "") \(row["train/loss"] ?? "") \(row["grad_norm"] ?? "")"
        }
    }

    @Test func killedAtRandomMomentsTwentyTimes() throws {
        let corpus = try TinyCorpus.shared.get()
        let folder = try Program.scratch("kills")
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let untouched = folder + "/untouched"
        let start = Date()
        let whole = try Program.start(corpus.pretrain(into: untouched, steps: Self.steps, saveEvery: 3))
        whole.waitUntilExit()
        // Moments within a run, on machines of any speed.
        var latest = Date().timeIntervalSince(start) * 0.8
        #expect(Program.status(whole) == 0)
        let expected = try Self.result(untouched)
        let lines = try Self.metrics(untouched)
        #expect(lines.count == Self.steps)

        var random = SystemRandomNumberGenerator()
        var (kills, run) = (0, 0)
        while kills < 20, run < 200 {
            run += 1
            let path = "\(folder)/killed-\(run)"
            while true {
                let process = try Program.start(corpus.pretrain(into: path, steps: Self.steps, saveEvery: 3, "--resume"))
                Thread.sleep(forTimeInterval: Double.random(in: 0.02...max(0.03, latest), using: &random))
                if process.isRunning, kills < 400 {
                    kill(process.processIdentifier, SIGKILL)
                    process.waitUntilExit()
                    kills += Program.status(process) == 128 + SIGKILL ? 1 : 0
                    if Program.status(process) != 0 { continue }
                }
                process.waitUntilExit()
                #expect(Program.status(process) == 0)
                // Sooner next time: the first run may have been a slow one.
                latest *= 0.8
                break
            }
            #expect(try Self.result(path) == expected)
            #expect(try Self.metrics(path) == lines)
            let left = try FileManager.default.contentsOfDirectory(atPath: path + "/checkpoints").filter { $0.hasPrefix(".tmp") }
            #expect(left.isEmpty)
        }
        #expect(kills >= 20)
    }

    @Test(arguments: [(SIGTERM, Int32(143)), (SIGINT, Int32(130))])
    func signalsSaveAndResume(signal: Int32, code: Int32) throws {
        let corpus = try TinyCorpus.shared.get()
        let folder = try Program.scratch("signals")
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let process = try Program.start(corpus.pretrain(into: folder + "/run", steps: 100_000, saveEvery: 50_000))
        // The file is made before the first step, and told of in it.
        while process.isRunning, try Self.stepsTold(folder + "/run") < 2 { Thread.sleep(forTimeInterval: 0.01) }
        kill(process.processIdentifier, signal)
        process.waitUntilExit()
        #expect(Program.status(process) == code)
        let saved = try FileManager.default.contentsOfDirectory(atPath: folder + "/run/checkpoints").compactMap { Int($0) }
        // The last two and the best.
        #expect((1...3).contains(saved.count) && saved.allSatisfy { $0 > 0 }, "\(saved)")
    }

    /// A step of an hour is not waited for: what was finished is saved, and the resumed run ends with the bits of one that was left alone.
    @Test func signalsInTheMiddleOfAStep() throws {
        let corpus = try TinyCorpus.shared.get()
        let folder = try Program.scratch("long-step")
        defer { try? FileManager.default.removeItem(atPath: folder) }
        func steps(_ passes: Int, into run: String, _ more: String...) -> [String] {
            corpus.pretrain(into: run, steps: 2, saveEvery: 1, "--set", "gradient_accumulation_steps=\(passes)") + more
        }
        let endless = try Program.start(steps(1 << 20, into: folder + "/endless"))
        while endless.isRunning, !FileManager.default.fileExists(atPath: folder + "/endless/run.yaml") { Thread.sleep(forTimeInterval: 0.01) }
        Thread.sleep(forTimeInterval: 0.5)
        kill(endless.processIdentifier, SIGTERM)
        endless.waitUntilExit()
        #expect(Program.status(endless) == 143)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder + "/endless/checkpoints").compactMap { Int($0) } == [0])

        // As many passes as it takes for the signal to come before the second step ends.
        for passes in [120, 600, 3000] {
            let (whole, run) = ("\(folder)/whole-\(passes)", "\(folder)/stopped-\(passes)")
            let stopped = try Program.start(steps(passes, into: run))
            while stopped.isRunning, !FileManager.default.fileExists(atPath: run + "/checkpoints/1") { Thread.sleep(forTimeInterval: 0.002) }
            kill(stopped.processIdentifier, SIGTERM)
            stopped.waitUntilExit()
            if Program.status(stopped) == 0, passes < 3000 { continue }
            #expect(Program.status(stopped) == 143)
            try #require(try Program.run(steps(passes, into: whole)).status == 0)
            #expect(try Program.run(steps(passes, into: run, "--resume")).status == 0)
            return #expect(try Self.result(run, steps: 2) == Self.result(whole, steps: 2))
        }
    }

    @Test func aSecondProcessOnTheSameRunIsRefused() throws {
        let corpus = try TinyCorpus.shared.get()
        let folder = try Program.scratch("twice")
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let first = try Program.start(corpus.pretrain(into: folder + "/run", steps: 100_000, saveEvery: 50_000))
        defer { first.terminate(); first.waitUntilExit() }
        while first.isRunning, !FileManager.default.fileExists(atPath: folder + "/run/metrics.jsonl") { Thread.sleep(forTimeInterval: 0.01) }
        let second = try LifeTests.run(corpus.pretrain(into: folder + "/run", steps: 100_000, saveEvery: 50_000, "--resume"))
        #expect(second.status == 1)
        #expect(second.errors.contains("\(first.processIdentifier)"), "names the process that holds it: \(second.errors)")
        #expect(first.isRunning)
    }
}
