public import QuintetFiles

/// The chat templates of a model: the usual one, and those with a name of their own (`tool_use`, `rag`).
///
/// They lie in chat_template.jinja, chat_template.json or tokenizer_config.json (a text, or a list of named ones).
public struct ChatTemplates: Sendable {
    /// Name to source; the usual one is `default`.
    public let sources: [String: String]
    /// Name to the file that it was read from.
    public private(set) var files: [String: String] = [:]

    public init(sources: [String: String]) { self.sources = sources }

    public var isEmpty: Bool { sources.isEmpty }

    /// What a folder holds; files of their own win over the configuration.
    /// - Throws: `FileError` for a file that cannot be read.
    public static func read(folder: String, configuration: JSON = .null) throws(FileError) -> ChatTemplates {
        var found: [String: (source: String, file: String)] = [:]
        func add(_ json: JSON?, _ file: String) {
            for (name, source) in ChatTemplates(json ?? .null).sources { found[name] = (source, file) }
        }
        // A GGUF file holds its own.
        add(configuration["chat_template"], Folder.isFolder(folder) ? Folder.join(folder, "tokenizer_config.json") : folder)
        let json = Folder.join(folder, "chat_template.json")
        if Folder.isFile(json) { add(try JSON.read(json)["chat_template"], json) }
        let usual = Folder.join(folder, "chat_template.jinja")
        if Folder.isFile(usual) { found["default"] = (try text(usual), usual) }
        let others = Folder.join(folder, "additional_chat_templates")
        for name in Folder.isFolder(others) ? try Folder.names(in: others) : [] where name.hasSuffix(".jinja") {
            let file = Folder.join(others, name)
            found[String(name.dropLast(".jinja".utf8.count))] = (try text(file), file)
        }
        var templates = ChatTemplates(sources: found.mapValues(\.source))
        templates.files = found.mapValues(\.file)
        return templates
    }

    /// The value of `chat_template` in a configuration: a text, or a list of `{"name", "template"}`.
    public init(_ json: JSON) {
        var sources: [String: String] = [:]
        if let text = json.string { sources["default"] = text }
        for entry in json.array ?? [] {
            if let name = entry["name"]?.string, let text = entry["template"]?.string { sources[name] = text }
        }
        self.sources = sources
    }

    private static func text(_ path: String) throws(FileError) -> String {
        let bytes = try readFile(path)
        guard let text = String(validating: bytes, as: UTF8.self) else { throw FileError("not UTF-8", path: path) }
        return text
    }

    /// The template for a conversation: `tool_use` where there are tools and such a one, else the usual one; nil where there is none.
    /// - Throws: `TemplateError` where it is none.
    public func template(named name: String? = nil, forTools hasTools: Bool = false) throws(TemplateError) -> ChatTemplate? {
        if let name {
            guard let source = sources[name] else {
                throw TemplateError(.input, "there is no template '\(name)'; there are: \(sources.keys.sorted().joined(separator: ", "))")
            }
            return try ChatTemplate(source)
        }
        guard let source = usual(forTools: hasTools).flatMap({ sources[$0] }) else {
            if sources.isEmpty { return nil }
            throw TemplateError(.input, "there are several templates and none is the usual one: \(sources.keys.sorted().joined(separator: ", "))")
        }
        return try ChatTemplate(source)
    }

    /// The name of the template for a conversation; nil where there is none, or several and none is the usual one.
    private func usual(forTools hasTools: Bool) -> String? {
        (hasTools ? ["tool_use", "default"] : ["default"]).first { sources[$0] != nil } ?? (sources.count == 1 ? sources.keys.first : nil)
    }

    /// The file of the template for a conversation; nil where it was not read from one.
    public func file(forTools hasTools: Bool = false) -> String? { usual(forTools: hasTools).flatMap { files[$0] } }
}
