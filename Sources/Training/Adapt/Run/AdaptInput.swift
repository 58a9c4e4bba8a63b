public import QuintetFiles
import QuintetGeneration
public import QuintetModels
import QuintetTokenizers
import QuintetLayers

/// A model, its data and the objective that goes with them, made ready: what `adapt` trains on and `adapt inspect` shows.
public struct AdaptInput {
    public let base: ModelFolder
    public private(set) var data: AdaptData
    public let entry: ObjectiveEntry
    public let encoder: TextEncoder
    let objective: any Objective
    public private(set) var train: [Sample] = []
    public private(set) var validation: [Sample] = []
    public private(set) var test: [Sample] = []
    /// Rows that are not learned from, with the reason.
    public private(set) var skipped: [SkippedRow]

    /// Opens and encodes everything; nothing is trained and nothing written.
    ///
    /// - Throws: `FileError` for what cannot be read, `TrainingError` for what does not go together, or where nothing is left.
    public init(model: String, data path: String, validation: String? = nil, settings: AdaptSettings) throws {
        let problems = settings.problems
        guard problems.isEmpty else { throw TrainingError.impossible(problems) }
        if Folder.isFile(Folder.join(model, "adapter_config.json")), !Folder.isFile(Folder.join(model, "config.json")) {
            throw FileError(
                "an adapter cannot be adapted further", path: model, expected: "a model",
                hint: "merge it first: quintet convert BASE OUT --merge \(model), then adapt OUT")
        }
        base = try ModelFolder.open(model)
        if try base.scoreLayer() != nil {
            throw FileError(
                "a classifier cannot be adapted further", path: model, expected: "a model that writes", found: "a layer that scores in place of the vocabulary's",
                hint: "adapt its base on all rows together; quintet adapt predict uses this one")
        }
        data = try AdaptData.read(path, validation: validation, fields: settings.fields)
        entry = try Objectives.entry(settings.objective, for: data.train, format: data.format)
        objective = try entry.make(settings, data.train)
        encoder = try TextEncoder(base, settings)
        if !objective.comparesWithStart, let name = settings.beta != nil ? "beta" : settings.labelSmoothing != nil ? "label-smoothing" : nil {
            throw TrainingError.impossible(["\(name): goes with preferences (dpo), this objective is \(entry.name)"])
        }
        skipped = data.skipped
        train = encoded(data.train)
        guard !train.isEmpty else {
            throw FileError(
                "none of the \(data.train.count) rows can be learned from", path: path, found: skipped.first.map { "\($0.position): \($0.reason)" })
        }
        if data.heldOut.isEmpty { holdOut(settings.seed) } else { self.validation = encoded(data.validation) }
        test = encoded(data.test)
        if self.validation.isEmpty, !data.validation.isEmpty, validation != nil || Folder.isFolder(path) {
            let file = data.validation[0].position.file, why = skipped.first { $0.position.file == file }
            throw FileError(
                "none of the \(data.validation.count) held-out rows can be measured", path: file, found: why.map { "\($0.position): \($0.reason)" },
                hint: "leave --validation out, and some of the other rows are held out")
        }
        if let wrong = (train + self.validation + test).first(where: { $0.texts.contains { $0.ids.contains { $0 < 0 || Int($0) >= base.spec.vocabulary } } }) {
            throw FileError(
                "the tokenizer has more tokens than the model", path: model, expected: "ids below \(base.spec.vocabulary)", found: "others in \(wrong.position)")
        }
    }

    /// Sets some of what can be learned from aside: what the template or the length refuses measures nothing.
    private mutating func holdOut(_ seed: Int) {
        let usable = Set(train.map(\.position))
        data.holdOut(seed: UInt64(bitPattern: Int64(seed))) { usable.contains($0.position) }
        let aside = Set(data.validation.map(\.position))
        validation = train.filter { aside.contains($0.position) }
        train = train.filter { !aside.contains($0.position) }
    }

    private mutating func encoded(_ rows: [DataRow]) -> [Sample] {
        var samples: [Sample] = []
        for row in rows {
            do throws(RowProblem) { samples += try objective.samples(row, encoder) } catch {
                skipped.append(SkippedRow(position: row.position, reason: error.reason))
            }
        }
        return samples
    }

    /// What a person should know before it starts, a line each.
    public var lines: [String] {
        var lines = ["data: \(data.format) rows, objective \(entry.name); held out: \(data.heldOut)"]
        lines.append("train: " + LengthStatistics(train).summary)
        if !validation.isEmpty { lines.append("held out: " + LengthStatistics(validation).summary) }
        if let labels = objective.head?.labels, objective.head?.kind != .regression {
            lines.append("labels: " + labels.names.prefix(20).joined(separator: ", ") + (labels.count > 20 ? ", ... (\(labels.count))" : ""))
        }
        if let labels = objective.head?.labels, objective.head?.kind == .classification, labels.count > max(10, train.count / 2), labels.names.allSatisfy({ Int($0) != nil }) {
            lines.append("the labels are whole numbers, \(labels.count) of them in \(train.count) rows: --objective regression takes them as values")
        }
        if objective.head?.kind == .regression {
            let values = train.compactMap { if case .value(let value) = $0.target { value } else { nil } }
            if let least = values.min(), let most = values.max() {
                lines.append("labels: from \(least) to \(most)" + (max(abs(least), abs(most)) > 20 ? "; the default rates are for values of about -1 to 1, so scale these or give --learning-rate" : ""))
            }
        }
        if !encoder.chat.hasTemplate, data.format != "text", objective.head == nil {
            let begins = encoder.chat.tokenizer.bosID.map { bos in train.contains { $0.texts.contains { $0.ids.first == bos } } } == true
            lines.append("the model has no chat template: texts are \(begins ? "BOS + " : "")prompt + completion + EOS, messages joined by line breaks" + (begins ? "" : " (the tokenizer adds no BOS)"))
        }
        if data.copies > 0 { lines.append("\(data.copies) of the training rows are copies of others") }
        if data.seen > 0 { lines.append("\(data.seen) of the held-out and test rows are training rows, too: what is measured on them flatters") }
        if !skipped.isEmpty {
            lines.append("skipped \(skipped.count) rows: " + skipped.prefix(3).map { "\($0.position): \($0.reason)" }.joined(separator: "; ") + (skipped.count > 3 ? "; ..." : ""))
        }
        return lines
    }

    public var json: JSON {
        [
            "format": .string(data.format), "objective": .string(entry.name), "held_out": .string(data.heldOut), "train": LengthStatistics(train).json,
            "validation": LengthStatistics(validation).json, "template": .bool(encoder.chat.hasTemplate),
            "labels": objective.head.map { .array($0.labels.names.map { .string($0) }) } ?? .null, "skipped": JSON(skipped.count), "copies": JSON(data.copies), "seen": JSON(data.seen),
            "skipped_rows": .array(
                skipped.prefix(100).map { ["file": .string($0.position.file), "row": JSON($0.position.number), "reason": .string($0.reason)] }),
        ]
    }
}

extension TextEncoder {
    /// The encoder of a model: its tokenizer, template and ends.
    init(_ base: ModelFolder, _ settings: AdaptSettings) throws {
        let chat = try base.chatEncoder()
        var ends = try base.generationConfig().eos.compactMap { Int32(exactly: $0) }
        // The tokenizer's own end first: the others end a turn or a text in serving as well.
        if let own = chat.tokenizer.eosID { ends = [own] + ends.filter { $0 != own } }
        let limit = settings.maxLength ?? min(base.spec.context, 2048)
        if limit > base.spec.context {
            throw TrainingError.impossible(["max-length: \(limit) is longer than the model's context of \(base.spec.context) tokens"])
        }
        self.init(chat, ends: ends, limit: limit, masksPrompts: settings.masksPrompts)
    }
}
