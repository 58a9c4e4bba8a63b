import HTTPTypes
import Hummingbird
import NIOCore
import QuintetFiles
import QuintetGeneration

/// Routes for those who run the server: is it alive, is it ready, what does it do.
enum Operations {
    static let routes: [Route] = [
        .get("/livez", "Whether the process answers.", .open) { _ in .json(["status": "ok"]) },
        .get("/readyz", "Whether it takes requests: models loaded, not shutting down, queue not nearly full.", .open, ready),
        .get("/health", "As /readyz, in llama-server's words.", .open, health),
        .get("/metrics", "Figures for Prometheus.") { call in
            .text(ByteBuffer(string: call.server.metrics.exposition(call.server)), type: "text/plain; version=0.0.4; charset=utf-8")
        },
        .get("/openapi.json", "This list, for programs.") { _ in .json(OpenAPI.document) },
    ]

    @Sendable private static func ready(_ call: Call) async throws -> Response {
        if call.server.admission.isDraining { throw APIError.draining }
        guard call.server.pool.isReady else { throw APIError.overloaded("a model is still being loaded") }
        let full = call.server.pool.loaded.first { Double($0.client.counts.waiting) >= 0.9 * Double($0.client.limits.queue) }
        if let full { throw APIError.overloaded("the queue of \(full.name) is nearly full") }
        return .json(["status": "ok"])
    }

    @Sendable private static func health(_ call: Call) async throws -> Response {
        if call.server.pool.isReady, !call.server.admission.isDraining { return .json(["status": "ok"]) }
        let message = call.server.admission.isDraining ? "Shutting down" : "Loading model"
        return .json(["error": ["code": 503, "message": .string(message), "type": "unavailable_error"]], .serviceUnavailable)
    }
}

/// The routes as an OpenAPI document.
enum OpenAPI {
    static var document: JSON {
        var paths = JSONObject()
        for route in Routes.all {
            let path = route.path.split(separator: "/", omittingEmptySubsequences: false).map { $0.hasPrefix(":") ? "{\($0.dropFirst())}" : String($0) }.joined(separator: "/")
            var item = paths[path] ?? .object([:])
            item[route.method.rawValue.lowercased()] = operation(route)
            paths[path] = item
        }
        return [
            "openapi": "3.1.0", "info": ["title": "Quintet", "version": .string(quintetVersion)], "paths": .object(paths),
            "components": [
                "securitySchemes": ["key": ["type": "http", "scheme": "bearer"]],
                "schemas": ["Error": ["type": "object", "required": ["error"], "properties": ["error": ["type": "object"]]]],
            ], "security": [["key": []]],
        ]
    }

    private static func operation(_ route: Route) -> JSON {
        let failure: JSON = ["description": "what is wrong", "content": ["application/json": ["schema": ["$ref": "#/components/schemas/Error"]]]]
        var operation: JSON = ["summary": .string(route.summary), "responses": ["200": ["description": "done"], "4XX": failure, "5XX": failure]]
        let names = route.path.split(separator: "/").filter { $0.hasPrefix(":") }
        if !names.isEmpty {
            operation["parameters"] = .array(names.map { ["name": .string(String($0.dropFirst())), "in": "path", "required": true, "schema": ["type": "string"]] })
        }
        if route.method == .post {
            operation["requestBody"] = ["required": true, "content": ["application/json": ["schema": ["type": "object", "additionalProperties": true]]]]
        }
        if route.access == .open { operation["security"] = [] }
        return operation
    }
}
