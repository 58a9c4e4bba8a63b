import QuintetTensors
import Synchronization

/// Tables of cosines and sines, made once per rotary spec and length and shared by all layers.
final class RotaryTables: Sendable {
    static let shared = RotaryTables()

    private struct Entry {
        let rotary: Rotary
        let length: Int
        let table: Tensor
    }
    private let entries = Mutex<[Entry]>([])

    func table(_ rotary: Rotary, length: Int) -> Tensor {
        entries.withLock { entries in
            if let found = entries.first(where: { $0.length == length && $0.rotary == rotary }) { return found.table }
            let values = rotary.table(length: length)
            let (pointer, bytes) = (UnsafeMutableRawPointer.allocate(byteCount: max(values.count, 1) * 4, alignment: 64), values.count * 4)
            values.withUnsafeBytes { if let base = $0.baseAddress { pointer.copyMemory(from: base, byteCount: bytes) } }
            let storage = Storage(base: pointer, byteCount: bytes, owner: TableOwner(pointer))
            let table = Tensor(storage: storage, shape: [length, rotary.width])
            if entries.count >= 16 { entries.removeFirst() }
            entries.append(Entry(rotary: rotary, length: length, table: table))
            return table
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
