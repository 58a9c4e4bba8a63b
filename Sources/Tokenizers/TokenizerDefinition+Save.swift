import QuintetFiles

extension TokenizerDefinition {
    /// The definition as a `tokenizer.json`, in one canonical order.
    var json: JSON {
        var members = JSONObject()
        members["type"] = .string(kind.rawValue)
        for (key, value) in model where key != "arithmetic" { members[key] = value }
        let order = ids.indices.sorted { ids[$0] < ids[$1] }
        if kind == .unigram {
            members["vocab"] = .array(order.map { [.string(String(decoding: tokens[$0], as: UTF8.self)), .number(scores[$0])] })
        } else {
            addVocabulary(order, to: &members)
        }
        return [
            "version": "1.0", "truncation": truncation, "padding": padding,
            "added_tokens": .array(addedTokens.map(\.json)), "normalizer": savedNormalizer, "pre_tokenizer": savedPreTokenizer,
            "post_processor": postProcessor, "decoder": savedDecoder, "model": .object(members),
        ]
    }

    private func addVocabulary(_ order: [Int], to members: inout JSONObject) {
        var vocabulary = JSONObject()
        var names = [Int32: JSON](minimumCapacity: ids.count)
        for index in order {
            let name = String(decoding: tokens[index], as: UTF8.self)
            vocabulary[name] = JSON(ids[index])
            names[ids[index]] = .string(name)
        }
        members["vocab"] = .object(vocabulary)
        if kind == .bpe { members["merges"] = .array(merges.map { [names[$0.left] ?? .null, names[$0.right] ?? .null] }) }
    }

    // SentencePiece's own normalizer and decoder have no names in the format; what `transformers` writes in their place comes close.

    private var savedNormalizer: JSON {
        guard normalizer["type"]?.string == "SentencePiece" else { return normalizer }
        var steps: [JSON] = []
        if let map = normalizer["precompiled_charsmap"], !map.isNull { steps.append(["type": "Precompiled", "precompiled_charsmap": map]) }
        if normalizer["remove_extra_whitespaces"]?.bool == true {
            steps.append(["type": "Strip", "strip_left": true, "strip_right": true])
            steps.append(["type": "Replace", "pattern": ["Regex": " {2,}"], "content": " "])
        }
        return steps.isEmpty ? .null : ["type": "Sequence", "normalizers": .array(steps)]
    }

    private var savedPreTokenizer: JSON {
        guard normalizer["type"]?.string == "SentencePiece" else { return preTokenizer }
        return savedMetaspace
    }

    private var savedDecoder: JSON {
        guard decoder["type"]?.string == "SentencePiece" else { return decoder }
        let replace: JSON = ["type": "Replace", "pattern": ["String": "▁"], "content": " "]
        let strip: JSON = ["type": "Strip", "content": " ", "start": 1, "stop": 0]
        let steps: [JSON] = [replace, ["type": "ByteFallback"], ["type": "Fuse"]]
        return ["type": "Sequence", "decoders": .array(decoder["leading"]?.string == "none" ? steps : steps + [strip])]
    }

    private var savedMetaspace: JSON {
        let prepends = normalizer["add_dummy_prefix"]?.bool == true
        return ["type": "Metaspace", "replacement": "▁", "prepend_scheme": prepends ? "always" : "never", "split": .bool(kind == .unigram)]
    }
}
