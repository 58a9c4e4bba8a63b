import QuintetFiles

/// The text of a file where `argument` names one, else the argument itself.
func textOrFile(_ argument: String) throws(FileError) -> String {
    guard !argument.contains("\n"), argument.utf8.count < 4096, Folder.isFile(argument) || Folder.isPipe(argument) else { return argument }
    return try readText(argument)
}

/// What a file, a pipe or, for "-", standard input holds.
func readInput(_ path: String, limit: Int = 1 << 30) throws(FileError) -> [UInt8] {
    try (path == "-" ? FileReader.standardInput() : FileReader.stream(path)).all(limit: limit)
}

/// A file, a pipe or, for "-", standard input: it has to be UTF-8.
func readText(_ path: String) throws(FileError) -> String {
    let bytes = try readInput(path)
    if let text = String(validating: bytes, as: UTF8.self) { return text }
    throw FileError("not UTF-8", path: path == "-" ? "standard input" : path, offset: bytes.withUnsafeBytes { UTF8Check.firstInvalid($0) })
}

/// The bytes behind an option that names lines: mapped where it is a file, else read whole.
func mappedInput(_ path: String) throws(FileError) -> MappedFile {
    if path != "-", !Folder.isPipe(path) { return try MappedFile(path) }
    return try MappedFile(holding: try readInput(path), path: path == "-" ? "standard input" : path)
}

func parseJSON(_ text: String, source: String) throws(FileError) -> JSON { try JSON.parse(text, source: source) }
