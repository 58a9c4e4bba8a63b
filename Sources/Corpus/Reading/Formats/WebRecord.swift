internal import QuintetFiles

/// The document of a web record: what WARC and ARC share.
struct WebRecord {
    var url: String?
    /// When it was fetched, ISO 8601.
    var date: String?
    var line: Int?
    var offset: Int

    /// A stored HTTP response.
    func response(_ block: [UInt8], _ input: Input, _ limits: ReadLimits, _ extra: JSONObject = [:]) throws(FileError) -> ReadItem {
        let message: HTTPMessage
        do throws(FileError) { message = try HTTPMessage(block, name: input.name, limit: limits.document) } catch {
            return .refused(Refusal(reason: error.what, offset: offset, detail: error.found ?? url))
        }
        guard (200..<300).contains(message.status) else { return .passedOver("HTTP status \(message.status / 100)xx") }
        var extra = extra
        if let robots = message.headers["x-robots-tag"] { extra["robots"] = .string(robots) }
        if let language = message.headers["content-language"] { extra["content_language"] = .string(language) }
        return content(message.body, message.headers.mediaType, message.headers.charset, input, extra)
    }

    /// Content of a media type.
    func content(_ body: [UInt8], _ type: String?, _ charset: String?, _ input: Input, _ extra: JSONObject) -> ReadItem {
        guard let kind = Self.kind(body, type) else { return .passedOver("content type " + Self.family(type)) }
        var metadata = input.metadata
        metadata["language"] = .string(kind.label)
        if kind == .markdown { metadata["format"] = .string(kind.label) }
        if let url { metadata["url"] = .string(url) }
        if let type { metadata["content_type"] = .string(type) }
        for (key, value) in extra { metadata[key] = value }
        if body.isEmpty { return .passedOver("empty record") }
        return .document(
            RawDocument(
                content: body, kind: kind, charset: charset, source: url ?? input.name, created: date ?? input.created, metadata: metadata,
                line: line, offset: offset))
    }

    private static func kind(_ body: [UInt8], _ type: String?) -> DocumentKind? {
        switch type {
        case "text/html", "application/xhtml+xml", "application/vnd.wap.xhtml+xml": .page
        case "text/markdown", "text/x-markdown": .markdown
        case "text/plain": body.withUnsafeBytes { SourceFormat.html.recognizes?($0) == true } ? .page : .text
        case nil, "", "unk", "application/octet-stream", "application/unknown":
            body.withUnsafeBytes { SourceFormat.html.recognizes?($0) == true } ? .page : nil
        default: nil
        }
    }

    /// "image/*", so that reports stay short.
    private static func family(_ type: String?) -> String {
        guard let type, let slash = type.firstIndex(of: "/") else { return "unknown" }
        let family = String(type[..<slash])
        return ["image", "video", "audio", "font", "text", "application", "multipart", "message"].contains(family) ? family : "unknown"
    }
}
