import QuintetFiles
import Testing

/// Cases in the manner of JSONTestSuite: what RFC 8259 says has to be taken (y), and has to be refused (n).
@Suite struct JSONTests {
    static let accepted: [(String, JSON)] = [
        ("null", nil), ("true", true), ("false", false), (" \t\r\n1 ", 1), ("\"\"", ""), ("[]", []), ("{}", [:]), ("-0", 0),
        ("-1", -1), ("0", 0), ("123", 123), ("[1,2 , 3]", [1, 2, 3]), ("9223372036854775807", .integer(.max)),
        ("-9223372036854775808", .integer(.min)), ("9223372036854775808", .number(9_223_372_036_854_775_808)),
        ("1.5", 1.5), ("-0.25", -0.25), ("1e3", 1000.0), ("1E+2", 100.0), ("1e-2", 0.01), ("0e1", 0.0), ("0.1", 0.1),
        ("123.456e-7", 123.456e-7), ("1.7976931348623157e308", .number(1.7976931348623157e308)), ("5e-324", .number(.leastNonzeroMagnitude)),
        ("0.1234567890123456789", .number(0.1234567890123456789)), ("1e-400", 0.0), ("10000000000000000000000000", .number(1e25)),
        ("\"\\u0041\\n\\\"\\\\\\/\\b\\f\\r\\t\"", .string("A\n\"\\/\u{8}\u{c}\r\t")), ("\"\\uD834\\uDD1E\"", "\u{1D11E}"),
        ("\"\\u0000\"", "\u{0}"), ("\"é\u{7f}\u{10ffff}\"", "é\u{7f}\u{10ffff}"), ("\"\u{2028}\"", "\u{2028}"),
        ("{\"a\":[{\"b\":null}]}", ["a": [["b": nil]]]), ("{\"\":0}", ["": 0]), ("{\"a\":1,\"A\":2}", ["a": 1, "A": 2]),
        ("[[[[[[[[]]]]]]]]", [[[[[[[[]]]]]]]]), ("\"\\uDBFF\\uDFFF\"", "\u{10FFFF}"), ("[\"a\\u00e9\"]", ["a\u{e9}"]),
    ]

    @Test(arguments: accepted) func accepts(text: String, value: JSON) throws {
        let parsed = try JSON.parse(text)
        #expect(parsed == value)
        #expect(try JSON.parse(parsed.serialized()) == value)
        #expect(try JSON.parse(parsed.serialized(pretty: true)) == value)
    }

    static let refused = [
        "", " ", "nul", "nulll", "True", "NaN", "Infinity", "-Infinity", "-", "+1", "01", "-01", "1.", ".5", "1.e1", "1e", "1e+", "0x1",
        "1 2", "1_0", "--1", "- 1", "1.2.3", "0e", "1e1.5", "1e999", "-1e999", "\"", "\"a", "\"\\\"", "\"\\x41\"", "\"\\u12\"",
        "\"\\u12G4\"", "\"\\uD800\"", "\"\\uDC00\"", "\"\\uD800\\u0041\"", "\"\\uD800\\n\"", "\"\t\"", "\"\n\"", "\"\u{0}\"", "'a'", "a",
        "[", "]", "[1", "[1,", "[1,]", "[,1]", "[,]", "[1 2]", "[1:2]", "[1]]", "[}", "{", "}", "{]", "{1:2}", "{\"a\"}", "{\"a\":}",
        "{\"a\" 1}", "{\"a\":1,}", "{,}", "{\"a\":1 \"b\":2}", "{a:1}", "{'a':1}", "{\"a\":1}}", "{\"a\":1,\"a\":1}",
        "{\"a\":1,\"\\u0061\":2}", "[1]//", "/**/1", "[1]#", "\u{feff}1", "\u{a0}1", "\u{b}1", "\u{c}[]", "[\"a\",\n4\n,1,", "{\"a\":1 ,,}",
        "[\"\\", "[\"\\u", "\"\\", "[1,\u{0}]", "\\u0031", "[1e]", "[--]", "[1,,2]", "*", "<null>", "{\"x\"::1}", "[nan]", "[tru]", "１",
    ]

    @Test(arguments: refused) func refuses(text: String) {
        #expect(throws: FileError.self) { try JSON.parse(text) }
    }

    @Test(arguments: [
        [0x22, 0xFF, 0x22], [0x22, 0xC0, 0x80, 0x22], [0x22, 0xED, 0xA0, 0x80, 0x22], [0x22, 0xE2, 0x82, 0x22], [0xEF, 0xBB, 0xBF],
        [0x22, 0xF4, 0x90, 0x80, 0x80, 0x22], [0x22, 0xF0, 0x80, 0x80, 0x80, 0x22], [0xFF, 0xFE, 0x31, 0x00], [0x22, 0x80, 0x22],
    ] as [[UInt8]]) func refusesBadUTF8(bytes: [UInt8]) {
        bytes.withUnsafeBytes { raw in
            _ = #expect(throws: FileError.self) { try JSON.parse(raw, source: "bytes") }
        }
    }

    @Test func everyPrefixOfADocumentIsRefused() throws {
        let text = #"{"name":"café","list":[1,-2.5e3,true,null],"in":{"x":"\u00e9\ud83d\ude00"}}"#
        let bytes = Array(text.utf8)
        for n in 0..<bytes.count {
            bytes[..<n].withUnsafeBytes { raw in
                _ = #expect(throws: FileError.self) { try JSON.parse(raw, source: "prefix") }
            }
        }
        #expect(try JSON.parse(text)["in"]?["x"]?.string == "é😀")
    }

    @Test func depthIsLimited() throws {
        func nested(_ n: Int) -> String { String(repeating: "[", count: n) + String(repeating: "]", count: n) }
        _ = try JSON.parse(nested(64))
        #expect(throws: FileError.self) { try JSON.parse(nested(65)) }
        #expect(throws: FileError.self) { try JSON.parse(String(repeating: "[", count: 1_000_000)) }
        #expect(throws: FileError.self) { try JSON.parse(String(repeating: "{\"a\":", count: 1_000_000)) }
    }

    @Test func errorsSayWhere() {
        let error = #expect(throws: FileError.self) { try JSON.parse("{\n \"a\": 1,\n \"b\": tru\n}", source: "x.json") }
        #expect(error?.line == 3)
        #expect(error?.offset == 17)
        #expect(error?.path == "x.json")
    }

    @Test func keysKeepOrderAndBytes() throws {
        let parsed = try JSON.parse("{\"z\":1,\"a\":2,\"e\u{301}\":3,\"é\":4}")
        #expect(parsed.object?.count == 4)
        #expect(parsed["é"]?.int == 4)
        #expect(parsed["e\u{301}"]?.int == 3)
        #expect(parsed.serialized() == "{\"z\":1,\"a\":2,\"e\u{301}\":3,\"é\":4}")
    }

    @Test func bigObjectsFindReplaceAndRemove() {
        var object = JSONObject()
        for i in 0..<1000 { object["k\(i)"] = JSON(i) }
        let copy = object
        for i in stride(from: 0, to: 1000, by: 3) { object["k\(i)"] = nil }
        object["k1"] = "one"
        #expect(object.count == 666)
        #expect(object["k3"] == nil)
        #expect(object["k1"]?.string == "one")
        #expect(object["k998"]?.int == 998)
        #expect(copy.count == 1000)
        #expect(copy["k1"]?.int == 1)
        #expect(object.keys.first == "k1")
    }

    @Test func writesWhatItMeans() throws {
        let value: JSON = ["a": [1, 2.5, nil, "x\n\u{1}\"\\é"], "e": [:], "n": .number(.nan)]
        #expect(value.serialized() == #"{"a":[1,2.5,null,"x\n\u0001\"\\é"],"e":{},"n":null}"#)
        #expect(value.serialized(pretty: true).hasPrefix("{\n  \"a\": [\n    1,\n    2.5,"))
        #expect(JSON(Float(0.1)).serialized() == "0.1")
        // What some readers of lines take for the end of one.
        let ends = JSON.string("a\u{85}b\u{2028}\u{2029}\u{2027}é")
        #expect(ends.serialized() == #""a\u0085b\u2028\u2029\#u{2027}é""#)
        #expect(try JSON.parse(ends.serialized()) == ends)
    }

    @Test func readsNumbersAsAsked() throws {
        #expect(try JSON.parse("1.0").int == 1)
        #expect(try JSON.parse("1.5").int == nil)
        #expect(try JSON.parse("1e300").int == nil)
        #expect(try JSON.parse("7").double == 7)
        #expect(try JSON.parse("\"7\"").int == nil)
        #expect(try JSON.parse("[1]")[1] == nil)
        #expect(try JSON.parse("[1]")[-1] == nil)
    }
}
