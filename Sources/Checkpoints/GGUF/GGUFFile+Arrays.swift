public import QuintetFiles

extension GGUFFile {
    /// The texts of an array; empty where the key is missing.
    /// - Throws: `FileError` where the value is something else, or a text is not UTF-8.
    public func strings(_ key: String) throws(FileError) -> [String] {
        var texts: [String] = []
        try forEachString(key) { (bytes, offset) throws(FileError) in
            guard UTF8Check.firstInvalid(bytes) == nil else {
                throw FileError("the text is not UTF-8", path: path, field: "\(key)[\(texts.count)]", offset: offset)
            }
            texts.append(String(decoding: bytes, as: UTF8.self))
        }
        return texts
    }

    /// Hands over the bytes of each text of an array, and where they lie in the file; none where the key is missing.
    public func forEachString(
        _ key: String, _ body: (UnsafeRawBufferPointer, _ offset: Int) throws(FileError) -> Void
    ) throws(FileError) {
        guard let array = try array(key, [.string]) else { return }
        var reader = ByteReader(bytes(in: array.range), source: path)
        for _ in 0..<array.count {
            let length = try reader.count(key, limit: reader.remaining)
            let start = array.range.lowerBound + reader.offset
            try body(try reader.bytes(length, key), start)
        }
    }

    /// The whole numbers of an array (or booleans as 0 and 1); empty where the key is missing.
    public func integers(_ key: String) throws(FileError) -> [Int] {
        guard let array = try array(key, [.u8, .i8, .u16, .i16, .u32, .i32, .u64, .i64, .bool]) else { return [] }
        var reader = ByteReader(bytes(in: array.range), source: path)
        var numbers: [Int] = []
        for place in 0..<array.count {
            switch array.element {
            case .i8: numbers.append(Int(try reader.integer(Int8.self, key)))
            case .u16: numbers.append(Int(try reader.integer(UInt16.self, key)))
            case .i16: numbers.append(Int(try reader.integer(Int16.self, key)))
            case .u32: numbers.append(Int(try reader.integer(UInt32.self, key)))
            case .i32: numbers.append(Int(try reader.integer(Int32.self, key)))
            case .i64: numbers.append(Int(try reader.integer(Int64.self, key)))
            case .u64: numbers.append(try reader.count("\(key)[\(place)]"))
            default: numbers.append(Int(try reader.integer(UInt8.self, key)))
            }
        }
        return numbers
    }

    /// The numbers of an array as singles; empty where the key is missing.
    public func floats(_ key: String) throws(FileError) -> [Float] {
        guard let array = try array(key, [.f32, .f64]) else { return [] }
        var reader = ByteReader(bytes(in: array.range), source: path)
        var numbers: [Float] = []
        for _ in 0..<array.count {
            numbers.append(array.element == .f32 ? try reader.float(key) : Float(try reader.double(key)))
        }
        return numbers
    }

    private func array(_ key: String, _ elements: [GGUFArray.Element]) throws(FileError) -> GGUFArray? {
        guard let pair = pair(key) else { return nil }
        guard case .array(let array) = pair.value, elements.contains(array.element) || array.count == 0 else {
            let found = if case .array(let array) = pair.value { "an array of \(array.element)" } else { pair.value.kind }
            throw FileError(
                "wrong type of value", path: path, field: key, offset: pair.offset, expected: "an array of \(elements[0])", found: found)
        }
        return array
    }
}
