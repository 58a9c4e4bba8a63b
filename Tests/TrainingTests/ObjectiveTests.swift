import QuintetCheckpoints
import QuintetFiles
import QuintetLayers
import QuintetModels
import QuintetTensors
import QuintetTraining
import Testing

/// Losses and gradients beside those of trl and transformers (Tests/Interop/objectives.py).
@Suite(.serialized) struct ObjectiveTests {
    static let golden = Result { try SafetensorsFile.open(Folder.join(TinyModel.folder, "golden.safetensors")) }
    static let cases = Result { try JSON.read(Folder.join(TinyModel.folder, "cases.json")) }
    static let position = DataRow.Position(file: "cases.json", number: 1, isLine: false)

    /// The tiny model in training, with a scoring layer where the case has one.
    struct Tiny {
        let folder: ModelFolder
        let store: ParameterStore
        let model: ObjectiveModel

        init(_ path: String = TinyModel.folder, score name: String? = nil) throws {
            folder = try ModelFolder.open(path)
            let golden = try ObjectiveTests.golden.get()
            var scores: [(name: String, tensor: Tensor)] = []
            for part in ["weight", "bias"] {
                if let name, let entry = try? golden.require("\(name).score.\(part)") { scores.append(("score.\(part)", try golden.tensor(entry))) }
            }
            let specs = scores.map { ParameterSpec(name: $0.name, shape: $0.tensor.shape.extents, role: $0.name == "score.weight" ? .head : .vector, start: .fill(0)) }
            store = ParameterStore(folder.spec.parameters + specs)
            let weights = try folder.loadWeights(precision: .f32)
            for (index, entry) in store.entries.enumerated() {
                if let tensor = weights[entry.name] ?? scores.first(where: { $0.name == entry.name })?.tensor { store.master(index).copyIn(tensor.contiguous()) }
            }
            let score = store.index(of: "score.weight").map { [store] in (weight: store.tensor($0), bias: store.index(of: "score.bias").map { store.tensor($0) }) }
            model = ObjectiveModel(try Transformer(folder.spec, ParameterScope(store, .dense)), score: score)
        }
    }

    static func text(_ given: [Int], _ learned: [Int]) -> EncodedText {
        EncodedText(ids: (given + learned).map { Int32($0) }, learned: given.map { _ in false } + learned.map { _ in true })
    }

    static func ids(_ json: JSON?) -> [Int] { (json?.array ?? []).compactMap(\.int) }

    /// Runs an objective and compares loss and every gradient with the golden ones.
    func check(_ name: String, _ objective: some Objective, _ samples: [Sample], _ tiny: Tiny, batches: [Range<Int>]? = nil) throws {
        let golden = try Self.golden.get()
        let weight = samples.reduce(0) { $0 + objective.weight(of: $1) }
        var loss = 0.0
        for range in batches ?? [0..<samples.count] {
            let sum = objective.losses(Array(samples[range]), tiny.model, share: 1 / Float(weight), Tape(parameters: tiny.store))
            loss += sum.loss
        }
        let expected = Double(try golden.tensor(golden.require("\(name).loss")).floats[0])
        #expect(abs(loss / Double(weight) - expected) <= 1e-5 * max(1, abs(expected)), "\(name): loss \(loss / Double(weight)), expected \(expected)")
        tiny.store.completeGradients()
        let map = tiny.folder.map
        var compared = 0
        for (index, entry) in tiny.store.entries.enumerated() {
            let gradient = tiny.store.gradient(index)
            let parts = entry.name.hasPrefix("score.") ? [(entry.name, gradient)] : try map.parts(of: entry.name, entry.shape.extents).map { ($0.name, $0.cut(gradient)) }
            for (theirs, ours) in parts {
                let wanted = try golden.tensor(golden.require("\(name).grad.\(theirs)")).floats
                let apart = zip(ours.contiguous().floats, wanted).reduce(Float(0)) { max($0, abs($1.0 - $1.1)) }
                #expect(apart <= 1e-4, "\(name): gradient of \(theirs) is \(apart) off")
                compared += 1
            }
        }
        #expect(compared >= 20)
    }

    var sft: [Sample] {
        get throws {
            (try Self.cases.get()["sft"]?.array ?? []).map { row in
                let ids = Self.ids(row["ids"]), given = row["given"]?.int ?? 0
                return Sample(texts: [Self.text(Array(ids[..<given]), Array(ids[given...]))], position: Self.position)
            }
        }
    }

    @Test func supervisedLossIsTRLs() throws { try check("sft", Supervised(), sft, Tiny()) }

    @Test func anyBatchesGiveTheSameMean() throws { try check("sft", Supervised(), sft, Tiny(), batches: [0..<1, 1..<3]) }

    @Test(arguments: [0.1, 0.5]) func preferenceLossIsTRLs(beta: Double) throws {
        let golden = try Self.golden.get()
        let references = try golden.tensor(golden.require("dpo\(beta).reference")).floats
        var samples = (try Self.cases.get()["pairs"]?.array ?? []).map { row in
            Sample(texts: ["chosen", "rejected"].map { Self.text(Self.ids(row["prompt"]), Self.ids(row[$0])) }, position: Self.position)
        }
        let measured = DPO.references(samples, try Tiny(Folder.join(TinyModel.folder, "reference")).model)
        for (index, pair) in measured.enumerated() {
            #expect(abs(pair[0] - Double(references[2 * index])) < 1e-4 && abs(pair[1] - Double(references[2 * index + 1])) < 1e-4)
            samples[index].reference = pair
        }
        try check("dpo\(beta)", DPO(beta: beta), samples, Tiny())
    }

    @Test func smoothedPreferenceLossFollowsItsFormula() throws {
        // At the start nothing has moved: h = 0, so both terms are log 2 and the slope is beta (1/2 - s).
        var sample = Sample(texts: [Self.text([1, 5], [6, 2]), Self.text([1, 5], [7, 8, 2])], position: Self.position)
        let tiny = try Tiny()
        sample.reference = DPO.references([sample], tiny.model)[0].map { Double(Float($0)) }  // as a run keeps them
        let sum = DPO(beta: 0.1, smoothing: 0.25).losses([sample], tiny.model, share: 1, nil)
        #expect(abs(sum.loss - 0.6931471805599453) < 1e-15, "not a bit has moved")
    }

    var labelled: [Sample] {
        get throws {
            (try Self.cases.get()["labelled"]?.array ?? []).map { row in
                Sample(texts: [Self.text([], Self.ids(row["ids"]))], target: .label(row["label"]?.int ?? 0), position: Self.position)
            }
        }
    }

    @Test func classificationIsTransformers() throws {
        let shape = ScoreShape(kind: .classification, labels: Labels(["a", "b", "c"]))
        try check("classification", Classification(shape), labelled, Tiny(score: "classification"))
    }

    @Test func regressionIsTransformers() throws {
        let values = (try Self.cases.get()["values"]?.array ?? []).compactMap(\.double)
        let samples = try zip(labelled, values).map { sample, value in
            Sample(texts: sample.texts, target: .value(Float(value)), position: Self.position)
        }
        try check("regression", Regression(ScoreShape(kind: .regression, labels: Labels(["LABEL_0"]))), samples, Tiny(score: "regression"))
    }

    @Test func tokenClassificationIsTransformers() throws {
        let tags = (try Self.cases.get()["tags"]?.array ?? []).map { Self.ids($0).map { Int32(max($0, -1)) } }
        let samples = try zip(labelled, tags).map { Sample(texts: $0.texts, target: .tags($1), position: Self.position) }
        try check("tokens", TokenLabels(ScoreShape(kind: .tokens, labels: Labels(["a", "b", "c"]))), samples, Tiny(score: "tokens"))
    }

    @Test func meanPoolingHasTheGradientOfItsLoss() throws {
        let tiny = try Tiny(score: "classification")
        let objective = Classification(ScoreShape(kind: .classification, labels: Labels(["a", "b", "c"]), pooling: .mean))
        let samples = try labelled
        _ = objective.losses(samples, tiny.model, share: 1, Tape(parameters: tiny.store))
        tiny.store.completeGradients()
        for (name, place) in [("score.weight", 3), ("embedding.tokens.weight", 5 * 8 + 2)] {
            guard let index = tiny.store.index(of: name) else { return #expect(Bool(false)) }
            let value = tiny.store.master(index).data.assumingMemoryBound(to: Float.self) + place
            let kept = value.pointee, step: Float = 1e-2
            let losses = [step, -step].map { change in
                value.pointee = kept + change
                return objective.losses(samples, tiny.model, share: 1, nil).loss
            }
            value.pointee = kept
            let slope = Float((losses[0] - losses[1]) / Double(2 * step))
            #expect(abs(slope - tiny.store.gradient(index).floats[place]) < 2e-3, "\(name): \(slope)")
        }
    }

    @Test func textsSideBySideDoNotSeeEachOther() throws {
        let tiny = try Tiny()
        let samples = try sft
        let together = Supervised().losses(samples, tiny.model, share: 1, nil).loss
        let apart = samples.reduce(0.0) { $0 + Supervised().losses([$1], tiny.model, share: 1, nil).loss }
        #expect(together == apart, "the same bits, whatever lies beside a text")
    }
}
