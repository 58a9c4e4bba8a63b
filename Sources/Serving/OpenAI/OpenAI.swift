import Hummingbird
import QuintetFiles

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// OpenAI's routes. Source: platform.openai.com/docs/api-reference.
enum OpenAI {
    static let routes: [Route] = [
        .get("/v1/models", "The models there are.", .key, models),
        .get("/v1/models/:model", "One model.", .key, model),
        .post("/v1/chat/completions", "The next message of a conversation.", chat),
        .post("/v1/chat/completions/input_tokens", "How many tokens a conversation is.", countChat),
        .post("/v1/completions", "The continuation of a text.", completions),
        .post("/v1/embeddings", "A vector for each text.", embeddings),
    ]

    static func now() -> Int { time(nil) }

    @Sendable static func models(_ call: Call) async throws -> Response {
        .json(["object": "list", "data": .array(call.server.pool.listings.map(listing))])
    }

    @Sendable private static func model(_ call: Call) async throws -> Response {
        let written = try call.context.parameters.require("model")
        let name = written.percentDecoded ?? written
        guard let found = call.server.pool.listings.first(where: { $0.name == name }) else {
            throw ModelPool.missing(name, call.server.pool.listings.map(\.name))
        }
        return .json(listing(found))
    }

    private static func listing(_ listing: ModelPool.Listing) -> JSON {
        var json: JSON = [
            "id": .string(listing.name), "object": "model", "created": JSON(listing.created), "owned_by": "quintet",
            "status": .string(listing.status.rawValue),
        ]
        if let parent = listing.parent {
            json["parent"] = .string(parent)
            json["root"] = .string(listing.path)
        }
        if let error = listing.error { json["error"] = .string(error) }
        return json
    }
}
