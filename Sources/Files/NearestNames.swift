/// The names most like `name`, nearest first: what was probably meant. Upper and lower case are alike, and the beginning of a name is near it.
public func nearestNames(to name: String, in names: some Sequence<String>, count: Int = 3) -> [String] {
    let wanted = folded(name)
    let scored = names.lazy.prefix(20_000).map { (distance(wanted, folded($0)), $0) }
    let near = scored.filter { $0.0 <= max(2, wanted.count / 3) }
    return near.sorted { $0.0 != $1.0 ? $0.0 < $1.0 : Folder.precedes($0.1, $1.1) }.prefix(count).map(\.1)
}

/// "did you mean a, b?" or nil where nothing is near.
public func nearestHint(_ name: String, _ names: some Sequence<String>) -> String? {
    let near = nearestNames(to: name, in: names)
    return near.isEmpty ? nil : "did you mean \(near.joined(separator: ", "))?"
}

/// " Did you mean a?", to stand behind a sentence; empty where nothing is near.
public func nearestQuestion(_ name: String, _ names: some Sequence<String>) -> String {
    nearestNames(to: name, in: names, count: 1).first.map { " Did you mean \($0)?" } ?? ""
}

/// The first bytes, letters as small ones.
private func folded(_ name: String) -> [UInt8] {
    name.utf8.prefix(200).map { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) ? $0 | 0x20 : $0 }
}

/// Edits (insert, delete, replace) from one text to the other; 2 at most where one begins with the other and that is long enough to say something.
private func distance(_ a: [UInt8], _ b: [UInt8]) -> Int {
    let isBeginning = min(a.count, b.count) >= 3 && (a.starts(with: b) || b.starts(with: a))
    return min(edits(a, b), isBeginning ? 2 : .max)
}

private func edits(_ a: [UInt8], _ b: [UInt8]) -> Int {
    if abs(a.count - b.count) > max(2, a.count / 3) { return .max }
    var row = Array(0...b.count)
    for (i, x) in a.enumerated() {
        var diagonal = row[0]
        row[0] = i + 1
        for (j, y) in b.enumerated() {
            let replaced = diagonal + (x == y ? 0 : 1)
            diagonal = row[j + 1]
            row[j + 1] = min(replaced, diagonal + 1, row[j] + 1)
        }
    }
    return row[b.count]
}
