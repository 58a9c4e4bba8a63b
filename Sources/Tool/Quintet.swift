import ArgumentParser

@main
struct QuintetCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "quintet",
        abstract: "Gather, scrub, pretrain, adapt, evaluate, serve and guard foundation models.",
        version: "0.1.0",
        subcommands: commands)
}
