public import QuintetFiles
public import QuintetModels
import QuintetTokenizers

/// Everything `quintet inspect` tells about a model: its summary, and what its tokenizer is.
public struct ModelReport: Sendable {
    public let json: JSON

    /// `context` is how many tokens the memory is counted for.
    public init(_ folder: ModelFolder, context: Int? = nil) throws(FileError) {
        var json = try ModelSummary(folder, context: context).json
        do {
            let tokenizer = try folder.tokenizer()
            json["tokenizer"] = [
                "tokens": JSON(tokenizer.vocabularySize), "added_tokens": JSON(tokenizer.addedTokens.count),
                "bos": tokenizer.bosID.flatMap { tokenizer.token(of: $0) }.map { .string($0) } ?? .null,
                "eos": tokenizer.eosID.flatMap { tokenizer.token(of: $0) }.map { .string($0) } ?? .null, "fingerprint": .string(tokenizer.fingerprint),
            ]
            let template = tokenizer.configuration["chat_template"].map { !$0.isNull } ?? false
            json["chat_template"] = .bool(template || Folder.isFile(Folder.join(folder.path, "chat_template.jinja")))
        } catch {
            json["tokenizer"] = .null
            json["tokenizer_error"] = .string("\(error)")
        }
        self.json = json
    }
}
