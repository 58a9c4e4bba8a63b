import QuintetFiles

/// Reads a JSON list of calls while it comes: `[{"name": "...", "parameters": {...}}, ...]`, which a constraint sees to.
///
/// A call is told as soon as its name is there, its arguments as they come, so that a list that breaks off leaves what it said.
struct CallList: Sendable {
    private enum Place { case outside, key, afterKey, name, arguments }

    private var place = Place.outside
    /// A key or a name, as far as it came, with its quotes.
    private var word: [UInt8] = []
    private var depth = 0
    private var isInText = false
    private var isEscaped = false

    mutating func take(_ text: String) -> [ReplyPiece] {
        var pieces: [ReplyPiece] = []
        var arguments: [UInt8] = []
        for byte in text.utf8 {
            if place == .arguments, !ends(byte) {
                arguments.append(byte)
                continue
            }
            if !arguments.isEmpty { pieces.append(.arguments(String(decoding: arguments, as: UTF8.self))) }
            arguments = []
            step(byte, &pieces)
        }
        if !arguments.isEmpty { pieces.append(.arguments(String(decoding: arguments, as: UTF8.self))) }
        return pieces
    }

    /// Follows the value of `parameters`; true for what stands behind it.
    private mutating func ends(_ byte: UInt8) -> Bool {
        if isInText {
            followText(byte)
            return false
        }
        switch byte {
        case UInt8(ascii: "\""): isInText = true
        case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
        case UInt8(ascii: "}"), UInt8(ascii: "]"):
            if depth == 0 { return true }
            depth -= 1
        case UInt8(ascii: ","): return depth == 0
        default: return depth == 0 && Self.isBlank(byte)
        }
        return false
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 32 || (9...13).contains(byte) }

    private mutating func followText(_ byte: UInt8) {
        if isEscaped {
            isEscaped = false
        } else if byte == UInt8(ascii: "\\") {
            isEscaped = true
        } else if byte == UInt8(ascii: "\"") {
            isInText = false
        }
    }

    private mutating func step(_ byte: UInt8, _ pieces: inout [ReplyPiece]) {
        if isInText {
            word.append(byte)
            followText(byte)
            if isInText { return }
            let text = (try? JSON.parse(String(decoding: word, as: UTF8.self)))?.string ?? ""
            if place == .name {
                pieces.append(.call(ToolCall(name: text, arguments: "")))
                place = .outside
            } else {
                place = .afterKey
            }
        } else if byte == UInt8(ascii: "\"") {
            (word, isInText) = ([byte], true)
            if place != .name { place = .key }
        } else if byte == UInt8(ascii: ":"), place == .afterKey {
            place = word.elementsEqual("\"name\"".utf8) ? .name : .arguments
        } else if place == .arguments {
            // Blanks before the value, or what stands behind it.
            if !Self.isBlank(byte) { place = .outside }
        }
    }
}
