import ArgumentParser

/// Every subcommand, one line each; the order is the order of `quintet --help`.
let commands: [any ParsableCommand.Type] = [
    BenchCommand.self,
    TokenizerCommand.self,
    GenerateCommand.self,
    VerifyCommand.self,
]
