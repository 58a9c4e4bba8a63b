import QuintetFiles

/// The text of a file where `argument` names one, else the argument itself.
func textOrFile(_ argument: String) throws(FileError) -> String {
    guard !argument.contains("\n"), argument.utf8.count < 4096, Folder.isFile(argument) else { return argument }
    return try readText(argument)
}

/// A file that has to be UTF-8.
func readText(_ path: String) throws(FileError) -> String {
    let bytes = try readFile(path)
    guard let text = String(validating: bytes, as: UTF8.self) else { throw FileError("not UTF-8", path: path) }
    return text
}

func parseJSON(_ text: String, source: String) throws(FileError) -> JSON { try JSON.parse(text, source: source) }
