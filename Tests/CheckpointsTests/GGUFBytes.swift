/// A GGUF file made by hand: any lie can be told at any place.
struct GGUFBytes {
    var magic: [UInt8] = Array("GGUF".utf8)
    var version: UInt32 = 3
    var tensorCount: UInt64?
    var pairCount: UInt64?
    var pairs: [[UInt8]] = []
    var tensors: [[UInt8]] = []
    var alignment = 32
    var data: [UInt8] = []

    var bytes: [UInt8] {
        var out = magic + le(version) + le(tensorCount ?? UInt64(tensors.count)) + le(pairCount ?? UInt64(pairs.count))
        out += pairs.flatMap(\.self) + tensors.flatMap(\.self)
        if tensors.isEmpty && data.isEmpty { return out }
        while out.count % alignment != 0 { out.append(0) }
        return out + data
    }

    /// One F32 tensor [2, 4] of zeros, and what `change` does to that.
    static func one(_ change: (inout GGUFBytes) -> Void = { _ in }) -> [UInt8] {
        var file = GGUFBytes()
        file.pairs = [pair("general.architecture", string: "llama")]
        file.tensors = [tensor("x", [4, 2])]
        file.data = [UInt8](repeating: 0, count: 32)
        change(&file)
        return file.bytes
    }

    static func pair(_ key: String, _ type: UInt32, _ value: [UInt8]) -> [UInt8] { text(Array(key.utf8)) + le(type) + value }
    static func pair(_ key: String, string: String) -> [UInt8] { pair(key, 8, text(Array(string.utf8))) }
    static func pair(_ key: String, _ value: UInt32) -> [UInt8] { pair(key, 4, le(value)) }
    static func text(_ bytes: [UInt8], length: UInt64? = nil) -> [UInt8] { le(length ?? UInt64(bytes.count)) + bytes }
    static func array(_ element: UInt32, _ count: UInt64, _ values: [UInt8]) -> [UInt8] { le(element) + le(count) + values }

    /// A row of the tensor table; sizes with the row length first, as in the file.
    static func tensor(_ name: String, _ sizes: [UInt64], type: UInt32 = 0, offset: UInt64 = 0, rank: UInt32? = nil) -> [UInt8] {
        text(Array(name.utf8)) + le(rank ?? UInt32(sizes.count)) + sizes.flatMap { le($0) } + le(type) + le(offset)
    }
}

func le(_ value: some FixedWidthInteger) -> [UInt8] { withUnsafeBytes(of: value.littleEndian) { Array($0) } }
