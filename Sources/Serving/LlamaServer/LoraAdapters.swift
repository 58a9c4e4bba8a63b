import Hummingbird
import QuintetFiles

/// The adapters of a model, and how much each counts for who chooses nothing. Source: llama.cpp tools/server/README.md.
enum LoraAdapters {
    static let routes: [Route] = [
        .get("/lora-adapters", "The adapters that are loaded.", .key, list),
        .post("/lora-adapters", "Sets how much each adapter counts for requests that choose nothing.", set),
    ]

    @Sendable private static func list(_ call: Call) async throws -> Response {
        guard let rack = try await rack(call) else { return .json([]) }
        let scales = rack.defaults
        return .json(.array(rack.adapters.enumerated().map { index, adapter in
            ["id": JSON(index), "name": .string(adapter.name), "path": .string(adapter.path), "scale": JSON(scales[index])]
        }))
    }

    @Sendable private static func set(_ call: Call) async throws -> Response {
        let (json, _) = try await call.json()
        guard let list = json.array else { throw APIError.invalid("The body has to be a list of objects with 'id' and 'scale'.") }
        let rack = try await rack(call) ?? AdapterRack([])
        rack.set(try rack.scales(list, ""))
        return .json(["success": true])
    }

    /// Of the model that is asked for, or of the one that has adapters.
    private static func rack(_ call: Call) async throws -> AdapterRack? {
        guard let name = call.query("model") ?? call.server.pool.nameWithAdapters else { return nil }
        return try await call.server.pool.model(name).rack
    }
}
