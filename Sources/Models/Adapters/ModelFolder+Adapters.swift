import QuintetCheckpoints
public import QuintetFiles
public import QuintetLayers
public import QuintetTensors

extension ModelFolder {
    /// How many adapters count with the weights.
    public var adapterCount: Int { adapters?.count ?? 0 }

    /// The same model with adapters, each counting as much as its weight says: what it runs as has them beside its weights, what is written of it
    /// has them in its weights.
    /// - Throws: `FileError` where two of them cannot stand together.
    public func adapted(by list: [(adapter: Adapter, weight: Float)]) throws(FileError) -> ModelFolder {
        var copy = list.reduce(self) { $0.fitting($1.adapter.plan.spec) }
        copy.adapters = try AppliedAdapters(list)
        return copy
    }

    /// The model for training an adapter: its own weights frozen as they are stored, block formats too; what learns comes from `store`.
    public func transformer(training plan: AdapterPlan, _ store: ParameterStore, arithmetic: FrozenArithmetic = .exact) throws -> Transformer {
        try plan.transformer(over: StoredParameters(try fitting(plan.spec).weightReader(), .stored), store, arithmetic: arithmetic)
    }

    /// The same model with adapters opened from their files.
    public func adapted(by choices: [AdapterChoice]) throws(FileError) -> ModelFolder {
        guard !choices.isEmpty else { return self }
        var list: [(adapter: Adapter, weight: Float)] = []
        for choice in choices { list.append((try Adapter.open(choice.path, for: self), choice.weight)) }
        return try adapted(by: list)
    }
}

extension AdapterPlan {
    /// The model for training over any source of the base's parameters, which stay as they are.
    public func transformer(over base: any ParameterSource, _ store: ParameterStore, arithmetic: FrozenArithmetic = .exact) throws -> Transformer {
        let names = Set(whole.map(\.name))
        let source = OverlaidParameters(base: base) { name in
            names.contains(name) ? store.index(of: name).map { store.tensor($0) } : nil
        }
        return try Transformer(spec, ParameterScope(source, .frozen(arithmetic), adapters: LearningAdapter(plan: self, store: store)))
    }
}

/// An adapter's place and how much it counts: `PATH`, or `PATH=WEIGHT`.
public struct AdapterChoice: Sendable, Equatable {
    public var path: String
    public var weight: Float

    public init(_ path: String, weight: Float = 1) {
        self.path = path
        self.weight = weight
    }

    /// Reads what a person writes; what lies there under the whole text is a path.
    public init(parsing text: String) {
        guard !Folder.isFolder(text), !Folder.isFile(text), let place = text.lastIndex(of: "="), let weight = Float(text[text.index(after: place)...]),
            weight.isFinite
        else {
            self.init(text)
            return
        }
        self.init(String(text[..<place]), weight: weight)
    }
}
