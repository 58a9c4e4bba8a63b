import NIOCore
import QuintetFiles

/// All open connections: how many an address has, and who is told when one goes.
final class Connections: Sendable {
    /// One connection's end, as seen by the one who answers on it.
    final class Line: Sendable {
        private struct State: ~Copyable {
            var isGone = false
            var next = 0
            var watchers: [(number: Int, call: @Sendable () -> Void)] = []
        }
        private let state = Guarded(State())
        let address: String

        init(address: String) { self.address = address }

        /// Calls `body` once the other side is gone, at once where it is already; the number takes it back.
        func whenGone(_ body: @escaping @Sendable () -> Void) -> Int {
            let (number, isGone) = state.withLock { state in
                state.next += 1
                if !state.isGone { state.watchers.append((state.next, body)) }
                return (state.next, state.isGone)
            }
            if isGone { body() }
            return number
        }

        func forget(_ number: Int) { state.withLock { state in state.watchers.removeAll { $0.number == number } } }

        func leave() {
            let watchers = state.withLock { state in
                state.isGone = true
                defer { state.watchers = [] }
                return state.watchers
            }
            for watcher in watchers { watcher.call() }
        }
    }

    private struct State: ~Copyable {
        var lines: [ObjectIdentifier: Line] = [:]
        var perAddress: [String: Int] = [:]
    }
    private let state = Guarded(State())
    private let perAddress: Int
    /// How many there may be; set when the server begins to listen.
    private let most = Guarded(Int.max)

    init(perAddress: Int) { self.perAddress = perAddress }

    func limit(to count: Int) { most.withLock { $0 = count } }

    /// Whether there are nearly as many as there may be: whoever comes now hears so instead of waiting for a place.
    var isCrowded: Bool {
        let most = most.withLock { $0 }
        return count > most - most / 4
    }

    var count: Int { state.withLock { $0.lines.count } }

    /// A line for a new connection; nil where its address has as many as it may.
    func open(_ channel: any Channel) -> Line? {
        let address = channel.remoteAddress?.ipAddress ?? "local"
        return state.withLock { state in
            let count = state.perAddress[address, default: 0]
            guard count < perAddress else { return nil }
            state.perAddress[address] = count + 1
            let line = Line(address: address)
            state.lines[ObjectIdentifier(channel)] = line
            return line
        }
    }

    func close(_ line: Line, _ channel: any Channel) {
        state.withLock { state in
            state.lines[ObjectIdentifier(channel)] = nil
            let left = state.perAddress[line.address, default: 1] - 1
            state.perAddress[line.address] = left > 0 ? left : nil
        }
        line.leave()
    }

    subscript(channel: any Channel) -> Line? { state.withLock { $0.lines[ObjectIdentifier(channel)] } }
}
