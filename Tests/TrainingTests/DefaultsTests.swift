import QuintetCheckpoints
import QuintetFiles
import QuintetGeneration
import QuintetModels
import QuintetTraining
import Testing

/// Sixty steps with nothing but defaults visibly lower what is measured on held-out rows, whatever the method and the size.
@Suite(.serialized) struct DefaultsTests {
    static let cases: [(AdaptSettings.Method, width: Int)] = [
        (.full, 8), (.lora, 8), (.dora, 8), (.full, 64), (.lora, 64), (.dora, 64), (.qlora, 64), (.full, 256), (.lora, 256), (.dora, 256), (.qlora, 256),
    ]

    /// Held-out losses before and after, and the best.
    static func losses(_ method: AdaptSettings.Method, width: Int, rows: String, name: String = "rows.jsonl") throws -> [Double] {
        try withScratch { folder in
            let data = Folder.join(folder, name), watcher = AdaptationTests.Watcher()
            try AtomicFile.write(data, rows)
            var model = try width == 8 ? TinyModel.make(in: folder) : TinyModel.drawn(in: folder, width: width)
            if method == .qlora {
                _ = try ModelConversion(model, .q8_0).write(to: Folder.join(folder, "base.gguf"))
                model = Folder.join(folder, "base.gguf")
            }
            var settings = AdaptSettings()
            (settings.method, settings.steps) = (method, 60)
            let outcome = try Adaptation(model: model, data: data, into: Folder.join(folder, "out"), settings: settings).run([watcher])
            #expect(outcome.gate?.passed == true)
            return watcher.losses
        }
    }

    @Test(arguments: cases) func textsAreLearned(method: AdaptSettings.Method, width: Int) throws {
        let losses = try Self.losses(method, width: width, rows: TinyModel.rows(200))
        #expect(losses.last ?? 9 < 0.9 * losses[0], "\(losses)")
    }

    @Test(arguments: [(AdaptSettings.Method.head, 8), (.head, 64), (.head, 256), (.full, 64), (.lora, 64), (.full, 256), (.lora, 256)])
    func labelsAreLearned(method: AdaptSettings.Method, width: Int) throws {
        let rows = "text,label\n" + (0..<300).map { "w\(3 + $0 % 20) w\(4 + $0 % 23) w\($0 % 2 == 0 ? 10 : 25),\($0 % 2 == 0 ? "even" : "odd")\n" }.joined()
        let losses = try Self.losses(method, width: width, rows: rows, name: "rows.csv")
        #expect(losses.min() ?? 9 < 0.9 * losses[0] && losses.last ?? 9 < losses[0], "\(losses)")
    }
}
