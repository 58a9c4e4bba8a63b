public import QuintetFiles

extension AdapterConfig {
    public static let fileName = "adapter_config.json"

    /// Reads adapter_config.json.
    /// - Throws: `FileError` naming the field for every setting that changes results and is not supported.
    public init(_ json: JSON, path: String) throws(FileError) {
        guard case .object(let members) = json else {
            throw FileError("not an adapter configuration", path: path, expected: "an object", found: json.kind)
        }
        let fields = AdapterFields(members, path)
        try fields.expect("peft_type", ["LORA"])
        self.init(
            rank: try fields.whole("r", 8), alpha: try fields.number("lora_alpha", 8), dropout: Float(try fields.number("lora_dropout", 0)),
            scaling: try fields.flag("use_rslora") ? .rankStabilized : .standard, form: try fields.flag("use_dora") ? .dora : .lora,
            targets: .allLinear, bias: try fields.bias(), savedModules: try fields.texts("modules_to_save") ?? [],
            baseModel: try fields.text("base_model_name_or_path"), taskType: try fields.text("task_type"))
        guard let targets = try fields.targets("target_modules") else {
            throw FileError("the adapter changes nothing", path: path, field: "target_modules", expected: "names, or a regex", found: "nothing")
        }
        self.targets = targets
        excluded = try fields.targets("exclude_modules")
        rankPattern = try fields.patterns("rank_pattern") { $0.int }
        alphaPattern = try fields.patterns("alpha_pattern") { $0.double }
        layers = try fields.wholes("layers_to_transform")
        layersPattern = try fields.texts("layers_pattern") ?? []
        try check(path)
        try fields.refuseTheRest()
    }

    /// - Throws: `FileError` where a number makes no sense.
    func check(_ path: String) throws(FileError) {
        for rank in [rank] + rankPattern.map(\.value) where !(1...65_536).contains(rank) {
            throw FileError("a rank that is none", path: path, field: "r", expected: "1 to 65536", found: "\(rank)")
        }
        guard (0..<1).contains(dropout) else {
            throw FileError("a share that is none", path: path, field: "lora_dropout", expected: "0 to below 1", found: "\(dropout)")
        }
        for alpha in [alpha] + alphaPattern.map(\.value) where !alpha.isFinite {
            throw FileError("a scale that is none", path: path, field: "lora_alpha", expected: "a finite number", found: "\(alpha)")
        }
    }

    /// The file as PEFT writes it; `modules` are the changed ones, by whole name, where `targets` says no more than "all".
    public func json(modules: [String], turned: Bool) -> JSON {
        var json: JSONObject = ["peft_type": "LORA", "auto_mapping": .null]
        json["base_model_name_or_path"] = baseModel.map { .string($0) } ?? .null
        json["revision"] = .null
        json["task_type"] = taskType.map { .string($0) } ?? .null
        json["inference_mode"] = true
        json["r"] = JSON(rank)
        json["lora_alpha"] = alpha == alpha.rounded() && abs(alpha) < 1e15 ? JSON(Int64(alpha)) : .number(alpha)
        json["lora_dropout"] = JSON(dropout)
        json["target_modules"] = Self.json(targets, modules)
        json["exclude_modules"] = excluded.map { Self.json($0, []) } ?? .null
        json["fan_in_fan_out"] = .bool(turned)
        json["bias"] = .string(bias.rawValue)
        json["use_rslora"] = .bool(scaling == .rankStabilized)
        json["use_dora"] = .bool(form == .dora)
        json["modules_to_save"] = savedModules.isEmpty ? .null : .array(savedModules.map { .string($0) })
        json["init_lora_weights"] = true
        json["layers_to_transform"] = layers.map { .array($0.map { JSON($0) }) } ?? .null
        json["layers_pattern"] = layersPattern.isEmpty ? .null : .array(layersPattern.map { .string($0) })
        json["rank_pattern"] = Self.json(rankPattern) { JSON($0) }
        json["alpha_pattern"] = Self.json(alphaPattern) { .number($0) }
        return .object(json)
    }

    private static func json(_ targets: Targets, _ modules: [String]) -> JSON {
        switch targets {
        case .allLinear: .array(modules.map { .string($0) })
        case .names(let names): .array(names.map { .string($0) })
        case .pattern(let regex): .string(regex)
        }
    }

    private static func json<Value>(_ patterns: [Pattern<Value>], _ value: (Value) -> JSON) -> JSON {
        var json: JSONObject = [:]
        for pattern in patterns { json[pattern.regex] = value(pattern.value) }
        return .object(json)
    }
}

/// The fields of adapter_config.json, each read or refused.
private struct AdapterFields {
    let members: JSONObject
    let path: String

    init(_ members: JSONObject, _ path: String) {
        self.members = members
        self.path = path
    }

    /// Read by `AdapterConfig`, or without a say in what an adapter computes once it is trained.
    private static let known: Set<String> = [
        "peft_type", "r", "lora_alpha", "lora_dropout", "use_rslora", "use_dora", "bias", "modules_to_save", "base_model_name_or_path", "task_type",
        "target_modules", "exclude_modules", "rank_pattern", "alpha_pattern", "layers_to_transform", "layers_pattern",
        "fan_in_fan_out", "auto_mapping", "revision", "inference_mode", "peft_version", "megatron_core", "qalora_group_size", "runtime_config",
        "eva_config",
    ]

    /// Starts of A and B that leave the base as it is; others change it and would have to be undone.
    private static let starts: Set<String> = ["gaussian", "orthogonal", "eva"]

    private func value(_ name: String) -> JSON? {
        // A bare nil would be JSON's own null here.
        guard let value = members[name], !value.isNull else { return Optional<JSON>.none }
        return value
    }

    func wrong(_ name: String, _ expected: String) -> FileError {
        FileError(
            "wrong or unsupported adapter configuration", path: path, field: name, expected: expected,
            found: String((members[name] ?? .null).serialized().prefix(120)))
    }

    /// Whatever says nothing (null, false, an empty list or object) may stand; the rest is named.
    func refuseTheRest() throws(FileError) {
        if let start = value("init_lora_weights"), start.bool == nil, !Self.starts.contains(start.string ?? "") {
            throw wrong("init_lora_weights", "a start that leaves the base unchanged; convert the adapter to plain LoRA first")
        }
        for (name, value) in members where !Self.known.contains(name) && name != "init_lora_weights" {
            switch value {
            case .null, .bool(false): continue
            case .array(let list) where list.isEmpty: continue
            case .object(let object) where object.isEmpty: continue
            default: throw wrong(name, "nothing: this setting is not supported")
            }
        }
    }

    func expect(_ name: String, _ values: [String]) throws(FileError) {
        guard let text = value(name)?.string, values.contains(text) else { throw wrong(name, values.joined(separator: ", ")) }
    }

    func text(_ name: String) throws(FileError) -> String? {
        guard let value = value(name) else { return nil }
        guard let text = value.string else { throw wrong(name, "text") }
        return text
    }

    func flag(_ name: String) throws(FileError) -> Bool {
        guard let value = value(name) else { return false }
        guard let flag = value.bool else { throw wrong(name, "true or false") }
        return flag
    }

    func whole(_ name: String, _ missing: Int) throws(FileError) -> Int {
        guard let value = value(name) else { return missing }
        guard let number = value.int else { throw wrong(name, "a whole number") }
        return number
    }

    func number(_ name: String, _ missing: Double) throws(FileError) -> Double {
        guard let value = value(name) else { return missing }
        guard let number = value.double else { throw wrong(name, "a number") }
        return number
    }

    func bias() throws(FileError) -> AdapterConfig.Bias {
        guard let text = try text("bias") else { return .none }
        guard let bias = AdapterConfig.Bias(rawValue: text) else { throw wrong("bias", "none, lora_only or all") }
        return bias
    }

    /// One text, or a list of them.
    func texts(_ name: String) throws(FileError) -> [String]? {
        guard let value = value(name) else { return nil }
        if let text = value.string { return [text] }
        guard let list = value.array else { throw wrong(name, "a list of names") }
        var texts: [String] = []
        for item in list {
            guard let text = item.string, !text.isEmpty else { throw wrong(name, "a list of names") }
            texts.append(text)
        }
        return texts
    }

    func wholes(_ name: String) throws(FileError) -> [Int]? {
        guard let value = value(name) else { return nil }
        if let number = value.int { return [number] }
        guard let list = value.array else { throw wrong(name, "whole numbers") }
        var numbers: [Int] = []
        for item in list {
            guard let number = item.int else { throw wrong(name, "whole numbers") }
            numbers.append(number)
        }
        return numbers.isEmpty ? nil : numbers
    }

    /// A regex, "all-linear", or a list of names.
    func targets(_ name: String) throws(FileError) -> AdapterConfig.Targets? {
        guard let value = value(name) else { return nil }
        if let text = value.string { return text.lowercased() == "all-linear" ? .allLinear : .pattern(text) }
        guard let names = try texts(name), !names.isEmpty else { return nil }
        return .names(names)
    }

    func patterns<Value>(_ name: String, _ read: (JSON) -> Value?) throws(FileError) -> [AdapterConfig.Pattern<Value>] {
        guard let value = value(name) else { return [] }
        guard let object = value.object else { throw wrong(name, "an object of patterns and numbers") }
        var patterns: [AdapterConfig.Pattern<Value>] = []
        for (regex, item) in object {
            guard let number = read(item) else { throw wrong("\(name).\(regex)", "a number") }
            patterns.append(AdapterConfig.Pattern(regex, number))
        }
        return patterns
    }
}
