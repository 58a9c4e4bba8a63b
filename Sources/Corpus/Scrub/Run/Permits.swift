internal import QuintetFiles

/// Lets so many threads at once do something; the others wait for one of them to end.
final class Permits: Sendable {
    private let left: Monitor<Int>
    init(_ count: Int) { left = Monitor(max(1, count)) }

    func hold<Value>(_ body: () throws -> Value) rethrows -> Value {
        left.wait { left -> Void? in
            if left == 0 { return nil }
            left -= 1
            return ()
        }
        defer { left.change { $0 += 1 } }
        return try body()
    }
}
