internal import QuintetFiles

/// Where a command may write: not into what it reads.
enum OutputPlace {
    /// Refuses an output that is one of the inputs, or lies in one: the next run would read it.
    static func check(_ path: String, apartFrom sources: [String]) throws(FileError) {
        let output = Folder.resolved(path)
        for source in sources {
            let input = Folder.resolved(source)
            if input == output { throw FileError("output and input are the same", path: path, hint: "choose another folder for --into") }
            guard Folder.isFolder(input), output.hasPrefix(input == "/" ? input : input + "/") else { continue }
            throw FileError("the output lies in the input", path: path, expected: "a folder outside of \(source)", hint: "choose another folder for --into")
        }
    }
}
