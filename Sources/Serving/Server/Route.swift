import HTTPTypes
import Hummingbird

/// One thing a client can ask for; the server, /openapi.json and the tests read the same list.
struct Route: Sendable {
    enum Access: Sendable {
        /// Anybody, also where keys are asked for.
        case open
        case key
    }

    let method: HTTPRequest.Method
    let path: String
    let summary: String
    var access = Access.key
    let handle: @Sendable (Call) async throws -> Response

    static func get(_ path: String, _ summary: String, _ access: Access = .key, _ handle: @escaping @Sendable (Call) async throws -> Response) -> Route {
        Route(method: .get, path: path, summary: summary, access: access, handle: handle)
    }

    static func post(_ path: String, _ summary: String, _ handle: @escaping @Sendable (Call) async throws -> Response) -> Route {
        Route(method: .post, path: path, summary: summary, handle: handle)
    }
}

extension Route {
    /// Whether a path is this route's; `:name` stands for any one part.
    fileprivate func matches(_ path: String) -> Bool {
        let (own, parts) = (self.path.split(separator: "/"), path.split(separator: "/"))
        return own.count == parts.count && zip(own, parts).allSatisfy { $0.hasPrefix(":") || $0 == $1 }
    }
}

/// Every route there is.
enum Routes {
    /// Whether anything can be asked of a path.
    static func isThere(_ path: String) -> Bool { all.contains { $0.matches(path) } }

    /// What a path can be asked, for the Allow header.
    static func methods(of path: String) -> String {
        let methods = all.filter { $0.matches(path) }.map(\.method.rawValue)
        return (methods.contains("GET") ? methods + ["HEAD", "OPTIONS"] : methods + ["OPTIONS"]).joined(separator: ", ")
    }

    static let all: [Route] = ChatPage.routes + OpenAI.routes + Anthropic.routes + LlamaServer.routes + Operations.routes
}
