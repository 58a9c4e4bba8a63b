import QuintetFiles
import QuintetTraining
import Testing

@Suite struct LogTests {
    func lines(_ run: String) throws -> [String] {
        String(decoding: try readFile(Folder.join(run, RunLog.fileName)), as: UTF8.self).split(separator: "\n").map(String.init)
    }

    @Test func aLineForEachRow() throws {
        try withScratch { run in
            let log = try RunLog(run: run, keepThrough: 0)
            log.write(step: 1, ["train/loss": 8.25, "lr": .number(.nan), "sample": "a\n\"b\""])
            #expect(try lines(run) == [#"{"step":1,"train/loss":8.25,"lr":"nan","sample":"a\n\"b\""}"#])
            #expect(log.problem == nil && log.rows.count == 1)
        }
    }

    @Test func continuingCutsBackToTheCheckpoint() throws {
        try withScratch { run in
            func write(_ log: RunLog, _ steps: ClosedRange<Int>) {
                for step in steps { log.write(step: step, ["train/loss": .number(1 / Double(step))]) }
            }
            write(try RunLog(run: run, keepThrough: 0), 1...10)
            let whole = try lines(run)
            write(try RunLog(run: run, keepThrough: 0), 1...7)
            // A torn last line, as a power cut leaves it.
            let path = Folder.join(run, RunLog.fileName)
            try AtomicFile.write(path, try readFile(path) + Array(#"{"step":8,"tra"#.utf8))
            let log = try RunLog(run: run, keepThrough: 4)
            #expect(log.rows.count == 4)
            write(log, 5...10)
            #expect(try lines(run) == whole && log.rows.count == 10)
            #expect(try events(run).filter { $0 > 0 } == Array(1...10))
        }
    }

    @Test func startingAgainBeginsAnew() throws {
        try withScratch { run in
            try RunLog(run: run, keepThrough: 0).write(step: 3, ["lr": 1])
            _ = try RunLog(run: run, keepThrough: 0)
            #expect(try lines(run).isEmpty && events(run).count == 1)
        }
    }

    /// The steps in a run's event file, each record's framing checked.
    func events(_ run: String) throws -> [Int] {
        let folder = Folder.join(run, "tensorboard")
        let names = try Folder.names(in: folder)
        #expect(names.count == 1)
        let bytes = try readFile(Folder.join(folder, names[0]))
        var steps: [Int] = []
        var at = 0
        while at < bytes.count {
            let count = Int(bytes[at]) + Int(bytes[at + 1]) << 8
            let event = bytes[(at + 12)..<(at + 12 + count)]
            // wall_time takes nine bytes, then field 2 (or the version's field 3).
            let field = event[event.startIndex + 9]
            steps.append(field == 0x10 ? Int(event[event.startIndex + 10]) : 0)
            at += count + 16
        }
        return steps
    }

    /// The bytes were read back once with TensorBoard's own `EventFileLoader`: 0.5 at step 3, then the text at step 300.
    @Test func eventFileIsTensorBoards() throws {
        try withScratch { folder in
            let path = Folder.join(folder, "events.out.tfevents.1.quintet")
            let file = try EventFile(path: path, clock: { 1.5 })
            file.scalar("train/loss", 0.5, step: 3)
            file.text("sample", "hi", step: 300)
            #expect(hexadecimal(try readFile(path)) == Self.golden)
        }
    }
    static let golden =
        "1800000000000000a37f4b2209000000000000f83f1a0d627261696e2e4576656e743a322a28646c200000000000000029eda95009000000"
        + "000000f83f10032a130a110a0a747261696e2f6c6f7373150000003f1341efbe300000000000000095f5d05f09000000000000f83f10ac02"
        + "2a220a200a0673616d706c65420c0807120412020801420268694a080a060a047465787422c65a7c"

    @Test func aDamagedEventFileIsCutWhereItBreaks() throws {
        try withScratch { run in
            let log = try RunLog(run: run, keepThrough: 0)
            for step in 1...5 { log.write(step: step, ["lr": 1]) }
            let path = Folder.join(Folder.join(run, "tensorboard"), try Folder.names(in: Folder.join(run, "tensorboard"))[0])
            var bytes = try readFile(path)
            bytes[bytes.count - 20] ^= 1
            try AtomicFile.write(path, bytes)
            _ = try RunLog(run: run, keepThrough: 5)
            #expect(try events(run) == [0, 1, 2, 3, 4])
            try AtomicFile.write(path, [UInt8](repeating: 0xff, count: 100))
            _ = try RunLog(run: run, keepThrough: 5)
            #expect(try events(run) == [0])
        }
    }

    @Test func progressLineSaysWhatAPersonAsks() {
        let moment = ProgressLine.Moment(step: 120, steps: 480, loss: 2.3141, tokensPerSecond: 38_112.4, secondsLeft: 72)
        #expect(ProgressLine.text(moment, bar: 8) == "[##......] step 120/480  loss 2.314  38,112 tok/s  1 min 12 s left")
        let odd = ProgressLine.Moment(step: 0, steps: 0, loss: .nan, tokensPerSecond: .infinity, secondsLeft: .nan)
        #expect(ProgressLine.text(odd, bar: 4) == "[....] step 0/0  loss nan  a long time left")
    }

    @Test func factsAboutThisMachine() {
        let facts = MachineFacts.current(version: "1.2.3", instructionSet: "avx2", threads: 2)
        #expect(facts.cores >= 1 && facts.memory > 1 << 26 && !facts.processor.isEmpty && !facts.system.isEmpty)
        #expect(facts.rows.contains { $0.0 == "Quintet" && $0.1 == "1.2.3" })
    }
}

@Suite struct ReportTests {
    static func example(steps: Int = 300) -> RunReport {
        var rows: [JSONObject] = []
        for step in 1...max(1, steps) {
            let noise = Double(step * 7919 % 101) / 101 - 0.5
            rows.append([
                "step": JSON(step), "train/loss": .number(1.4 + 6.2 / (1 + Double(step) / 30) + 0.2 * noise),
                "lr": .number(3e-3 * Schedule(.cosine, steps: steps, warmup: 20, floor: 0.1).factor(at: step)),
                "grad_norm": .number(0.6 + 8 / Double(step) + 0.3 * abs(noise)), "tok/sec": .number(41_000 + 2500 * noise),
            ])
            if step % 50 == 0 {
                rows.append(["step": JSON(step), "val/loss": .number(1.6 + 6 / (1 + Double(step) / 30)), "val/bpb": .number(0.9 + 2.5 / (1 + Double(step) / 40))])
                rows.append(["step": JSON(step), "prompt": "func ", "sample": "index(after i: Int) -> Int {\n    return i + \(step) <b>&\n}"])
            }
        }
        return RunReport(
            title: "A code model from this disk", status: .finished, summary: "1.1M parameters, \(steps) steps, 1.2M tokens in 1 min 52 s on 2 cores",
            tiles: [
                .init("Loss", "1.62", note: "from 7.6"), .init("Bits per byte", "1.21", note: "held-out files"), .init("Perplexity", "5.1"),
                .init("Tokens", "1.2M"), .init("Speed", "41,000/s", note: "38 % of the machine's peak"), .init("Time", "1 min 52 s"),
            ],
            comparison: .init(
                "Bits per byte of held-out files", note: "How many bits each way of predicting needs for one byte. Less is better.",
                bars: [.init("this model", 1.21, isOurs: true), .init("gzip -9", 2.02), .init("unigram tokens", 2.87)]),
            rows: rows, samples: [.init("completing a real function", prompt: "public func ", text: "append(_ element: Element) {")],
            sections: [
                .init("Settings", [("learning_rate", "0.003"), ("max_steps", "300")]),
                .init("Data", [("Files", "1,204"), ("Documents held out", "61")]),
                .init("Machine", MachineFacts.current(version: "0.1.0", instructionSet: "avx2", threads: 2).rows),
            ], nextSteps: ["quintet generate run --prompt 'func '", "quintet pretrain --data tokens --into run --resume"])
    }

    @Test func thePageStandsAlone() {
        let page = Self.example().html()
        for word in ["http://", "https://", "src=", "@import", "url(", "<link"] { #expect(!page.contains(word), "\(word)") }
        for id in ["loss", "bpb", "lr", "norm", "speed"] { #expect(page.contains("id=\"chart-\(id)\"")) }
        #expect(page.contains("prefers-color-scheme: dark") && page.contains("<title>A code model from this disk - Quintet</title>"))
    }

    @Test func whatAModelWritesIsNeverMarkup() {
        var report = Self.example(steps: 50)
        report.title = "<script>alert(1)</script>"
        report.samples.append(.init("x", text: "</pre><script>alert(2)</script>\u{0}\u{1b}[2J"))
        let page = report.html()
        #expect(!page.contains("<script>alert") && !page.contains("\u{1b}") && page.contains("&lt;script&gt;alert(2)"))
        report.rows.append(["step": 1, "train/loss": 3, "</script>": "</script><b>"])
        #expect(!report.html().contains("</script><b>"))
    }

    @Test func oddCurvesMakeAPage() {
        for values in [[], [1], [2, 2, 2], [.nan, 1], [1e300, -1e300], [0, 1e-300], [1e9, 1e9 + 1]] as [[Double]] {
            var report = RunReport(title: "odd", status: .stopped("full disk"))
            report.rows = values.enumerated().map { ["step": JSON($0.offset), "train/loss": .number($0.element), "grad_norm": .number($0.element), "lr": .number($0.element)] }
            let page = report.html()
            #expect(page.contains("</html>") && !page.contains("\"nan") && !page.contains("inf\""), "\(values)")
        }
    }

    @Test func aLongRunStaysSmall() {
        #expect(Self.example(steps: 20_000).html().utf8.count < 600_000)
    }

    @Test func isWrittenWhole() throws {
        try withScratch { run in
            try Self.example(steps: 20).write(into: run)
            #expect(try Folder.names(in: run) == ["report.html"])
        }
    }
}
