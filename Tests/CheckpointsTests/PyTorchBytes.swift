import QuintetFiles

/// A zip archive made by hand, with lies where a test wants them.
struct ZipBytes {
    struct Entry {
        var name: String
        var bytes: [UInt8]
        var crc: UInt32?
        var method: UInt16 = 0
        var flags: UInt16 = 0
        /// What the directory says, where it is not the truth.
        var directoryName: String?
        var directorySize: UInt32?
        var headerOffset: UInt32?

        init(_ name: String, _ bytes: [UInt8]) {
            self.name = name
            self.bytes = bytes
        }
    }
    var entries: [Entry]
    var count: UInt16?
    var comment: [UInt8] = []
    /// Puts the directory's place into a zip64 record, with this many entries.
    var zip64: UInt64?

    init(_ entries: [Entry]) { self.entries = entries }

    /// The archive that torch.save makes of a pickle and storages.
    init(pickle: [UInt8], storages: [(String, [UInt8])]) {
        entries = [Entry("archive/data.pkl", pickle), Entry("archive/byteorder", Array("little".utf8))]
        entries += storages.map { Entry("archive/data/" + $0.0, $0.1) }
    }

    var bytes: [UInt8] {
        var out: [UInt8] = [], directory: [UInt8] = []
        for entry in entries {
            let offset = entry.headerOffset ?? UInt32(out.count), crc = entry.crc ?? checksum(entry.bytes), size = UInt32(entry.bytes.count)
            let name = Array(entry.name.utf8), directoryName = Array((entry.directoryName ?? entry.name).utf8), directorySize = entry.directorySize ?? size
            out += le(UInt32(0x0403_4B50)) + le(UInt16(20)) + le(entry.flags) + le(entry.method) + le(UInt32(0)) + le(crc) + le(size) + le(size)
            out += le(UInt16(name.count)) + le(UInt16(0)) + name + entry.bytes
            directory += le(UInt32(0x0201_4B50)) + le(UInt16(20)) + le(UInt16(20)) + le(entry.flags) + le(entry.method) + le(UInt32(0)) + le(crc)
            directory += le(directorySize) + le(directorySize) + le(UInt16(directoryName.count)) + le(UInt16(0)) + le(UInt16(0)) + le(UInt16(0))
            directory += le(UInt16(0)) + le(UInt32(0)) + le(offset) + directoryName
        }
        let start = out.count
        out += directory
        if let zip64 {
            let at = out.count
            out += le(UInt32(0x0606_4B50)) + le(UInt64(44)) + le(UInt16(45)) + le(UInt16(45)) + le(UInt32(0)) + le(UInt32(0)) + le(zip64) + le(zip64)
            out += le(UInt64(directory.count)) + le(UInt64(start))
            out += le(UInt32(0x0706_4B50)) + le(UInt32(0)) + le(UInt64(at)) + le(UInt32(1))
            out += le(UInt32(0x0605_4B50)) + le(UInt16(0)) + le(UInt16(0)) + le(UInt16.max) + le(UInt16.max) + le(UInt32.max) + le(UInt32.max)
        } else {
            let count = count ?? UInt16(entries.count)
            out += le(UInt32(0x0605_4B50)) + le(UInt16(0)) + le(UInt16(0)) + le(count) + le(count) + le(UInt32(directory.count)) + le(UInt32(start))
        }
        return out + le(UInt16(comment.count)) + comment
    }
}

/// The plain CRC-32, bit by bit.
func checksum(_ bytes: [UInt8]) -> UInt32 {
    var value = UInt32.max
    for byte in bytes {
        value ^= UInt32(byte)
        for _ in 0..<8 { value = value & 1 == 1 ? value >> 1 ^ 0xEDB8_8320 : value >> 1 }
    }
    return ~value
}


/// Pieces of pickles, protocol 2.
enum Pickle {
    static let start: [UInt8] = [0x80, 2], stop: [UInt8] = [0x2E], mark: [UInt8] = [0x28]
    static func text(_ text: String) -> [UInt8] { [0x58] + le(UInt32(text.utf8.count)) + Array(text.utf8) }
    static func int(_ value: Int) -> [UInt8] { [0x4A] + le(Int32(value)) }
    static func long(_ value: Int64) -> [UInt8] { [0x8A, 8] + le(value) }
    static func global(_ module: String, _ name: String) -> [UInt8] { [0x63] + Array("\(module)\n\(name)\n".utf8) }
    static func tuple(_ items: [[UInt8]]) -> [UInt8] { mark + items.flatMap { $0 } + [0x74] }
    static func dictionary(_ pairs: [([UInt8], [UInt8])]) -> [UInt8] { [0x7D] + mark + pairs.flatMap { $0.0 + $0.1 } + [0x75] }
    static let ordered: [UInt8] = global("collections", "OrderedDict") + [0x29, 0x52]
    static func storage(_ type: String, _ key: String, _ count: Int) -> [UInt8] {
        tuple([text("storage"), global("torch", type), text(key), text("cpu"), int(count)]) + [0x51]
    }
    static func tensor(_ storage: [UInt8], offset: [UInt8] = int(0), _ shape: [Int], _ strides: [Int]) -> [UInt8] {
        global("torch._utils", "_rebuild_tensor_v2") + tuple([storage, offset, tuple(shape.map(int)), tuple(strides.map(int)), [0x89], ordered]) + [0x52]
    }
    static func whole(_ value: [UInt8]) -> [UInt8] { start + value + stop }
    /// `{"x": tensor}` over one storage "0" of floats.
    static func one(count: Int = 6, offset: [UInt8] = int(0), _ shape: [Int] = [2, 3], _ strides: [Int] = [3, 1]) -> [UInt8] {
        whole(dictionary([(text("x"), tensor(storage("FloatStorage", "0", count), offset: offset, shape, strides))]))
    }
}

let sixFloats = (0..<6).flatMap { le(Float($0).bitPattern) }
