/// The name in `names` that a person most likely meant by `word`, or nil where none is close.
///
/// Case and the difference between `-` and `_` do not count. Distance: optimal string alignment (one swap counts one).
func nearestName(to word: String, in names: [String]) -> String? {
    let typed = folded(word)
    guard !typed.isEmpty, typed.count <= 64 else { return nil }
    let allowed = max(2, typed.count / 3)
    var best: (name: String, distance: Int)?
    for name in names {
        let candidate = folded(name)
        var distance = alignmentDistance(typed, candidate)
        if typed.count >= 3, candidate.starts(with: typed) || typed.starts(with: candidate) { distance = min(distance, allowed) }
        if distance <= allowed, distance < (best?.distance ?? Int.max) { best = (name, distance) }
    }
    return best?.name
}

private func folded(_ text: String) -> [Character] {
    text.lowercased().map { $0 == "-" || $0 == "." ? "_" : $0 }
}

private func alignmentDistance(_ a: [Character], _ b: [Character]) -> Int {
    var beforeLast = [Int](repeating: 0, count: b.count + 1)
    var last = Array(0...b.count)
    for i in a.indices {
        var row = [i + 1]
        for j in b.indices {
            var cost = min(last[j] + (a[i] == b[j] ? 0 : 1), last[j + 1] + 1, row[j] + 1)
            if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { cost = min(cost, beforeLast[j - 1] + 1) }
            row.append(cost)
        }
        (beforeLast, last) = (last, row)
    }
    return last[b.count]
}
