import QuintetFiles
import QuintetServing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// An HTTP client as small as can be: bytes over a real socket, so that tests can send what no library would.
struct Client {
    let port: Int
    /// The server it talks to.
    var server: Server?

    struct Answer {
        let status: Int
        let headers: [String: String]
        let body: String

        var json: JSON { (try? JSON.parse(body)) ?? .null }
        /// The JSON of each server-sent event.
        var events: [JSON] {
            body.split(separator: "\n").filter { $0.hasPrefix("data: ") && !$0.hasSuffix("[DONE]") }.compactMap { try? JSON.parse(String($0.dropFirst(6))) }
        }
    }

    func get(_ path: String, _ headers: String = "") -> Answer? { ask("GET \(path) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\(headers)\r\n") }

    func post(_ path: String, _ body: JSON, _ headers: String = "") -> Answer? { post(path, text: body.serialized(), headers) }

    func post(_ path: String, text: String, _ headers: String = "", type: String = "application/json") -> Answer? {
        ask(Self.head(path, length: text.utf8.count, headers, type: type) + text)
    }

    static func head(_ path: String, length: Int, _ headers: String = "", type: String = "application/json") -> String {
        "POST \(path) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: \(type)\r\nContent-Length: \(length)\r\n\(headers)\r\n"
    }

    /// Sends bytes and reads until the server closes.
    func ask(_ text: String) -> Answer? { ask(Array(text.utf8)) }

    func ask(_ bytes: [UInt8]) -> Answer? {
        guard let connection = Connection(port) else { return nil }
        connection.send(bytes)
        return Self.parse(connection.readAll())
    }

    static func parse(_ bytes: [UInt8]) -> Answer? {
        let text = String(decoding: bytes, as: UTF8.self)
        guard text.hasPrefix("HTTP/1.1 "), let end = text.firstRange(of: "\r\n\r\n"), let status = Int(text.dropFirst(9).prefix(3)) else { return nil }
        var headers: [String: String] = [:]
        for line in text[..<end.lowerBound].split(separator: "\r\n").dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            if parts.count == 2 { headers[parts[0].lowercased()] = parts[1].trimmingPrefix(" ").description }
        }
        let body = String(text[end.upperBound...])
        return Answer(status: status, headers: headers, body: headers["transfer-encoding"] == "chunked" ? unchunked(body) : body)
    }

    private static func unchunked(_ text: String) -> String {
        var rest = Array(text.utf8)[...]
        var out: [UInt8] = []
        while let line = rest.firstIndex(of: 13), let size = Int(String(decoding: rest[rest.startIndex..<line], as: UTF8.self), radix: 16), size > 0 {
            let start = line + 2
            guard start + size <= rest.endIndex else { break }
            out += rest[start..<start + size]
            rest = rest[min(start + size + 2, rest.endIndex)...]
        }
        return String(decoding: out, as: UTF8.self)
    }
}

typealias Connection = PlainSocket

extension PlainSocket {
    /// A connection to the loopback.
    convenience init?(_ port: Int, timeout: Int = 30) { self.init(host: "127.0.0.1", port: port, timeout: timeout) }

    /// Says that no more comes, and goes on reading.
    func finishSending() { shutdown(descriptor, Int32(SHUT_WR)) }

    /// Makes the next close a reset.
    func reset() {
        var now = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &now, socklen_t(MemoryLayout<linger>.size))
    }

    /// Reads until the other side closes; false where it does not in time.
    func isClosedByThem() -> Bool {
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let got = buffer.withUnsafeMutableBytes { recv(descriptor, $0.baseAddress, $0.count, 0) }
            if got <= 0 { return got == 0 }
        }
    }

    func readAll() -> [UInt8] {
        var all: [UInt8] = []
        while true {
            let piece = read()
            if piece.isEmpty { return all }
            all += piece
        }
    }
}
