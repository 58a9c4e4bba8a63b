import QuintetFiles

extension GGUFVocabulary {
    func definition() throws(FileError) -> TokenizerDefinition {
        try check()
        var definition = try slots()
        for (index, token) in definition.addedTokens.enumerated() where takesSpaces(behind: token) { definition.addedTokens[index].stripsRight = true }
        return definition
    }

    private func slots() throws(FileError) -> TokenizerDefinition {
        switch model {
        case "llama": return try pieces(.merges).definition()
        case "t5": return try pieces(.unigram(.double)).definition()
        case "gpt2": return try byteLevel()
        case "bert": return try wordPiece()
        default: throw wrong("model", "llama, gpt2, bert or t5", model)
        }
    }

    /// Phi-3's tokens take the white space behind them. No key says so: llama.cpp knows the model by its name, and its placeholders tell it too.
    private func takesSpaces(behind token: AddedToken) -> Bool {
        guard !["<unk>", "<s>", "<|endoftext|>"].contains(token.content) else { return false }
        let name = (self.name ?? "").lowercased()
        return name.contains("phi-3") || name.contains("phi3") || model == "llama" && tokens.contains("<|placeholder1|>")
    }

    private func role(of id: Int) -> PieceRole {
        id == unknown ? .unknown : PieceRole(rawValue: UInt8(kind(id).rawValue)) ?? .normal
    }

    private func pieces(_ algorithm: PieceVocabulary.Algorithm) -> PieceVocabulary {
        var vocabulary = PieceVocabulary()
        let isUnigram = if case .unigram = algorithm { true } else { false }
        for (id, token) in tokens.enumerated() {
            vocabulary.pieces.append(.init(text: Array(token.utf8), score: scores.isEmpty ? 0 : scores[id], role: role(of: id)))
        }
        vocabulary.source = source
        vocabulary.findsTokens = true
        vocabulary.algorithm = algorithm
        vocabulary.unknown = unknown
        vocabulary.characterMap = characterMap
        vocabulary.addsPrefix = addsSpacePrefix ?? true
        vocabulary.removesExtraSpaces = removesExtraSpaces ?? false
        vocabulary.fallsBackToBytes = vocabulary.pieces.contains { $0.role == .byte }
        if addsBOS ?? !isUnigram, let bos { vocabulary.before = [bos] }
        if addsEOS ?? isUnigram, let eos { vocabulary.after = [eos] }
        return vocabulary
    }

    /// Token texts and special tokens of the kinds that are no SentencePiece; special ones are found in text before anything else.
    private func vocabulary(_ name: (Int, PieceRole) -> String) throws(FileError) -> TokenizerDefinition {
        var definition = TokenizerDefinition()
        definition.source = source
        for id in tokens.indices {
            let role = role(of: id)
            let text = name(id, role)
            guard !text.isEmpty, definition.tokens.insert(text).isNew else {
                throw wrong("tokens[\(id)]", "a text that no other token has", text)
            }
            definition.ids.append(Int32(id))
            guard [.unknown, .control, .userDefined].contains(role), text.utf8.count <= AddedToken.longest else { continue }
            var token = AddedToken(id: Int32(id), content: text)
            token.special = role != .userDefined
            definition.addedTokens.append(token)
        }
        return definition
    }

    private func byteLevel() throws(FileError) -> TokenizerDefinition {
        let name = pre ?? "gpt-2"
        guard let cut = GGUFPreTokenizer.all.first(where: { $0.names.contains(name) }) else {
            throw wrong("pre", GGUFPreTokenizer.all.flatMap(\.names).joined(separator: ", "), name)
        }
        var definition = try vocabulary { id, _ in tokens[id] }
        let slots = TokenizerDefinition(slotsFor: .gpt2)
        (definition.decoder, definition.model) = (slots.decoder, slots.model)
        definition.model["ignore_merges"] = .bool(cut.wholeWordsFirst)
        definition.preTokenizer = cut.slot
        for (rank, merge) in merges.enumerated() {
            guard let (left, right, whole) = parts(merge, definition) else {
                throw wrong("merges[\(rank)]", "two tokens whose joined text is a token", merge)
            }
            definition.merges.append(.init(left: left, right: right, id: whole))
        }
        frame(&definition, addsBOS ?? cut.beginsTexts, addsEOS ?? false, bos, eos)
        return definition
    }

    private func parts(_ merge: String, _ definition: TokenizerDefinition) -> (Int32, Int32, Int32)? {
        let parts = merge.utf8.split(separator: 0x20, omittingEmptySubsequences: false)
        guard parts.count == 2, let left = definition.tokens.index(of: Substring(parts[0])), let right = definition.tokens.index(of: Substring(parts[1])),
            let whole = definition.tokens.index(of: Array(parts[0]) + Array(parts[1]))
        else { return nil }
        return (definition.ids[left], definition.ids[right], definition.ids[whole])
    }

    /// The file writes "▁word" and "rest" for what BERT calls "word" and "##rest".
    private func wordPiece() throws(FileError) -> TokenizerDefinition {
        var definition = try vocabulary { id, role in
            let token = tokens[id]
            if token.unicodeScalars.first == "▁" { return String(token.unicodeScalars.dropFirst()) }
            return role == .normal && !(token.hasPrefix("[") && token.hasSuffix("]")) ? "##" + token : token
        }
        VocabularyList.fillSlots(&definition, lowercases: true)
        frame(&definition, addsBOS ?? true, addsEOS ?? true, classifier ?? bos, separator ?? eos)
        return definition
    }

    private func frame(_ definition: inout TokenizerDefinition, _ addsFirst: Bool, _ addsLast: Bool, _ first: Int?, _ last: Int?) {
        let before = addsFirst ? first.map { [$0] } ?? [] : []
        let after = addsLast ? last.map { [$0] } ?? [] : []
        definition.postProcessor = TokenizerDefinition.template(before: before, after: after, in: definition)
    }
}
