import QuintetLayers
import QuintetTensors

/// One token more for each of a fixed number of rows, recorded once and replayed: a step allocates nothing.
///
/// What changes from step to step (ids, positions, whose row it is) lies in buffers that the recorded calls read.
final class DecodeStep {
    let rows: Int
    private let model: Transformer
    private let cache: KVCache
    private let length: Int
    private let known: Int
    private let ids: Tensor, positions: Tensor, sequences: Tensor
    private let adapters: AdapterUse
    private var recording: Recording?
    private var logits: Tensor?
    /// What recorded calls read besides the model, the cache and the arena.
    private var tables: [Tensor] = []

    /// `length` and `known` as in `Pass`: the longest a sequence gets, and what was there at once when it began.
    init(_ model: Transformer, _ cache: KVCache, rows: Int, length: Int, known: Int, _ mode: AdapterMode = .all, adapters: Int = 0) {
        self.rows = rows
        self.model = model
        self.cache = cache
        self.length = length
        self.known = known
        let zeros = [Int32](repeating: 0, count: rows)
        (ids, positions, sequences) = (Tensor(zeros, [rows]), Tensor(zeros, [rows]), Tensor(zeros, [rows]))
        self.adapters = switch mode {
        case .all: .all
        case .none: .none
        case .each: .shares(Tensor.filled([rows, adapters]))
        }
    }

    /// What a row reads: a token, where it stands, in which sequence of the cache, and how much of each adapter (empty: all of all).
    func set(_ row: Int, id: Int32, position: Int, sequence: Int, shares: [Float] = []) {
        ids.data.storeBytes(of: id, toByteOffset: 4 * row, as: Int32.self)
        positions.data.storeBytes(of: Int32(position), toByteOffset: 4 * row, as: Int32.self)
        sequences.data.storeBytes(of: Int32(sequence), toByteOffset: 4 * row, as: Int32.self)
        guard case .shares(let table) = adapters else { return }
        let count = table.shape.columns
        for index in 0..<count {
            table.data.storeBytes(of: shares.isEmpty ? 1 : shares[index], toByteOffset: 4 * (row * count + index), as: Float.self)
        }
    }

    /// Logits [rows, vocabulary]; the next call overwrites them.
    func run() -> Tensor {
        if let recording, let logits {
            recording.replay()
            return logits
        }
        tables = model.positionTables(length: length, known: known)
        var result: Tensor?
        recording = Recording({ forward() }) { result = $0 }
        logits = result
        return result ?? forward()
    }

    private func forward() -> Tensor {
        var pass = Pass(
            batch: 1, positions: positions, length: length, known: known, cache: CacheView(cache, sequences: sequences))
        pass.adapters = adapters
        return model.logits(model(ids, &pass), adapters: adapters)
    }
}
