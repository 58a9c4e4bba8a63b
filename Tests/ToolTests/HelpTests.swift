import Foundation
import QuintetCheckpoints
import Testing

/// What `--help` shows runs as it is written.
@Suite struct HelpTests {
    private static let shared = URL(fileURLWithPath: #filePath).appendingPathComponent("../../../../shared/data").standardizedFileURL.path

    /// In an order in which each finds what the ones before it wrote.
    private static let commands = [
        ["convert"], ["inspect"], ["verify"], ["generate"], ["chat"], ["tokenizer"], ["tokenizer", "train"], ["tokenizer", "inspect"], ["tokenizer", "encode"],
        ["tokenizer", "decode"], ["tokenizer", "bench"],
    ]

    @Test(.enabled(if: FileManager.default.fileExists(atPath: shared), "the reference data in ../shared is not here")) func everyExampleRuns() throws {
        let folder = try Program.scratch("help")
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try prepare(folder)
        var count = 0
        for command in Self.commands {
            let help = try shell("quintet \(command.joined(separator: " ")) --help", in: folder)
            #expect(help.status == 0)
            // An adapter has to be trained first; the tests of adapters do.
            for example in examples(help.output) where !example.contains("--lora") && !example.contains("--merge") {
                // Two examples train the same tokenizer.
                let result = try shell(example.contains(" train ") ? "rm -rf tokenizer; \(example)" : example, in: folder)
                #expect(result.status == 0, "\(example): \(result.errors)")
                count += 1
            }
        }
        #expect(count >= 16)
    }

    /// The lines below "Example:", those that end in a backslash with the next one.
    private func examples(_ help: String) -> [String] {
        var lines: [String] = [], isOpen = false
        for line in help.components(separatedBy: "\n").drop(while: { !$0.hasSuffix("Example:") }).dropFirst() {
            guard line.hasPrefix("  ") else { break }
            #expect(line.count <= 80, "\(line) is broken at the usual width of a terminal")
            let part = line.hasSuffix("\\") ? String(line.dropLast()) : line
            if isOpen { lines[lines.count - 1] += part } else { lines.append(part) }
            isOpen = line.hasSuffix("\\")
        }
        return lines.map { $0.trimmingCharacters(in: .whitespaces) }
    }

    private func prepare(_ folder: String) throws {
        let manager = FileManager.default
        for name in ["stories", "llama", "model"] { try manager.createSymbolicLink(atPath: "\(folder)/\(name)", withDestinationPath: Self.shared + "/weights/stories260K-hf") }
        for name in ["corpus", "gpt2"] { try manager.createDirectory(atPath: "\(folder)/\(name)", withIntermediateDirectories: false) }
        let text = String(repeating: "The cat sat on the mat, and nobody minded. ", count: 300)
        for name in ["corpus/a.txt", "book.txt"] { try text.write(toFile: "\(folder)/\(name)", atomically: true, encoding: .utf8) }
        try "{\"text\": \"Hello, world\"}\n{\"text\": \"\"}\n".write(toFile: folder + "/texts.jsonl", atomically: true, encoding: .utf8)
        try SafetensorsWriter.write(folder + "/inputs.safetensors", [.init("input_ids", integers: [1, 403, 407, 261], [1, 4])])
        for command in [
            "for f in vocab merges.txt; do xz -dc '\(Self.shared)'/tokenizers/gpt2/gpt2.$f.xz > gpt2/$f; done",
            "quintet verify llama --expected inputs.safetensors --save outputs.safetensors", "quintet convert model model.gguf",
            "quintet convert llama llama-q8.gguf --quantize q8_0",
        ] {
            let result = try shell(command, in: folder)
            try #require(result.status == 0, "\(command): \(result.errors)")
        }
        let outputs = try SafetensorsFile.open(folder + "/outputs.safetensors")
        let logits = try outputs.require("logits")
        try SafetensorsWriter.write(
            folder + "/expected.safetensors", [.init("input_ids", integers: [1, 403, 407, 261], [1, 4]), .init("logits", floats: try outputs.floats(logits), logits.shape)])
    }

    private func shell(_ command: String, in folder: String) throws -> Program.Result {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        let place = URL(fileURLWithPath: Program.path()).deletingLastPathComponent().path
        process.arguments = ["-c", "PATH=\"$0:$PATH\" COLUMNS=80; export COLUMNS; \(command)", place]
        process.currentDirectoryURL = URL(fileURLWithPath: folder)
        let (out, err) = (folder + "/.out", folder + "/.err")
        for file in [out, err] { _ = FileManager.default.createFile(atPath: file, contents: nil) }
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = try FileHandle(forWritingTo: URL(fileURLWithPath: out))
        process.standardError = try FileHandle(forWritingTo: URL(fileURLWithPath: err))
        try process.run()
        process.waitUntilExit()
        return Program.Result(status: Program.status(process), output: try Program.text(out), errors: try Program.text(err))
    }
}
