import QuintetCheckpoints
import QuintetFiles
import QuintetLayers
import QuintetModels
import QuintetTensors

/// A model in adaptation: its base, the parameters that learn, and how the result is written.
///
/// A method is a case of `Form`; everything else (loop, objectives, gate) sees the learner alone.
final class AdaptedModel {
    let base: ModelFolder
    let learner: Learner
    let shape: ScoreShape?
    let form: Form
    private let features = FeatureCache()

    enum Form {
        /// All parameters.
        case whole
        /// The scoring layer alone.
        case head
        /// Low-rank matrices beside the frozen ones, and the scoring layer where there is one.
        case adapter(AdapterPlan)
    }

    /// Loads the base and draws what is new; `seed` fixes that.
    init(_ base: ModelFolder, _ settings: AdaptSettings, _ shape: ScoreShape?, groups: OptimizerGroups) throws {
        self.base = base
        self.shape = shape
        let seed = UInt64(bitPattern: Int64(settings.seed))
        let scores = shape?.parameters(width: base.spec.width) ?? []
        let recompute = settings.recompute.recompute
        switch settings.method {
        case .full:
            form = .whole
            let spec = shape == nil ? base.spec : base.spec.body
            let body = shape == nil ? spec.parameters : base.spec.bodyParameters
            let store = ParameterStore(body + scores)
            try Self.fill(store, body.count, base, seed)
            learner = Learner(spec, try Transformer(spec, ParameterScope(store, .dense)), store, groups: groups, recompute: recompute)
        case .head:
            precondition(shape != nil, "a head scores something")
            form = .head
            let store = ParameterStore(scores)
            store.initialize(seed: seed)
            learner = Learner(base.spec, try base.transformer(), store, groups: groups)
        case .lora, .dora, .qlora:
            let plan = try settings.adapterPlan(base, shape)
            form = .adapter(plan)
            let store = ParameterStore(plan.parameters + scores)
            try plan.initialize(store, seed: seed, base: base)
            learner = Learner(base.spec, try base.transformer(training: plan, store, arithmetic: settings.arithmetic(base)), store, groups: groups, recompute: recompute)
        }
    }

    /// The base's numbers, then fresh ones for what the base lacks.
    private static func fill(_ store: ParameterStore, _ count: Int, _ base: ModelFolder, _ seed: UInt64) throws {
        let reader = try base.weightReader()
        for (index, entry) in store.entries.enumerated() {
            guard index < count else {
                if case .normal(let deviation) = entry.spec.start {
                    store.master(index).fillNormal(deviation: deviation, seed: seed, stream: UInt64(index))
                }
                continue
            }
            store.master(index).copyIn(try reader.read(entry.name).contiguous().cast(to: .f32))
            reader.release(entry.name)
        }
        store.refreshCopies()
    }

    /// The model as objectives see it.
    var model: ObjectiveModel {
        let store = learner.store
        let score = store.index(of: "score.weight").map { (weight: store.tensor($0), bias: store.index(of: "score.bias").map { store.tensor($0) }) }
        var model = ObjectiveModel(learner.model, score: score)
        if case .head = form { model.features = features }
        return model
    }

    var trainableCount: Int { learner.store.parameterCount }

    var totalCount: Int {
        switch form {
        case .whole: trainableCount
        case .head: base.spec.bodyParameters.reduce(0) { $0 + $1.count } + trainableCount
        case .adapter(let plan): plan.totalCount + trainableCount - plan.trainableCount
        }
    }

    /// The line that people know from PEFT.
    var summary: String { AdapterPlan.summary(trainable: trainableCount, of: totalCount) }
}

extension ScoreShape {
    /// `score.weight` [outputs, width], drawn as `transformers` draws it, and `score.bias` where tokens are scored.
    func parameters(width: Int) -> [ParameterSpec] {
        let weight = ParameterSpec(name: "score.weight", shape: [outputs, width], role: .head, start: .normal(deviation: 0.02))
        return [weight] + (hasBias ? [ParameterSpec(name: "score.bias", shape: [outputs], role: .vector, start: .fill(0))] : [])
    }

    func layer(_ tensors: [(name: String, tensor: Tensor)]) -> ScoreLayer {
        ScoreLayer(kind: layerKind, labels: labels.names, pooling: pooling, tensors: tensors)
    }

    var layerKind: ScoreLayer.Kind {
        switch kind {
        case .classification: .classification
        case .regression: .regression
        case .tokens: .tokens
        }
    }
}
