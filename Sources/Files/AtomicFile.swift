#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif
internal import Synchronization

/// The one writer of single files: a file appears whole under its name, or not at all.
///
/// It is written under a temporary name in the same folder, brought to disk, renamed, and the folder is brought to disk.
/// After any failure (disk full, device error, an error thrown by the body) the temporary file is removed and what was
/// there before is untouched.
public enum AtomicFile {
    /// Writes with a body that is handed the writer; returns what the body returns.
    @discardableResult
    public static func write<Value>(
        _ path: String, hashing: Bool = false, _ body: (inout FileWriter) throws -> Value
    ) throws -> Value {
        let temporary = temporaryName(for: path)
        do {
            var writer = try FileWriter(creating: temporary, hashing: hashing)
            let value = try body(&writer)
            try writer.finish()
            try System.rename(temporary, to: path)
            try System.synchronize(folder: Folder.parent(of: path))
            return value
        } catch {
            unlink(temporary)
            throw error
        }
    }

    /// For results: a file that is there is not written over, as a folder is not; a pipe or a device may be written to.
    public static func checkFree(_ path: String) throws(FileError) {
        guard Folder.isFile(path) || Folder.isFolder(path) else { return }
        throw FileError(
            "there is something already: nothing is written over", path: path, expected: "a new name", found: Folder.kind(of: path),
            hint: "choose another name or remove it first")
    }

    public static func write(_ path: String, _ bytes: UnsafeRawBufferPointer) throws(FileError) {
        try typed(path) { try write(path) { writer in try writer.write(bytes) } }
    }

    public static func write(_ path: String, _ bytes: some Collection<UInt8>) throws(FileError) {
        try withBytes(bytes) { raw throws(FileError) in try write(path, raw) }
    }

    public static func write(_ path: String, _ text: String) throws(FileError) { try write(path, text.utf8) }

    /// Writes JSON with two-space indents and a final newline.
    public static func write(_ path: String, _ value: JSON) throws(FileError) {
        try write(path, value.serialized(pretty: true) + "\n")
    }

    private static let counter = Atomic<Int>(0)

    /// A name beside `path` that nobody else uses: hidden, with the process, its machine and a running number.
    static func temporaryName(for path: String) -> String {
        let number = counter.wrappingAdd(1, ordering: .relaxed).newValue
        let name = ".tmp-\(Folder.name(of: path))-\(System.processID)@\(System.machine)-\(number)"
        return Folder.join(Folder.parent(of: path), name)
    }

    /// Removes what killed processes of this machine left in a folder under temporary names, for a file or folder of this name or for any.
    ///
    /// Other machines' processes are not known: only who has the name or the folder to itself may ask for this.
    public static func removeLeftovers(in folder: String, of name: String? = nil) throws(FileError) {
        guard Folder.isFolder(folder) else { return }
        for item in try Folder.names(in: folder) where item.hasPrefix(".tmp-") {
            let parts = item.split(separator: "-", omittingEmptySubsequences: false)
            guard parts.count >= 4, Int(parts[parts.count - 1]) != nil, isGone(parts[parts.count - 2]),
                name == nil || parts[1..<(parts.count - 2)].joined(separator: "-") == name
            else { continue }
            try Folder.remove(Folder.join(folder, item))
        }
    }

    /// Whether a writer, "PROCESS@MACHINE", was one of this machine and lives no more. Older names are without the machine.
    private static func isGone(_ writer: Substring) -> Bool {
        let parts = writer.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
        guard let process = Int32(parts[0]), process > 0, parts.count == 1 || parts[1] == System.machine else { return false }
        return !System.isAlive(process)
    }

    /// The same for one path: what killed writers of this file or folder left beside it.
    public static func removeLeftovers(of path: String) throws(FileError) {
        try removeLeftovers(in: Folder.parent(of: path), of: Folder.name(of: path))
    }
}

/// Narrows an untyped error to `FileError`; everything thrown inside this room is one.
func typed<Value>(_ path: String, _ body: () throws -> Value) throws(FileError) -> Value {
    do { return try body() } catch let error as FileError { throw error } catch {
        throw FileError("cannot write the file", path: path, found: "\(error)")
    }
}
