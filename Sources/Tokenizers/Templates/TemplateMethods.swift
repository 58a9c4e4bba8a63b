/// Methods of strings and objects, as Python has them. What would change a value is refused, as in the reference's sandbox.
enum TemplateMethods {
    private static let ofStrings: Set<String> = [
        "strip", "lstrip", "rstrip", "split", "rsplit", "splitlines", "startswith", "endswith", "upper", "lower", "title", "capitalize", "swapcase",
        "replace", "find", "rfind", "index", "rindex", "count", "join", "format", "isdigit", "isalpha", "isalnum", "isspace", "isupper", "islower",
        "isnumeric", "isdecimal", "removeprefix", "removesuffix", "zfill", "ljust", "rjust", "center", "partition", "rpartition", "casefold",
        "expandtabs", "encode",
    ]
    private static let ofDicts: Set<String> = ["items", "keys", "values", "get", "copy"]
    private static let ofLists: Set<String> = ["index", "count", "copy"]
    private static let changing: Set<String> = [
        "append", "extend", "insert", "pop", "remove", "clear", "reverse", "sort", "update", "setdefault", "popitem", "discard", "add",
    ]

    static func has(_ value: TemplateValue, _ name: String) -> Bool {
        switch value {
        case .string: ofStrings.contains(name)
        case .dict: ofDicts.contains(name) || ["pop", "update", "clear", "setdefault", "popitem"].contains(name)
        case .list: ofLists.contains(name) || changing.contains(name)
        case .tuple: ["index", "count"].contains(name)
        default: false
        }
    }

    static func call(
        _ name: String, of value: TemplateValue, _ call: TemplateCall, allow: TemplateOperations.Allowance
    ) throws(TemplateError) -> TemplateValue {
        switch value {
        case .string(let text): return try TemplateStrings.call(name, of: text, call, allow: allow)
        case .dict(let dict) where ofDicts.contains(name): return try member(name, of: dict, call)
        case .list(let values) where ofLists.contains(name), .tuple(let values) where ofLists.contains(name):
            return try element(name, of: values, value, call)
        case .loop(let loop):
            if name == "changed" { return .bool(loop.changed(call.positional)) }
            if call.positional.isEmpty { throw TemplateError(.type, line: call.line, "a cycle without values") }
            return call.positional[loop.index % call.positional.count]
        default: throw TemplateError(.unsupported, line: call.line, "'\(name)' would change a value, which chat templates must not")
        }
    }

    private static func member(_ name: String, of dict: TemplateDict, _ call: TemplateCall) throws(TemplateError) -> TemplateValue {
        switch name {
        case "items": .list(dict.items.map { .tuple([$0.key, $0.value]) })
        case "keys": .list(dict.keys)
        case "values": .list(dict.values)
        case "copy": .dict(dict)
        default: dict[try call.required(0, "key")] ?? call.argument(1, "default") ?? .null
        }
    }

    private static func element(
        _ name: String, of values: [TemplateValue], _ value: TemplateValue, _ call: TemplateCall
    ) throws(TemplateError) -> TemplateValue {
        if name == "copy" { return value }
        let wanted = try call.required(0, "value")
        if name == "count" { return .int(values.filter { TemplateOperations.equal($0, wanted) }.count) }
        guard let index = values.firstIndex(where: { TemplateOperations.equal($0, wanted) }) else {
            throw TemplateError(.type, line: call.line, "the value is not in the list")
        }
        return .int(index)
    }
}
