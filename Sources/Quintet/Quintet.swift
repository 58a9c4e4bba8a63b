/// Quintet: the whole life of a foundation model in a few lines.
///
/// ```swift
/// import Quintet
///
/// let model = try Model.load("stories260K-hf")
/// print(try model.generate("Once upon a time", maxTokens: 64))
/// ```
@_exported public import QuintetCheckpoints
@_exported public import QuintetCorpus
@_exported public import QuintetFiles
@_exported public import QuintetGeneration
@_exported public import QuintetLayers
@_exported public import QuintetModels
@_exported public import QuintetTensors
@_exported public import QuintetTokenizers
@_exported public import QuintetTraining
