import QuintetCorpus
import QuintetFiles
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Every format cut and flipped at many places: the run goes on, the account adds up, nothing traps.
@Suite struct DamageTests {
    static let page = "<!DOCTYPE html><html lang=\"en\"><head><meta charset=utf-8><title>T &amp; U</title></head><body><div class=\"nav\"><ul><li><a href=\"/\">Home</a></ul></div><article><h1>T</h1><p>\(long) <b>Bold &#8217; &eacute;</b><br><br>\(long)<pre>code\n  here</pre><table><tr><td>a<td>b</table><!-- c --></article><script>if (a < b) {}</script></body></html>"

    static let seeds: [(String, [UInt8])] = [
        ("a.html", Array(page.utf8)),
        ("a.warc", Array((warc("warcinfo", [], "x: y") + response("http://a.b/", page) + response("http://a.b/c", "5\r\nabcde\r\n0\r\n\r\n", ["Transfer-Encoding: chunked"])).utf8)),
        ("a.arc", Array("filedesc://a.arc 0.0.0.0 20140216050221 text/plain 5\n1 0 X\n\nhttp://a.b/ 1.1.1.1 20140216050221 text/html \(page.utf8.count)\n\(page)\n".utf8)),
        ("a.tar", tar([("one.txt", long), ("two.csv", "text,n\nhello,1\n")])),
        ("a.csv", Array("text,n\n\"quoted \"\"text\"\"\",1\nplain,2\r\n\"two\nlines\",3\n".utf8)),
        ("a.json", Array("[{\"text\":\"one \\u00e9\"},\"two\",{\"a\":[1,2,{\"b\":null}]}]".utf8)),
        ("a.jsonl", Array("{\"text\":\"one\"}\r{\"text\":\"two\"}\n".utf8)),
        ("a.jsonl.gz", GzipTests.members),
        ("a.jsonl.zst", CompressionTests.zstd), ("a.jsonl.xz", CompressionTests.xz),
        ("a.txt", [0xFF, 0xFE] + Array("wide text 😀".utf16).flatMap { [UInt8($0 & 255), UInt8($0 >> 8)] }),
    ]

    @Test(arguments: seeds) func cutAndFlipped(name: String, seed: [UInt8]) throws {
        try withFolder { folder in
            try Folder.create(folder + "/in")
            var count = 0
            func add(_ content: [UInt8]) throws {
                try plainly(content, folder + "/in/\(count)" + name)
                count += 1
            }
            for at in stride(from: 0, to: seed.count, by: max(1, seed.count / 120)) {
                for flip in [UInt8(0x01), 0x80, 0xFF] {
                    var flipped = seed
                    flipped[at] ^= flip
                    try add(flipped)
                }
                try add(Array(seed[..<at]))
                try add(Array(seed[..<at] + seed[min(seed.count, at + 7)...]))
                try add(Array(seed[..<at] + seed[(at / 2)...]))
            }
            try plainly(Array(long.utf8), folder + "/in/good.txt")
            let report = try gather([folder + "/in"], folder + "/out") { $0.minimumLetters = 1 }
            #expect(report.documentsIn == report.documentsOut + report.documentsDropped)
            #expect(report.files == count + 1 && report.documentsOut >= 1)
        }
    }

    /// Without bringing it to disk, which would take most of the time.
    private func plainly(_ content: [UInt8], _ path: String) throws {
        let file = try #require(fopen(path, "w"))
        defer { fclose(file) }
        #expect(fwrite(content, 1, content.count, file) == content.count)
    }
}
