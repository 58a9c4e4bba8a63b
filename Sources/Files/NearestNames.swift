/// The names most like `name`, nearest first: what was probably meant.
public func nearestNames(to name: String, in names: some Sequence<String>, count: Int = 3) -> [String] {
    let wanted = Array(name.utf8.prefix(200))
    let scored = names.lazy.prefix(20_000).map { (distance(wanted, Array($0.utf8.prefix(200))), $0) }
    let near = scored.filter { $0.0 <= max(2, wanted.count / 3) }
    return near.sorted { $0.0 != $1.0 ? $0.0 < $1.0 : Folder.precedes($0.1, $1.1) }.prefix(count).map(\.1)
}

/// "did you mean a, b?" or nil where nothing is near.
public func nearestHint(_ name: String, _ names: some Sequence<String>) -> String? {
    let near = nearestNames(to: name, in: names)
    return near.isEmpty ? nil : "did you mean \(near.joined(separator: ", "))?"
}

/// Edits (insert, delete, replace) from one text to the other.
private func distance(_ a: [UInt8], _ b: [UInt8]) -> Int {
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
