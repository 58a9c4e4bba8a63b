import QuintetFiles

/// Numbers between bounds, as digits: every number that is written lies within.
enum SchemaNumbers {
    private static let digit = GrammarExpression.scalars(ScalarSet([0x30...0x39]))
    private static let firstDigit = GrammarExpression.scalars(ScalarSet([0x31...0x39]))

    private static func digits(_ min: Int, _ max: Int) -> GrammarExpression { .repeated(digit, min: min, max: max) }

    /// Up to 16 digits, which doubles hold nearly all of.
    private static let whole = GrammarExpression.choice([.text("0"), .sequence([firstDigit, digits(0, 15)])])

    static func integer(_ parts: SchemaParts) throws(ConstraintError) -> GrammarExpression {
        if let step = try parts.number("multipleOf"), step != 1 { return try multiples(of: step, parts) }
        guard let (low, high) = try bounds(parts, decimals: 0) else { return .sequence([.optional(.text("-")), whole]) }
        return try range(low, high, decimals: 0, parts)
    }

    static func number(_ parts: SchemaParts) throws(ConstraintError) -> GrammarExpression {
        if let step = try parts.number("multipleOf") {
            if step == 1 { return try integer(parts) }
            return try multiples(of: step, parts)
        }
        let decimals = try decimals(parts)
        guard let (low, high) = try bounds(parts, decimals: decimals) else {
            let fraction = GrammarExpression.optional(.sequence([.text("."), digits(1, 15)]))
            let sign = GrammarExpression.optional(.choice([.text("+"), .text("-")]))
            let exponent = GrammarExpression.optional(.sequence([.choice([.text("e"), .text("E")]), sign, digits(1, 2)]))
            return .sequence([.optional(.text("-")), whole, fraction, exponent])
        }
        return try range(low, high, decimals: decimals, parts)
    }

    /// Digits after the point: one more than the bounds have, so that there is room between them.
    private static func decimals(_ parts: SchemaParts) throws(ConstraintError) -> Int {
        var most = 0
        for key in ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"] {
            guard let bound = try parts.number(key) else { continue }
            let text = bound.magnitude.description
            guard bound == 0 || (1e-6..<1e12).contains(bound.magnitude), !text.contains("e") || bound.magnitude < 1 else {
                throw parts.fault(.unsupported, key, "a bound of this size")
            }
            most = max(most, text.contains("e") ? 9 : text.split(separator: ".").last.map { $0 == "0" ? 0 : $0.count } ?? 0)
        }
        guard most <= 9 else { throw parts.fault(.unsupported, "minimum", "a bound with more than 9 decimals") }
        return most + 1
    }

    /// The bounds times 10^decimals, both inclusive; nil where there are none.
    private static func bounds(_ parts: SchemaParts, decimals: Int) throws(ConstraintError) -> (Int?, Int?)? {
        var (low, high): (Int?, Int?) = (nil, nil)
        for (key, isLow, isOpen) in [("minimum", true, false), ("exclusiveMinimum", true, true), ("maximum", false, false), ("exclusiveMaximum", false, true)] {
            guard let bound = try parts.number(key) else { continue }
            guard let (floor, ceiling) = scaled(bound, decimals) else { throw parts.fault(.unsupported, key, "a bound of this size") }
            if isLow {
                let value = isOpen ? floor + 1 : ceiling
                low = max(low ?? value, value)
            } else {
                let value = isOpen ? ceiling - 1 : floor
                high = min(high ?? value, value)
            }
        }
        return low == nil && high == nil ? nil : (low, high)
    }

    /// The whole numbers below and above a number times 10^decimals, exactly: from its digits.
    private static func scaled(_ bound: Double, _ decimals: Int) -> (floor: Int, ceiling: Int)? {
        guard bound.magnitude < 1e15 else { return nil }
        var whole = bound.rounded(.towardZero).magnitude
        var scale = 1
        for _ in 0..<decimals {
            whole *= 10
            scale *= 10
        }
        // The fraction of a double has at most 52 bits: decimal digits of the shortest form give it exactly as it was written.
        let text = bound.magnitude.description
        guard let base = Int(exactly: whole), base < 1 << 61 else { return nil }
        var (fraction, inexact) = (0, false)
        if text.contains("e") {
            let value = bound.magnitude.truncatingRemainder(dividingBy: 1) * Double(scale)
            (fraction, inexact) = (Int(value.rounded(.down)), true)
        } else if let digits = text.split(separator: ".").last, digits != "0" {
            for place in 0..<decimals { fraction = fraction * 10 + (place < digits.utf8.count ? Int(Array(digits.utf8)[place] - 0x30) : 0) }
            inexact = Array(digits.utf8).dropFirst(decimals).contains { $0 != 0x30 }
        }
        let value = base + fraction
        if bound < 0 { return (-value - (inexact ? 1 : 0), -value) }
        return (value, value + (inexact ? 1 : 0))
    }

    /// Numbers whose value times 10^decimals lies within bounds; more digits may follow where they cannot leave them.
    private static func range(_ low: Int?, _ high: Int?, decimals: Int, _ parts: SchemaParts) throws(ConstraintError) -> GrammarExpression {
        let key = low != nil ? "minimum" : "maximum"
        if let low, let high, low > high { throw parts.fault(.unsatisfiable, keyOfBound(parts, key), "no number lies between the bounds") }
        var all: [GrammarExpression] = []
        if (high ?? 0) >= 0 { all += magnitudes(max(low ?? 0, 0), high, decimals) }
        if (low ?? -1) < 0 { all += magnitudes(max(-(high ?? -1), 1), low.map { -$0 }, decimals).map { .sequence([.text("-"), $0]) } }
        return .choice(all)
    }

    private static func keyOfBound(_ parts: SchemaParts, _ key: String) -> String {
        ["minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum"].first { parts.keywords[$0] != nil } ?? key
    }

    /// Texts of `low...high` over 10^decimals, for numbers >= 0; without `high`, up to 16 digits more.
    private static func magnitudes(_ low: Int, _ high: Int?, _ decimals: Int) -> [GrammarExpression] {
        var all: [GrammarExpression] = []
        let top = high ?? Int.max / 16
        var (start, length) = (low, String(low).utf8.count)
        while start <= top {
            let end = min(top, length >= 18 ? top : power(length) - 1)
            all.append(sameLength(padded(start, decimals), padded(end, decimals), decimals, 0))
            if length >= 18 || end == top { break }
            start = end + 1
            length += 1
            if high == nil, length > max(String(low).utf8.count, 16) { break }
        }
        return all
    }

    private static func power(_ digits: Int) -> Int { (0..<digits).reduce(1) { value, _ in value * 10 } }

    /// Digits with at least one before the point.
    private static func padded(_ value: Int, _ decimals: Int) -> [UInt8] {
        let digits = Array(String(value).utf8)
        return Array(repeating: 0x30, count: max(decimals + 1 - digits.count, 0)) + digits
    }

    /// Numbers between two of equal length, digit by digit, with the point where it belongs.
    private static func sameLength(_ low: [UInt8], _ high: [UInt8], _ decimals: Int, _ place: Int) -> GrammarExpression {
        if place == low.count { return .empty }
        let point: [GrammarExpression] = decimals > 0 && place == low.count - decimals ? [.text(".")] : []
        if low[place...].allSatisfy({ $0 == 0x30 }), high[place...].allSatisfy({ $0 == 0x39 }) { return .sequence(free(low.count, decimals, place)) }
        if low[place] == high[place] {
            return .sequence(point + [.text([low[place]]), sameLength(low, high, decimals, place + 1)])
        }
        var all: [GrammarExpression] = []
        let nines = [UInt8](repeating: 0x39, count: low.count), zeros = [UInt8](repeating: 0x30, count: low.count)
        all.append(.sequence(point + [.text([low[place]]), sameLength(low, nines, decimals, place + 1)]))
        if high[place] - low[place] > 1 {
            let between = GrammarExpression.scalars(ScalarSet([UInt32(low[place] + 1)...UInt32(high[place] - 1)]))
            all.append(.sequence(point + [between] + free(low.count, decimals, place + 1)))
        }
        all.append(.sequence(point + [.text([high[place]]), sameLength(zeros, high, decimals, place + 1)]))
        return .choice(all)
    }

    private static func free(_ count: Int, _ decimals: Int, _ place: Int) -> [GrammarExpression] {
        let point = count - decimals
        if decimals == 0 || place > point { return [.repeated(digit, min: count - place, max: count - place)] }
        return [.repeated(digit, min: point - place, max: point - place), .text("."), .repeated(digit, min: decimals, max: decimals)]
    }

    /// Whole multiples of a small whole number, by their remainders: one rule for each.
    private static func multiples(of step: Double, _ parts: SchemaParts) throws(ConstraintError) -> GrammarExpression {
        guard let whole = Int(exactly: step), (1...100).contains(whole) else { throw parts.fault(.unsupported, "multipleOf", "only whole numbers from 1 to 100") }
        if let bound = ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"].first(where: { parts.keywords[$0] != nil }) {
            throw parts.fault(.unsupported, bound, "together with multipleOf")
        }
        // All multiples below 1000, and those with up to 12 more digits where the step divides 1000: exact without a rule for each remainder.
        let small = stride(from: 0, through: 999, by: whole).map { GrammarExpression.text(String($0)) }
        var all: [GrammarExpression] = [.sequence([.optional(.text("-")), .choice(small)])]
        if 1000 % whole == 0 {
            let ends = stride(from: 0, through: 999, by: whole).map { value -> GrammarExpression in
                let text = String(value)
                return .text(String(repeating: "0", count: 3 - text.utf8.count) + text)
            }
            all.append(.sequence([.optional(.text("-")), firstDigit, digits(0, 11), .choice(ends)]))
        }
        return .choice(all)
    }
}
