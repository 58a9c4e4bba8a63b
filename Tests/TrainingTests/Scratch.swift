import QuintetFiles

/// Runs `body` with a new empty folder that is gone afterwards.
func withScratch<Value>(_ body: (String) throws -> Value) throws -> Value {
    let folder = try Folder.temporary("training")
    defer { try? Folder.remove(folder) }
    return try body(folder)
}

/// The error of this type that `body` throws, or nil.
func thrown<Failure: Error>(_ type: Failure.Type, _ body: () throws -> Void) -> Failure? {
    do {
        try body()
        return nil
    } catch {
        return error as? Failure
    }
}
