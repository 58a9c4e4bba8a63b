// Lists and objects
extension TemplateFilters {
    static let items: Filter = { _, value, call throws(TemplateError) in
        switch value {
        case .undefined: return .list([])
        case .dict(let dict): return .list(dict.items.map { .tuple([$0.key, $0.value]) })
        default: throw TemplateError(.type, line: call.line, "items of \(value.kind)")
        }
    }

    static let map: Filter = { run, value, call throws(TemplateError) in
        var mapped: [TemplateValue] = []
        if !value.isTrue { return .list([]) }
        let attribute = call.named.first { $0.name == "attribute" }?.value
        for element in try elements(value, call) {
            if let attribute {
                let found = try member(element, attribute, call.line)
                if case .undefined = found, let fallback = call.named.first(where: { $0.name == "default" }) { mapped.append(fallback.value) } else { mapped.append(found) }
            } else {
                let name = str(try call.required(0, "filter")).string
                let rest = TemplateCall(positional: Array(call.positional.dropFirst()), named: call.named, line: call.line)
                mapped.append(try run.filter(name, element, rest))
            }
        }
        return .list(mapped)
    }

    /// `select`, `reject`, `selectattr`, `rejectattr`: by a test, or by truth where none is named.
    static func select(
        _ run: TemplateRun, _ value: TemplateValue, _ call: TemplateCall, keeps: Bool, byAttribute: Bool
    ) throws(TemplateError) -> TemplateValue {
        let first = byAttribute ? 1 : 0
        let test = call.positional.count > first ? str(call.positional[first]).string : nil
        let rest = TemplateCall(positional: Array(call.positional.dropFirst(first + 1)), named: call.named, line: call.line)
        var kept: [TemplateValue] = []
        if !value.isTrue { return .list([]) }
        for element in try elements(value, call) {
            let tested = byAttribute ? try member(element, try call.required(0, "attribute"), call.line) : element
            try run.meter.spend(line: call.line)
            let passes = if let test { try run.test(test, tested, rest) } else { tested.isTrue }
            if passes == keeps { kept.append(element) }
        }
        return .list(kept)
    }

    static let batch: Filter = { _, value, call throws(TemplateError) in
        let size = try call.integer(0, "linecount", default: 1)
        guard size > 0, size <= 1 << 20 else { throw TemplateError(.type, line: call.line, "batches of \(size)") }
        var batches: [TemplateValue] = []
        var batch: [TemplateValue] = []
        for element in try elements(value, call) {
            if batch.count == size {
                batches.append(.list(batch))
                batch = []
            }
            batch.append(element)
        }
        if batch.isEmpty { return .list(batches) }
        if let fill = call.argument(1, "fill_with"), batch.count < size { batch += Array(repeating: fill, count: size - batch.count) }
        return .list(batches + [.list(batch)])
    }

    static let slices: Filter = { _, value, call throws(TemplateError) in
        let count = try call.integer(0, "slices", default: 1)
        guard count > 0, count <= 1 << 16 else { throw TemplateError(.type, line: call.line, "\(count) slices") }
        let all = try elements(value, call)
        let (each, longer) = (all.count / count, all.count % count)
        var slices: [TemplateValue] = []
        var start = 0
        for index in 0..<count {
            let end = start + each + (index < longer ? 1 : 0)
            var slice = Array(all[start..<end])
            if let fill = call.argument(1, "fill_with"), index >= longer { slice.append(fill) }
            slices.append(.list(slice))
            start = end
        }
        return .list(slices)
    }

    static let reverse: Filter = { _, value, call throws(TemplateError) in
        if let text = value.string { return .string(TemplateText(units: text.units.reversed())) }
        return .list(try elements(value, call).reversed())
    }

    static let sum: Filter = { _, value, call throws(TemplateError) in
        var total = call.argument(1, "start") ?? .int(0)
        for element in try elements(value, call) {
            let part = if let path = call.argument(0, "attribute"), !isNone(path) { try member(element, path, call.line) } else { element }
            total = try TemplateOperations.arithmetic(.add, total, part, line: call.line) { _ throws(TemplateError) in }
        }
        return total
    }

    private static func isNone(_ value: TemplateValue) -> Bool { if case .null = value { true } else { false } }

    private static func sortKey(_ value: TemplateValue, _ path: TemplateValue?, _ caseSensitive: Bool, _ line: Int) throws(TemplateError) -> TemplateValue {
        var key = value
        if let path, !isNone(path) {
            if let text = path.string?.string, text.contains(",") {
                var keys: [TemplateValue] = []
                for part in text.split(separator: ",") { keys.append(try sortKey(value, .text(String(part)), caseSensitive, line)) }
                return .list(keys)
            }
            key = try member(value, path, line)
        }
        guard !caseSensitive, let text = key.string else { return key }
        return .string(text.mapped { $0.properties.lowercaseMapping })
    }

    /// A stable sort; keys without an order are an error.
    private static func sorted(
        _ values: [TemplateValue], _ call: TemplateCall, descending: Bool, key: (TemplateValue) throws(TemplateError) -> TemplateValue
    ) throws(TemplateError) -> [TemplateValue] {
        var keyed: [(key: TemplateValue, index: Int)] = []
        for (index, value) in values.enumerated() { keyed.append((try key(value), index)) }
        var mismatch: String?
        keyed.sort { a, b in
            guard let less = TemplateOperations.less(a.key, b.key), let greater = TemplateOperations.less(b.key, a.key) else {
                mismatch = "\(a.key.kind) and \(b.key.kind)"
                return a.index < b.index
            }
            return less == greater ? a.index < b.index : descending ? greater : less
        }
        if let mismatch { throw TemplateError(.type, line: call.line, "no order between \(mismatch)") }
        return keyed.map { values[$0.index] }
    }

    static let sort: Filter = { _, value, call throws(TemplateError) in
        let sensitive = call.flag(1, "case_sensitive", default: false)
        return .list(
            try sorted(try elements(value, call), call, descending: call.flag(0, "reverse", default: false)) { element throws(TemplateError) in
                try sortKey(element, call.argument(2, "attribute"), sensitive, call.line)
            })
    }

    static let dictsort: Filter = { _, value, call throws(TemplateError) in
        guard case .dict(let dict) = value else { throw TemplateError(.type, line: call.line, "dictsort of \(value.kind)") }
        let sensitive = call.flag(0, "case_sensitive", default: false)
        let place = try call.text(1, "by")?.string == "value" ? 1 : 0
        let pairs = dict.items.map { TemplateValue.tuple([$0.key, $0.value]) }
        return .list(
            try sorted(pairs, call, descending: call.flag(2, "reverse", default: false)) { pair throws(TemplateError) in
                try sortKey(pair, .int(place), sensitive, call.line)
            })
    }

    static let unique: Filter = { run, value, call throws(TemplateError) in
        let sensitive = call.flag(0, "case_sensitive", default: false)
        var seen = TemplateDict()
        var kept: [TemplateValue] = []
        for element in try elements(value, call) {
            let key = try sortKey(element, call.argument(1, "attribute"), sensitive, call.line)
            try run.measure(key, call.line)
            if seen[key] != nil { continue }
            seen[key] = .null
            kept.append(element)
        }
        return .list(kept)
    }

    static let groupby: Filter = { _, value, call throws(TemplateError) in
        let path = try call.required(0, "attribute")
        let sensitive = call.flag(2, "case_sensitive", default: false)
        let fallback = call.argument(1, "default").flatMap { isNone($0) ? nil : $0 }
        func found(_ element: TemplateValue) throws(TemplateError) -> TemplateValue {
            let found = try member(element, path, call.line)
            if case .undefined = found, let fallback { return fallback }
            return found
        }
        func order(_ element: TemplateValue) throws(TemplateError) -> TemplateValue { try sortKey(try found(element), nil, sensitive, call.line) }
        let all = try sorted(try elements(value, call), call, descending: false) { element throws(TemplateError) in try order(element) }
        var groups: [(key: TemplateValue, sortKey: TemplateValue, values: [TemplateValue])] = []
        for element in all {
            let key = try order(element)
            if let last = groups.last, TemplateOperations.equal(last.sortKey, key) {
                groups[groups.count - 1].values.append(element)
            } else {
                groups.append((try found(element), key, [element]))
            }
        }
        return .list(groups.map { .tuple([$0.key, .list($0.values)]) })
    }

    static func extreme(_ run: TemplateRun, _ value: TemplateValue, _ call: TemplateCall, greatest: Bool) throws(TemplateError) -> TemplateValue {
        let sensitive = call.flag(0, "case_sensitive", default: false)
        let all = try sorted(try elements(value, call), call, descending: greatest) { element throws(TemplateError) in
            try sortKey(element, call.argument(1, "attribute"), sensitive, call.line)
        }
        return all.first ?? .undefined("there is no element")
    }
}
