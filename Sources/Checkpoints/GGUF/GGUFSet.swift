public import QuintetFiles

/// The files of a GGUF model that was split: `name-00001-of-00003.gguf` and so on, in one folder.
public enum GGUFSet {
    /// Opens a file and the others of its set; one file alone is a set of one.
    /// - Throws: `FileError` where a part is missing, is not the part its name says, or the parts disagree.
    public static func open(_ path: String) throws(FileError) -> [GGUFFile] {
        let first = try GGUFFile.open(path)
        let count = try number(first, "split.count") ?? 1
        guard count > 1 else { return [first] }
        guard let (stem, part, total) = name(path), total == count else {
            throw FileError(
                "the file is part of a set, but its name does not say which", path: path, field: "split.count", offset: first.pair("split.count")?.offset,
                expected: "a name that ends in -NNNNN-of-\(digits(count)).gguf", found: Folder.name(of: path))
        }
        var files: [GGUFFile] = []
        for index in 0..<count {
            let place = "\(stem)-\(digits(index + 1))-of-\(digits(count)).gguf"
            guard Folder.isFile(place) else {
                throw FileError("a part of the model is missing", path: place, field: "split.count", expected: "\(count) files", found: "nothing")
            }
            let file = index + 1 == part ? first : try GGUFFile.open(place)
            guard try number(file, "split.no") == index, try number(file, "split.count") == count else {
                throw FileError(
                    "the file is another part than its name says", path: place, field: "split.no", offset: file.pair("split.no")?.offset,
                    expected: "\(index)", found: file["split.no"]?.json?.serialized() ?? "nothing")
            }
            files.append(file)
        }
        let tensors = files.reduce(0) { $0 + $1.entries.count }
        if let declared = try number(files[0], "split.tensors.count"), declared != tensors {
            throw FileError(
                "the parts do not belong together", path: path, field: "split.tensors.count", offset: files[0].pair("split.tensors.count")?.offset,
                expected: "\(tensors) tensors", found: "\(declared)")
        }
        return files
    }

    private static let maximumParts = 1 << 20

    private static func number(_ file: GGUFFile, _ key: String) throws(FileError) -> Int? {
        guard let pair = file.pair(key) else { return nil }
        guard let number = pair.value.json?.int, (0...maximumParts).contains(number) else {
            throw FileError(
                "impossible number of parts", path: file.path, field: key, offset: pair.offset, expected: "0 to \(maximumParts)",
                found: pair.value.json?.serialized() ?? "an array")
        }
        return number
    }

    /// The parts of `dir/stem-00002-of-00003.gguf`; nil where the name has another form.
    private static func name(_ path: String) -> (stem: String, part: Int, total: Int)? {
        guard path.hasSuffix(".gguf") else { return nil }
        let pieces = path.dropLast(5).split(separator: "-", omittingEmptySubsequences: false)
        guard pieces.count >= 4, pieces[pieces.count - 2] == "of", let part = Int(pieces[pieces.count - 3]), let total = Int(pieces[pieces.count - 1]),
            part > 0, part <= total
        else { return nil }
        return (pieces.dropLast(3).joined(separator: "-"), part, total)
    }

    private static func digits(_ number: Int) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, 5 - text.utf8.count)) + text
    }
}
