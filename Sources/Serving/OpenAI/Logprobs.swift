import QuintetFiles
import QuintetGeneration

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

    /// `{"tokens", "token_logprobs", "top_logprobs", "text_offset"}`. A prompt's first token has no probability: nothing stands before it.
    func texts(_ list: [TokenLogprobs], prompt: [Int32]? = nil, from offset: Int) -> JSON {
        var (tokens, logprobs, tops, offsets): ([JSON], [JSON], [JSON], [JSON]) = ([], [], [], [])
        var place = offset
        func add(_ id: Int32, _ logprob: JSON, _ top: JSON) {
            let text = model.piece(id).text
            tokens.append(.string(text))
            logprobs.append(logprob)
            tops.append(top)
            offsets.append(JSON(place))
            place += text.count
        }
        if let first = prompt?.first { add(first, .null, .null) }
        for one in list {
            var top = JSONObject()
            for entry in one.top { top[model.piece(entry.id).text] = JSON(entry.logprob) }
            add(one.chosen.id, JSON(one.chosen.logprob), .object(top))
        }
        return ["tokens": .array(tokens), "token_logprobs": .array(logprobs), "top_logprobs": .array(tops), "text_offset": .array(offsets)]
    }
}
