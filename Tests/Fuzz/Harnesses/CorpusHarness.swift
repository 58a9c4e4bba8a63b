import QuintetCorpus
import QuintetFiles

extension Harness {
    /// Sources of gather: the first byte says which format the rest is read as, 0 lets the content tell.
    static let sources = Harness("sources", seeds: sourceSeeds) { bytes in
        guard let kind = bytes.first else { return }
        let formats = ["", "html", "warc", "arc", "tar", "csv", "json", "jsonl", "text", "source"]
        let (texts, _) = MemoryGather.read(Array(bytes.dropFirst()), format: formats[Int(kind) % formats.count])
        for text in texts { precondition(UTF8Check.isValid(text), "a text that is not UTF-8") }
    }

    private static let sourceSeeds: [[UInt8]] = [
        [1] + Array("<html lang=en><head><meta charset=utf-8><title>T</title></head><body><ul class=nav><li><a href=/>x</a></ul><article><p>Some text &amp; &#8217;<br><br>more<pre>a\n b</pre><table><tr><td>1<td>2</table><!-- c --></article><script>if (a<b) {}</script>".utf8),
        [2] + Array("WARC/1.0\r\nWARC-Type: response\r\nContent-Length: 71\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n<html\r\n1\r\n>\r\n0\r\n\r\n\r\n\r\n".utf8),
        [3] + Array("filedesc://a 0 20140216050221 text/plain 2\nx\n\nhttp://a 1.1.1.1 20140216050221 text/plain 5\nhello\n".utf8),
        [5] + Array("text,n\n\"a \"\"b\"\"\",1\r\nc,2\n\"x\ny\",3\n".utf8), [6] + Array("[{\"text\":\"one \\u00e9\"},\"two\",{\"a\":[1,{\"b\":null}]}]".utf8),
        [7] + Array("{\"text\":\"one\"}\r{\"text\":\"two\"}\n".utf8), [8, 0xFF, 0xFE, 0x61, 0, 0x3D, 0xD8, 0, 0xDE], [8, 0x63, 0x61, 0x66, 0xE9, 0x0D, 0x65, 0xCC, 0x81],
        [0, 0x28, 0xB5, 0x2F, 0xFD, 0x20, 0x05, 0x29, 0, 0, 0x68, 0x65, 0x6C, 0x6C, 0x6F], [0, 0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3, 0x4B, 4, 0, 0x43, 0xBE, 0xB7, 0xE8, 1, 0, 0, 0],
    ]
}
