import QuintetFiles
import QuintetTraining
import Testing

@Suite struct PlanTests {
    func plan(_ yaml: String, vocabulary: Int = 2048) throws -> TrainingPlan {
        var config = TrainingConfig()
        try config.apply(yaml: yaml, source: "run.yaml")
        return try config.plan(vocabulary: vocabulary)
    }

    func message(_ yaml: String) -> String { thrown(TrainingError.self) { _ = try plan(yaml) }.map { "\($0)" } ?? "no error" }

    @Test func presetsHaveTheSizesTheirNamesSay() throws {
        let counts = Dictionary(uniqueKeysWithValues: Preset.all.map { ($0.name, $0.shape.parameterCount) })
        #expect(counts["gpt2-124m"] == 124_439_808)
        #expect(counts["llama-1b"] == 1_235_814_400)
        #expect(counts["llama-110m"] == 109_529_856)
        #expect((900_000...1_200_000).contains(counts["nano"] ?? 0))
        for preset in Preset.all { #expect(preset.shape.problems.isEmpty && preset.sequence <= preset.shape.context, "\(preset.name)") }
        #expect(Set(Preset.all.map(\.name)).count == Preset.all.count)
    }

    @Test func unknownPresetSuggests() {
        let error = thrown(TrainingError.self) { _ = try Preset.named("gpt2-124") }
        #expect("\(error.map { "\($0)" } ?? "")".contains("Did you mean gpt2-124m?"))
        #expect(message("preset: nanoo").contains("nano"))
    }

    @Test func defaultsArePresetNano() throws {
        let plan = try plan("")
        #expect(plan.shape.layers == 4 && plan.batch == 16 && plan.sequence == 256)
        #expect(plan.tokens >= 20 * plan.shape.parameterCount && plan.tokens < 20 * plan.shape.parameterCount + plan.tokensPerStep)
        #expect(plan.schedule.steps == plan.steps && plan.schedule.kind == .cosine)
    }

    @Test func planOfAPlanIsItself() throws {
        for yaml in ["", "preset: gpt2-124m", "depth: 6", "preset: micro\noptim: muon\nmax_tokens: 1e6", "hidden_size: 64\nnum_attention_heads: 2"] {
            let first = try plan(yaml)
            #expect(try first.settings.plan(vocabulary: 2048) == first, "\(yaml)")
        }
    }

    @Test func batchGivenMeansTheWholeStep() throws {
        #expect(try plan("preset: gpt2-124m").accumulation == 120)
        let small = try plan("preset: gpt2-124m\nbatch: 4\nsequence: 64\nsteps: 3")
        #expect(small.tokensPerStep == 256 && small.steps == 3)
        #expect(try plan("batch: 4\nsequence: 64\ntotal_batch_size: 1024").accumulation == 4)
        #expect(try plan("max_tokens: 1000\nbatch: 1\nsequence: 300").steps == 4)
    }

    @Test(arguments: [
        ("num_attention_heads: 3", "num_attention_heads: 3 does not divide hidden_size, 128"), ("preset: nano\ndepth: 3", "give one of them"),
        ("max_steps: 1\nmax_tokens: 2", "give one of them"), ("max_steps: 5\nwarmup_steps: 6", "more than the run"),
        ("total_batch_size: 1000", "no multiple of"), ("preset: gpt2-124m\nmax_seq_len: 2048\nmax_position_embeddings: 1024", "longer than"),
        ("num_key_value_heads: 3", "num_key_value_heads: 3 does not divide num_attention_heads, 4"), ("warmup_steps: 1\nwarmup_ratio: 0.1", "give one of them"),
        ("per_device_train_batch_size: 1048576\nmax_seq_len: 1048576\ngradient_accumulation_steps: 1048576", "too big"),
        ("hidden_size: 12\nnum_attention_heads: 4", "an even width of heads"), ("preset: char-tiny\nnum_key_value_heads: 2", "gpt2 has as many"),
    ])
    func impossibleSettingsAreExplained(yaml: String, part: String) { #expect(message(yaml).contains(part), "\(message(yaml))") }

    @Test func allProblemsAreListed() {
        let text = message("num_attention_heads: 3\nmax_steps: 5\nwarmup_steps: 6\nmax_tokens: 4")
        #expect(text.contains("does not divide") && text.contains("give one of them") && text.contains("more than"))
    }

    @Test func depthDialScales() throws {
        var last = 0
        for depth in 1...24 {
            let preset = try Preset.depth(depth)
            #expect(preset.shape.problems.isEmpty, "\(depth)")
            #expect(preset.shape.width == 64 * depth && [64, 128].contains(preset.shape.width / preset.shape.heads))
            #expect(preset.shape.parameterCount > last)
            last = preset.shape.parameterCount
        }
        let twelve = try Preset.depth(12)
        #expect(abs(twelve.learningRate - 6e-4) < 1e-12 && twelve.batch * twelve.sequence * twelve.accumulation == 1 << 19)
        #expect(thrown(TrainingError.self) { _ = try Preset.depth(0) } != nil)
    }

    @Test func configurationsAreHuggingFaces() throws {
        let gpt2 = try plan("preset: gpt2-124m").configuration(endOfText: 50_256)
        #expect(gpt2["model_type"] == "gpt2" && gpt2["n_embd"] == 768 && gpt2["n_layer"] == 12 && gpt2["eos_token_id"] == 50_256)
        let llama = try plan("preset: llama-1b", vocabulary: 128_256).configuration()
        #expect(llama["num_key_value_heads"] == 8 && llama["intermediate_size"] == 8192 && llama["vocab_size"] == 128_256)
        #expect(llama["head_dim"] == 64 && llama["eos_token_id"] == .null)
    }

    @Test func optimizerGroupsFollowTheKind() throws {
        let adam = try plan("learning_rate: 0.001").groups
        #expect(adam.matrices.kind == .adamw && adam.matrices.learningRate == 0.001 && adam.scalars.weightDecay == 0)
        let muon = try plan("optim: muon\nembedding_lr: 0.2").groups
        #expect(muon.matrices.kind == .muon && muon.matrices.learningRate == 0.02 && muon.embedding.learningRate == 0.2)
        #expect(muon.head.kind == .adamw)
    }
}

@Suite struct ScheduleTests {
    @Test func warmupRisesThenEachShapeFalls() {
        for kind in Schedule.Kind.allCases {
            let schedule = Schedule(kind, steps: 100, warmup: 10, decay: 20, floor: 0.1)
            #expect(schedule.factor(at: 0) == 0.1 && schedule.factor(at: 9) == 1 && schedule.factor(at: 10) == 1, "\(kind)")
            var last = 1.0
            for step in 10...200 {
                let factor = schedule.factor(at: step)
                #expect(factor <= last && factor >= 0.1, "\(kind) \(step)")
                last = factor
            }
            #expect(kind == .constant ? last == 1 : abs(last - 0.1) < 1e-12)
        }
    }

    @Test func halfwayValues() {
        #expect(abs(Schedule(.cosine, steps: 100).factor(at: 50) - 0.5) < 1e-12)
        #expect(abs(Schedule(.linear, steps: 100, floor: 0.5).factor(at: 50) - 0.75) < 1e-12)
        let wsd = Schedule(.warmupStableDecay, steps: 100, warmup: 5, decay: 20)
        #expect(wsd.factor(at: 79) == 1 && wsd.factor(at: 80) == 1 && abs(wsd.factor(at: 90) - 0.5) < 1e-12)
    }

    @Test func degenerateLengths() {
        for kind in Schedule.Kind.allCases {
            for (steps, warmup, decay) in [(0, 0, 0), (1, 1, 1), (1, 0, 5), (5, 5, 5)] {
                for step in 0...10 {
                    let factor = Schedule(kind, steps: steps, warmup: warmup, decay: decay).factor(at: step)
                    #expect(factor >= 0 && factor <= 1)
                }
            }
        }
    }
}

@Suite struct LayeringTests {
    @Test func aLaterSourceReplacesAlternatives() throws {
        var config = TrainingConfig()
        try config.apply(yaml: "preset: micro\nmax_tokens: 1000000\nwarmup_ratio: 0.1", source: "run.yaml")
        try config.apply([GivenSetting("max_steps", 7), GivenSetting("depth", 3), GivenSetting("warmup_steps", 2)], source: "command line")
        let plan = try config.plan(vocabulary: 512)
        #expect(plan.steps == 7 && plan.shape.layers == 3 && plan.schedule.warmup == 2)
    }

    @Test func aSavedRunWithAnotherSizeOrRateIsThatSizeAndRate() throws {
        let saved = try TrainingConfig().plan(vocabulary: 512).settings
        var config = saved
        try config.apply([GivenSetting("preset", "micro"), GivenSetting("learning_rate", 0.5)], source: "command line")
        let plan = try config.plan(vocabulary: 512)
        #expect(plan.shape.width == 256 && plan.groups.matrices.learningRate == 0.5)
    }

    @Test func typedSettings() throws {
        #expect(try TrainingConfig.typed("seed=3") == GivenSetting("seed", 3))
        #expect(try TrainingConfig.typed("learning_rate= 3e-4").value == 3e-4)
        #expect(try TrainingConfig.typed("sample_prompt='a: b'").value == "a: b")
        #expect(try TrainingConfig.typed("sample_prompt=").value == .null)
        for text in ["seed", "=3", "", "a=[1"] { #expect(thrown(TrainingError.self) { _ = try TrainingConfig.typed(text) } != nil) }
    }
}
