import QuintetFiles

/// Weights under names that no index lists: all shards of one set, or the only file of tensors in a folder.
struct LooseWeights {
    let folder: String
    let names: [String]

    /// Files that training leaves beside the weights.
    private static let others: Set<String> = [
        "training_args.bin", "optimizer.bin", "optimizer.pt", "scheduler.bin", "scheduler.pt", "scaler.pt", "rng_state.pth", "adapter_model.bin",
        "adapter_model.safetensors",
    ]
    static let endings = [".safetensors", ".bin", ".pt", ".pth", ".th", ".ckpt"]

    /// The paths of the weights; nil where nothing, or more than one thing, could be meant.
    func paths() throws(FileError) -> [String]? {
        let candidates = names.filter { name in
            !name.hasPrefix(".") && !Self.others.contains(name) && !name.hasPrefix("rng_state_") && Self.endings.contains(where: name.hasSuffix)
        }
        let shards = candidates.compactMap { Shard($0) }
        if let first = shards.first, shards.count == candidates.count, shards.allSatisfy({ $0.set == first.set }) {
            return try whole(first.set, shards)
        }
        return candidates.count == 1 ? [Folder.join(folder, candidates[0])] : nil
    }

    /// Every shard of a set, or an error that names the missing ones.
    private func whole(_ set: Shard.Set, _ shards: [Shard]) throws(FileError) -> [String] {
        let there = Swift.Set(shards.map(\.number))
        let missing = (1...max(set.count, 1)).filter { !there.contains($0) }
        guard missing.isEmpty, there.count == set.count else {
            let named = missing.prefix(4).map { set.name(of: $0) } + (missing.count > 4 ? ["\(missing.count - 4) more"] : [])
            throw FileError(
                "a shard is missing", path: folder, expected: named.joined(separator: ", "),
                found: "\(there.count) of \(set.count) shards", hint: "get the missing files, or the index if the set is another")
        }
        return shards.sorted { $0.number < $1.number }.map { Folder.join(folder, set.name(of: $0.number)) }
    }
}

/// `STEM-00002-of-00005.ENDING`, as savers name the parts of a model.
private struct Shard {
    struct Set: Equatable {
        let stem: String, ending: String
        let count: Int
        /// Digits of a number.
        let digits: Int

        func name(of number: Int) -> String { "\(stem)-\(padded(number))-of-\(padded(count))\(ending)" }

        private func padded(_ number: Int) -> String {
            let text = String(number)
            return String(repeating: "0", count: max(digits - text.count, 0)) + text
        }
    }
    let set: Set
    let number: Int

    init?(_ name: String) {
        guard let ending = LooseWeights.endings.first(where: name.hasSuffix) else { return nil }
        let parts = name.dropLast(ending.count).split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count >= 4, parts[parts.count - 2] == "of", let count = Self.number(parts[parts.count - 1]),
            let number = Self.number(parts[parts.count - 3]), number > 0, number <= count, parts[parts.count - 1].utf8.count == parts[parts.count - 3].utf8.count
        else { return nil }
        set = Set(
            stem: parts.dropLast(3).joined(separator: "-"), ending: ending, count: count, digits: parts[parts.count - 1].utf8.count)
        self.number = number
    }

    private static func number(_ text: Substring) -> Int? {
        (1...6).contains(text.utf8.count) && text.utf8.allSatisfy { (0x30...0x39).contains($0) } ? Int(text) : nil
    }
}
