import ArgumentParser

/// Every subcommand, one line each; the order is the order of `quintet --help`.
let commands: [any ParsableCommand.Type] = [
    DemoCommand.self,
    GatherCommand.self,
    ScrubCommand.self,
    TokenizerCommand.self,
    TokenizeCommand.self,
    PretrainCommand.self,
    AdaptCommand.self,
    GenerateCommand.self,
    ChatModelCommand.self,
    ServeCommand.self,
    InspectCommand.self,
    ConvertCommand.self,
    VerifyCommand.self,
    BenchCommand.self,
]
