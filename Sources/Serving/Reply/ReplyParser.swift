/// What a model's text is made of.
enum ReplyPiece: Sendable, Equatable {
    case text(String)
    /// What it thinks before it answers.
    case thought(String)
    /// A call, its arguments whole or, where `arguments` follow, empty.
    case call(ToolCall)
    /// More of the last call's arguments.
    case arguments(String)
}

/// Where an answer's parts stand.
struct ReplyStyle: Sendable {
    /// How calls of functions are read.
    enum Calls: Sendable {
        case none
        case marked(ToolFormat)
        /// The whole text is the arguments of this function: a constraint saw to it.
        case arguments(of: String)
        /// The whole text is a JSON list of calls.
        case list
    }

    enum Thoughts: Sendable {
        case none
        /// Between `<think>` and `</think>`.
        case marked
        /// The prompt ended with the beginning.
        case begun
        /// In channels, as everything else: `Harmony`.
        case channels
    }

    var calls = Calls.none
    var thoughts = Thoughts.none
    /// Gives the first call only.
    var isOneCall = false
    /// Special tokens whose text the parser has to see.
    var marks: [Int32: String] = [:]

    /// Whether a constraint sees to it that the text is a call and nothing else.
    var isForced: Bool {
        switch calls {
        case .none, .marked: false
        case .arguments, .list: true
        }
    }

    static let thoughtMarks = ("<think>", "</think>")
}

/// Splits what a model writes into thoughts, answer and calls of functions while it comes, wherever the pieces are cut.
struct ReplyParser: Sendable {
    enum State {
        case text, thought, call, wholeCall, argumentStream
        case callList(CallList)
        /// Harmony: what comes next, what a message says, after it.
        case header, message(Harmony.Kind), between
    }

    let style: ReplyStyle
    var state: State
    /// What is not decided yet: half a mark, or a call that has not ended.
    var held: [UInt8] = []
    /// Bytes of it in which no mark begins.
    private var searched = 0
    private var trimsStart = false
    private var isFirst = true
    var calls = 0

    init(_ style: ReplyStyle) {
        self.style = style
        state = .text
        if case .begun = style.thoughts { state = .thought }
        if case .channels = style.thoughts { state = .header }
        if case .list = style.calls { state = .callList(CallList()) }
        if case .arguments = style.calls { state = .argumentStream }
    }

    /// True where every text is simply the answer.
    private var isPlain: Bool {
        if case .none = style.calls, case .none = style.thoughts { return true }
        return false
    }

    mutating func take(_ text: String) -> [ReplyPiece] {
        if isPlain { return text.isEmpty ? [] : [.text(text)] }
        var pieces: [ReplyPiece] = []
        if case .argumentStream = state {
            if calls == 0, case .arguments(let name) = style.calls { pieces.append(call(ToolCall(name: name, arguments: ""))) }
            return text.isEmpty ? pieces : pieces + [.arguments(text)]
        }
        if case .callList(var list) = state {
            let pieces = list.take(text)
            state = .callList(list)
            return pieces
        }
        held += text.utf8
        while step(&pieces) {}
        return pieces
    }

    /// What is left once the text is whole.
    mutating func finish() -> [ReplyPiece] {
        let rest = take(held.count)
        switch state {
        case .text: return plain(rest)
        case .thought: return rest.isEmpty ? [] : [.thought(rest)]
        case .argumentStream, .callList: return []
        // It breaks off before it says what it is.
        case .header: return rest.trimmed.hasPrefix("<") ? [] : plain(rest)
        case .message(let kind): return piece(rest, kind)
        case .between: return []
        case .wholeCall:
            let found = ToolCall.list(rest.trimmed) ?? bareCalls(rest)
            return found.map { take($0) } ?? plain(rest)
        case .call:
            guard case .marked(let format) = style.calls else { return plain(rest) }
            return format.calls(rest).map { take($0) } ?? plain(format.opening + rest)
        }
    }

    private func bareCalls(_ text: String) -> [ToolCall]? {
        if case .marked(let format) = style.calls { format.calls(text) } else { nil }
    }

    /// Decides as much as can be decided; true where it is worth another look.
    private mutating func step(_ pieces: inout [ReplyPiece]) -> Bool {
        switch state {
        case .wholeCall, .argumentStream, .callList: return false
        case .header: return readHeader(&pieces)
        case .message(let kind): return readMessage(kind, &pieces)
        case .between: return skipToHeader()
        case .thought: return leave(ReplyStyle.thoughtMarks.1, &pieces)
        case .call: return endCall(&pieces)
        case .text: return look(&pieces)
        }
    }

    /// Thinking goes on until its mark comes.
    private mutating func leave(_ mark: String, _ pieces: inout [ReplyPiece]) -> Bool {
        let (before, isFound) = cut(at: [mark])
        if !before.isEmpty { pieces.append(.thought(before)) }
        guard isFound != nil else { return false }
        state = .text
        trimsStart = true
        return true
    }

    private mutating func look(_ pieces: inout [ReplyPiece]) -> Bool {
        if isFirst, case .marked(let format) = style.calls, format.mayBeBare {
            guard let start = held.first(where: { $0 > 32 }) else { return false }
            if start == UInt8(ascii: "{") {
                state = .wholeCall
                return false
            }
        }
        var marks: [String] = []
        if case .marked = style.thoughts { marks.append(ReplyStyle.thoughtMarks.0) }
        if case .marked(let format) = style.calls { marks.append(format.opening) }
        let (before, mark) = cut(at: marks)
        pieces += plain(before)
        guard let mark else { return false }
        state = mark == ReplyStyle.thoughtMarks.0 ? .thought : .call
        return true
    }

    private mutating func endCall(_ pieces: inout [ReplyPiece]) -> Bool {
        guard case .marked(let format) = style.calls, let closing = format.closing, let end = place(of: [closing]) else {
            searched = held.count
            return false
        }
        let inside = take(end.at)
        _ = take(closing.utf8.count)
        state = .text
        if let found = format.calls(inside) {
            pieces += take(found)
            trimsStart = true
        } else {
            pieces += plain(format.opening + inside + closing)
        }
        return true
    }

    private mutating func take(_ found: [ToolCall]) -> [ReplyPiece] {
        found.compactMap { found in style.isOneCall && calls > 0 ? nil : call(found) }
    }

    mutating func call(_ call: ToolCall) -> ReplyPiece {
        calls += 1
        return .call(call)
    }

    mutating func plain(_ text: String) -> [ReplyPiece] {
        var text = text[...]
        if trimsStart { text = text.drop { $0.isWhitespace } }
        if text.isEmpty { return [] }
        (trimsStart, isFirst) = (false, false)
        return [.text(String(text))]
    }

    /// Takes what stands before the first of the marks, and the mark with it; without one, what cannot be the beginning of one.
    mutating func cut(at marks: [String]) -> (before: String, mark: String?) {
        if let found = place(of: marks) {
            let before = take(found.at)
            _ = take(found.mark.utf8.count)
            return (before, found.mark)
        }
        let kept = marks.map { Self.overlap(held, Array($0.utf8)) }.max() ?? 0
        return (take(held.count - kept), nil)
    }

    /// The first of the marks in what is held; looks at what is new and at what may have been half a mark.
    private func place(of marks: [String]) -> (at: Int, mark: String)? {
        var best: (at: Int, mark: String)?
        for mark in marks {
            let bytes = Array(mark.utf8)
            var at = max(searched - bytes.count + 1, 0)
            while at + bytes.count <= held.count {
                if held[at] == bytes[0], held[at..<at + bytes.count].elementsEqual(bytes) { break }
                at += 1
            }
            if at + bytes.count <= held.count, best.map({ at < $0.at }) ?? true { best = (at, mark) }
        }
        return best
    }

    private mutating func take(_ count: Int) -> String {
        defer {
            held.removeFirst(count)
            searched = 0
        }
        return String(decoding: held.prefix(count), as: UTF8.self)
    }

    /// Bytes at the end of `text` that a mark may begin with.
    private static func overlap(_ text: [UInt8], _ mark: [UInt8]) -> Int {
        var count = min(mark.count - 1, text.count)
        while count > 0, !text.suffix(count).elementsEqual(mark.prefix(count)) { count -= 1 }
        return count
    }
}
