import QuintetCheckpoints

extension Harness {
    /// Safetensors: the header, then every tensor as bytes and as numbers.
    static let safetensors = Harness("safetensors", seeds: [two, empty]) { bytes in
        let file = try SafetensorsFile.open(holding: bytes, path: "fuzz.safetensors")
        for (index, entry) in file.entries.enumerated() {
            _ = file.bytes(of: entry).reduce(0) { $0 &+ Int($1) }
            _ = try? file.tensor(at: index)
            _ = try? file.integers(entry)
            _ = try? file.floats(entry)
        }
    }

    private static let two: [UInt8] = container(
        #"{"__metadata__":{"format":"pt"},"a.weight":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]},"b":{"dtype":"I64","shape":[1],"data_offsets":[16,24]}}"#,
        [UInt8](repeating: 0x3F, count: 24))
    private static let empty: [UInt8] = container(#"{"x":{"dtype":"F16","shape":[0,3],"data_offsets":[0,0]}}"#, [])

    private static func container(_ header: String, _ data: [UInt8]) -> [UInt8] {
        withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { Array($0) } + Array(header.utf8) + data
    }
}
