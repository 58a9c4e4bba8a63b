public import QuintetFiles

/// The chat templates of a model: the usual one, and those with a name of their own (`tool_use`, `rag`).
///
/// They lie in chat_template.jinja, chat_template.json or tokenizer_config.json (a text, or a list of named ones).
public struct ChatTemplates: Sendable {
    /// Name to source; the usual one is `default`.
    public let sources: [String: String]

    public init(sources: [String: String]) { self.sources = sources }

    public var isEmpty: Bool { sources.isEmpty }

    /// What a folder holds; files of their own win over the configuration.
    /// - Throws: `FileError` for a file that cannot be read.
    public static func read(folder: String, configuration: JSON = .null) throws(FileError) -> ChatTemplates {
        var sources = ChatTemplates(configuration["chat_template"] ?? .null).sources
        let json = Folder.join(folder, "chat_template.json")
        if Folder.isFile(json) { sources.merge(ChatTemplates(try JSON.read(json)["chat_template"] ?? .null).sources) { $1 } }
        let usual = Folder.join(folder, "chat_template.jinja")
        if Folder.isFile(usual) { sources["default"] = try text(usual) }
        let others = Folder.join(folder, "additional_chat_templates")
        guard Folder.isFolder(others) else { return ChatTemplates(sources: sources) }
        for name in try Folder.names(in: others) where name.hasSuffix(".jinja") {
            sources[String(name.dropLast(".jinja".utf8.count))] = try text(Folder.join(others, name))
        }
        return ChatTemplates(sources: sources)
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
        let source = (hasTools ? sources["tool_use"] : nil) ?? sources["default"] ?? (sources.count == 1 ? sources.first?.value : nil)
        guard let source else {
            if sources.isEmpty { return nil }
            throw TemplateError(.input, "there are several templates and none is the usual one: \(sources.keys.sorted().joined(separator: ", "))")
        }
        return try ChatTemplate(source)
    }
}
