import QuintetCheckpoints
import QuintetFiles
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Rows 34-46 of the catalogue of bad inputs: every case is an error that names the file, and none traps.
@Suite struct SafetensorsBadInputTests {
    static let one = #"{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#
    static let four: [UInt8] = [0, 0, 128, 63]

    static func entry(_ dtype: String = #""F32""#, shape: String = "[1]", offsets: String = "[0,4]", more: String = "") -> String {
        #"{"x":{"dtype":\#(dtype),"shape":\#(shape),"data_offsets":\#(offsets)\#(more)}}"#
    }

    static let cases: [(String, [UInt8])] = [
        // 34: lengths
        ("empty file", []), ("seven bytes", [1, 2, 3, 4, 5, 6, 7]), ("header 0", container("", length: 0)),
        ("header 2^63", container(one, four, length: 1 << 63)), ("header 2^64-1", container(one, four, length: .max)),
        ("header > file", container(one, four, length: 1000)), ("header 100,000,001", container(one, four, length: 100_000_001)),
        // 36: text
        ("not an object", container("[]")), ("number", container("12")), ("byte order mark", container("\u{FEFF}{}")),
        ("leading space", container(" {}")), ("trailing garbage", container("{}x")), ("two objects", container("{}{}")),
        ("unclosed", container(#"{"x":"#)), ("invalid UTF-8", [2, 0, 0, 0, 0, 0, 0, 0, 0x7b, 0xff]),
        ("invalid UTF-8 in a key", [8, 0, 0, 0, 0, 0, 0, 0] + Array("{\"".utf8) + [0xc3, 0x28] + Array("\":1}".utf8)),
        ("deep", container(String(repeating: #"{"x":"#, count: 10_000))),
        // 37: duplicates
        ("duplicate", container(#"{"x":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"x":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}"#, [1, 2])),
        ("duplicate behind an escape", container(#"{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"\u0061":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}"#, [1, 2])),
        ("duplicate field", container(#"{"x":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#, four)),
        // 38: offsets
        ("negative offset", container(entry(offsets: "[-4,0]"), four)), ("float offset", container(entry(offsets: "[0,4.0]"), four)),
        ("text offset", container(entry(offsets: #"["0","4"]"#), four)), ("offset 1e400", container(entry(offsets: "[0,1e400]"), four)),
        ("one offset", container(entry(offsets: "[4]"), four)), ("three offsets", container(entry(offsets: "[0,2,4]"), four)),
        ("null offsets", container(entry(offsets: "null"), four)), ("offset 2^63-1", container(entry(offsets: "[0,9223372036854775807]"), four)),
        ("offset 2^64", container(entry(offsets: "[0,18446744073709551616]"), four)),
        // 39: order and coverage
        ("begin > end", container(entry(offsets: "[4,0]"), four)), ("past the end", container(entry(offsets: "[0,8]", more: ""), four)),
        ("hole at the start", container(entry(offsets: "[4,8]"), four + four)), ("hole at the end", container(one, four + [0])),
        ("overlap", container(#"{"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},"b":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}}"#, four)),
        ("same bytes twice", container(#"{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}"#, four)),
        ("hole between", container(#"{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"b":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}}"#, four)),
        // 40: shapes
        ("product overflow", container(entry(shape: "[2147483647,2147483647,2147483647]"), four)),
        ("product wraps to 4", container(entry(shape: "[4294967296,4294967296]"), four)), ("shape -1", container(entry(shape: "[-1]"), four)),
        ("shape 1.0", container(entry(shape: "[1.0]"), four)), ("shape null", container(entry(shape: "null"), four)),
        ("shape text", container(entry(shape: #"["1"]"#), four)),
        ("a million axes", container(entry(shape: "[" + String(repeating: "1,", count: 1_000_000) + "1]"), four)),
        // 41: sizes and types
        ("size of another shape", container(entry(shape: "[2]"), four)), ("unknown type", container(entry(#""Q4_0""#), four)),
        ("type in small letters", container(entry(#""f32""#), four)), ("no type", container(#"{"x":{"shape":[1],"data_offsets":[0,4]}}"#, four)),
        ("type is a number", container(entry("32"), four)), ("half a byte", container(entry(#""F4""#, shape: "[3]", offsets: "[0,2]"), [1, 2])),
        ("unknown field", container(entry(more: #","strides":[1]"#), four)), ("entry is a list", container(#"{"x":[1]}"#)),
        ("no name", container(#"{"":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#, four)),
        // 42: an empty tensor that reuses an offset
        ("empty inside", container(#"{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[0],"data_offsets":[2,2]}}"#, four)),
        ("empty at another's start", container(#"{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}"#, four)),
        ("two empties", container(#"{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"b":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}"#)),
        // 43: metadata
        ("metadata is text", container(#"{"__metadata__":"pt"}"#)), ("metadata holds a number", container(#"{"__metadata__":{"a":1}}"#)),
        ("metadata holds an object", container(#"{"__metadata__":{"a":{}}}"#)),
        // 44 and 53: other formats
        ("a zip behind", container(one, four + Array("PK\u{3}\u{4}".utf8))), ("a zip", Array("PK\u{3}\u{4}".utf8) + [UInt8](repeating: 0, count: 64)),
        ("a pickle", [0x80, 2, 0x7d, 0x71, 0, 0x2e] + [UInt8](repeating: 0x2e, count: 64)), ("a PDF", Array("%PDF-1.7\n%âãÏÓ\n1 0 obj".utf8)),
    ]

    @Test func refusesEveryCase() throws {
        try withFolder { folder in
            for (name, bytes) in Self.cases {
                let error = try refusal(bytes, in: folder)
                #expect(error != nil, "\(name) was accepted")
                #expect(error?.path?.hasSuffix("case.safetensors") == true, "\(name): \(String(describing: error))")
            }
        }
    }

    @Test func acceptsWhatIsRight() throws {
        try withFolder { folder in
            let fine: [[UInt8]] = [
                container(Self.one, Self.four), container(Self.one + "    ", Self.four), container("{}"),
                container(#"{"x":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}"#, Self.four),
                container(#"{"x":{"dtype":"F4","shape":[8],"data_offsets":[0,4]}}"#, Self.four),
                container(#"{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[0],"data_offsets":[4,4]}}"#, Self.four),
            ]
            for bytes in fine {
                let error = try refusal(bytes, in: folder)
                #expect(error == nil)
            }
        }
    }

    /// 35: a header of 100 MB is refused by its length, before it is read; 46: names that only look alike are two.
    @Test func longHeadersAndNamesThatLookAlike() throws {
        try withFolder { folder in
            let path = folder + "/case.safetensors", length = 100_000_000
            writePlain(path, withUnsafeBytes(of: UInt64(length).littleEndian) { Array($0) } + Array("{".utf8))
            #expect(truncate(path, off_t(length + 8)) == 0)
            #expect { try SafetensorsFile.open(path) } throws: { ($0 as? FileError)?.field == "header length" }
            let names = ["caf\u{E9}", "cafe\u{301}"]
            let entries = names.enumerated().map { #""\#($1)":{"dtype":"U8","shape":[1],"data_offsets":[\#($0),\#($0 + 1)]}"# }
            writePlain(path, container("{" + entries.joined(separator: ",") + "}", [1, 2]))
            let file = try SafetensorsFile.open(path)
            #expect(file.names.count == 2 && names.map { file[$0]?.range.lowerBound } == file.entries.map { Optional($0.range.lowerBound) })
        }
    }

    @Test func refusesEveryTruncation() throws {
        try withFolder { folder in
            let small = SafetensorsTests.golden
            for length in 0..<small.count {
                let error = try refusal(Array(small[..<length]), in: folder)
                #expect(error != nil, "\(length) bytes")
            }
            let path = folder + "/big.safetensors"
            let items = (0..<40).map { SafetensorsWriter.Item("layer.\($0).weight", floats: [Float](repeating: 1, count: 700), [7, 100]) }
            try SafetensorsWriter.write(path, items)
            let big = try readBytes(path)
            for length in Array(stride(from: 0, to: big.count, by: 1024)) + [big.count - 1] {
                let error = try refusal(Array(big[..<length]), in: folder)
                #expect(error != nil, "\(length) bytes")
            }
        }
    }

    /// No flip may trap; where one is accepted, the tensors still lie inside the file.
    @Test func survivesFlippedBytes() throws {
        try withFolder { folder in
            let path = folder + "/flipped.safetensors"
            var outside = 0
            for index in 0..<SafetensorsTests.header.utf8.count + 8 {
                for bit in [1, 64] {
                    var bytes = SafetensorsTests.golden
                    bytes[index] ^= UInt8(bit)
                    writePlain(path, bytes)
                    guard let file = try? SafetensorsFile.open(path) else { continue }
                    outside += file.entries.count { $0.range.upperBound > bytes.count }
                }
            }
            #expect(outside == 0)
        }
    }

    @Test func refusesWhatIsNoFile() throws {
        try withFolder { folder in
            #expect(throws: FileError.self) { try SafetensorsFile.open(folder) }
            #expect(throws: FileError.self) { try SafetensorsFile.open(folder + "/missing.safetensors") }
            #expect(throws: FileError.self) { try SafetensorsFile.open("/dev/null") }
        }
    }
}
