import QuintetFiles

/// A request's body, field by field: a wrong type or value is the client's error, with the field's name.
struct Fields {
    let object: JSONObject
    let path: String

    init(_ json: JSON, _ path: String = "") throws(APIError) {
        guard let object = json.object else {
            throw .invalid("\(path.isEmpty ? "The body" : "'\(path)'") has to be an object, not \(json.kind).", param: path.isEmpty ? nil : path)
        }
        self.object = object
        self.path = path
    }

    /// The value, nil where it is missing or null.
    subscript(key: String) -> JSON? {
        guard let value = object[key], !value.isNull else { return Optional.none }
        return value
    }

    func name(_ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

    func wrong(_ key: String, _ expected: String) -> APIError {
        let found = object[key]?.serialized() ?? "nothing"
        return .invalid("'\(name(key))' has to be \(expected), not \(found.prefix(80)).", param: name(key))
    }

    func string(_ key: String) throws(APIError) -> String? {
        guard let value = self[key] else { return nil }
        guard let text = value.string else { throw wrong(key, "a string") }
        return text
    }

    func flag(_ key: String) throws(APIError) -> Bool? {
        guard let value = self[key] else { return nil }
        guard let flag = value.bool else { throw wrong(key, "true or false") }
        return flag
    }

    /// A whole number of the range. 1.5, 1e400 and 2^63 are none.
    func int(_ key: String, _ range: ClosedRange<Int>) throws(APIError) -> Int? {
        guard let value = self[key] else { return nil }
        guard case .integer(let number) = value, let int = Int(exactly: number), range.contains(int) else {
            throw wrong(key, "a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return int
    }

    func number(_ key: String, _ range: ClosedRange<Double>) throws(APIError) -> Float? {
        guard let value = self[key] else { return nil }
        guard let number = value.double, range.contains(number) else {
            throw wrong(key, "a number from \(range.lowerBound) to \(range.upperBound)")
        }
        return Float(number)
    }

    func list(_ key: String) throws(APIError) -> [JSON]? {
        guard let value = self[key] else { return nil }
        guard let list = value.array else { throw wrong(key, "a list") }
        return list
    }

    /// One string or a list of strings.
    func strings(_ key: String, atMost count: Int) throws(APIError) -> [String] {
        guard let value = self[key] else { return [] }
        if let text = value.string { return [text] }
        let texts = value.array?.compactMap { $0.string } ?? []
        guard let list = value.array, texts.count == list.count, list.count <= count else {
            throw wrong(key, "a string or a list of at most \(count) strings")
        }
        return texts
    }
}
