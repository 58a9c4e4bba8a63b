public import QuintetFiles

/// Everything beside tensors that a run needs to go on as if it had never stopped: `trainer_state.json`.
public struct TrainerState: Sendable, Equatable {
    /// The version of this file's layout.
    public static let format = 1
    public static let fileName = "trainer_state.json"

    /// Steps done, skipped ones included.
    public var step = 0
    /// Updates the optimizer made: steps without the skipped ones.
    public var updates = 0
    /// Tokens learned from.
    public var tokens = 0
    /// Where the data feed stands, in its own words.
    public var cursor: JSON = .null
    /// Counters of random streams beside the seed in `settings`, by name.
    public var random: JSONObject = [:]
    /// The evaluation loss before anything was learned, where that was measured.
    public var startLoss: Double?
    /// The lowest evaluation loss, and at which step.
    public var bestLoss: Double?
    public var bestStep: Int?
    public var guardState = StepGuard.State()
    /// Seconds of training behind this checkpoint, over all sessions.
    public var seconds = 0.0
    public var settings = TrainingConfig()
    /// What an adaptation is beyond that, in its own words; null for pretraining.
    public var task: JSON = .null
    /// The model's `config.json`.
    public var model: JSON = .null
    /// SHA-256 of what the run learns from, and of the tokenizer that made it.
    public var dataFingerprint = ""
    public var tokenizerFingerprint = ""

    public init() {}

    /// Whether learning lowered the evaluation loss; nil where nothing says so.
    public var isBetter: Bool? {
        guard let startLoss, let bestLoss else { return nil }
        return bestLoss < startLoss
    }
}

extension TrainerState {
    public var json: JSON {
        var out = JSONObject()
        out["format"] = JSON(Self.format)
        out["global_step"] = JSON(step)
        out["updates"] = JSON(updates)
        out["num_input_tokens_seen"] = JSON(tokens)
        out["cursor"] = cursor
        out["random"] = .object(random)
        if let startLoss { out["start_metric"] = JSON(startLoss) }
        out["best_metric"] = bestLoss.map { JSON($0) } ?? .null
        out["best_step"] = bestStep.map { JSON($0) } ?? .null
        out["guard"] = guardState.json
        out["seconds"] = .number(seconds)
        out["settings"] = .object(settings.values)
        if !task.isNull { out["task"] = task }
        out["model"] = model
        out["data_sha256"] = .string(dataFingerprint)
        out["tokenizer_sha256"] = .string(tokenizerFingerprint)
        return .object(out)
    }

    /// Reads what `json` wrote.
    /// - Throws: `TrainingError.newerState`, `.badState` naming the field, or the settings' own error.
    public init(_ json: JSON, source: String) throws(TrainingError) {
        self.init()
        let reader = StateReader(json: json, source: source)
        let format = try reader.whole("format")
        guard format <= Self.format else { throw .newerState(path: source, version: format, known: Self.format) }
        step = try reader.whole("global_step")
        updates = try reader.whole("updates")
        tokens = try reader.whole("num_input_tokens_seen")
        cursor = json["cursor"] ?? .null
        random = try reader.object("random")
        startLoss = json["start_metric"]?.double
        bestLoss = try reader.optional("best_metric", "a number or null") { $0.double }
        bestStep = try reader.optional("best_step", "a whole number or null") { $0.int }
        guardState = try StepGuard.State(.object(reader.object("guard")), source: source)
        seconds = try reader.value("seconds", "a number") { $0.double }
        settings = try TrainingConfig(values: reader.object("settings"), source: "\(source): settings")
        task = json["task"] ?? .null
        model = json["model"] ?? .null
        dataFingerprint = try reader.value("data_sha256", "a text") { $0.string }
        tokenizerFingerprint = try reader.value("tokenizer_sha256", "a text") { $0.string }
    }

    /// Reads `trainer_state.json` of a checkpoint folder.
    public static func read(checkpoint folder: String) throws -> TrainerState {
        let path = Folder.join(folder, fileName)
        return try TrainerState(JSON.read(path), source: path)
    }

    /// Compares a saved run with what would continue it.
    /// - Throws: `TrainingError.resumeDiffers` listing every difference: settings, model, tokenizer, data.
    public func checkContinues(
        settings now: TrainingConfig, model nowModel: JSON, dataFingerprint nowData: String, tokenizerFingerprint nowTokenizer: String
    ) throws(TrainingError) {
        var differences = TrainingConfig.differences(saved: settings, now: now)
        if differences.isEmpty || model["vocab_size"] != nowModel["vocab_size"] {
            differences += Self.differences(saved: model, now: nowModel)
        }
        if tokenizerFingerprint != nowTokenizer {
            differences.append(.init("tokenizer", saved: short(tokenizerFingerprint), now: short(nowTokenizer)))
        }
        if dataFingerprint != nowData { differences.append(.init("data", saved: short(dataFingerprint), now: short(nowData))) }
        if !differences.isEmpty { throw .resumeDiffers(differences) }
    }

    static func differences(_ what: String = "config.json", saved: JSON, now: JSON) -> [TrainingError.Difference] {
        var keys = saved.object?.keys ?? []
        for key in now.object?.keys ?? [] where saved[key] == nil { keys.append(key) }
        return keys.compactMap { key in
            let (a, b) = (saved[key] ?? .null, now[key] ?? .null)
            return a == b || a.double != nil && a.double == b.double ? nil : .init("\(what) \(key)", saved: brief(a), now: brief(b))
        }
    }

    private func short(_ digest: String) -> String { digest.isEmpty ? "none" : "sha256 \(digest.prefix(12))" }
}

/// Typed access to a state file's fields, with errors that name them.
struct StateReader {
    let json: JSON
    let source: String

    func value<Value>(_ field: String, _ expected: String, _ get: (JSON) -> Value?) throws(TrainingError) -> Value {
        guard let found = json[field], let value = get(found) else {
            throw .badState(path: source, field: field, expected: expected, found: json[field].map(brief) ?? "nothing")
        }
        return value
    }

    func optional<Value>(_ field: String, _ expected: String, _ get: (JSON) -> Value?) throws(TrainingError) -> Value? {
        if json[field] == nil || json[field] == .null { return nil }
        return try value(field, expected, get)
    }

    /// A count, never negative.
    func whole(_ field: String) throws(TrainingError) -> Int {
        try value(field, "a whole number, 0 or more") { json in json.int.flatMap { $0 >= 0 ? $0 : nil } }
    }

    func object(_ field: String) throws(TrainingError) -> JSONObject { try value(field, "an object") { $0.object } }
}
