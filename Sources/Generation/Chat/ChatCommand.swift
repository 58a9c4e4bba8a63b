/// A line that a person types to a chat: something to say, or a command.
public enum ChatCommand: Sendable, Equatable {
    case say(String)
    case reset
    /// Nil shows it.
    case system(String?)
    case save(String)
    case load(String)
    case help
    case quit
    /// No command of that name, or one that needs more.
    case wrong(String)

    /// `//` at the beginning says a slash.
    public init(_ text: String) {
        guard text.utf8.first == UInt8(ascii: "/") else {
            self = .say(text)
            return
        }
        if text.hasPrefix("//") {
            self = .say(String(text.dropFirst()))
            return
        }
        let parts = text.dropFirst().split(maxSplits: 1, omittingEmptySubsequences: false) { $0 == " " || $0 == "\n" }
        let rest = parts.count > 1 ? String(parts[1].drop { $0 == " " }) : ""
        switch parts.first ?? "" {
        case "reset", "clear": self = .reset
        case "system": self = .system(rest.isEmpty ? nil : rest)
        case "save": self = rest.isEmpty ? .wrong("/save needs a file") : .save(rest)
        case "load": self = rest.isEmpty ? .wrong("/load needs a file") : .load(rest)
        case "quit", "exit", "bye": self = .quit
        case "help", "?": self = .help
        case let name: self = .wrong("there is no command /\(name); /help lists them")
        }
    }

    public static let helpText = """
        /reset          begin anew; the system message stays
        /system TEXT    set the system message and begin anew; without TEXT, show it
        /save FILE      write the conversation as JSON
        /load FILE      go on with a conversation that was saved
        /quit           leave (so does the end of input)
        \"""             begins and ends a message of several lines; so does a \\ at the end of a line
        Ctrl-C          stops the answer
        """
}

/// Puts lines together: `\` at the end goes on with the next one, `"""` surrounds several.
public struct ChatLines: Sendable {
    private var lines: [String] = []
    private var isQuoted = false

    public init() {}

    /// True while a message is not whole.
    public var isWaiting: Bool { isQuoted || !lines.isEmpty }

    /// Takes a line; gives the message it completes.
    public mutating func take(_ line: String) -> String? {
        let line = line.hasSuffix("\r") ? String(line.dropLast()) : line
        if isQuoted {
            guard let end = line.range(ofQuotes: true) else {
                lines.append(line)
                return nil
            }
            if !end.isEmpty { lines.append(end) }
            isQuoted = false
            return finish()
        }
        if lines.isEmpty, let start = line.range(ofQuotes: false) {
            isQuoted = true
            if let whole = start.range(ofQuotes: true) {
                isQuoted = false
                return whole
            }
            if !start.isEmpty { lines.append(start) }
            return nil
        }
        if line.hasSuffix("\\") {
            lines.append(String(line.dropLast()))
            return nil
        }
        lines.append(line)
        return finish()
    }

    /// What is there when the input ends.
    public mutating func finish() -> String? {
        defer { lines = [] }
        isQuoted = false
        return lines.isEmpty ? nil : lines.joined(separator: "\n")
    }

    /// Drops what was begun.
    public mutating func clear() { (lines, isQuoted) = ([], false) }
}

extension String {
    /// The line without the `"""` at its beginning or end; nil where there is none.
    fileprivate func range(ofQuotes atEnd: Bool) -> String? {
        let quotes = "\"\"\""
        if atEnd { return hasSuffix(quotes) ? String(dropLast(3)) : nil }
        return hasPrefix(quotes) ? String(dropFirst(3)) : nil
    }
}
