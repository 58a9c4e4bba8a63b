import QuintetFiles
import QuintetGeneration
import QuintetTokenizers

/// Probabilities as OpenAI's two routes tell them.
struct Logprobs {
    private let model: ServedModel

    init(_ model: ServedModel) { self.model = model }

    /// `{"content": [{"token", "logprob", "bytes", "top_logprobs"}]}`.
    func chat(_ list: [TokenLogprobs]) -> JSON {
        ["content": .array(list.map { one in
            var json = entry(one.chosen)
            json["top_logprobs"] = .array(one.top.map(entry))
            return json
        })]
    }

    private func entry(_ entry: TokenLogprobs.Entry) -> JSON {
        let (text, bytes) = model.piece(entry.id)
        return ["token": .string(text), "logprob": JSON(entry.logprob), "bytes": .array(bytes.map { JSON($0) })]
    }

    private func places(_ prompt: [Int32]) -> [Int] {
        guard prompt.count <= Self.mostPlaces else { return [] }
        return prompt.indices.map { model.tokenizer.decode(Array(prompt[..<$0])).unicodeScalars.count }
    }

    /// Every beginning is decoded by itself.
    private static let mostPlaces = 4096

    /// `{"tokens", "token_logprobs", "top_logprobs", "text_offset"}`. A prompt's first token has no probability: nothing stands before it.
    func texts(_ list: [TokenLogprobs], prompt: [Int32]? = nil, from offset: Int) -> JSON {
        var (tokens, logprobs, tops, offsets): ([JSON], [JSON], [JSON], [JSON]) = ([], [], [], [])
        var place = offset
        // Where a prompt's tokens begin in its text, which leaves out marks and the blank that some tokenizers put before it.
        let places = prompt.map(places) ?? []
        func add(_ id: Int32, _ logprob: JSON, _ top: JSON) {
            let text = model.piece(id).text
            tokens.append(.string(text))
            logprobs.append(logprob)
            tops.append(top)
            if tokens.count <= places.count { place = places[tokens.count - 1] }
            offsets.append(JSON(place))
            place += text.unicodeScalars.count
        }
        if let first = prompt?.first { add(first, .null, .null) }
        for one in list {
            if tokens.count == places.count, let prompt { place = model.tokenizer.decode(prompt).unicodeScalars.count }
            var top = JSONObject()
            for entry in one.top { top[model.piece(entry.id).text] = JSON(entry.logprob) }
            add(one.chosen.id, JSON(one.chosen.logprob), .object(top))
        }
        return ["tokens": .array(tokens), "token_logprobs": .array(logprobs), "top_logprobs": .array(tops), "text_offset": .array(offsets)]
    }
}
