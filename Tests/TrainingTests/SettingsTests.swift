import QuintetFiles
import QuintetTraining
import Testing

@Suite struct SettingsTests {
    func config(_ yaml: String) throws -> TrainingConfig {
        var config = TrainingConfig()
        try config.apply(yaml: yaml, source: "run.yaml")
        return config
    }

    func message(_ yaml: String) -> String { thrown(TrainingError.self) { _ = try config(yaml) }.map { "\($0)" } ?? "no error" }

    @Test func readsNamesOfBothEcosystems() throws {
        let a = try config("learning_rate: 3e-4\nper_device_train_batch_size: 8\nmax_steps: 1_000\nlr_scheduler_type: cosine\nbf16: true\n")
        #expect(a.learningRate == 3e-4 && a.batch == 8 && a.steps == 1000 && a.schedule == .cosine && a.bf16)
        let b = try config("device_batch_size: 8\nnum_iterations: 1000\nmax-seq-len: 64\nlr_scheduler_type: wsd\ngradient_checkpointing: true\n")
        #expect(b.batch == 8 && b.steps == 1000 && b.sequence == 64 && b.schedule == .warmupStableDecay && b.recompute == .block)
    }

    @Test func emptyAndCommentedFilesChangeNothing() throws {
        for text in ["", "\n", "# nothing\n", "---\n"] { #expect(try config(text) == TrainingConfig()) }
    }

    @Test func unknownNameSuggestsTheNearest() {
        #expect(message("learning_rat: 1\n") == "run.yaml:1: there is no setting \"learning_rat\". Did you mean learning_rate?")
        #expect(message("\nmax_step: 1").contains("run.yaml:2") && message("max_step: 1").contains("max_steps"))
        #expect(message("zzzzqqqq: 1") == "run.yaml:1: there is no setting \"zzzzqqqq\"")
    }

    @Test(arguments: [
        ("learning_rate: nan", "learning_rate: expected a number"), ("learning_rate: .inf", "learning_rate"), ("learning_rate: -1", "learning_rate"),
        ("learning_rate: 1e999", "learning_rate"), ("per_device_train_batch_size: 0", "whole number from 1"), ("max_steps: 1.5", "max_steps"),
        ("max_steps: 99999999999999999999", "max_steps"), ("bf16: 3", "true or false"), ("lr_scheduler_type: cosin", "one of constant"),
        ("optim: sgd", "one of adamw, muon"), ("seed: \"12\"", "seed"), ("adam_beta2: 1", "adam_beta2"),
    ])
    func wrongValueNamesSettingLineAndRange(yaml: String, part: String) {
        #expect(message(yaml).hasPrefix("run.yaml:1: ") && message(yaml).contains(part), "\(message(yaml))")
    }

    @Test(arguments: [
        "seed: 1\nseed: 2\n", "max_steps: 1\nnum_iterations: 2\n", "max_steps: 1\n\tseed: 2\n", "\tseed: 2\n", "a: &x [1, 2]\n", "seed: *x\n",
        "model:\n  layers: 3\n", "- seed\n", "just text", "seed: [1", "seed: \"1", "[[[[[[[[[[[[[1]]]]]]]]]]]]]", "seed: 1\n---\nseed: 2\n", "seed: \u{1}",
        "? [a]\n: 1\n", "%YAML 9.9\n---\n", "\u{feff}\u{feff}: 1", "seed: !!int 3x",
    ])
    func brokenFileIsATypedError(yaml: String) { #expect(message(yaml) != "no error") }

    @Test func anAliasBombIsRefusedAtOnce() {
        var bomb = "a: &a [lol, lol]\n"
        for i in 1..<30 { bomb += "b\(i): &b\(i) [*a, *a, *a, *a]\n" }
        #expect(message(bomb).contains("anchors and aliases are not read"))
        #expect(message("{*a : 1}").contains("anchors"))
    }

    @Test func quotedTextMayHoldAnything() throws {
        #expect(try config("sample_prompt: \"*a & b # [[[[[[[[[[[\"").samplePrompt == "*a & b # [[[[[[[[[[[")
        #expect(try config("sample_prompt: 'it''s &x'").samplePrompt == "it's &x")
        #expect(try config("sample_prompt: a & b * c").samplePrompt == "a & b * c")
    }

    @Test func notUTF8IsAnError() throws {
        try withScratch { folder in
            let path = Folder.join(folder, "run.yaml")
            try AtomicFile.write(path, [0x73, 0xff, 0xfe])
            var config = TrainingConfig()
            #expect(thrown(TrainingError.self) { try config.apply(yamlFile: path) } != nil)
            #expect(thrown(FileError.self) { try config.apply(yamlFile: folder) } != nil)
            #expect(thrown(FileError.self) { try config.apply(yamlFile: path + ".missing") } != nil)
        }
    }

    @Test func commandLineWinsOverFile() throws {
        var config = try config("max_steps: 10\nseed: 3\n")
        try config.apply([GivenSetting("max_steps", 20)], source: "command line")
        #expect(config.steps == 20 && config.seed == 3)
    }

    @Test func everySettingSurvivesYAMLAndJSON() throws {
        var odd = TrainingConfig()
        odd.preset = "micro"
        odd.samplePrompt = "func \"a\"\\\n\u{1}: é # * &"
        odd.learningRate = 1.0 / 3
        odd.epsilon = 1e-12
        odd.recompute = .activations
        odd.optimizer = .muon
        odd.seed = .max
        let plan = try odd.plan(vocabulary: 4096)
        for config in [TrainingConfig(), odd, plan.settings] {
            #expect(try self.config(config.yaml) == config)
            let json = try JSON.parse(JSON.object(config.values).serialized())
            #expect(try TrainingConfig(values: json.object ?? [:], source: "test") == config)
        }
    }

    @Test func namesAreUniqueAndDocumented() {
        let names = Setting.all.flatMap { [$0.name] + $0.aliases }
        #expect(Set(names).count == names.count)
        for setting in Setting.all { #expect(!setting.explanation.isEmpty && !setting.expected.isEmpty) }
    }

    @Test func differencesNameWhatMakesAnotherRun() throws {
        let saved = try config("seed: 1\nlearning_rate: 0.1\nsave_every: 5\n")
        let now = try config("seed: 2\nlearning_rate: 0.1\nsave_every: 7\n")
        #expect(TrainingConfig.differences(saved: saved, now: now) == [.init("seed", saved: "1", now: "2")])
    }
}
