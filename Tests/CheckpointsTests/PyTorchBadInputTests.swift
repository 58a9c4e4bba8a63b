import QuintetCheckpoints
import QuintetFiles
import Testing

/// Rows 47-53 of the catalogue of bad inputs: nothing runs, nothing traps, every error names the file.
@Suite struct PyTorchBadInputTests {
    static func zip(_ pickle: [UInt8], _ change: (inout ZipBytes) -> Void = { _ in }) -> [UInt8] {
        var zip = ZipBytes(pickle: pickle, storages: [("0", sixFloats)])
        change(&zip)
        return zip.bytes
    }

    static let system = Pickle.global("os", "system") + Pickle.tuple([Pickle.text("touch /tmp/quintet-was-here")])

    /// 47: every way to name code. The error has to say which name.
    static let code: [(String, [UInt8])] = [
        ("reduce", Pickle.whole(system + [0x52])), ("global alone", Pickle.whole(Pickle.global("os", "system"))),
        ("stack global", Pickle.whole(Pickle.text("os") + Pickle.text("system") + [0x93])),
        ("instance", Pickle.whole(Pickle.mark + Pickle.text("ls") + [0x69] + Array("os\nsystem\n".utf8))),
        ("object", Pickle.whole(Pickle.mark + Pickle.global("os", "system") + Pickle.text("ls") + [0x6F])),
        ("new object", Pickle.whole(Pickle.global("os", "system") + [0x29, 0x81])), ("eval", Pickle.whole(Pickle.global("builtins", "eval"))),
        ("getattr", Pickle.whole(Pickle.global("builtins", "getattr"))), ("deep name", Pickle.whole(Pickle.text("torch") + Pickle.text("load.__globals__") + [0x93])),
        ("torch.load", Pickle.whole(Pickle.global("torch", "load"))), ("numpy", Pickle.whole(Pickle.global("numpy.core.multiarray", "_reconstruct"))),
    ]

    @Test func refusesCodeByName() throws {
        try withFolder { folder in
            for (name, pickle) in Self.code {
                for bytes in [Self.zip(pickle), Self.legacy(pickle)] {
                    let error = try refusalOfArchive(bytes, in: folder)
                    #expect(error?.field?.contains(".") == true, "\(name): \(String(describing: error))")
                }
            }
        }
        #expect(Folder.kind(of: "/tmp/quintet-was-here") == nil)
    }

    /// The old layout: magic number, version, system, object, keys, storages.
    static func legacy(_ pickle: [UInt8], keys: [String] = ["0"], counts: [Int64] = [6], data: [UInt8] = sixFloats) -> [UInt8] {
        let magic: [UInt8] = [0x80, 2, 0x8A, 0x0A, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19, 0x2E]
        let system = Pickle.whole(Pickle.dictionary([(Pickle.text("little_endian"), [0x88])]))
        let list = Pickle.whole([0x5D] + Pickle.mark + keys.flatMap(Pickle.text) + [0x65])
        let object = Array(pickle.dropLast()) + Pickle.stop
        return magic + Pickle.whole([0x4D] + le(UInt16(1001))) + system + object + list + counts.flatMap { le($0) } + data
    }

    @Test func theOldLayoutLoads() throws {
        try withFolder { folder in
            let error = try refusalOfArchive(Self.legacy(Pickle.one()), in: folder)
            #expect(error == nil)
        }
    }

    static let extensions: [(String, [UInt8])] = [
        ("extension 1", Pickle.whole([0x82, 1])), ("extension 4", Pickle.whole([0x84, 1, 0, 0, 0])),
        ("attributes of a tuple", Pickle.whole([0x29] + Pickle.dictionary([]) + [0x62])),
        ("new object with arguments", Pickle.whole(Pickle.global("collections", "OrderedDict") + Pickle.tuple([Pickle.int(1)]) + [0x81])),
        ("call of a text", Pickle.whole(Pickle.text("x") + [0x29, 0x52])), ("call without a tuple", Pickle.whole(Pickle.global("collections", "OrderedDict") + Pickle.int(1) + [0x52])),
        ("a storage made", Pickle.whole(Pickle.global("torch", "FloatStorage") + Pickle.tuple([Pickle.int(9)]) + [0x52])),
        ("a reference to a module", Pickle.whole(Pickle.tuple([Pickle.text("module"), Pickle.int(1)]) + [0x51])),
    ]

    /// 48: allowed names with hostile arguments.
    static let tensors: [(String, [UInt8])] = [
        ("negative stride", Pickle.one([2, 3], [-3, 1])), ("negative size", Pickle.one([-2, 3], [3, 1])), ("negative offset", Pickle.one(offset: Pickle.int(-1))),
        ("offset past the end", Pickle.one(offset: Pickle.int(6), [1], [1])), ("one too many", Pickle.one([7], [1])), ("stride too far", Pickle.one([2, 3], [4, 1])),
        ("storage says more than it has", Pickle.one(count: 7)), ("offset 2^62", Pickle.one(offset: Pickle.long(1 << 62))),
        ("offset 2^63-1", Pickle.one(offset: Pickle.long(.max))), ("more elements than numbers", Pickle.one([1 << 20, 1 << 20], [0, 0])),
        ("product overflow", Pickle.one([Int(Int32.max), Int(Int32.max), Int(Int32.max)], [0, 0, 0])), ("other ranks", Pickle.one([6], [1, 1])),
        ("nine axes", Pickle.one([1, 1, 1, 1, 1, 1, 1, 1, 6], [1, 1, 1, 1, 1, 1, 1, 1, 1])),
        ("missing storage", Pickle.whole(Pickle.dictionary([(Pickle.text("x"), Pickle.tensor(Pickle.storage("FloatStorage", "1", 6), [6], [1]))]))),
        ("wider elements", Pickle.whole(Pickle.dictionary([(Pickle.text("x"), Pickle.tensor(Pickle.storage("DoubleStorage", "0", 6), [6], [1]))]))),
        ("count 2^40", Pickle.whole(Pickle.dictionary([(Pickle.text("x"), Pickle.tensor(
            Pickle.tuple([Pickle.text("storage"), Pickle.global("torch", "FloatStorage"), Pickle.text("0"), Pickle.text("cpu"), Pickle.long(1 << 40)]) + [0x51], [6], [1]))]))),
        ("no storage", Pickle.whole(Pickle.dictionary([(Pickle.text("x"), Pickle.tensor(Pickle.int(0), [6], [1]))]))),
        ("two of one name", Pickle.whole(Pickle.dictionary([
            (Pickle.text("x"), Pickle.tensor(Pickle.storage("FloatStorage", "0", 6), [6], [1])), (Pickle.text("x"), Pickle.tensor(Pickle.storage("FloatStorage", "0", 6), [6], [1]))]))),
        ("no name", Pickle.whole(Pickle.tensor(Pickle.storage("FloatStorage", "0", 6), [6], [1]))), ("no tensors", Pickle.whole(Pickle.dictionary([]))),
    ]

    /// 49, 50: the machine itself.
    static let machine: [(String, [UInt8])] = [
        ("empty", []), ("no stop", Pickle.start + Pickle.int(1)), ("only stop", [0x2E]), ("unknown instruction", Pickle.whole([0xFF])),
        ("instruction of no meaning", Pickle.whole([0x99])), ("protocol 6", [0x80, 6, 0x4E, 0x2E]), ("mark underflow", Pickle.whole([0x74])),
        ("stack underflow", Pickle.whole([0x86])), ("pop of nothing", Pickle.whole([0x30])), ("double of nothing", Pickle.whole([0x32])),
        ("memo of nothing", Pickle.whole([0x6A] + le(UInt32.max))), ("memo 2^64", Pickle.whole(Array("g18446744073709551616\n".utf8))),
        ("left over", Pickle.whole(Pickle.int(1) + Pickle.int(2))), ("mark left over", Pickle.whole(Pickle.mark + Pickle.int(2))),
        ("ten million values", Pickle.whole([UInt8](repeating: 0x4E, count: 10_000_000))), ("a million marks", Pickle.whole([UInt8](repeating: 0x28, count: 1_000_000))),
        ("a million nested lists", Pickle.whole([UInt8](repeating: 0x5D, count: 1_000_000) + [UInt8](repeating: 0x61, count: 999_999))),
        ("nested a thousand deep", Pickle.whole([UInt8](repeating: 0x5D, count: 1000) + [UInt8](repeating: 0x61, count: 999))),
        ("a list that holds itself", Pickle.whole([0x5D, 0x71, 0] + [0x68, 0] + [0x61])),
        ("many paths to one list", Pickle.whole([0x5D, 0x71, 0] + (0..<40).flatMap { (level: Int) -> [UInt8] in [0x5D, 0x71, UInt8(level + 1), 0x28, 0x68, UInt8(level), 0x68, UInt8(level), 0x65] } + [UInt8](repeating: 0x61, count: 40))),
        ("a long of 2 GB", Pickle.whole([0x8B] + le(Int32.max))), ("a long of -1 bytes", Pickle.whole([0x8B] + le(Int32(-1)))),
        ("text of 2^63", Pickle.whole([0x8D] + le(UInt64(1) << 63))), ("text of 2^64-1", Pickle.whole([0x8D] + le(UInt64.max))),
        ("bytes of 4 GB", Pickle.whole([0x42] + le(UInt32.max))), ("frame of 2^63", Pickle.whole([0x95] + le(UInt64(1) << 63))),
        ("text that is not UTF-8", Pickle.whole([0x58] + le(UInt32(2)) + [0xC3, 0x28])), ("a line without an end", Pickle.start + [0x63] + Array("os".utf8)),
        ("a key without a value", Pickle.whole([0x7D] + Pickle.mark + Pickle.text("x") + [0x75])), ("values for a number", Pickle.whole(Pickle.int(1) + Pickle.mark + [0x65])),
        ("a buffer from outside", Pickle.whole([0x97])), ("behind the end", Pickle.one() + [0x2E]), ("a whole number of letters", Pickle.whole(Array("Iabc\n".utf8))),
    ]

    @Test func refusesEveryPickle() throws {
        try withFolder { folder in
            for (name, pickle) in Self.extensions + Self.tensors + Self.machine {
                let error = try refusalOfArchive(Self.zip(pickle), in: folder)
                #expect(error != nil, "\(name) was accepted")
                #expect(error?.path?.hasSuffix("case.pt") == true, "\(name): \(String(describing: error))")
            }
        }
    }

    /// 51: the archive itself.
    static let archives: [(String, [UInt8])] = [
        ("a name that climbs", zip(Pickle.one()) { $0.entries[1].name = "archive/../../etc/x" }), ("an absolute name", zip(Pickle.one()) { $0.entries[1].name = "/etc/x" }),
        ("a backslash", zip(Pickle.one()) { $0.entries[1].name = "archive\\x" }), ("a NUL", zip(Pickle.one()) { $0.entries[1].name = "archive/\u{0}x" }),
        ("no name", zip(Pickle.one()) { $0.entries[1].name = "" }), ("two of one name", zip(Pickle.one()) { $0.entries[1].name = "archive/data/0" }),
        ("another name in the directory", zip(Pickle.one()) { $0.entries[1].directoryName = "archive/version" }),
        ("another size in the directory", zip(Pickle.one()) { $0.entries[2].directorySize = 20 }), ("size past the end", zip(Pickle.one()) { $0.entries[2].directorySize = 1 << 30 }),
        ("wrong checksum of the pickle", zip(Pickle.one()) { $0.entries[0].crc = 1 }), ("compressed", zip(Pickle.one()) { $0.entries[0].method = 8 }),
        ("encrypted", zip(Pickle.one()) { $0.entries[0].flags = 1 }), ("header outside", zip(Pickle.one()) { $0.entries[2].headerOffset = 1 << 30 }),
        ("two entries over the same bytes", zip(Pickle.one()) { $0.entries.append(.init("archive/data/0", [])); $0.entries[3].headerOffset = 0; $0.entries[3].directoryName = "archive/data.pkl" }),
        ("more entries than there are", zip(Pickle.one()) { $0.count = 9 }), ("fewer entries than there are", zip(Pickle.one()) { $0.count = 2 }),
        ("65,535 entries", zip(Pickle.one()) { $0.count = .max }), ("2^63 entries", zip(Pickle.one()) { $0.zip64 = 1 << 63 }), ("a million entries", zip(Pickle.one()) { $0.zip64 = 1 << 20 }),
        ("no pickle", ZipBytes([.init("archive/x", [1])]).bytes), ("two pickles", ZipBytes([.init("a/data.pkl", Pickle.one()), .init("b/data.pkl", Pickle.one())]).bytes),
        ("big-endian", zip(Pickle.one()) { $0.entries[1].bytes = Array("big".utf8) }), ("a program", zip(Pickle.one()) { $0.entries.append(.init("archive/code/x.py", [1])) }),
        ("an empty archive", ZipBytes([]).bytes), ("bytes behind", zip(Pickle.one()) + [0]),
        // 52, 53: other formats.
        ("a tar archive", [UInt8](repeating: 0x61, count: 257) + Array("ustar".utf8) + [UInt8](repeating: 0, count: 512)), ("a bare pickle", Pickle.one()),
        ("text", Array("weights".utf8)), ("a safetensors file", container(SafetensorsBadInputTests.one, SafetensorsBadInputTests.four)),
        ("old layout, other magic", [0x80, 2, 0x8A, 0x0A] + [UInt8](repeating: 1, count: 40)),
        ("old layout, count past the end", legacy(Pickle.one(), counts: [7])), ("old layout, count 2^62", legacy(Pickle.one(), counts: [1 << 62])),
        ("old layout, count -1", legacy(Pickle.one(), counts: [-1])), ("old layout, bytes behind", legacy(Pickle.one(), data: sixFloats + [0])),
        ("old layout, unknown storage", legacy(Pickle.one(), keys: ["9"])), ("old layout, no storages", legacy(Pickle.one(), keys: [], counts: [], data: [])),
        ("old layout, storage twice", legacy(Pickle.one(), keys: ["0", "0"], counts: [6], data: sixFloats + le(Int64(0)))),
    ]

    @Test func refusesEveryArchive() throws {
        try withFolder { folder in
            for (name, bytes) in Self.archives {
                let error = try refusalOfArchive(bytes, in: folder)
                #expect(error != nil, "\(name) was accepted")
                #expect(error?.path?.hasSuffix("case.pt") == true, "\(name): \(String(describing: error))")
            }
        }
    }

    @Test func aWrongChecksumIsFoundWhenTheTensorIsRead() throws {
        try withFolder { folder in
            writePlain(folder + "/x.pt", Self.zip(Pickle.one()) { $0.entries[2].crc = 1 })
            let file = try PyTorchFile.open(folder + "/x.pt")
            #expect { try file.tensor(at: 0) } throws: { "\($0)".contains("checksum") }
        }
    }

    /// Whatever is cut or flipped, the answer is an error or tensors inside the file; nothing traps.
    @Test func survivesCutsAndFlips() throws {
        try withFolder { folder in
            for whole in [Self.zip(Pickle.one()), Self.legacy(Pickle.one())] {
                for length in 0..<whole.count {
                    let refusal = try refusalOfArchive(Array(whole[..<length]), in: folder)
                    #expect(refusal != nil, "\(length) bytes")
                }
                for index in whole.indices {
                    for bit: UInt8 in [1, 8, 64, 128] {
                        var bytes = whole
                        bytes[index] ^= bit
                        writePlain(folder + "/case.pt", bytes)
                        guard let file = try? PyTorchFile.open(folder + "/case.pt") else { continue }
                        for index in file.tensors.indices { _ = try? file.tensor(at: index) }
                    }
                }
            }
        }
    }

    @Test func refusesWhatIsNoFile() throws {
        try withFolder { folder in
            #expect(throws: FileError.self) { try PyTorchFile.open(folder) }
            #expect(throws: FileError.self) { try PyTorchFile.open(folder + "/missing.pt") }
            #expect(throws: FileError.self) { try PyTorchFile.open("/dev/zero") }
        }
    }

    private func refusalOfArchive(_ bytes: [UInt8], in folder: String) throws -> FileError? {
        let path = folder + "/case.pt"
        writePlain(path, bytes)
        do throws(FileError) { _ = try PyTorchFile.open(path) } catch { return error }
        return nil
    }
}
