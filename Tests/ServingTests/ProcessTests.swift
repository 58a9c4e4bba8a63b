import AllocationCounter
import Foundation
import QuintetFiles
import QuintetServing
import Testing

/// The built program itself, killed and starved.
@Suite(.serialized) struct ProcessTests {
    /// What the build put beside the tests; nil where it built none.
    private static let program: String? = {
        var folder = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
        while folder.path != "/" {
            let path = folder.appendingPathComponent("quintet").path
            if Folder.isFile(path), FileManager.default.isExecutableFile(atPath: path) { return path }
            folder.deleteLastPathComponent()
        }
        return nil
    }()

    /// A server in a process of its own.
    private final class Running {
        let process = Process()
        let port: Int

        /// Starts it through a shell, which may set limits first, and waits until it is ready.
        init(_ program: String, _ arguments: [String], limits: String = "", in folder: String) async throws {
            let output = Folder.join(folder, "output-\(UUID().uuidString)")
            _ = FileManager.default.createFile(atPath: output, contents: nil)
            process.executableURL = URL(fileURLWithPath: "/bin/sh")
            process.arguments = ["-c", limits + "exec \"$0\" \"$@\"", program, "serve"] + arguments
            process.standardInput = FileHandle.nullDevice
            process.standardOutput = try FileHandle(forWritingTo: URL(fileURLWithPath: output))
            process.standardError = FileHandle.nullDevice
            try process.run()
            var found: Int?
            for _ in 0..<500 where found == nil && process.isRunning {
                found = String(decoding: try readFile(output), as: UTF8.self).split(separator: ":").last.flatMap { Int($0.trimmingPrefix("//").prefix { $0.isNumber }) }
                if found == nil { try await Task.sleep(for: .milliseconds(20)) }
            }
            port = found ?? 0
            for _ in 0..<500 where client.get("/readyz")?.status != 200 { try await Task.sleep(for: .milliseconds(20)) }
        }

        var client: Client { Client(port: port) }

        func end(_ signal: Int32 = SIGKILL) {
            kill(process.processIdentifier, signal)
            process.waitUntilExit()
        }
    }

    private func withModel(_ body: (_ folder: String, _ model: String) async throws -> Void) async throws {
        let folder = try Folder.temporary()
        defer { try? Folder.remove(folder) }
        let model = Folder.join(folder, "alpha")
        try TestModels.write(model, context: 1024)
        try await body(folder, model)
    }

    /// F33: killed in the middle of answers and of saving slots; started again on the same port it serves at once, and nothing is half there.
    @Test(.enabled(if: program != nil, "the program is not built")) func killedAndStartedAgain() async throws {
        guard let program = Self.program else { return }
        try await withModel { folder, model in
            let slots = Folder.join(folder, "slots")
            try Folder.create(slots)
            let request: JSON = ["prompt": .string(String(repeating: "abcdefgh", count: 60)), "max_tokens": 400, "temperature": 1, "seed": 1, "ignore_eos": true, "stream": true]
            let body = request.serialized()
            var port = 0
            var expected: JSON?
            for round in 0..<6 {
                let server = try await Running(program, [model, "--port", "\(port)", "--slot-save-path", slots], in: folder)
                defer { server.end() }
                #expect(server.client.get("/readyz")?.status == 200, "round \(round)")
                port = server.port
                for name in try Folder.names(in: slots) where !name.hasPrefix(".") {
                    #expect(server.client.post("/slots/0?action=restore", ["filename": .string(name)])?.status == 200, "\(name) of an earlier life")
                }
                let greedy = server.client.post("/v1/completions", ["prompt": .string(String(repeating: "abcdefgh", count: 30)), "max_tokens": 8, "temperature": 0])
                #expect(greedy?.status == 200)
                if expected != nil { #expect(greedy?.json["choices"] == expected) }
                expected = greedy?.json["choices"]
                let streams = try (0..<4).map { _ in try #require(Connection(server.port)) }
                for stream in streams { stream.send(Client.head("/v1/completions", length: body.utf8.count) + body) }
                for stream in streams { _ = stream.read(atMost: 64) }
                let save = try #require(Connection(server.port))
                let name = ("{\"filename\":\"slot-\(round)\"}")
                save.send(Client.head("/slots/0?action=save", length: name.utf8.count) + name)
                if round % 2 == 0 { _ = save.read(atMost: 1) }
                server.end()
                for stream in streams { _ = stream.readAll() }  // Ends: no connection is left hanging.
            }
        }
    }

    /// F32: SIGTERM lets everybody have everything and ends with 0; a second one ends at once.
    @Test(.enabled(if: program != nil, "the program is not built")) func toldToEnd() async throws {
        guard let program = Self.program else { return }
        try await withModel { folder, model in
            let body = (["prompt": "abc", "max_tokens": 900, "temperature": 1, "seed": 1, "ignore_eos": true, "stream": true] as JSON).serialized()
            for round in 0..<4 {
                let isTwice = round == 3
                let server = try await Running(program, [model, "--port", "0"], in: folder)
                defer { server.end() }
                let streams = try (0..<6).map { _ in try #require(Connection(server.port)) }
                for stream in streams { stream.send(Client.head("/v1/completions", length: body.utf8.count) + body) }
                let begun = streams.map { $0.read(atMost: 64) }
                kill(server.process.processIdentifier, SIGTERM)
                if isTwice {
                    try await Task.sleep(for: .milliseconds(20))
                    server.end(SIGTERM)
                    #expect([0, SIGTERM, 128 + SIGTERM].contains(server.process.terminationStatus))
                    continue
                }
                for (start, stream) in zip(begun, streams) {
                    #expect(Client.parse(start + stream.readAll())?.body.hasSuffix("data: [DONE]\n\n") == true, "round \(round)")
                }
                server.process.waitUntilExit()
                #expect(server.process.terminationReason == .exit && server.process.terminationStatus == 0)
            }
        }
    }

    /// Who waits for requests takes little: less than 40 MB beside the model, of which this one has next to none.
    @Test(.enabled(if: program != nil && allocations_can_be_counted(), "the program is not built, or its memory is a sanitizer's or not to be seen"))
    func littleIsTakenWhileNobodyAsks() async throws {
        guard let program = Self.program else { return }
        try await withModel { folder, model in
            let server = try await Running(program, [model, "--port", "0"], in: folder)
            defer { server.end() }
            func resident() throws -> Int {
                let text = try String(contentsOfFile: "/proc/\(server.process.processIdentifier)/status", encoding: .utf8)
                let line = try #require(text.split(separator: "\n").first { $0.hasPrefix("VmRSS:") })
                return try #require(line.split(whereSeparator: { !$0.isNumber }).first.flatMap { Int($0) }) * 1024
            }
            #expect(try resident() < 40_000_000)
            #expect(server.client.post("/v1/completions", ["prompt": "Go", "max_tokens": 3])?.status == 200, "what was given back comes again")
        }
    }

    /// F34: no descriptors left for all who come: some hear so, the others are served, and once they go everything is as before.
    @Test(.enabled(if: program != nil, "the program is not built")) func descriptorsRunOut() async throws {
        guard let program = Self.program else { return }
        try await withModel { folder, model in
            let server = try await Running(program, [model, "--port", "0"], limits: "ulimit -n 64; ", in: folder)
            defer { server.end() }
            #expect(server.client.get("/readyz")?.status == 200)
            let request = "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"
            for _ in 0..<3 {
                var statuses: [Int] = []
                var held: [Connection] = []
                for _ in 0..<100 {
                    guard let connection = Connection(server.port, timeout: 1) else { continue }
                    connection.send(request)
                    held.append(connection)
                }
                for connection in held.prefix(20) { if let answer = Client.parse(connection.read()) { statuses.append(answer.status) } }
                #expect(statuses.contains(200))
                #expect(statuses.allSatisfy { $0 == 200 || $0 == 503 })
                for connection in held { connection.leave() }
                var isBack = false
                for _ in 0..<6000 where !isBack {
                    isBack = server.client.post("/v1/completions", ["prompt": "Go", "max_tokens": 3])?.status == 200
                    if !isBack { try await Task.sleep(for: .milliseconds(20)) }
                }
                #expect(isBack)
            }
            server.end(SIGTERM)
            #expect(server.process.terminationReason == .exit && server.process.terminationStatus == 0)
        }
    }
}
