import QuintetFiles
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Runs `body` with a fresh folder that is removed afterwards.
func withFolder<Value>(_ body: (String) throws -> Value) throws -> Value {
    let folder = try Folder.temporary()
    defer { try? Folder.remove(folder) }
    return try body(folder)
}

@Suite struct FileTests {
    @Test func writesReadsAndMaps() throws {
        try withFolder { folder in
            let path = folder + "/a.bin"
            let content = (0..<3_000_001).map { UInt8(truncatingIfNeeded: $0 &* 7) }
            try AtomicFile.write(path, content)
            #expect(try readFile(path) == content)
            let map = try MappedFile(path)
            #expect(map.count == content.count)
            #expect(map.bytes.elementsEqual(content))
            #expect(try sha256(file: path) == content.withUnsafeBytes { sha256($0) })
            #expect(try Folder.names(in: folder) == ["a.bin"])
        }
    }

    /// A file that is truncated under its map reads as zeros from there on, and says so; the process lives on.
    @Test func truncatedUnderTheMap() throws {
        try withFolder { folder in
            try AtomicFile.write(folder + "/x", [UInt8](repeating: 7, count: 100_000))
            let (map, other) = (try MappedFile(folder + "/x"), try MappedFile(folder + "/x"))
            #expect(map.bytes.allSatisfy { $0 == 7 })
            try map.checkIntact()
            #expect(truncate(folder + "/x", 5000) == 0)
            #expect(map.bytes[4999] == 7)
            #expect(map.bytes[99_999] == 0)
            #expect(map.bytes[50_000] == 0)
            #expect(throws: FileError.self) { try map.checkIntact() }
            try other.checkIntact()
            #expect(other.bytes.reduce(0) { $0 + Int($1) } == 35_000)
            #expect(throws: FileError.self) { try other.checkIntact() }
        }
    }

    /// Several processes may clear away the same leftovers.
    @Test func severalRemoveTheSame() throws {
        try withFolder { folder in
            for round in 0..<20 {
                let doomed = folder + "/\(round)"
                for i in 0..<60 {
                    try Folder.create(doomed + "/pass/unit-\(i)")
                    try AtomicFile.write(doomed + "/pass/unit-\(i)/x", "x")
                }
                let failures = Guarded<[String]>([])
                runOnThreads(4) { _ in
                    do { try Folder.remove(doomed) } catch { failures.withLock { $0.append("\(error)") } }
                }
                #expect(failures.withLock { $0 } == [])
                #expect(!Folder.exists(doomed))
            }
        }
    }

    @Test func emptyFileMaps() throws {
        try withFolder { folder in
            try AtomicFile.write(folder + "/e", "")
            #expect(try MappedFile(folder + "/e").count == 0)
            #expect(try readFile(folder + "/e").isEmpty)
        }
    }

    @Test func onlyRegularFilesAreRead() throws {
        try withFolder { folder in
            mkfifo(folder + "/pipe", 0o644)
            for path in [folder, folder + "/pipe", folder + "/missing", "/dev/zero", "", "a\u{0}b"] {
                #expect(throws: FileError.self) { try MappedFile(path) }
                #expect(throws: FileError.self) { try readFile(path) }
                #expect(throws: FileError.self) { try sha256(file: path) }
                #expect(throws: FileError.self) { try JSON.read(path) }
            }
        }
    }

    @Test func readFileKeepsItsLimit() throws {
        try withFolder { folder in
            try AtomicFile.write(folder + "/x", "12345")
            #expect(try readFile(folder + "/x", limit: 5).count == 5)
            #expect(throws: FileError.self) { try readFile(folder + "/x", limit: 4) }
        }
    }

    @Test func failedWriteLeavesNothingAndKeepsTheOld() throws {
        struct Stop: Error {}
        try withFolder { folder in
            try AtomicFile.write(folder + "/x", "old")
            #expect(throws: Stop.self) {
                try AtomicFile.write(folder + "/x") { writer in
                    try writer.write("new")
                    throw Stop()
                }
            }
            #expect(try readFile(folder + "/x") == Array("old".utf8))
            #expect(try Folder.names(in: folder) == ["x"])
            #expect(throws: FileError.self) { try AtomicFile.write(folder + "/no/x", "a") }
            #expect(throws: FileError.self) { try AtomicFile.write(folder, "a") }
        }
    }

    @Test func knownDigests() {
        #expect(sha256("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
        #expect(sha256("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    }

    @Test func lockIsHeldOnce() throws {
        try withFolder { folder in
            let lock = try FolderLock(folder)
            let error = #expect(throws: FileError.self) { try FolderLock(folder) }
            #expect(error?.description.contains("process \(getpid())") == true)
            _ = lock
        }
        try withFolder { folder in
            do { _ = try FolderLock(folder) }
            _ = try FolderLock(folder)
        }
    }

    @Test func nearNames() {
        let names = ["stories260K-hf", "alpha", "Beta-7B"]
        for (name, near) in [("STORIES260K-hf", "stories260K-hf"), ("storie", "stories260K-hf"), ("alhpa", "alpha"), ("beta", "Beta-7B"), ("beta-7b-instruct", "Beta-7B")] {
            #expect(nearestNames(to: name, in: names).first == near, "\(name)")
        }
        for far in ["nope", "gpt-4o", "", "a", String(repeating: "x", count: 1_000_000)] { #expect(nearestNames(to: far, in: names).isEmpty, "\(far.prefix(20))") }
    }

    @Test func namesOfPaths() {
        #expect(Folder.parent(of: "a/b/c") == "a/b")
        #expect(Folder.parent(of: "a") == ".")
        #expect(Folder.parent(of: "/a") == "/")
        #expect(Folder.parent(of: "a/b/") == "a")
        #expect(Folder.name(of: "a/b/") == "b")
        #expect(Folder.fileExtension(of: "x/A.B.Swift") == "swift")
        #expect(Folder.fileExtension(of: ".gitignore") == "")
    }

    @Test func listsInOrder() throws {
        try withFolder { folder in
            for name in ["b/2", "b/10", "a", "é", ".hidden/x", "B/1"] {
                try Folder.create(Folder.parent(of: folder + "/" + name))
                try AtomicFile.write(folder + "/" + name, name)
            }
            symlink(folder, folder + "/b/loop")
            #expect(try Folder.files(under: folder).map { $0.dropFirst(folder.count + 1) } == ["B/1", "a", "b/10", "b/2", "é"])
            #expect(try Folder.files(under: folder, hidden: true).count == 6)
        }
    }
}

@Suite struct ByteReaderTests {
    @Test func readsAndRefuses() throws {
        let bytes: [UInt8] = [1, 2, 0, 0xFF, 0xFF, 0xC3, 0xA9, 0xC3]
        try bytes.withUnsafeBytes { raw in
            var reader = ByteReader(raw, source: "x")
            #expect(try reader.integer(UInt8.self, "a") == 1)
            #expect(try reader.integer(UInt16.self, "b") == 2)
            #expect(try reader.integer(Int16.self, "c") == -1)
            #expect(try reader.string(2, "d") == "é")
            #expect(throws: FileError.self) { try reader.integer(UInt32.self, "e") }
            #expect(throws: FileError.self) { try reader.bytes(-1, "f") }
            #expect(throws: FileError.self) { try reader.bytes(.max, "f") }
            #expect(reader.remaining == 1)
            #expect(throws: FileError.self) { try reader.string(1, "g") }
            #expect(throws: FileError.self) { try reader.seek(9, "h") }
            #expect(throws: FileError.self) { try reader.seek(-1, "h") }
            try reader.seek(8, "h")
            #expect(reader.remaining == 0)
        }
    }

    @Test func everyTruncationIsAnError() {
        let bytes = [UInt8](repeating: 1, count: 16)
        for n in 0..<16 {
            bytes[..<n].withUnsafeBytes { raw in
                _ = #expect(throws: FileError.self) {
                    var reader = ByteReader(raw, source: "x")
                    _ = try reader.integer(UInt64.self, "a")
                    _ = try reader.count("b")
                }
            }
        }
    }
}
