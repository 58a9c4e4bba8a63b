import Foundation
import Testing

/// The program as people talk with it, through pipes.
@Suite struct ChatTests {
    private static let model = URL(fileURLWithPath: #filePath).appendingPathComponent("../../../../shared/data/weights/stories260K-hf").standardizedFileURL.path
    private static let isThere = FileManager.default.fileExists(atPath: model)

    private static func run(_ arguments: [String], input: String, program: String = "quintet") throws -> Program.Result {
        let folder = try Program.scratch("chat")
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: Program.path(program))
        process.arguments = arguments
        try input.write(toFile: folder + "/in", atomically: true, encoding: .utf8)
        for file in ["/out", "/err"] { _ = FileManager.default.createFile(atPath: folder + file, contents: nil) }
        process.standardInput = try FileHandle(forReadingFrom: URL(fileURLWithPath: folder + "/in"))
        process.standardOutput = try FileHandle(forWritingTo: URL(fileURLWithPath: folder + "/out"))
        process.standardError = try FileHandle(forWritingTo: URL(fileURLWithPath: folder + "/err"))
        try process.run()
        process.waitUntilExit()
        return Program.Result(status: Program.status(process), output: try Program.text(folder + "/out"), errors: try Program.text(folder + "/err"))
    }

    @Test(.enabled(if: isThere, "the reference data in ../shared is not here")) func answersThroughAPipe() throws {
        let folder = try Program.scratch("saved")
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let saved = folder + "/chat.json"
        let talk = "Once upon a time\n/save \(saved)\n\"\"\"\ntwo\nlines\n\"\"\"\n/bogus\n/reset\n/load \(saved)\nAnd then\n/quit\nnever said\n"
        let result = try Self.run(["chat", Self.model, "--max-tokens", "12", "--temperature", "0"], input: talk)
        #expect(result.status == 0, "\(result.errors)")
        #expect(result.output.split(separator: "\n").count >= 3)
        #expect(result.errors.contains("no chat template") && result.errors.contains("/bogus") && result.errors.contains("Loaded 2 messages."))
        #expect(result.errors.components(separatedBy: "no chat template").count == 2, "said once")
        #expect(try Program.text(saved).contains("\"role\": \"assistant\""))
        let again = try Self.run(["chat", Self.model, "--max-tokens", "12", "--temperature", "0"], input: talk)
        #expect(again.output == result.output)
    }

    @Test(.enabled(if: isThere, "the reference data in ../shared is not here")) func formatsAndDraftsOfGenerate() throws {
        let plain = ["generate", Self.model, "--prompt", "Once upon a time", "--max-tokens", "60", "--temperature", "0.9", "--seed", "5"]
        let text = try Self.run(plain, input: "")
        for more in [["--lookup"], ["--draft", Self.model]] { #expect(try Self.run(plain + more, input: "").output == text.output) }
        let schema = #"{"type":"array","items":{"enum":["a","b"]},"minItems":1,"maxItems":3}"#
        let json = try Self.run(["generate", Self.model, "--prompt", "x", "--json", "--n", "3", "--temperature", "1", "--json-schema", schema, "--logprobs", "2"], input: "")
        let lines = json.output.split(separator: "\n")
        #expect(json.status == 0 && lines.count == 3, "\(json.errors)")
        for line in lines {
            let object = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
            let array = try JSONSerialization.jsonObject(with: Data((object["text"] as? String ?? "").utf8)) as? [String]
            #expect(array?.allSatisfy { ["a", "b"].contains($0) } ?? false)
            #expect((object["logprobs"] as? [Any])?.count == (object["ids"] as? [Any])?.count)
        }
        let refused = try Self.run(["generate", Self.model, "--prompt", "x", "--json-schema", #"{"not":{}}"#], input: "")
        #expect(refused.status == 2 && refused.output.isEmpty && refused.errors.contains("\"not\""))
        #expect(try Self.run(["generate", Self.model, "--prompt-file", "-", "--max-tokens", "5"], input: "Once upon").output.hasPrefix("Once upon"))
        #expect(try Self.run(["generate", Self.model], input: "").status == 2)
    }

    @Test(.enabled(if: isThere, "the reference data in ../shared is not here")) func theExampleAnswers() throws {
        let result = try Self.run([Self.model], input: "", program: "AskModel")
        #expect(result.status == 0 && result.output.count > 20, "\(result.errors)")
    }
}
