import ArgumentParser
import QuintetFiles

/// The words of a command line, looked at before they are parsed: what the parser takes without a word, or calls by another name.
struct ArgumentList {
    /// The words, negative numbers joined to their options.
    let words: [String]
    /// The names of the command that they choose, below the root.
    let path: [String]

    /// - Throws: `ValidationError` for a command that does not exist, and an option that is given twice though it holds one value.
    init(_ words: [String], of root: any ParsableCommand.Type) throws {
        self.words = Self.joiningNumbers(words)
        path = try Self.command(in: words, of: root)
        let options = self.words.prefix { $0 != "--" }.filter { $0.hasPrefix("--") }.map { String($0.dropFirst(2).prefix { $0 != "=" }) }
        if let twice = options.indices.first(where: { options[..<$0].contains(options[$0]) }).map({ options[$0] }), Self.holdsOne(twice, path, root) {
            throw ValidationError("--\(twice) is given twice, and holds one value.")
        }
    }

    /// `--top-k -1` is `--top-k=-1`: a minus before a digit begins no option.
    private static func joiningNumbers(_ words: [String]) -> [String] {
        var joined: [String] = []
        for word in words {
            let isNegative = word.hasPrefix("-") && word.dropFirst().first.map { $0.isNumber || $0 == "." } == true
            if isNegative, let last = joined.last, last.hasPrefix("--"), last.count > 2, !last.contains("=") {
                joined[joined.count - 1] = "\(last)=\(word)"
            } else {
                joined.append(word)
            }
        }
        return joined
    }

    /// The names of the command that the first words choose.
    private static func command(in words: [String], of root: any ParsableCommand.Type) throws -> [String] {
        var command = root
        var path: [String] = []
        for word in words {
            let choices = command.configuration.subcommands
            let names = choices.compactMap { $0.configuration.commandName }
            guard !choices.isEmpty, !word.hasPrefix("-"), word != "help" else { break }
            guard let next = choices.first(where: { $0.configuration.commandName == word }) else {
                if command.configuration.defaultSubcommand != nil { break }
                throw ValidationError("There is no command '\((["quintet"] + path + [word]).joined(separator: " "))'.\(nearestQuestion(word, names))")
            }
            command = next
            path.append(word)
        }
        if let standard = command.configuration.defaultSubcommand?.configuration.commandName { path.append(standard) }
        return path
    }

    /// Whether the command at `path` has an option of that name for a single value, by the parser's own account of itself.
    private static func holdsOne(_ name: String, _ path: [String], _ root: any ParsableCommand.Type) -> Bool {
        guard let help = try? JSON.parse(root._dumpHelp(), source: "help") else { return false }
        var command = help["command"]
        for step in path { command = command?["subcommands"]?.array?.first { $0["commandName"]?.string == step } }
        let argument = command?["arguments"]?.array?.first { argument in
            argument["names"]?.array?.contains { $0["name"]?.string == name } == true
        }
        return argument?["kind"]?.string == "option" && argument?["isRepeating"] == .bool(false)
    }
}
