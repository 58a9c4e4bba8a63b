import QuintetFiles

/// A bell that one thread waits for and any thread rings; a ring while nobody waits is remembered.
final class Wakeup: Sendable {
    private let rung = Monitor(false)

    func ring() { rung.change { $0 = true } }

    /// Returns once it rings.
    func wait() { rung.wait(Self.answer) }

    /// Returns once it rings, or after `milliseconds`.
    func wait(milliseconds: Int) { rung.wait(milliseconds: milliseconds, Self.answer) as Void? }

    private static func answer(_ rung: inout Bool) -> Void? {
        defer { rung = false }
        return rung ? () : nil
    }
}
