import QuintetFiles
public import QuintetTensors

/// Tables of positions (cosines and sines of rotary ones, fixed waves), made once and shared by all layers and sessions.
///
/// Recorded kernel calls hold a table's address, so tables stay: lengths are rounded up to powers of two, which bounds them.
/// Scalings that depend on the length need one for every prompt length; of those sixteen stay, and sessions hold their own
/// (`Transformer.positionTables`).
final class PositionTables: Sendable {
    static let shared = PositionTables()

    private enum Key: Equatable {
        /// `known` is nil where the angles do not depend on it.
        case rotary(Rotary, known: Int?)
        case sinusoidal(Sinusoidal, width: Int)

        var dependsOnLength: Bool { if case .rotary(_, .some) = self { true } else { false } }
    }

    private struct Entry {
        let key: Key
        let length: Int
        let table: Tensor
    }
    private let entries = Guarded<[Entry]>([])

    /// [at least `length`, rotary width].
    func rotary(_ rotary: Rotary, length: Int, known: Int) -> Tensor {
        let rounded = Self.roundedUp(length)
        let known = rotary.fixedLength.map { Self.clamped(known, rotary, context: $0, length: rounded) }
        return find(.rotary(rotary, known: known), length, rounded) {
            (rotary.table(length: rounded, known: known ?? rounded), rotary.width)
        }
    }

    /// [offset + at least `length`, width].
    func sinusoidal(_ waves: Sinusoidal, length: Int, width: Int) -> Tensor {
        let rounded = Self.roundedUp(length)
        return find(.sinusoidal(waves, width: width), length, rounded) { (waves.table(length: rounded, width: width), width) }
    }

    private func find(_ key: Key, _ length: Int, _ rounded: Int, _ make: () -> (values: [Float], width: Int)) -> Tensor {
        entries.withLock { entries in
            if let found = entries.first(where: { $0.length >= length && $0.key == key }) { return found.table }
            let (values, width) = make()
            let table = Self.stored(values, width)
            if key.dependsOnLength, entries.count(where: { $0.key.dependsOnLength }) >= 16,
                let oldest = entries.firstIndex(where: { $0.key.dependsOnLength })
            {
                entries.remove(at: oldest)
            }
            entries.append(Entry(key: key, length: rounded, table: table))
            return table
        }
    }

    /// Prompts up to the length where angles begin to depend on it are all the same.
    private static func clamped(_ known: Int, _ rotary: Rotary, context: Int, length: Int) -> Int { max(min(known, length), min(context, length)) }

    private static func roundedUp(_ length: Int) -> Int {
        var rounded = 64
        while rounded < length { rounded *= 2 }
        return rounded
    }

    private static func stored(_ values: [Float], _ width: Int) -> Tensor {
        let (pointer, bytes) = (UnsafeMutableRawPointer.allocate(byteCount: max(values.count, 1) * 4, alignment: 64), values.count * 4)
        values.withUnsafeBytes { if let base = $0.baseAddress { pointer.copyMemory(from: base, byteCount: bytes) } }
        return Tensor(
            storage: Storage(base: pointer, byteCount: bytes, owner: TableOwner(pointer)), shape: [values.count / max(width, 1), width])
    }
}

extension Transformer {
    /// The tables a pass of these lengths reads: whoever records its kernel calls holds them.
    public func positionTables(length: Int, known: Int) -> [Tensor] {
        var tables = rotaries.map { PositionTables.shared.rotary($0, length: length, known: known) }
        if case .sinusoidal(let waves) = spec.embedding.positions {
            tables.append(PositionTables.shared.sinusoidal(waves, length: length, width: spec.width))
        }
        return tables
    }

    /// The length past which a text that began shorter has to be read again from its start; nil where that never happens.
    public var rereadLength: Int? { rotaries.compactMap(\.rereadLength).min() }

    private var rotaries: [Rotary] {
        spec.layers.cycle.compactMap { block in
            switch block.mixer {
            case .attention(let attention):
                if case .rotary(let rotary) = attention.positions { rotary } else { nil }
            case .latentAttention(let attention): attention.rotary
            case .stateSpace: nil
            }
        }
    }
}

/// Frees a table when its last tensor goes: tables outlive any recording that was open when they were made.
// Sendable: the pointer never changes.
private final class TableOwner: @unchecked Sendable {
    let pointer: UnsafeMutableRawPointer
    init(_ pointer: UnsafeMutableRawPointer) { self.pointer = pointer }
    deinit { pointer.deallocate() }
}
