import QuintetLayers
package import QuintetTensors

/// Cross-entropy of the learned tokens: supervised fine-tuning, and continued pretraining where all tokens are learned.
///
/// loss = -1/N sum log p(token | what stands before it) over the N learned tokens of a step, however they lie in batches.
package struct Supervised: Objective {
    package init() {}

    package func samples(_ row: DataRow, _ encoder: TextEncoder) throws(RowProblem) -> [Sample] {
        try encoder.encode(row.example).map { Sample(texts: [$0], position: row.position) }
    }

    package func weight(of sample: Sample) -> Int { sample.texts.reduce(0) { $0 + $1.learnedCount } }

    package func losses(_ samples: [Sample], _ model: ObjectiveModel, share: Float, _ tape: Tape?) -> LossSum {
        let targets = NextTokens(samples.flatMap(\.texts))
        let hidden = ObjectiveModel.rows(model.hidden(targets.inputs, tape), targets.rows, tape)
        let losses = model.transformer.losses(hidden: hidden, targets: targets.tensor, scale: share, tape)
        let total = losses.floats.reduce(0) { $0 + Double($1) }
        if let tape { _ = tape.backward(from: losses, gradient: losses) }
        return LossSum(loss: total, weight: targets.rows.count, tokens: samples.reduce(0) { $0 + $1.tokens })
    }
}

extension ObjectiveEntry {
    static let supervised = ObjectiveEntry(
        name: "supervised", aliases: ["sft"], summary: "learns answers: prompt and completion, conversations, or texts",
        takes: { if case .completion = $0 { true } else if case .conversation = $0 { true } else if case .text = $0 { true } else { false } },
        make: { _, _ in Supervised() })

    static let continued = ObjectiveEntry(
        name: "continued", aliases: ["cpt", "pretrain"], summary: "goes on pretraining: texts, every token learned",
        takes: { if case .text = $0 { true } else { false } }, make: { _, _ in Supervised() })
}

/// What follows the learned places of texts: the rows of hidden states to look at, and the token after each.
struct NextTokens {
    /// Each text without its last token, which predicts nothing.
    let inputs: [ArraySlice<Int32>]
    /// Rows of the inputs, one after the other, whose next token is learned.
    private(set) var rows: [Int32] = []
    private(set) var next: [Int32] = []
    /// How many of the rows are each text's.
    private(set) var counts: [Int] = []

    init(_ texts: [EncodedText]) {
        inputs = texts.map { $0.ids.dropLast() }
        var start = 0
        for text in texts {
            let before = rows.count
            for index in 1..<max(text.ids.count, 1) where text.learned[index] {
                rows.append(Int32(start + index - 1))
                next.append(text.ids[index])
            }
            counts.append(rows.count - before)
            start += text.ids.count - 1
        }
    }

    var tensor: Tensor { Tensor(next, [next.count]) }

    /// The sum of a number of each row, text by text.
    func sums(_ values: [Float]) -> [Double] {
        var at = 0
        return counts.map { count in
            defer { at += count }
            return values[at..<at + count].reduce(0) { $0 + Double($1) }
        }
    }
}
