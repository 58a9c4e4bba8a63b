import QuintetFiles
import Testing

@Suite struct AtomicDirectoryTests {
    @Test func commitsWholeAndVerifies() throws {
        try withFolder { folder in
            let path = folder + "/deep/run"
            let directory = try AtomicDirectory(final: path)
            try directory.file("a/b.txt") { writer in try writer.write("hello") }
            try AtomicFile.write(directory.path("other.txt"), "written by path")
            #expect(!Folder.exists(path))
            try directory.commit()
            try AtomicDirectory.verify(path)
            #expect(try Folder.names(in: path) == ["a", "manifest.json", "other.txt"])
            #expect(try Folder.names(in: folder + "/deep") == ["run"])
        }
    }

    @Test func leavesNothingWithoutCommit() throws {
        struct Stop: Error {}
        try withFolder { folder in
            do {
                let directory = try AtomicDirectory(final: folder + "/x")
                try directory.file("a") { writer in try writer.write("1") }
                #expect(throws: Stop.self) { try directory.file("b") { _ in throw Stop() } }
            }
            #expect(try Folder.isEmpty(folder))
        }
    }

    @Test func refusesWhatIsThere() throws {
        try withFolder { folder in
            try Folder.create(folder + "/full")
            try AtomicFile.write(folder + "/full/x", "x")
            #expect(throws: FileError.self) { try AtomicDirectory(final: folder + "/full") }
            #expect(throws: FileError.self) { try AtomicDirectory(final: folder + "/full/x") }
            try Folder.create(folder + "/empty")
            let directory = try AtomicDirectory(final: folder + "/empty")
            for name in ["", "/a", "../a", "a/../b", "manifest.json", "a//b", "."] {
                #expect(throws: FileError.self) { try directory.file(name) { _ in } }
            }
            try directory.commit()
        }
    }

    @Test func verifyFindsDamage() throws {
        try withFolder { folder in
            let path = folder + "/x"
            let directory = try AtomicDirectory(final: path)
            try directory.file("a") { writer in try writer.write("12345") }
            try directory.commit()
            try AtomicFile.write(path + "/a", "12346")
            #expect(throws: FileError.self) { try AtomicDirectory.verify(path) }
            try AtomicDirectory.verify(path, contents: false)
            try AtomicFile.write(path + "/a", "1234")
            #expect(throws: FileError.self) { try AtomicDirectory.verify(path, contents: false) }
            try Folder.remove(path + "/a")
            #expect(throws: FileError.self) { try AtomicDirectory.verify(path) }
            try AtomicFile.write(path + "/manifest.json", "{\"format\":1,\"files\":[{\"name\":\"../x\",\"bytes\":1,\"sha256\":\"\"}]}")
            #expect(throws: FileError.self) { try AtomicDirectory.verify(path) }
        }
    }
}
