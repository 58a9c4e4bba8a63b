import QuintetCheckpoints
import QuintetTensors

extension Harness {
    /// PyTorch archives: the first byte says what the rest is, a file as it is or the pickle of a zip archive whose checksum is right.
    static let pytorch = Harness("pytorch", seeds: [[0] + legacy, [0] + zip(pickle), [1] + pickle]) { bytes in
        guard let kind = bytes.first else { return }
        let rest = Array(bytes.dropFirst())
        let file = try PyTorchFile.open(holding: kind & 1 == 0 ? rest : zip(rest), path: "fuzz.pt")
        for index in file.tensors.indices {
            _ = try? file.tensor(at: index).floats
            _ = try? file.digest(at: index)
        }
    }

    private static func le(_ value: some FixedWidthInteger) -> [UInt8] { withUnsafeBytes(of: value.littleEndian) { Array($0) } }
    private static func text(_ text: String) -> [UInt8] { [0x58] + le(UInt32(text.utf8.count)) + Array(text.utf8) }
    private static func name(_ module: String, _ name: String) -> [UInt8] { Array("c\(module)\n\(name)\n".utf8) }

    /// {"x": a tensor [2, 2] of the storage "0"}.
    private static let pickle: [UInt8] = {
        var out: [UInt8] = [0x80, 2, 0x7D, 0x71, 0] + text("x") + name("torch._utils", "_rebuild_tensor_v2") + [0x28, 0x28]
        out += text("storage") + name("torch", "FloatStorage") + text("0") + text("cpu") + [0x4B, 4, 0x74, 0x51]
        out += [0x4B, 0, 0x4B, 2, 0x4B, 2, 0x86, 0x4B, 2, 0x4B, 1, 0x86, 0x89] + name("collections", "OrderedDict") + [0x29, 0x52, 0x74, 0x52, 0x73, 0x2E]
        return out
    }()

    private static let legacy: [UInt8] = {
        var out: [UInt8] = [0x80, 2, 0x8A, 0x0A, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19, 0x2E]
        out += [0x80, 2, 0x4D] + le(UInt16(1001)) + [0x2E, 0x80, 2, 0x7D] + text("little_endian") + [0x88, 0x73, 0x2E]
        out += pickle + [0x80, 2, 0x5D] + text("0") + [0x61, 0x2E] + le(Int64(4)) + [UInt8](repeating: 0x3F, count: 16)
        return out
    }()

    private static func zip(_ pickle: [UInt8]) -> [UInt8] {
        var out: [UInt8] = [], directory: [UInt8] = []
        let entries = [("archive/data.pkl", pickle), ("archive/data/0", [UInt8](repeating: 0x3F, count: 16))]
        for (name, bytes) in entries {
            let name = Array(name.utf8), size = UInt32(bytes.count), offset = UInt32(out.count)
            let head = le(UInt16(0)) + le(UInt16(0)) + le(UInt32(0)) + le(checksum(bytes)) + le(size) + le(size) + le(UInt16(name.count)) + le(UInt16(0))
            out += le(UInt32(0x0403_4B50)) + le(UInt16(20)) + head + name + bytes
            directory += le(UInt32(0x0201_4B50)) + le(UInt16(20)) + le(UInt16(20)) + head + [UInt8](repeating: 0, count: 10) + le(offset) + name
        }
        let start = UInt32(out.count)
        return out + directory + le(UInt32(0x0605_4B50)) + le(UInt32(0)) + le(UInt16(2)) + le(UInt16(2)) + le(UInt32(directory.count)) + le(start) + [0, 0]
    }

    private static func checksum(_ bytes: [UInt8]) -> UInt32 {
        var value = UInt32.max
        for byte in bytes {
            value ^= UInt32(byte)
            for _ in 0..<8 { value = value & 1 == 1 ? value >> 1 ^ 0xEDB8_8320 : value >> 1 }
        }
        return ~value
    }
}
