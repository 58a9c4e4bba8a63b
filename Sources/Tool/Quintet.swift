import ArgumentParser
import QuintetFiles

@main
struct QuintetCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "quintet",
        abstract: "Gather, scrub, pretrain, adapt, evaluate, serve and guard foundation models.",
        version: quintetVersion,
        subcommands: commands)

    static func main() {
        FileSizeLimit.isAnError()
        var path: [String] = []
        do {
            let arguments = try ArgumentList(Array(CommandLine.arguments.dropFirst()), of: self)
            path = arguments.path
            var command = try parseAsRoot(arguments.words)
            try command.run()
        } catch {
            ExitStatus.leave(error, from: path)
        }
    }
}
