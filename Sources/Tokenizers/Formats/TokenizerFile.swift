import QuintetFiles

/// Reads tokenizer files of all formats, told apart by content.
struct TokenizerFile {
    let path: String
    let pattern: PreTokenizationPattern?

    /// The formats of one file, in the order they are tried.
    private static let formats: [Format] = [
        Format(matches: RankFile.isRankFile) { bytes, file throws(FileError) in
            try RankFile.definition(bytes, pattern: file.pattern, source: file.path)
        },
        Format(matches: StoriesFile.isStoriesFile) { bytes, file throws(FileError) in
            try StoriesFile.definition(bytes, source: file.path)
        },
        Format(matches: WorldVocabulary.isWorldVocabulary) { bytes, file throws(FileError) in
            try WorldVocabulary.definition(bytes, source: file.path)
        },
        Format(matches: SentencePieceFile.isSentencePiece) { bytes, file throws(FileError) in
            try SentencePieceFile.definition(bytes, source: file.path)
        },
        Format(matches: CLIPMerges.isMerges) { bytes, file throws(FileError) in try CLIPMerges.definition(bytes, source: file.path) },
        Format(matches: isJSON) { bytes, file throws(FileError) in try file.jsonDefinition(JSON.parse(bytes, source: file.path)) },
        Format(matches: VocabularyList.isVocabularyList) { bytes, file throws(FileError) in
            try VocabularyList.definition(bytes, source: file.path)
        },
    ]

    private struct Format: Sendable {
        let matches: @Sendable (UnsafeRawBufferPointer) -> Bool
        let read: @Sendable (UnsafeRawBufferPointer, TokenizerFile) throws(FileError) -> TokenizerDefinition
    }

    private static func isJSON(_ bytes: UnsafeRawBufferPointer) -> Bool { bytes.first { ![9, 10, 13, 0x20].contains($0) } == 0x7B }

    func definition() throws(FileError) -> TokenizerDefinition { try definition(readFile(path)) }

    /// The definition that a file with these contents describes.
    func definition(_ content: [UInt8]) throws(FileError) -> TokenizerDefinition {
        let content = try Self.unpacked(content, path)
        let result = content.withUnsafeBytes { bytes -> Result<TokenizerDefinition, FileError> in
            do throws(FileError) { return .success(try definition(bytes)) } catch { return .failure(error) }
        }
        return try result.get()
    }

    private static func unpacked(_ content: [UInt8], _ path: String) throws(FileError) -> [UInt8] {
        GzippedFile.isOne(content) ? try GzippedFile.content(content, source: path) : content
    }

    private func definition(_ bytes: UnsafeRawBufferPointer) throws(FileError) -> TokenizerDefinition {
        if let format = Self.formats.first(where: { $0.matches(bytes) }) { return try format.read(bytes, self) }
        throw FileError(
            "not a tokenizer", path: path,
            expected: "a tokenizer.json, a SentencePiece model, a rank file, a vocab.txt, or a vocab.json with its merges.txt",
            found: bytes.isEmpty ? "an empty file" : "\(bytes.count) bytes of something else")
    }

    private func jsonDefinition(_ json: JSON) throws(FileError) -> TokenizerDefinition {
        if json["bpe_ranks"]?.string != nil { return try RankFile.definition(json, pattern: pattern, source: path) }
        guard json["model"]?.object == nil, VocabularyAndMerges.isVocabulary(json) else { return try TokenizerDefinition(json, source: path) }
        guard let merges = try Self.merges(beside: path) else {
            throw FileError("a vocabulary without its merges", path: path, hint: "put merges.txt beside it")
        }
        let content = try readFile(merges)
        let result = content.withUnsafeBytes { bytes -> Result<TokenizerDefinition, FileError> in
            do throws(FileError) {
                return .success(try VocabularyAndMerges.definition(vocabulary: json, merges: bytes, source: path))
            } catch { return .failure(error) }
        }
        return try result.get()
    }

    /// The file of merges beside a vocabulary.
    private static func merges(beside path: String) throws(FileError) -> String? {
        let folder = Folder.parent(of: path)
        for name in try Folder.names(in: folder).sorted() where name.contains("merges") {
            let file = Folder.join(folder, name)
            if Folder.isFile(file), try readFile(file).withUnsafeBytes({ VocabularyAndMerges.isMerges($0) }) { return file }
        }
        return nil
    }

    /// The tokenizer's file in a folder: by its usual name, else the only one that is a tokenizer by its content.
    static func find(in folder: String) throws(FileError) -> String {
        for name in ["tokenizer.json", "tokenizer.model", "spiece.model", "vocab.json", "vocab.txt"] {
            let file = Folder.join(folder, name)
            if Folder.isFile(file) { return file }
        }
        var found: [String] = []
        for name in try Folder.names(in: folder).sorted() {
            let file = Folder.join(folder, name)
            if Folder.isFile(file), try looksLikeTokenizer(file) { found.append(file) }
        }
        if found.count == 1 { return found[0] }
        throw FileError(
            found.isEmpty ? "there is no tokenizer in the folder" : "there are several tokenizers in the folder", path: folder,
            expected: "a tokenizer.json, or one other tokenizer file", found: found.isEmpty ? "none" : found.joined(separator: ", "),
            hint: "name the file itself")
    }

    private static func looksLikeTokenizer(_ path: String) throws(FileError) -> Bool {
        // A compressed file that is none has other bytes to tell of; it is no tokenizer.
        guard let content = try? unpacked(readFile(path), path) else { return false }
        return content.withUnsafeBytes { bytes in
            guard formats.contains(where: { $0.matches(bytes) }) else { return false }
            if !isJSON(bytes) { return true }
            guard let json = try? JSON.parse(bytes, source: path) else { return false }
            return json["model"]?.object != nil || json["bpe_ranks"]?.string != nil || VocabularyAndMerges.isVocabulary(json)
        }
    }
}
