import QuintetFiles

extension String {
    /// Without white space at both ends.
    var trimmed: String {
        var text = self[...]
        while let first = text.first, first.isWhitespace { text.removeFirst() }
        while let last = text.last, last.isWhitespace { text.removeLast() }
        return String(text)
    }
}

/// Whether a text is a JSON object.
func isObject(_ text: String) -> Bool { (try? JSON.parse(text))?.object != nil }
