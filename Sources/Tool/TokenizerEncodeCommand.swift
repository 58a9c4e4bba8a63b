import ArgumentParser
import QuintetFiles
import QuintetGeneration
import QuintetTokenizers

struct TokenizerEncodeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "encode", abstract: "Turn text into token ids.",
        discussion: """
            Example:
              quintet tokenizer encode --tokenizer ./gpt2 "Hello, world"
              quintet tokenizer encode --tokenizer ./gpt2 --jsonl texts.jsonl > ids.jsonl

            --jsonl reads {"text": ...} lines and writes {"ids": [...]} lines, one for one. Without TEXT, standard input is the text.
            """)

    @Option(help: "A tokenizer's file, or a folder that holds one.") var tokenizer: String
    @OptionGroup var pattern: PatternOption
    @Option(help: ArgumentHelp("Encode the \"text\" of each line; - for standard input.", valueName: "file")) var jsonl: String?
    @Flag(help: "Do not add BOS and the like.") var noSpecial = false
    @Flag(help: "Treat <|endoftext|> and other special tokens in the text as plain text.") var plain = false
    @Flag(help: "Print one JSON object with ids and tokens.") var json = false
    @Argument(help: "The text.") var text: String?

    func validate() throws {
        if jsonl != nil, text != nil { throw ValidationError("give TEXT or --jsonl, not both") }
    }

    func run() throws {
        let tokenizer = try Tokenizer.open(tokenizer, pattern: pattern.value)
        if let jsonl { return try encodeLines(of: jsonl, tokenizer) }
        let ids = try encode(text ?? readStandardInput(), tokenizer)
        if json {
            let tokens = ids.map { tokenizer.token(of: $0).map { JSON.string($0) } ?? .null }
            print((["ids": .array(ids.map { JSON($0) }), "tokens": .array(tokens)] as JSON).serialized())
        } else {
            print(ids.map(String.init).joined(separator: " "))
        }
    }

    private func encode(_ text: String, _ tokenizer: Tokenizer) -> [Int32] {
        tokenizer.encode(text, addSpecialTokens: !noSpecial, specials: plain ? .asText : .parsed)
    }

    private func encodeLines(of path: String, _ tokenizer: Tokenizer) throws {
        let file = try mappedInput(path)
        var number = 0
        var out = StandardOutput()
        try DocumentFiles.forEachLine(of: file.bytes) { (line, _) throws(FileError) in
            number += 1
            let ids = encode(try DocumentFiles.text(ofRow: line, path: file.path, line: number), tokenizer)
            out.write("{\"ids\":[" + ids.map(String.init).joined(separator: ",") + "]}\n")
        }
        out.flush()
    }
}

struct TokenizerDecodeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "decode", abstract: "Turn token ids into text.",
        discussion: """
            Example:
              quintet tokenizer decode --tokenizer ./gpt2 15496 11 995
              quintet tokenizer decode --tokenizer ./gpt2 --jsonl ids.jsonl

            --jsonl reads {"ids": [...]} lines and writes {"text": ...} lines, one for one.
            """)

    @Option(help: "A tokenizer's file, or a folder that holds one.") var tokenizer: String
    @OptionGroup var pattern: PatternOption
    @Option(help: ArgumentHelp("Decode the \"ids\" of each line; - for standard input.", valueName: "file")) var jsonl: String?
    @Flag(help: "Leave special tokens out.") var skipSpecial = false
    @Flag(help: "Print one JSON object.") var json = false
    @Argument(help: "The ids; standard input if there are none.") var ids: [Int32] = []

    func validate() throws {
        if jsonl != nil, !ids.isEmpty { throw ValidationError("give ids or --jsonl, not both") }
    }

    func run() throws {
        let tokenizer = try Tokenizer.open(tokenizer, pattern: pattern.value)
        if let jsonl { return try decodeLines(of: jsonl, tokenizer) }
        let text = tokenizer.decode(ids.isEmpty ? try idsFromInput() : ids, skipSpecialTokens: skipSpecial)
        print(json ? (["text": .string(text)] as JSON).serialized() : text)
    }

    private func idsFromInput() throws -> [Int32] {
        try readStandardInput().split { $0.isWhitespace || $0 == "," }.map {
            guard let id = Int32($0) else { throw ValidationError("expected token ids, found \($0)") }
            return id
        }
    }

    private func decodeLines(of path: String, _ tokenizer: Tokenizer) throws {
        let file = try mappedInput(path)
        var number = 0
        var out = StandardOutput()
        try DocumentFiles.forEachLine(of: file.bytes) { (line, _) throws(FileError) in
            number += 1
            let row = try JSON.parse(line, source: file.path)
            let ids = row["ids"]?.array?.compactMap { $0.int.flatMap { Int32(exactly: $0) } }
            guard let ids, ids.count == row["ids"]?.array?.count else {
                throw FileError("a row without ids", path: file.path, field: "ids", expected: "an array of integers", line: number)
            }
            let text = tokenizer.decode(ids, skipSpecialTokens: skipSpecial)
            out.write((["text": .string(text)] as JSON).serialized() + "\n")
        }
        out.flush()
    }
}
