#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif
import QuintetCheckpoints
import QuintetFiles
import Testing

/// Runs `body` with an empty folder that is removed afterwards.
func withFolder<T>(_ body: (String) throws -> T) throws -> T {
    let folder = try Folder.temporary()
    defer { try? Folder.remove(folder) }
    return try body(folder)
}

/// A safetensors file made by hand: any header text, any data.
func container(_ header: String, _ data: [UInt8] = [], length: UInt64? = nil) -> [UInt8] {
    let text = Array(header.utf8)
    return withUnsafeBytes(of: (length ?? UInt64(text.count)).littleEndian) { Array($0) } + text + data
}

/// Opens bytes as a file and gives the error; nil where they were accepted.
func refusal(_ bytes: [UInt8], in folder: String) throws -> FileError? {
    let path = folder + "/case.safetensors"
    writePlain(path, bytes)
    do throws(FileError) { _ = try SafetensorsFile.open(path) } catch { return error }
    return nil
}

func readBytes(_ path: String) throws -> [UInt8] { try readFile(path) }

/// Writes without bringing anything to disk: thousands of cases in a blink.
func writePlain(_ path: String, _ bytes: [UInt8]) {
    guard let file = fopen(path, "wb") else { return }
    _ = fwrite(bytes, 1, bytes.count, file)
    fclose(file)
}
