import ArgumentParser
import QuintetFiles
import QuintetModels
import QuintetTensors

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Opens a model folder, with the adapters of `--lora`, and tells on standard error what the person should know about it.
func openModel(_ path: String, lora: [String] = [], _ arithmetic: FrozenArithmetic? = nil) throws -> ModelFolder {
    var folder = try ModelFolder.open(path)
    if let arithmetic { folder.arithmetic = arithmetic }
    for warning in folder.warnings { warn(warning) }
    return try folder.adapted(by: lora.map { AdapterChoice(parsing: $0) })
}

/// Sets the number of threads where one is asked for.
func useThreads(_ count: Int?) throws {
    guard let count else { return }
    guard (1...1024).contains(count) else { throw ValidationError("--threads: expected 1 to 1024, found \(count)") }
    Threads.use(count)
}

/// One line on standard error.
func warn(_ text: String) {
    let line = Array("warning: \(text)\n".utf8)
    _ = write(2, line, line.count)
}
