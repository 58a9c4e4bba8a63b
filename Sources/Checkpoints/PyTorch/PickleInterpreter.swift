import QuintetFiles

/// Reads a pickle (protocols 0 to 5) as data. It executes nothing: the few names that `torch.save` uses have a meaning, any other name
/// is an error that says which one.
///
/// Format: the comments of CPython's `pickletools`. Every push costs at least one byte of the file, so memory is bounded by its length.
struct PickleInterpreter {
    /// 100,000 tensors take 12 MB.
    static let maximumLength = 48 << 20
    static let maximumStack = 1 << 20
    static let maximumMarks = 1 << 12
    static let maximumRank = 8

    private(set) var objects: [PickleObject] = []
    private(set) var storages: [PickledStorage] = []
    private(set) var tensors: [PickledTensor] = []
    private var stack: [PickleValue] = []
    private var marks: [Int] = []
    private var memo: [Int: PickleValue] = [:]
    var reader: ByteReader
    let source: String
    /// Where the instruction that runs begins.
    private(set) var position = 0
    /// Where the pickle begins in its file.
    private let base: Int
    /// Objects and kept values that it may make: a tensor takes eleven and at least sixty bytes.
    private let allowance: Int

    init(_ bytes: UnsafeRawBufferPointer, source: String, base: Int = 0) {
        self.source = source
        self.base = base
        reader = ByteReader(bytes, source: source)
        allowance = 4096 + bytes.count / 4
    }

    /// Runs to STOP and gives what lies on top; bytes after it are left to the caller.
    mutating func run() throws(FileError) -> PickleValue {
        stack.removeAll()
        marks.removeAll()
        memo.removeAll()
        while true {
            position = reader.offset
            let code = try reader.integer(UInt8.self, "instruction")
            if code == UInt8(ascii: ".") { return try finished() }
            try step(code)
            guard stack.count <= Self.maximumStack, marks.count <= Self.maximumMarks else {
                throw wrong("the pickle is nested too deeply", "at most \(Self.maximumStack) values and \(Self.maximumMarks) marks", "more")
            }
            guard objects.count <= allowance, memo.count <= allowance else {
                throw wrong("the pickle makes more objects than tensors need", "at most \(allowance)", "more")
            }
        }
    }

    private mutating func finished() throws(FileError) -> PickleValue {
        let value = try pop()
        guard stack.isEmpty, marks.isEmpty else { throw wrong("the pickle ends with values left over", "one value", "\(stack.count + 1)") }
        return value
    }

    // MARK: Instructions

    private mutating func step(_ code: UInt8) throws(FileError) {
        switch Character(UnicodeScalar(code)) {
        case "(": marks.append(stack.count)
        case "0": try popAny()
        case "1": _ = try popMark()
        case "2": push(try top())
        case "N": push(.none)
        case "I", "L", "F", "S", "V": try textual(code)
        case "K": push(.int(Int64(try reader.integer(UInt8.self, "BININT1"))))
        case "M": push(.int(Int64(try reader.integer(UInt16.self, "BININT2"))))
        case "J": push(.int(Int64(try reader.integer(Int32.self, "BININT"))))
        case "G": push(.float(Double(bitPattern: try reader.integer(UInt64.self, "BINFLOAT").byteSwapped)))
        case "T": try text(Int(try reader.integer(UInt32.self, "BINSTRING")))
        case "U", "\u{8C}": try text(Int(try reader.integer(UInt8.self, "length")))
        case "X": try text(Int(try reader.integer(UInt32.self, "BINUNICODE")))
        case "C": try bytes(Int(try reader.integer(UInt8.self, "SHORT_BINBYTES")))
        case "B": try bytes(Int(try reader.integer(UInt32.self, "BINBYTES")))
        case "]": make(.list([]))
        case ")": make(.tuple([]))
        case "}": make(.dictionary([]))
        case "a": try append([try pop()])
        case "e": try append(try popMark())
        case "l": make(.list(try popMark()))
        case "t": make(.tuple(try popMark()))
        case "d": try makeDictionary()
        case "s": try setItem()
        case "u": try setItems(try popMark())
        case "c": try global()
        case "R": try reduce()
        case "b": try build()
        case "P": try persistent(.object(keep(.text(try line("PERSID")))))
        case "Q": try persistent(try pop())
        case "p": store(try number(try line("PUT")))
        case "q": store(Int(try reader.integer(UInt8.self, "BINPUT")))
        case "r": store(Int(try reader.integer(UInt32.self, "LONG_BINPUT")))
        case "g": push(try recall(try number(try line("GET"))))
        case "h": push(try recall(Int(try reader.integer(UInt8.self, "BINGET"))))
        case "j": push(try recall(Int(try reader.integer(UInt32.self, "LONG_BINGET"))))
        default: try newer(code)
        }
    }

    /// Instructions of protocols 2 to 5, and those that only name code to run.
    private mutating func newer(_ code: UInt8) throws(FileError) {
        switch code {
        case 0x80:
            let version = try reader.integer(UInt8.self, "PROTO")
            guard version <= 5 else { throw wrong("a pickle of a newer protocol", "0 to 5", "\(version)") }
        case 0x81, 0x92: try newObject(code)
        case 0x85: try tuple(1)
        case 0x86: try tuple(2)
        case 0x87: try tuple(3)
        case 0x88: push(.bool(true))
        case 0x89: push(.bool(false))
        case 0x8A: try long(Int(try reader.integer(UInt8.self, "LONG1")))
        case 0x8B: try long(Int(try reader.integer(Int32.self, "LONG4")))
        case 0x8D: try text(try reader.count("BINUNICODE8", limit: reader.bytes.count))
        case 0x8E, 0x96: try bytes(try reader.count("length", limit: reader.bytes.count))
        case 0x8F: make(.set([]))
        case 0x90: try append(try popMark())
        case 0x91: make(.set(try popMark()))
        case 0x93: try stackGlobal()
        case 0x94: store(memo.count)
        case 0x95: _ = try reader.count("FRAME", limit: reader.bytes.count)
        case UInt8(ascii: "i"):
            let (module, name) = (try line("INST"), try line("INST"))
            throw refused(module, name)
        case UInt8(ascii: "o"):
            let parts = try popMark()
            throw wrong("the pickle makes an object", "data alone", parts.first.map(describe) ?? "nothing")
        case 0x82, 0x83, 0x84: throw wrong("the pickle uses a registered extension", "data alone", "EXT")
        default: throw wrong("an unknown instruction of a pickle", "one of protocols 0 to 5", "byte \(code)")
        }
    }

    /// Protocol 0 writes numbers and text as lines.
    private mutating func textual(_ code: UInt8) throws(FileError) {
        var text = try line("value")
        switch Character(UnicodeScalar(code)) {
        case "I" where text == "00" || text == "01": push(.bool(text == "01"))
        case "I", "L":
            if code == UInt8(ascii: "L"), text.hasSuffix("L") { text.removeLast() }
            guard let value = Int64(text) else { throw wrong("not a whole number", "digits", text) }
            push(.int(value))
        case "F":
            guard let value = Double(text) else { throw wrong("not a number", "digits", text) }
            push(.float(value))
        case "S":
            guard text.utf8.count >= 2, let quote = text.utf8.first, quote == text.utf8.last, quote == 0x27 || quote == 0x22, !text.contains("\\") else {
                throw wrong("text without quotes, or with escapes", "'text'", text)
            }
            make(.text(String(text.dropFirst().dropLast())))
        default:
            guard !text.contains("\\") else { throw wrong("text with escapes", "plain text", text) }
            make(.text(text))
        }
    }

    private mutating func line(_ field: String) throws(FileError) -> String {
        let rest = UnsafeRawBufferPointer(rebasing: reader.bytes[reader.offset...])
        guard let length = rest.prefix(1 << 16).firstIndex(of: 0x0A) else { throw wrong("a line without an end", "a line feed", "none") }
        let text = try reader.string(length, field)
        _ = try reader.bytes(1, field)
        return text
    }

    private mutating func text(_ length: Int) throws(FileError) { make(.text(try reader.string(length, "text"))) }

    private mutating func bytes(_ length: Int) throws(FileError) {
        let start = reader.offset
        _ = try reader.bytes(length, "bytes")
        make(.bytes(start..<start + length))
    }

    private mutating func long(_ length: Int) throws(FileError) {
        let raw = try reader.bytes(length, "whole number")
        guard length <= 8 else { return push(.largeInt(length)) }
        var value: UInt64 = length > 0 && raw[length - 1] & 0x80 != 0 ? .max : 0
        for byte in raw.reversed() { value = value << 8 | UInt64(byte) }
        push(.int(Int64(bitPattern: value)))
    }

    // MARK: Stack, memo, objects

    mutating func push(_ value: PickleValue) { stack.append(value) }

    mutating func keep(_ object: PickleObject) -> Int {
        objects.append(object)
        return objects.count - 1
    }

    mutating func make(_ storage: PickledStorage) {
        storages.append(storage)
        make(.storage(storages.count - 1))
    }

    mutating func make(_ tensor: PickledTensor) {
        tensors.append(tensor)
        make(.tensor(tensors.count - 1))
    }

    mutating func make(_ object: PickleObject) { push(.object(keep(object))) }

    mutating func pop() throws(FileError) -> PickleValue {
        guard stack.count > (marks.last ?? 0), let value = stack.popLast() else { throw wrong("the pickle takes more than it gave", "a value", "an empty stack") }
        return value
    }

    private func top() throws(FileError) -> PickleValue {
        guard stack.count > (marks.last ?? 0), let value = stack.last else { throw wrong("the pickle takes more than it gave", "a value", "an empty stack") }
        return value
    }

    private mutating func popAny() throws(FileError) {
        if let mark = marks.last, mark == stack.count { marks.removeLast() } else { _ = try pop() }
    }

    private mutating func popMark() throws(FileError) -> [PickleValue] {
        guard let mark = marks.popLast() else { throw wrong("the pickle takes more than it gave", "a mark", "none") }
        let values = Array(stack[mark...])
        stack.removeSubrange(mark...)
        return values
    }

    private mutating func tuple(_ count: Int) throws(FileError) {
        var values: [PickleValue] = []
        for _ in 0..<count { values.append(try pop()) }
        make(.tuple(values.reversed()))
    }

    private mutating func store(_ place: Int) {
        if let value = stack.last { memo[place] = value }
    }

    private func recall(_ place: Int) throws(FileError) -> PickleValue {
        guard let value = memo[place] else { throw wrong("the pickle remembers what it never kept", "a kept value", "place \(place)") }
        return value
    }

    private func number(_ text: String) throws(FileError) -> Int {
        guard let number = Int(text), number >= 0 else { throw wrong("not a place in the memo", "a whole number", text) }
        return number
    }

    /// The object behind a value; nil for numbers and such.
    func object(_ value: PickleValue) -> PickleObject? {
        if case .object(let index) = value { objects[index] } else { nil }
    }

    private mutating func append(_ values: [PickleValue]) throws(FileError) {
        guard case .object(let index) = try top() else { throw wrong("values for what is no list", "a list", describe(try top())) }
        switch objects[index] {
        case .list(var list):
            objects[index] = .list([])
            list.append(contentsOf: values)
            objects[index] = .list(list)
        case .set(var set):
            objects[index] = .set([])
            set.append(contentsOf: values)
            objects[index] = .set(set)
        default: throw wrong("values for what is no list", "a list", describe(.object(index)))
        }
    }

    private mutating func makeDictionary() throws(FileError) {
        let values = try popMark()
        make(.dictionary([]))
        try setItems(values)
    }

    private mutating func setItem() throws(FileError) {
        let value = try pop(), key = try pop()
        try setItems([key, value])
    }

    private mutating func setItems(_ values: [PickleValue]) throws(FileError) {
        guard values.count % 2 == 0 else { throw wrong("a key without a value", "pairs", "\(values.count) values") }
        guard case .object(let index) = try top(), case .dictionary(var pairs) = objects[index] else {
            throw wrong("values for what is no dictionary", "a dictionary", describe(try top()))
        }
        objects[index] = .dictionary([])
        for at in stride(from: 0, to: values.count, by: 2) { pairs.append((values[at], values[at + 1])) }
        objects[index] = .dictionary(pairs)
    }

    // MARK: Names

    private mutating func global() throws(FileError) {
        let (module, name) = (try line("GLOBAL"), try line("GLOBAL"))
        try named(module, name)
    }

    private mutating func stackGlobal() throws(FileError) {
        guard case .text(let name)? = object(try pop()), case .text(let module)? = object(try pop()) else {
            throw wrong("the name of a global is no text", "module and name", "other values")
        }
        try named(module, name)
    }

    private mutating func named(_ module: String, _ name: String) throws(FileError) {
        guard let global = PickleGlobal.named(module, name) else { throw refused(module, name) }
        make(.global(global))
    }

    private func refused(_ module: String, _ name: String) -> FileError {
        FileError(
            "the file wants to use code, which is never run", path: source, field: "\(module).\(name)", offset: base + position,
            expected: "the names that torch.save uses for tensors",
            hint: "such a file can do anything when it is loaded in Python; keep only its state_dict, or use safetensors")
    }

    /// BUILD sets attributes; those of an ordered dictionary (its `_metadata`) and of a parameter say nothing about the numbers.
    private mutating func build() throws(FileError) {
        _ = try pop()
        switch object(try top()) {
        case .dictionary?, .tensor?: return
        default: throw wrong("the pickle sets attributes", "data alone", describe(try top()))
        }
    }

    /// `cls.__new__(cls, *args)`: an ordered dictionary alone may be made so.
    private mutating func newObject(_ code: UInt8) throws(FileError) {
        if code == 0x92 { _ = try pop() }
        let arguments = try pop(), made = try pop()
        guard case .global(.orderedDictionary)? = object(made), case .tuple(let values)? = object(arguments), values.isEmpty else {
            throw wrong("the pickle makes an object", "data alone", describe(made))
        }
        make(.dictionary([]))
    }

    func describe(_ value: PickleValue) -> String {
        switch value {
        case .none: "None"
        case .bool: "a boolean"
        case .int, .largeInt: "a whole number"
        case .float: "a number"
        case .object(let index):
            switch objects[index] {
            case .text: "text"
            case .bytes: "bytes"
            case .list: "a list"
            case .tuple: "a tuple"
            case .set: "a set"
            case .dictionary: "a dictionary"
            case .global(let global): "\(global)"
            case .storage: "a storage"
            case .tensor: "a tensor"
            }
        }
    }

    func wrong(_ what: String, _ expected: String, _ found: String) -> FileError {
        FileError(what, path: source, field: "pickle", offset: base + position, expected: expected, found: found)
    }
}
