import Foundation
import QuintetFiles
import QuintetServing
import Testing

/// The official clients, as programs use them. `QUINTET_PYTHON` names a Python that has them.
@Suite(.serialized) struct ClientLibraryTests {
    private static let python = ProcessInfo.processInfo.environment["QUINTET_PYTHON"] ?? "/usr/bin/python3"
    private static let hasClients = (try? OtherProgram.run(python, ["-c", "import openai, anthropic"]).status) == 0

    @Test(.enabled(if: hasClients, "no Python with openai and anthropic; QUINTET_PYTHON names one"))
    func officialClients() async throws {
        let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("../Interop/clients.py").path
        try await withServer(context: 2048, template: TestModels.chatML) { client, _ in
            let url = "http://127.0.0.1:\(client.port)"
            let (status, output) = try await Task.detached { try OtherProgram.run(Self.python, [script, url]) }.value
            #expect(status == 0, "\(output)")
        }
    }
}

/// A program that is not ours.
enum OtherProgram {
    /// Runs it to its end; its output goes to a file, so that no pipe can fill up.
    static func run(_ program: String, _ arguments: [String]) throws -> (status: Int32, output: String) {
        let file = URL(fileURLWithPath: NSTemporaryDirectory() + "/quintet-output-\(UUID().uuidString)")
        _ = FileManager.default.createFile(atPath: file.path, contents: nil)
        defer { try? FileManager.default.removeItem(at: file) }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        process.standardInput = FileHandle.nullDevice
        let output = try FileHandle(forWritingTo: file)
        process.standardOutput = output
        process.standardError = output
        try process.run()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: try Data(contentsOf: file), as: UTF8.self))
    }

    static func isThere(_ programs: String...) -> Bool { programs.allSatisfy { FileManager.default.isExecutableFile(atPath: "/usr/bin/\($0)") } }
}

/// TLS, with what every system has for it.
@Suite(.serialized) struct TLSTests {
    @Test(.enabled(if: OtherProgram.isThere("openssl", "curl"), "openssl or curl is not here"))
    func certificates() async throws {
        let folder = try Folder.temporary()
        defer { try? Folder.remove(folder) }
        let (certificate, key) = (Folder.join(folder, "certificate.pem"), Folder.join(folder, "key.pem"))
        let made = try OtherProgram.run(
            "/usr/bin/openssl",
            ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate, "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"])
        #expect(made.status == 0, "\(made.output)")
        let path = Folder.join(folder, "alpha")
        try TestModels.write(path)
        var options = ServerOptions()
        options.certificateFile = certificate
        options.privateKeyFile = key
        try await withServer(options, [path], isSecure: true) { client in
            func curl(_ more: String...) throws -> (status: Int32, output: String) {
                try OtherProgram.run("/usr/bin/curl", ["-q", "-sS", "--noproxy", "*", "-m", "20", "-H", "Content-Type: application/json", "--cacert", certificate, "https://localhost:\(client.port)/v1/completions"] + more)
            }
            var answer = try curl("-d", "{\"prompt\":\"Go\",\"max_tokens\":3}")
            for _ in 0..<50 where !answer.output.contains("choices") {
                try await Task.sleep(for: .milliseconds(20))
                answer = try curl("-d", "{\"prompt\":\"Go\",\"max_tokens\":3}")
            }
            #expect(answer.output.contains("\"completion_tokens\":3"), "\(answer.output)")
            #expect(try curl("-d", "{\"prompt\":\"Go\",\"max_tokens\":3,\"stream\":true}").output.hasSuffix("data: [DONE]\n\n"))
            #expect(try curl("--tls-max", "1.1", "-d", "{}").status != 0, "old versions are refused")
            #expect(client.get("/livez") == nil, "no plain text on this port")
            #expect(try curl("-d", "{\"prompt\":\"Go\",\"max_tokens\":3}").output.contains("choices"))
        }
    }
}
