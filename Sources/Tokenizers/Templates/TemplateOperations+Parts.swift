// Attributes, items and slices
extension TemplateOperations {
    /// `value.name`: a method first, then a member.
    static func attribute(of value: TemplateValue, _ name: String, line: Int) throws(TemplateError) -> TemplateValue {
        if case .undefined(let hint) = value { throw TemplateError(.undefined, line: line, hint) }
        if let found = method(of: value, name) { return found }
        switch value {
        case .dict(let dict): return dict[name] ?? missing(value, name)
        case .namespace(let namespace): return namespace.values[name] ?? missing(value, name)
        case .loop(let loop): return loop[name] ?? missing(value, name)
        // What `groupby` gives are pairs with names; other pairs answer to them too, which no template asks.
        case .tuple(let pair) where pair.count == 2 && name == "grouper": return pair[0]
        case .tuple(let pair) where pair.count == 2 && name == "list": return pair[1]
        case .function(.cycler(let counter, let values)) where name == "current": return values[counter.count % values.count]
        case .function(.cycler) where name == "next": return value
        case .function(.macro(let macro)) where name == "arguments":
            return .tuple(macro.definition.parameters.map { .text($0.name) })
        case .function(.macro(let macro)) where name == "name": return .text(macro.definition.name)
        default: return missing(value, name)
        }
    }

    /// `value[key]`: a member first, then a method.
    static func item(of value: TemplateValue, _ key: TemplateValue, line: Int) throws(TemplateError) -> TemplateValue {
        switch value {
        case .undefined(let hint): throw TemplateError(.undefined, line: line, hint)
        case .dict(let dict): if let found = dict[key] { return found }
        case .list(let values), .tuple(let values): if let index = key.integer { return element(values, index) }
        case .string(let text):
            if let index = key.integer {
                guard let place = place(index, text.count) else { return .undefined("the string has no character \(index)") }
                return .string(TemplateText(units: [text.units[place]]))
            }
        default: break
        }
        guard let name = key.string?.string else { return .undefined("\(value.kind) has no such element") }
        return try attribute(of: value, name, line: line)
    }

    private static func element(_ values: [TemplateValue], _ index: Int) -> TemplateValue {
        place(index, values.count).map { values[$0] } ?? .undefined("the list has no element \(index)")
    }

    private static func place(_ index: Int, _ count: Int) -> Int? {
        guard index < count, index >= -count else { return nil }
        return index < 0 ? index + count : index
    }

    private static func method(of value: TemplateValue, _ name: String) -> TemplateValue? {
        TemplateMethods.has(value, name) ? .function(.method(TemplateValueBox(value), name)) : nil
    }

    private static func missing(_ value: TemplateValue, _ name: String) -> TemplateValue { .undefined("\(value.kind) has no attribute '\(name)'") }

    static func slice(_ value: TemplateValue, _ start: Int?, _ stop: Int?, _ step: Int?, line: Int) throws(TemplateError) -> TemplateValue {
        let step = step ?? 1
        if step == 0 { throw TemplateError(.type, line: line, "a slice with step 0") }
        switch value {
        case .string(let text): return .string(TemplateText(units: indices(text.count, start, stop, step).map { text.units[$0] }))
        case .list(let values): return .list(indices(values.count, start, stop, step).map { values[$0] })
        case .tuple(let values): return .tuple(indices(values.count, start, stop, step).map { values[$0] })
        case .undefined(let hint): throw TemplateError(.undefined, line: line, hint)
        default: throw TemplateError(.type, line: line, "a slice of \(value.kind)")
        }
    }

    /// The places a Python slice takes, in its order.
    private static func indices(_ count: Int, _ start: Int?, _ stop: Int?, _ step: Int) -> [Int] {
        let low = step > 0 ? 0 : -1
        let high = step > 0 ? count : count - 1
        func clamp(_ bound: Int) -> Int { min(max(bound < 0 && bound >= -count ? bound + count : bound < 0 ? low : bound, low), high) }
        let first = start.map(clamp) ?? (step > 0 ? low : high)
        let last = stop.map(clamp) ?? (step > 0 ? high : low)
        // A step beyond the count takes one element whatever its size, and cannot overflow.
        let stride = step > 0 ? min(step, count + 1) : max(step, -count - 1)
        return Array(Swift.stride(from: first, to: last, by: stride))
    }
}
