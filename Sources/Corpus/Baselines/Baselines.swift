internal import CZlib
internal import QuintetFiles

/// What simple compressors make of the held-out documents, to stand beside a model's bits per byte.
public struct Baselines: Sendable, Equatable {
    /// gzip, level 9, each document by itself.
    public var gzipBitsPerByte: Double
    /// A table of byte frequencies from the training documents (one added to each count).
    public var unigramBitsPerByte: Double
    /// Held-out documents and their UTF-8 bytes.
    public var documents: Int
    public var bytes: Int

    /// Reads the gathered documents twice: once for the byte counts, once for the held-out texts.
    public static func measure(documents path: String, holdOut: HoldOut) throws -> Baselines {
        var counts = [Int](repeating: 1, count: 256)
        try forEachPart(path, holdOut) { split, text in
            if split == .train { for byte in text { counts[Int(byte)] += 1 } }
        }
        let total = Double(counts.reduce(0, +))
        let cost = counts.map { -(Double($0) / total).logarithm2 }
        var (documents, bytes, compressed, unigram) = (0, 0, 0, 0.0)
        try forEachPart(path, holdOut) { split, text in
            guard split == .validation, !text.isEmpty else { return }
            documents += 1
            bytes += text.count
            compressed += try gzipSize(text)
            for byte in text { unigram += cost[Int(byte)] }
        }
        guard bytes > 0 else {
            throw FileError("no held-out documents", path: path, hint: "hold out a share above 0")
        }
        return Baselines(
            gzipBitsPerByte: 8 * Double(compressed) / Double(bytes), unigramBitsPerByte: unigram / Double(bytes),
            documents: documents, bytes: bytes)
    }

    private static func forEachPart(_ path: String, _ holdOut: HoldOut, _ body: (Split, [UInt8]) throws -> Void) throws {
        // Rows that tokenize sets aside are in no shard.
        try Document.forEach(in: path, refused: { _ in }) { document in
            if holdOut.method == .documents { return try body(holdOut.split(of: document.id), Array(document.text.utf8)) }
            let (head, tail) = holdOut.cut(document.text)
            try body(.train, Array(head.utf8))
            try body(.validation, Array(tail.utf8))
        }
    }

    /// Size of the gzip file of `bytes` at level 9, its 18 bytes of header and trailer counted.
    public static func gzipSize(_ bytes: [UInt8]) throws -> Int {
        var stream = z_stream()
        let size = Int32(MemoryLayout<z_stream>.size)
        guard deflateInit2_(&stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, size) == Z_OK else {
            throw FileError("cannot start compression")
        }
        defer { deflateEnd(&stream) }
        var input = bytes
        var output = [UInt8](repeating: 0, count: 1 << 16)
        var written = 0
        input.withUnsafeMutableBufferPointer { source in
            output.withUnsafeMutableBufferPointer { target in
                stream.next_in = source.baseAddress
                stream.avail_in = UInt32(clamping: source.count)
                repeat {
                    stream.next_out = target.baseAddress
                    stream.avail_out = UInt32(target.count)
                    _ = deflate(&stream, Z_FINISH)
                    written += target.count - Int(stream.avail_out)
                } while stream.avail_out == 0
            }
        }
        return written
    }
}

extension Double {
    /// log2 without a mathematics library: exponent, and a series for the significand (error below 1e-15).
    fileprivate var logarithm2: Double {
        let significand = self.significand
        let t = (significand - 1) / (significand + 1)  // at most 1/3
        var (term, sum) = (t, 0.0)
        for k in stride(from: 1, through: 33, by: 2) {
            sum += term / Double(k)
            term *= t * t
        }
        return Double(exponent) + 2 * sum * 1.4426950408889634
    }
}
