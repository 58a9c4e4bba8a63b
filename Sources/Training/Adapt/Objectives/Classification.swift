import QuintetFiles
import QuintetGeneration
import QuintetLayers
import QuintetModels
package import QuintetTensors
import QuintetTokenizers

/// What a text is: cross-entropy over classes of `score.weight` times the text's pooled state, as `...ForSequenceClassification`.
package struct Classification: Objective {
    let shape: ScoreShape

    package init(_ shape: ScoreShape) { self.shape = shape }

    package var head: ScoreShape? { shape }

    package func samples(_ row: DataRow, _ encoder: TextEncoder) throws(RowProblem) -> [Sample] {
        guard case .labelled(_, let label) = row.example else { throw RowProblem("no label") }
        let index = try shape.labels.index(of: label)
        return try pooledText(row, shape.pooling, encoder).map { Sample(texts: [$0], target: .label(index), position: row.position) }
    }

    package func weight(of sample: Sample) -> Int { 1 }

    package func losses(_ samples: [Sample], _ model: ObjectiveModel, share: Float, _ tape: Tape?) -> LossSum {
        let classes = samples.map { if case .label(let index) = $0.target { Int32(index) } else { Int32(-1) } }
        let pooled = model.pooled(samples, shape.pooling, tape)
        return model.classified(pooled, classes, share: share, weight: samples.count, tokens: samples.reduce(0) { $0 + $1.tokens }, tape)
    }
}

/// How much a text is: the squared error of one score, as `problem_type: regression`.
package struct Regression: Objective {
    let shape: ScoreShape

    package init(_ shape: ScoreShape) { self.shape = shape }

    package var head: ScoreShape? { shape }

    package func samples(_ row: DataRow, _ encoder: TextEncoder) throws(RowProblem) -> [Sample] {
        guard case .labelled(_, let label) = row.example, let value = Labels.number(label) else { throw RowProblem("the label is no number") }
        return try pooledText(row, shape.pooling, encoder).map { Sample(texts: [$0], target: .value(Float(value)), position: row.position) }
    }

    package func weight(of sample: Sample) -> Int { 1 }

    package func losses(_ samples: [Sample], _ model: ObjectiveModel, share: Float, _ tape: Tape?) -> LossSum {
        let wanted = samples.map { if case .value(let value) = $0.target { -value } else { Float(0) } }
        let pooled = model.pooled(samples, shape.pooling, tape)
        guard let score = model.score else { preconditionFailure("a score head is there") }
        let errors = add(matmul(pooled, .dense(score.weight), Epilogue(bias: score.bias), tape), Tensor(wanted, [wanted.count, 1]), tape)
        var sum = LossSum(weight: samples.count, tokens: samples.reduce(0) { $0 + $1.tokens })
        for error in errors.floats {
            sum.loss += Double(error) * Double(error)
            sum.add("absolute_error", Double(abs(error)))
        }
        if let tape { _ = tape.backward(from: errors, gradient: scale(errors.detached, by: 2 * share)) }
        return sum
    }
}

/// What each word is: cross-entropy at the first token of every word, as `...ForTokenClassification`.
package struct TokenLabels: Objective {
    let shape: ScoreShape

    package init(_ shape: ScoreShape) { self.shape = shape }

    package var head: ScoreShape? { shape }

    package func samples(_ row: DataRow, _ encoder: TextEncoder) throws(RowProblem) -> [Sample] {
        guard case .tagged(let words, let tags) = row.example else { throw RowProblem("no tags") }
        let text = try pooledText(row, shape.pooling, encoder)[0]
        var classes = [Int32](repeating: -1, count: text.ids.count)
        for (first, tag) in zip(encoder.chat.tokenizer.encode(words: words).starts, tags) {
            let index = Int32(try shape.labels.index(of: tag))
            if first < classes.count { classes[first] = index }
        }
        return [Sample(texts: [text.scored { classes[$0] >= 0 }], target: .tags(classes), position: row.position)]
    }

    package func weight(of sample: Sample) -> Int {
        if case .tags(let classes) = sample.target { classes.reduce(0) { $0 + ($1 >= 0 ? 1 : 0) } } else { 0 }
    }

    package func losses(_ samples: [Sample], _ model: ObjectiveModel, share: Float, _ tape: Tape?) -> LossSum {
        var (rows, classes, start): ([Int32], [Int32], Int) = ([], [], 0)
        for sample in samples {
            if case .tags(let tags) = sample.target {
                for (index, tag) in tags.enumerated() where tag >= 0 {
                    rows.append(Int32(start + index))
                    classes.append(tag)
                }
            }
            start += sample.tokens
        }
        let states = ObjectiveModel.rows(model.hidden(samples.map { $0.texts[0].ids[...] }, tape), rows, tape)
        return model.classified(states, classes, share: share, weight: rows.count, tokens: start, tape)
    }
}

/// The text of a row that is scored as a whole.
private func pooledText(_ row: DataRow, _ pooling: ScoreShape.Pooling, _ encoder: TextEncoder) throws(RowProblem) -> [EncodedText] {
    let texts = try encoder.encode(row.example)
    guard texts.allSatisfy({ !$0.ids.isEmpty }) else { throw RowProblem("the text has no tokens") }
    return texts.map { text in text.scored { pooling == .mean || $0 == text.ids.count - 1 } }
}

extension ObjectiveModel {
    /// One state for each text: its last token's, or the mean of all.
    func pooled(_ samples: [Sample], _ pooling: ScoreShape.Pooling, _ tape: Tape?) -> Tensor {
        let texts = samples.map { $0.texts[0].ids[...] }
        guard let features else { return pooled(texts, pooling, tape) }
        return features.states(texts, width: transformer.spec.width) { pooled($0, pooling, nil) }
    }

    private func pooled(_ texts: [ArraySlice<Int32>], _ pooling: ScoreShape.Pooling, _ tape: Tape?) -> Tensor {
        let states = hidden(texts, tape)
        var end = 0
        switch pooling {
        case .last:
            let last = texts.map { text -> Int32 in
                end += text.count
                return Int32(end - 1)
            }
            return Self.rows(states, last, tape)
        case .mean:
            let shares = Tensor.filled([texts.count, states.shape.rows])
            for (row, text) in texts.enumerated() {
                shares.slice(0, row..<row + 1).slice(1, end..<end + text.count).copyIn(
                    Tensor.filled([1, text.count], with: 1 / Float(text.count)))
                end += text.count
            }
            return matmul(shares, .dense(permute(states, [1, 0], tape)), Epilogue(), tape)
        }
    }

    /// Cross-entropy and accuracy of classes.
    func classified(_ states: Tensor, _ classes: [Int32], share: Float, weight: Int, tokens: Int, _ tape: Tape?) -> LossSum {
        guard let score else { preconditionFailure("a score head is there") }
        let losses = projectedCrossEntropy(
            states, score.weight, bias: score.bias, targets: Tensor(classes, [classes.count]), scale: share, tape)
        var sum = LossSum(loss: losses.floats.reduce(0) { $0 + Double($1) }, weight: weight, tokens: tokens)
        let outputs = score.weight.shape[0]
        let scores = matmul(states.detached, .dense(score.weight.detached), Epilogue(bias: score.bias?.detached)).floats
        for (row, wanted) in classes.enumerated() {
            let own = scores[row * outputs..<(row + 1) * outputs]
            let best = own.indices.max { own[$0] < own[$1] }.map { $0 - own.startIndex }
            sum.add("accuracy", best == Int(wanted) ? 1 : 0)
        }
        if let tape { _ = tape.backward(from: losses, gradient: losses) }
        return sum
    }
}

extension ObjectiveEntry {
    static let classification = ObjectiveEntry(
        name: "classification", aliases: ["classify"], summary: "names texts: text and label",
        takes: { if case .labelled = $0 { true } else { false } },
        make: { settings, rows in
            let labels = Labels(of: rows.lazy.compactMap(\.label))
            guard labels.count > 1 else { throw TrainingError.impossible(["all rows have the same label, \(quoted(labels.names.first ?? ""))"]) }
            return Classification(ScoreShape(kind: .classification, labels: labels, pooling: settings.pooling))
        })

    static let regression = ObjectiveEntry(
        name: "regression", aliases: [], summary: "rates texts: text and a number as label",
        takes: { if case .labelled(_, let label) = $0 { Labels.number(label) != nil } else { false } },
        make: { settings, _ in Regression(ScoreShape(kind: .regression, labels: Labels(["LABEL_0"]), pooling: settings.pooling)) })

    static let tokenLabels = ObjectiveEntry(
        name: "tokens", aliases: ["ner", "token-classification"], summary: "names words: tokens and tags",
        takes: { if case .tagged = $0 { true } else { false } },
        make: { _, rows in
            let tags = rows.lazy.flatMap { row -> [JSON] in if case .tagged(_, let tags) = row.example { tags } else { [] } }
            return TokenLabels(ScoreShape(kind: .tokens, labels: Labels(of: tags)))
        })
}
