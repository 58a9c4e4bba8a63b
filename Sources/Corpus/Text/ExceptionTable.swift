/// The exceptions as a hash table over bytes, with a filter that lets most words pass at the cost of one look.
final class ExceptionTable: Sendable {
    static let shared = ExceptionTable(EnglishExceptions.shared.pieces)

    private struct Entry {
        var bytes: [UInt8]
        var pieces: [UInt8]
    }
    /// Open addressing; -1 is free.
    private let slots: [Int32]
    private let entries: [Entry]
    /// By first byte: the lengths (a bit each) that exceptions have.
    private let lengths: [UInt64]

    private init(_ pieces: [[UInt8]: [UInt8]]) {
        var slots = [Int32](repeating: -1, count: 8192)
        var entries: [Entry] = []
        var lengths = [UInt64](repeating: 0, count: 256)
        for (bytes, parts) in pieces {
            guard let first = bytes.first, bytes.count < 64 else { continue }
            var slot = Int(truncatingIfNeeded: bytes.withUnsafeBufferPointer { p in p.baseAddress.map { Self.hash($0, 0, bytes.count) } ?? 0 }) & 8191
            while slots[slot] >= 0 { slot = (slot + 1) & 8191 }
            slots[slot] = Int32(entries.count)
            entries.append(Entry(bytes: bytes, pieces: parts))
            lengths[Int(first)] |= 1 << UInt64(bytes.count)
        }
        (self.slots, self.entries, self.lengths) = (slots, entries, lengths)
    }

    private static func hash(_ p: UnsafePointer<UInt8>, _ start: Int, _ end: Int) -> UInt64 {
        var h: UInt64 = 0xcbf2_9ce4_8422_2325
        for i in start..<end { h = (h ^ UInt64(p[i])) &* 0x100_0000_01b3 }
        return h ^ h >> 29
    }

    @inline(__always)
    func mayHold(_ p: UnsafePointer<UInt8>, _ start: Int, _ end: Int) -> Bool {
        let length = end - start
        return length < 64 && lengths[Int(p[start])] >> UInt64(length) & 1 != 0
    }

    private func find(_ p: UnsafePointer<UInt8>, _ start: Int, _ end: Int) -> Int? {
        guard mayHold(p, start, end) else { return nil }
        var slot = Int(truncatingIfNeeded: Self.hash(p, start, end)) & 8191
        while slots[slot] >= 0 {
            let index = Int(slots[slot])
            let bytes = entries[index].bytes
            if bytes.count == end - start, (0..<bytes.count).allSatisfy({ bytes[$0] == p[start + $0] }) { return index }
            slot = (slot + 1) & 8191
        }
        return nil
    }

    func holds(_ p: UnsafePointer<UInt8>, _ start: Int, _ end: Int) -> Bool { find(p, start, end) != nil }

    /// Whether the rules would take the exception apart.
    func hasMarks(_ p: UnsafePointer<UInt8>, _ start: Int, _ end: Int) -> Bool {
        (start..<end).contains { p[$0] >= 0x80 || (p[$0] | 32) &- 97 >= 26 && p[$0] &- 48 >= 10 }
    }

    /// Appends the pieces if this is an exception.
    func split(_ p: UnsafePointer<UInt8>, _ start: Int, _ end: Int, _ words: inout Words) -> Bool {
        guard let index = find(p, start, end) else { return false }
        var at = start
        for size in entries[index].pieces {
            let next = at + Int(size)
            words.append(at, next, characters(p, at, next))
            at = next
        }
        return true
    }
}

/// Units and currencies that are split off after a digit.
enum Units {
    private static let all: Set<[UInt8]> = {
        let units = """
            km km² km³ m m² m³ dm dm² dm³ cm cm² cm³ mm mm² mm³ ha µm nm yd in ft kg g mg µg t lb oz m/s km/h kmh mph hPa Pa mbar mb MB kb KB \
            gb GB tb TB T G M K % км км² км³ м м² м³ дм дм² дм³ см см² см³ мм мм² мм³ нм кг г мг м/с км/ч кПа Па мбар Кб КБ кб Мб МБ мб Гб \
            ГБ гб Тб ТБ тбكم كم² كم³ م م² م³ سم سم² سم³ مم مم² مم³ كم غرام جرام جم كغ ملغ كوب اكواب US$ C$ A$ $
            """
        var all = Set(units.split(separator: " ").map { Array($0.utf8) })
        for currency in ScalarTable.currencies { all.insert(Array(String(Character(currency)).utf8)) }
        return all
    }()
    private static let ascii: Set<UInt64> = Set(all.filter { $0.count <= 8 }.map { key($0[...]) })

    private static func key(_ bytes: ArraySlice<UInt8>) -> UInt64 { bytes.reduce(1) { $0 << 8 | UInt64($1) } }

    static func holds(_ p: UnsafePointer<UInt8>, _ start: Int, _ end: Int) -> Bool {
        if end - start < 8 {
            var key: UInt64 = 1
            for i in start..<end { key = key << 8 | UInt64(p[i]) }
            return ascii.contains(key)
        }
        return all.contains(Array(UnsafeBufferPointer(start: p + start, count: end - start)))
    }
}
