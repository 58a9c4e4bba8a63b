import QuintetLayers
import QuintetTensors

/// What a text reads in a step: the token it chose last, or a piece of its prompt.
struct BatchRows {
    let sequence: BatchSequence
    let range: Range<Int>
    /// Whether the text's next token is chosen after them.
    var isLast: Bool { range.upperBound == sequence.ids.count }
}

/// What a recorded step is for.
struct StepKind: Equatable {
    let rows: Int
    let mode: AdapterMode
}

extension BatchEngine {
    /// Rows of prompts in a step in which nobody writes: enough to fill the kernels.
    private static let fullChunk = 512

    /// One row for every text that is writing, then prompts in the order of their arrival as far as the step's rows reach.
    func planRows() -> [BatchRows] {
        if let length = model.rereadLength { for sequence in running { sequence.reread(past: length) } }
        let isWriting = running.contains { $0.unread == 1 }
        var left = isWriting ? limits.prefillRows : Self.fullChunk
        var rows: [BatchRows] = []
        for sequence in running where sequence.slot != nil {
            let count = sequence.unread == 1 ? 1 : min(sequence.unread, left)
            guard count > 0, makeRoom(sequence.cached + count, for: sequence) else { continue }
            if sequence.unread > 1 { left -= count }
            rows.append(BatchRows(sequence: sequence, range: sequence.cached..<sequence.cached + count))
        }
        // Making room may have sent some back that had their rows already.
        return rows.filter { $0.sequence.slot != nil }
    }

    /// Reads the rows and chooses the next tokens; gives the texts that came to their end.
    func run(_ rows: [BatchRows]) -> [(BatchSequence, BatchEvent)] {
        counts.steps += 1
        var ended: [(BatchSequence, BatchEvent)] = []
        for group in groups(rows) {
            let logits = group.allSatisfy { $0.range.count == 1 && $0.isLast } ? decoded(group) : read(group)
            do throws(BatchFailure) { try checkIntact() } catch { return ended }
            var row = 0
            for part in group {
                part.sequence.cached = part.range.upperBound
                let chooses = part.isLast
                if part.range.upperBound <= part.sequence.request.prompt.count { counts.promptTokens += part.range.count }
                if part.range.count > 1 { remember(part.sequence) }
                guard chooses, let logits else { continue }
                counts.newTokens += 1
                if let event = part.sequence.choose(Self.row(row, of: logits), generator) { ended.append((part.sequence, event)) }
                row += 1
            }
        }
        return ended
    }

    /// All at once, unless the angles of a text depend on its own length: then each alone.
    private func groups(_ rows: [BatchRows]) -> [[BatchRows]] { model.spec.turnsByLength ? rows.map { [$0] } : [rows] }

    /// A token each: the recorded step for so many rows.
    private func decoded(_ rows: [BatchRows]) -> Tensor {
        let known = known(rows)
        let kind = StepKind(rows: rows.count, mode: AdapterMode(rows.map { $0.sequence.request.shares }))
        let step = step(kind, known)
        for (index, row) in rows.enumerated() {
            let text = row.sequence
            step.set(index, id: text.ids[row.range.lowerBound], position: row.range.lowerBound, sequence: text.slot ?? 0, shares: text.request.shares)
        }
        return step.run()
    }

    /// Recorded once for a number of rows; the few that were used last are kept, each with memory of its own.
    private func step(_ kind: StepKind, _ known: Int) -> DecodeStep {
        func new() -> DecodeStep { DecodeStep(model, cache, rows: kind.rows, length: limits.context, known: known, kind.mode, adapters: adapters) }
        if model.spec.turnsByLength { return new() }
        let index = steps.firstIndex { $0.kind == kind }
        let step = index.map { steps.remove(at: $0).step } ?? new()
        steps.append((kind, step))
        if steps.count > Self.keptSteps { steps.removeFirst() }
        return step
    }

    private static let keptSteps = 4

    /// Any rows; logits of the last one of each text that chooses a token, nil where none does.
    private func read(_ rows: [BatchRows]) -> Tensor? {
        let ids = rows.flatMap { $0.sequence.ids[$0.range] }
        let positions = rows.flatMap { $0.range.map(Int32.init) }
        let sequences = rows.flatMap { row in row.range.map { _ in Int32(row.sequence.slot ?? 0) } }
        let count = ids.count
        var pass = Pass(
            batch: 1, positions: Tensor(positions, [count]), length: limits.context, known: known(rows),
            cache: CacheView(cache, sequences: Tensor(sequences, [count])))
        pass.adapters = AdapterUse(rows.map { ($0.sequence.request.shares, $0.range.count) }, adapters: adapters)
        let hidden = model(Tensor(ids, [count]), &pass)
        var end = 0
        let last = rows.compactMap { row -> Int32? in
            end += row.range.count
            return row.isLast ? Int32(end - 1) : nil
        }
        if last.isEmpty { return nil }
        let use = AdapterUse(rows.filter(\.isLast).map { ($0.sequence.request.shares, 1) }, adapters: adapters)
        return model.logits(embed(Tensor(last, [last.count]), hidden), adapters: use)
    }

    private func known(_ rows: [BatchRows]) -> Int {
        model.spec.turnsByLength ? rows[0].sequence.known : limits.context
    }

    private static func row(_ index: Int, of logits: Tensor) -> UnsafeMutableBufferPointer<Float> {
        let width = logits.shape.columns
        return UnsafeMutableBufferPointer(start: logits.data.assumingMemoryBound(to: Float.self) + index * width, count: width)
    }
}
