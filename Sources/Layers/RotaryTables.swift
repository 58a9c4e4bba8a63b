public import QuintetTensors
import Synchronization

/// Tables of cosines and sines, made once per rotary spec and shared by all layers and sessions.
///
/// Recorded kernel calls hold a table's address, so tables stay: lengths are rounded up to powers of two, which bounds them.
/// Dynamic scaling needs one for every prompt length; of those sixteen stay, and sessions hold their own (`rotaryTables`).
final class RotaryTables: Sendable {
    static let shared = RotaryTables()

    private struct Entry {
        let rotary: Rotary
        let length: Int
        /// Nil where the angles do not depend on it.
        let known: Int?
        let table: Tensor
    }
    private let entries = Mutex<[Entry]>([])

    func table(_ rotary: Rotary, length: Int, known: Int) -> Tensor {
        let rounded = Self.roundedUp(length)
        let isDynamic = if case .dynamic = rotary.scaling { true } else { false }
        let known = isDynamic ? min(known, rounded) : nil
        return entries.withLock { entries in
            if let found = entries.first(where: { $0.length >= length && $0.known == known && $0.rotary == rotary }) { return found.table }
            let table = Self.make(rotary, length: rounded, known: known ?? rounded)
            if isDynamic, entries.count(where: { $0.known != nil }) >= 16, let oldest = entries.firstIndex(where: { $0.known != nil }) {
                entries.remove(at: oldest)
            }
            entries.append(Entry(rotary: rotary, length: rounded, known: known, table: table))
            return table
        }
    }

    private static func roundedUp(_ length: Int) -> Int {
        var rounded = 64
        while rounded < length { rounded *= 2 }
        return rounded
    }

    private static func make(_ rotary: Rotary, length: Int, known: Int) -> Tensor {
        let values = rotary.table(length: length, known: known)
        let (pointer, bytes) = (UnsafeMutableRawPointer.allocate(byteCount: max(values.count, 1) * 4, alignment: 64), values.count * 4)
        values.withUnsafeBytes { if let base = $0.baseAddress { pointer.copyMemory(from: base, byteCount: bytes) } }
        return Tensor(storage: Storage(base: pointer, byteCount: bytes, owner: TableOwner(pointer)), shape: [length, rotary.width])
    }
}

extension Transformer {
    /// The tables a pass of these lengths reads: whoever records its kernel calls holds them.
    public func rotaryTables(length: Int, known: Int) -> [Tensor] {
        spec.layers.cycle.compactMap { block in
            switch block.mixer {
            case .attention(let attention):
                guard case .rotary(let rotary) = attention.positions else { return nil }
                return RotaryTables.shared.table(rotary, length: length, known: known)
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
