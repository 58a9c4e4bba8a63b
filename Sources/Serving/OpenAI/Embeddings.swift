import Hummingbird
import QuintetFiles
import QuintetGeneration

extension OpenAI {
    /// POST /v1/embeddings: hidden states of a decoder, pooled. `pooling` is ours: "mean" or "last".
    @Sendable static func embeddings(_ call: Call) async throws -> Response {
        let (values, model, count) = try await vectors(call), tokens = JSON(count)
        let data: [JSON] = values.enumerated().map { ["object": "embedding", "index": JSON($0), "embedding": $1] }
        return .json([
            "object": "list", "data": .array(data), "model": .string(model), "usage": ["prompt_tokens": tokens, "total_tokens": tokens],
        ])
    }

    /// A vector for each text, as it is written, the model's name, and the texts' tokens.
    static func vectors(_ call: Call) async throws -> (values: [JSON], model: String, tokens: Int) {
        let (fields, ticket, model) = try await call.begin()
        let pooling = try pooling(fields)
        let isBase64 = try isBase64(fields)
        let width = model.width
        let count = try fields.int("dimensions", 1...width) ?? width
        // llama-server's name for it.
        let key = fields["input"] == nil && fields["content"] != nil ? "content" : "input"
        if fields[key]?.string == "" || fields[key]?.array?.contains(where: { $0.string == "" }) == true { throw fields.wrong(key, "texts that are not empty") }
        let inputs = try prompts(fields, model, key, atMost: 2048)
        let long = inputs.first { $0.count > model.context }
        if let long {
            throw APIError.invalid(
                "This model's context is \(model.context) tokens; an input has \(long.count).", param: key, code: "context_length_exceeded")
        }
        let shares = try model.shares(fields)
        var values: [JSON] = []
        for ids in inputs {
            let whole = try await told { try await model.client.embedding(of: ids, pooling: pooling, shares: shares) }
            let vector = shortened(whole, to: count)
            values.append(isBase64 ? .string(base64(vector.flatMap { number in withUnsafeBytes(of: number.bitPattern.littleEndian) { Array($0) } })) : .array(vector.map { JSON($0) }))
        }
        withExtendedLifetime(ticket) {}
        return (values, model.name, inputs.reduce(0) { $0 + $1.count })
    }

    private static func pooling(_ fields: Fields) throws(APIError) -> Pooling {
        guard let name = try fields.string("pooling") else { return .mean }
        guard let pooling = Pooling(rawValue: name) else { throw fields.wrong("pooling", Pooling.allCases.map(\.rawValue).joined(separator: " or ")) }
        return pooling
    }

    private static func isBase64(_ fields: Fields) throws(APIError) -> Bool {
        switch try fields.string("encoding_format") ?? "float" {
        case "float": false
        case "base64": true
        default: throw fields.wrong("encoding_format", "\"float\" or \"base64\"")
        }
    }

    /// The first numbers, with length 1 again.
    private static func shortened(_ vector: [Float], to count: Int) -> [Float] {
        if count == vector.count { return vector }
        let short = vector.prefix(count)
        let length = short.reduce(Float(0)) { $0 + $1 * $1 }.squareRoot()
        return short.map { length > 0 ? $0 / length : 0 }
    }
}
