import ArgumentParser
import QuintetFiles

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

@main
struct QuintetCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "quintet",
        abstract: "Gather, scrub, pretrain, adapt, evaluate, serve and guard foundation models.",
        version: quintetVersion,
        subcommands: commands)

    static func main() {
        // At a limit on the size of files a write fails, and its error is told; the program is not to end there.
        _ = signal(SIGXFSZ, SIG_IGN)
        do {
            let arguments = try ArgumentList(Array(CommandLine.arguments.dropFirst()), of: self)
            var command = try parseAsRoot(arguments.words)
            try command.run()
        } catch {
            ExitStatus.leave(error)
        }
    }
}
