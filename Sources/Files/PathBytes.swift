#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// A path as the bytes that the file system has; names need not be UTF-8.
///
/// A `String` made of such a name has U+FFFD where its bytes were, and names nothing that is there.
public struct PathBytes: Sendable, Hashable {
    public let bytes: [UInt8]

    public init(_ text: String) { bytes = Array(text.utf8) }

    init(bytes: [UInt8]) { self.bytes = bytes }

    /// Takes the bytes up to the first NUL.
    public init(cString: UnsafePointer<CChar>) {
        bytes = Array(UnsafeRawBufferPointer(start: cString, count: strlen(cString)))
    }

    /// The path as text; nil where it is no UTF-8.
    public var text: String? { String(validating: bytes, as: UTF8.self) }

    /// The path for people and records: bytes that are no UTF-8 as "\xE9".
    public var display: String {
        if let text { return text }
        var out = ""
        var (parser, iterator, at) = (Unicode.UTF8.ForwardParser(), bytes.makeIterator(), 0)
        while true {
            switch parser.parseScalar(from: &iterator) {
            case .valid(let scalar):
                out.unicodeScalars.append(Unicode.UTF8.decode(scalar))
                at += scalar.count
            case .error(let length):
                for byte in bytes[at..<min(bytes.count, at + length)] { out += "\\x" + String(byte, radix: 16, uppercase: true) }
                at += length
            case .emptyInput: return out
            }
        }
    }

    var cString: [CChar] { bytes.map { CChar(bitPattern: $0) } + [0] }

    public func joined(_ name: PathBytes) -> PathBytes {
        if bytes.isEmpty { return name }
        return PathBytes(bytes: bytes.last == 0x2F ? bytes + name.bytes : bytes + [0x2F] + name.bytes)
    }

    public static func precedes(_ a: PathBytes, _ b: PathBytes) -> Bool { a.bytes.lexicographicallyPrecedes(b.bytes) }

    /// The absolute path with symbolic links resolved; the path itself where nothing is there.
    public var resolved: PathBytes {
        guard let real = realpath(cString, nil) else { return self }
        defer { free(real) }
        return PathBytes(cString: real)
    }

    /// The paths that are there and read like this where bytes that are no UTF-8 were replaced by U+FFFD, as a command's arguments are.
    public static func matching(_ repaired: String) -> [PathBytes] {
        var places = [PathBytes(repaired.hasPrefix("/") ? "/" : "")]
        for part in repaired.split(separator: "/") {
            guard part.unicodeScalars.contains("\u{FFFD}") else {
                places = places.map { $0.joined(PathBytes(String(part))) }
                continue
            }
            places = places.flatMap { place in
                let names = (try? Folder.entries(of: place.bytes.isEmpty ? PathBytes(".") : place)) ?? []
                return names.filter { String(decoding: $0.bytes, as: UTF8.self).utf8.elementsEqual(part.utf8) }.map { place.joined($0) }
            }
        }
        return places.filter { $0.status(follow: false) != nil }
    }
}

/// What the file system knows of a path.
public struct FileStatus: Sendable {
    /// Size in bytes.
    public var size: Int
    /// Time of the last change in whole seconds since 1970.
    public var changed: Int
    let mode: mode_t

    public var isFile: Bool { mode & S_IFMT == S_IFREG }
    public var isFolder: Bool { mode & S_IFMT == S_IFDIR }
    var isLink: Bool { mode & S_IFMT == S_IFLNK }
    /// In words: "a folder", "a pipe (FIFO)".
    public var kind: String { System.kind(mode) }
}

extension PathBytes {
    /// nil where nothing is there, or nothing can be said of it.
    public func status(follow: Bool = true) -> FileStatus? {
        var info = stat()
        guard !bytes.contains(0), (follow ? stat(cString, &info) : lstat(cString, &info)) == 0 else { return nil }
        #if canImport(Darwin)
            let changed = info.st_mtimespec.tv_sec
        #else
            let changed = info.st_mtim.tv_sec
        #endif
        return FileStatus(size: Int(info.st_size), changed: changed, mode: info.st_mode)
    }
}
