import QuintetFiles

extension TokenizerDefinition {
    /// A byte-level BPE before its first merge: special tokens, then the 256 bytes in the order of their characters.
    init(trainedWith pattern: PreTokenizationPattern, specialTokens: [String]) throws(FileError) {
        self.init(slotsFor: pattern)
        for token in specialTokens where token.isEmpty || token.utf8.count > AddedToken.longest {
            throw FileError(
                "not a special token", field: "special tokens", expected: "1 to \(AddedToken.longest) bytes",
                found: "\(token.utf8.count) bytes")
        }
        for name in specialTokens where tokens.index(of: name) == nil {
            addedTokens.append(AddedToken(id: Int32(ids.count), content: name))
            add(Array(name.utf8))
        }
        for scalar in ByteAlphabet.scalars.sorted() {
            var name: [UInt8] = []
            appendScalar(scalar, to: &name)
            if tokens.index(of: name) == nil { add(name) }
        }
    }

    /// A byte-level BPE with nothing in it: the slots alone.
    init(slotsFor pattern: PreTokenizationPattern) { self.init(slotsFor: pattern.regex) }

    init(slotsFor regex: String) {
        preTokenizer = Self.preTokenizer(regex)
        postProcessor = ["type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true]
        decoder = postProcessor
        model = [
            "dropout": nil, "unk_token": nil, "continuing_subword_prefix": nil, "end_of_word_suffix": nil,
            "fuse_unk": false, "byte_fallback": false, "ignore_merges": false,
        ]
    }

    private static func preTokenizer(_ regex: String) -> JSON {
        let isOwn = PreTokenizationPattern(regex: regex) == .gpt2
        var byteLevel: JSON = ["type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true]
        byteLevel["use_regex"] = .bool(isOwn)
        if isOwn { return byteLevel }
        let split: JSON = [
            "type": "Split", "pattern": ["Regex": .string(regex)], "behavior": "Isolated", "invert": false,
        ]
        return ["type": "Sequence", "pretokenizers": [split, byteLevel]]
    }

    private mutating func add(_ name: [UInt8]) {
        tokens.insert(name)
        ids.append(Int32(ids.count))
    }

    /// Adds the token that a merge makes, unless the same text is a token already, and the merge; returns the token's id.
    mutating func addMerge(_ left: Int32, _ right: Int32) -> Int32 {
        let name = Array(tokens[Int(left)]) + Array(tokens[Int(right)])
        let id = Int32(tokens.index(of: name) ?? tokens.count)
        if id == tokens.count { add(name) }
        merges.append(Merge(left: left, right: right, id: id))
        return id
    }

    /// A pair may be learned twice (its token arose in two ways); the later rank counts, as in the peer's table.
    mutating func keepLastOfEachMerge() {
        var seen = Set<UInt64>()
        merges = merges.reversed().filter { seen.insert(MergeTable.key($0.left, $0.right)).inserted }.reversed()
    }
}
